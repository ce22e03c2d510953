"""Nothing that content, answers, verdicts or requests say is markup on any page."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

import pyarrow as pa
import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.explorer.verdict_log import GivenVerdict, VerdictLog
from orchestration_assets.schemas.disagreement import REVIEW_QUEUE
from orchestration_assets.schemas.enums import Consequence
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    DECISION_LOG,
    DISAGREEMENTS,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
    DisagreementRow,
)
from resources.home import Home
from tests.explorer.attacks import ATTACKS, markup_in
from tests.explorer.serving import Served, serving_site, site_of
from tests.rows import row


def _file_names() -> Iterator[str]:
    for attack in ATTACKS:
        # a name holds neither of these
        yield attack.replace("/", "\u2215").replace("\0", "")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A home in which names, contents, answers, reasons, sentences and verdicts are attacks."""
    folder = tmp_path_factory.mktemp("attacked")
    source, path = folder / "source", folder / "home"
    source.mkdir()
    for number, (name, attack) in enumerate(zip(_file_names(), ATTACKS, strict=True)):
        text = f"# {attack}\n\nThis is the text that we had because of {attack}.\n\n{attack}\n"
        (source / f"{name}{number}.md").write_text(text, "utf-8")
    assert main(["run", str(source), "--home", str(path), "--json"]) == 0
    home = Home(path)
    (batch,) = home.tables.batches(CONTENT_MANIFEST.name)
    _spoil(home, batch)
    log = VerdictLog(home.verdicts)
    queue = list(REVIEW_QUEUE.rows(home.tables.read(REVIEW_QUEUE.name, batch)))
    for attack, asked in zip(ATTACKS, queue, strict=False):
        given = (asked.item_id, asked.task, attack, attack, "2026-01-01T00:00:00+00:00")
        log.give(GivenVerdict(*given, asked.content_hash, f"{batch}/1", attack))
        log.give(
            GivenVerdict(
                *given[:2], f"{attack} again", "Ada", *given[4:], asked.content_hash, attack
            )
        )
    for number, attack in enumerate(ATTACKS[:3]):
        policy = {"tasks": {attack: {"question": attack}}, "number": number}
        (home.policies / f"{number:016x}.json").write_text(json.dumps(policy))
    with serving_site(site_of(path, folder / "index", dagster="http://127.0.0.1:3000")) as served:
        yield served
    shutil.rmtree(folder)


def _spoil(home: Home, batch: str) -> None:
    """Puts an attack wherever a table of the batch holds words that a service may choose."""
    tables = home.tables
    for table, columns in (
        *((one, ("answer", "evidence", "reason")) for one in INTERPRETATIONS.values()),
        (RESOLUTIONS, ("answer", "reason")),
        (PROCESSING_PLANS, ("reason", "option")),
        (DECISION_LOG, ("reason", "action")),
        (REVIEW_QUEUE, ("answer", "question", "allowed")),
    ):
        data = tables.read(table.name, batch)
        for place, name in enumerate(columns):
            texts = [
                None if held is None else ATTACKS[(number + place) % len(ATTACKS)]
                for number, held in enumerate(data[name].to_pylist())
            ]
            at = data.schema.get_field_index(name)
            data = data.set_column(at, data.schema.field(at), pa.array(texts, pa.string()))
        tables.write(table, data, batch)
    disputes = [
        row(
            DisagreementRow,
            batch=batch,
            item_id=one.item_id,
            task=one.task,
            path=one.path,
            service_a=ATTACKS[number % len(ATTACKS)],
            service_b=f"z{number}",
            severity=0.5,
            consequence=Consequence.OTHER_LABEL,
            sentence=ATTACKS[number % len(ATTACKS)],
            nearby=ATTACKS[number % len(ATTACKS)],
        )
        for number, one in enumerate(RESOLUTIONS.rows(tables.read(RESOLUTIONS.name, batch)))
    ]
    tables.write(DISAGREEMENTS, rows_to_arrow(DISAGREEMENTS, disputes), batch)
    queue = [
        replace(one, choices=(attack,), disputes=(attack,), kinds=(attack,))
        for attack, one in zip(
            ATTACKS * 20,
            REVIEW_QUEUE.rows(tables.read(REVIEW_QUEUE.name, batch)),
            strict=False,
        )
    ]
    tables.write(REVIEW_QUEUE, rows_to_arrow(REVIEW_QUEUE, queue), batch)


def _ids(served: Served) -> list[str]:
    (held,) = served.site.index.batches
    return [f"{int(one):016x}" for one in held.ids]


def pages_of(served: Served) -> list[str]:
    """The addresses of every page that shows something of anybody's."""
    (held,) = served.site.index.batches
    pages = ["/", f"/batch/{held.batch}", "/items", "/items?disputed=1&sort=severity"]
    pages += ["/services", "/services/health", "/spending", "/policies", "/review/lessons"]
    pages += ["/review/name", *(f"/item/{one}" for one in _ids(served))]
    asked = served.site.desk.state(served.site.index).asked
    return [*pages, *(f"/review/{one.name}" for one in asked.open[:45])]


def test_no_page_about_what_is_attacked_holds_markup_of_others(attacked: Served) -> None:
    visitor = attacked.browser().named(ATTACKS[0])
    (held,) = attacked.site.index.batches
    assert held.facts.items == len(ATTACKS)
    for page in pages_of(attacked):
        answer = visitor.get(page)
        assert answer.status_code == 200, page
        assert markup_in(answer.text) == [], page
    after = "/items?sort=path"
    while after:
        text = visitor.get(after).text
        assert markup_in(text) == []
        after = text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_request_puts_markup_on_a_page(attacked: Served, attack: str) -> None:
    visitor = attacked.browser().named("Ada")
    names = ("q", "batch", "task", "status", "family", "outcome", "pair", "risk", "sort", "after")
    pages = [f"/items?{urlencode({name: attack})}" for name in names]
    pages += [f"/?{urlencode({'before': attack})}", f"/review?{urlencode({'said': attack})}"]
    pages += [f"/review/lessons?{urlencode({attack: attack})}"]
    for page in pages:
        answer = visitor.get(page)
        assert answer.status_code in (200, 400), page
        assert markup_in(answer.text) == [], page
    asked = attacked.site.desk.state(attacked.site.index).asked
    name, token = asked.open[-1].name, visitor.form_token("/review/name")
    for form in ({"choice": attack}, {"choice": "own", "own": attack * 500, "note": attack}):
        assert markup_in(visitor.post(f"/review/{name}", form, token).text) == []
    assert markup_in(visitor.post("/review/name", {"who": attack}, token).text) == []
    assert markup_in(visitor.get("/review/name").text) == []


def test_the_look_for_markup_finds_what_it_should() -> None:
    assert len(ATTACKS) >= 40
    found = [a for a in ATTACKS if markup_in(f'<p>{a}</p><p title="{a}"><a href="{a}">')]
    # the others do harm in templates, or in what is decoded twice
    assert len(found) >= 36
    assert markup_in('<a href="/items?q=a">x</a><input name="form_token" value="0f">') == []
