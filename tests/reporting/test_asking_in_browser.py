"""What people do with the page of a batch and with a comparison, in a real browser."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pytest

from orchestration_assets.reporting.batch_delta import batch_delta
from orchestration_assets.reporting.figures import batch_figures, report_row
from orchestration_assets.reporting.page import render_batch, render_delta
from orchestration_assets.reporting.question_outcomes import QuestionOutcome, outcomes
from tests.explorer.attacks import ATTACKS
from tests.explorer.browser import CHROMIUM, Browser, browsing
from tests.reporting.batches import BATCH, POLICY, SOURCE, synthetic_batch
from tests.reporting.test_page import hostile_batch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
]
_PICTURES = os.environ.get("ORCHESTRATION_TEST_PICTURES")
_FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
_ROWS = "[...document.querySelectorAll('#listed tbody tr')]"
_FOUND = "parseInt(document.getElementById('ask-found').textContent.replaceAll(',', ''))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as opened:
        yield opened


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return synthetic_batch(120)


@pytest.fixture(scope="module")
def page(tables: dict[str, pa.Table], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("pages") / "batch.html"
    _write(path, render_batch(report_row(BATCH, SOURCE, POLICY, tables), batch_figures(tables)))
    return path.as_uri()


def _write(path: Path, page: str) -> None:
    path.write_bytes(page.encode())


def _of(tables: dict[str, pa.Table]) -> list[QuestionOutcome]:
    names = ("resolutions", "disagreements", "call_log", "content_profiles")
    return outcomes(*(tables[name] for name in names))


def _set(browser: Browser, control: str, value: str) -> int:
    """Chooses in a filter; how many questions that leaves."""
    browser.run(
        f"(() => {{ const one = document.getElementById('ask-{control}'); one.value = "
        f"{json.dumps(value)}; one.dispatchEvent(new Event('change', {{bubbles: true}})); }})()"
    )
    assert browser.run(f"document.getElementById('ask-{control}').value") == value
    return int(browser.run(_FOUND))


_CONTRAST = "color-contrast"


def _serious(browser: Browser, where: str) -> list[Any]:
    """What axe-core finds that is serious or worse: of contrast in a part of the page, where that
    is looked at long enough; of all else everywhere."""
    found = find_spec("axe_core_python")
    if found is None or found.origin is None:
        pytest.skip("axe-core-python is not installed")
    browser.run(f"{(Path(found.origin).parent / 'axe.min.js').read_text('utf-8')};0")
    everywhere = _axe(browser, f"document, {{rules: {{'{_CONTRAST}': {{enabled: false}}}}}}")
    return everywhere + _axe(browser, f"{where!r}, {{runOnly: ['{_CONTRAST}']}}")


def _axe(browser: Browser, what: str) -> list[Any]:
    done = browser.call(
        "Runtime.evaluate",
        expression=f"axe.run({what}).then(found => found.violations.filter(one => ['serious', "
        "'critical'].includes(one.impact)).map(one => [one.id, one.nodes.map(node => node.html)]))",
        awaitPromise=True,
        returnByValue=True,
    )
    assert "exceptionDetails" not in done, done
    value: list[Any] = done["result"]["value"]
    return value


def _looked_at(browser: Browser, name: str) -> None:
    assert browser.run(_FITS), name
    assert (browser.dialogs, browser.violations) == ([], [])
    if _PICTURES:
        browser.picture(Path(_PICTURES) / f"{name}.png")


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (400, True)])
def test_a_page_is_asked(
    browser: Browser,
    tables: dict[str, pa.Table],
    page: str,
    tmp_path: Path,
    width: int,
    dark: bool,
) -> None:
    browser.resize(width, 900, dark=dark)
    browser.open(page)
    _search_and_filter(browser, tables, width)
    _matrices(browser, tables)
    _keys_and_address(browser, width)
    browser.resize(width, 900, dark=not dark)
    _comparison(browser, tmp_path / "delta.html", width)
    _with_other_means(browser, tmp_path / "small.html")
    _without_scripts(browser, page)


def _search_and_filter(browser: Browser, tables: dict[str, pa.Table], width: int) -> None:
    questions = tables["resolutions"].to_pylist()
    disputes = [one for one in tables["disagreements"].to_pylist() if one["consequence"] != "none"]
    assert browser.run(_FOUND) == len(questions)

    browser.press("/")
    word = questions[0]["path"].rpartition("/")[2][:8]
    browser.write(word.upper())
    texts = browser.run(f"{_ROWS}.map(row => row.innerText.toLowerCase())")
    assert texts and all(word in text for text in texts)
    browser.press("Escape")
    browser.click("#ask-clear")
    assert browser.run(_FOUND) == len(questions)

    disputed = {(one["item_id"], one["task"]) for one in disputes}
    assert _set(browser, "show", "disputed") == len(disputed)
    of_task = len([key for key in disputed if key[1] == "content_type"])
    assert 0 < _set(browser, "task", "content_type") == of_task
    assert "show=disputed" in browser.run("location.hash")
    kinds = {
        (one["item_id"], one["task"]): one for one in disputes if one["task"] == "content_type"
    }
    assert _set(browser, "kind", "other_label") == len(kinds)
    browser.run("document.getElementById('questions').scrollIntoView()")
    _looked_at(browser, f"filtered-{width}")


def _matrices(browser: Browser, tables: dict[str, pa.Table]) -> None:
    disputes = [one for one in tables["disagreements"].to_pylist() if one["consequence"] != "none"]
    first = disputes[0]
    pair = f"{first['service_a']}|{first['service_b']}"
    cell = f"[data-ask-pair='{pair}'][data-ask-show=disputed]:not([data-ask-family])"
    browser.click(f"{cell} button")
    between = [
        (one["item_id"], one["task"])
        for one in disputes
        if (one["service_a"], one["service_b"], one["task"]) == (*pair.split("|"), first["task"])
    ]
    assert browser.run(_FOUND) == len(between)
    assert browser.run("document.getElementById('ask-pair').value") == pair
    counted = browser.run(
        "(() => { const cell = document.querySelector('.confusion [data-ask-one] button');"
        "cell.closest('details').open = true; cell.click(); return parseInt(cell.innerText); })()"
    )
    assert browser.run(_FOUND) == counted > 0
    assert "says" in browser.run("document.getElementById('ask-found').textContent")


def _keys_and_address(browser: Browser, width: int) -> None:
    browser.click("#ask-clear")
    browser.press("j")
    browser.press("j")
    browser.press("j")
    browser.press("k")
    browser.press("Enter")
    opened = browser.run("document.querySelector('#listed tr.open th a').innerText")
    assert opened == browser.run(f"{_ROWS}[1].querySelector('th a').innerText")
    assert f"orchestrate explain '{opened}'" in browser.text()
    address = browser.run("location.href")
    _looked_at(browser, f"opened-{width}")
    browser.press("Escape")
    assert browser.run("document.querySelector('#listed tr.open')") is None
    browser.open("about:blank")
    browser.open(address)
    assert browser.run("document.querySelector('#listed tr.open th a').innerText") == opened
    assert browser.run("document.activeElement.closest('tr').className") == "open"

    assert browser.run("getComputedStyle(document.querySelector('.c-risk')).display") != "none"
    browser.click("[data-column=risk]")
    assert browser.run("getComputedStyle(document.querySelector('td.c-risk')).display") == "none"
    marks = "document.querySelectorAll('#listed mark').length"
    assert _set(browser, "task", "title") > 0 < browser.run(marks)


def _comparison(browser: Browser, path: Path, width: int) -> None:
    old, new = (_of(synthetic_batch(60, seed=seed)) for seed in (7, 8))
    delta = batch_delta(("batch a", old), ("batch b", new))
    _write(path, render_delta(delta))
    browser.open(path.as_uri())
    assert browser.run(_FOUND) == len(delta.questions)
    assert _set(browser, "show", "changed") == len(delta.changed) > 0
    risks = [
        (round(1000 * one.before.error_risk), round(1000 * (one.after.error_risk or 0)))
        for one in delta.questions
        if one.before and one.after and one.before.error_risk is not None
    ]
    assert _set(browser, "show", "riskier") == sum(now > was for was, now in risks) > 0
    assert "→" in browser.run(f"{_ROWS}[0].querySelector('.c-risk').innerText")
    _looked_at(browser, f"delta-{width}")
    assert _serious(browser, "#questions") == []


def _with_other_means(browser: Browser, path: Path) -> None:
    small = synthetic_batch(12)
    row = report_row(BATCH, SOURCE, POLICY, small)
    _write(path, render_batch(row, batch_figures(small)))
    browser.open(path.as_uri())
    browser.run("document.querySelectorAll('.more, .ask-columns').forEach(one => one.open = 1)")
    browser.press("j")
    browser.press("Enter")
    assert _serious(browser, "#questions") == []
    assert _axe(browser, f"'.label-by-label', {{runOnly: ['{_CONTRAST}']}}") == []


def _without_scripts(browser: Browser, page: str) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open("about:blank")
        browser.call("Page.navigate", url=page)
        browser.wait_for("document.readyState === 'complete' && location.protocol === 'file:'")
        text = browser.text()
        assert "Every question and its readings" in text
        assert browser.run(f"{_ROWS}.length") == 40
        assert "Clear all" not in text
        for caption in ("Agreement", "beyond chance", "Who sides with whom"):
            assert caption in text
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_no_attack_runs(browser: Browser, tmp_path: Path) -> None:
    browser.resize(1400, 900)
    tables = hostile_batch(*ATTACKS)
    totals = report_row(BATCH, SOURCE, POLICY, tables)
    row = replace(totals, source=ATTACKS[0], policy_hash=ATTACKS[1])
    sides = [(ATTACKS[2], _of(synthetic_batch(40, seed=3))), (ATTACKS[3], _of(tables))]
    pages = {
        "batch": render_batch(row, batch_figures(tables)),
        "delta": render_delta(batch_delta(sides[0], sides[1])),
    }
    for name, page in pages.items():
        _write(tmp_path / f"{name}.html", page)
        address = (tmp_path / f"{name}.html").as_uri()
        for attack in ATTACKS[:: 3 if name == "batch" else 1]:
            browser.open("about:blank")
            browser.open(
                f"{address}#{urlencode(dict.fromkeys(('text', 'item', 'one', 'kind'), attack))}"
            )
            assert browser.run("document.scripts.length") == 2, attack
        browser.open("about:blank")
        browser.open(address)
        more = "document.getElementById('ask-more')"
        browser.run(f"for (let n = 0; n < 20 && !{more}.hidden; n++) {more}.click()")
        # a browser takes it ill when its history is written too often
        for links in ("#listed th a", ".asks button"):
            found = f"[...document.querySelectorAll('{links}')].slice(0, 60)"
            browser.run(f"{found}.forEach(one => one.click())")
        browser.click("#ask-clear")
        browser.run(f"for (let n = 0; n < 20 && !{more}.hidden; n++) {more}.click()")
        assert browser.run(f"{_ROWS}.length") == tables["resolutions"].num_rows
        text = browser.text()
        plain = [attack for attack in ATTACKS if attack.isascii() and attack.isprintable()]
        assert all(attack[:12] in text for attack in plain)
        assert browser.run("document.scripts.length") == 2
        assert browser.run("document.querySelectorAll('img, iframe, form, object').length") == 0
        assert browser.run("performance.getEntriesByType('resource').length") == 0
        assert (browser.dialogs, browser.violations) == ([], [])
