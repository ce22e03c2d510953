"""The page shows the tables' numbers, whatever the content tries."""

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from selectolax.lexbor import LexborHTMLParser

from orchestration_assets.reporting import formatting
from orchestration_assets.reporting.dispute_cards import CardSources
from orchestration_assets.reporting.figures import batch_figures, report_row
from orchestration_assets.reporting.page import (
    BATCHES_SHOWN,
    MOST_BYTES,
    render_batch,
    render_index,
)
from orchestration_assets.schemas import tables as t
from orchestration_assets.schemas.enums import EntryOutcome, ProcessingModel, RejectReason, Status
from orchestration_assets.text.content_excerpts import GAP, ContentExcerpt, ExcerptPiece
from tests.reporting.batches import (
    BATCH,
    POLICY,
    SOURCE,
    as_tables,
    manifest_row,
    synthetic_batch,
)

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='x",
    "</style></title><h1>",
    "line\nbreak\r\ttab\x00",
    "right\u202eto\u2066left\u200b",
    "family \N{MAN}\u200d\N{GIRL} \N{PILE OF POO}",
    "{{ 7 * 7 }}{% raw %}",
    "e" + "\u0301" * 400,
    "https://example.org/" + "x" * 5000,
)


def page_of(tables: dict[str, pa.Table], **rest: str) -> str:
    row = report_row(BATCH, SOURCE, POLICY, tables)
    return render_batch(row, batch_figures(tables), **rest)


def numbers(html: str) -> dict[tuple[str, str], set[float]]:
    """Every tagged value on a page, by figure and what it is of."""
    found: dict[tuple[str, str], set[float]] = {}
    for node in LexborHTMLParser(html).css("[data-figure]"):
        key = node.attributes["data-figure"], node.attributes.get("data-of") or ""
        found.setdefault(key, set()).add(float(node.attributes["value"]))
    return found


def headings(html: str) -> list[int]:
    return [int(node.tag[1]) for node in LexborHTMLParser(html).css("h1, h2, h3, h4, h5, h6")]


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return synthetic_batch(600)


@pytest.fixture(scope="module")
def html(tables) -> str:
    return page_of(tables, generated_at="2026-11-21 10:52 UTC")


def test_numbers_on_the_page_are_those_of_the_tables(tables, html):
    rows = {name: table.to_pylist() for name, table in tables.items()}
    figures = numbers(html)
    assert all(len(values) == 1 for values in figures.values()), "one figure, two values"
    shown = {key: values.pop() for key, values in figures.items()}

    disputes = [one for one in rows["disagreements"] if one["consequence"] != "none"]
    outcomes = Counter(one["outcome"] for one in rows["content_manifest"])
    reasons = Counter((one["outcome"], one["reason"]) for one in rows["content_manifest"])
    states = Counter(one["status"] for one in rows["resolutions"])
    origins = Counter(one["origin"] for one in rows["call_log"])
    unprofiled = sum(one["status"] != "ok" for one in rows["content_profiles"])
    expected = {
        "listed": len(rows["content_manifest"]),
        "accepted": outcomes["accepted"],
        "rejected": outcomes["rejected"],
        "plans": len(rows["processing_plans"]),
        "readings": len(rows["interpretations"]),
        "calls": origins["called"],
        "cached": origins["cache"],
        "resolved": states["resolved"],
        "abstained": states["abstained"],
        "failed": states["failed"] + unprofiled,
        "disputed": len({(one["item_id"], one["task"]) for one in disputes}),
        "disputed_pairs": len(disputes),
        "without_consequence": len(rows["disagreements"]) - len(disputes),
        "profiled": outcomes["accepted"] - unprofiled,
        "both_sure": sum(min(one["confidence_a"], one["confidence_b"]) >= 0.9 for one in disputes),
    }
    assert {name: shown[name, ""] for name in expected} == expected
    for outcome, count in outcomes.items():
        assert shown["outcome", outcome] == count
    for (outcome, reason), count in reasons.items():
        assert reason is None or shown["reason", f"{outcome}|{reason}"] == count
    statuses = Counter(
        (r["task"], r["service"], r["status"]) for r in rows["interpretations"] if r["final"]
    )
    for key, count in statuses.items():
        assert shown["status", "|".join(key)] == count
    families = Counter(p["family"] for p in rows["content_profiles"] if p["status"] == "ok")
    for family, count in families.items():
        assert shown["family_items", family] == count
    pairs = Counter((d["task"], d["service_a"], d["service_b"]) for d in disputes)
    for (task, a, b), count in pairs.items():
        compared = shown["compared", f"{task}|{a}|{b}"]
        disagreed = shown.get(("disagreed_share", f"{task}|{b}|{a}"))
        if disagreed is None:
            disagreed = 1 - shown["agreed_share", f"{task}|{b}|{a}"]
        assert disagreed == pytest.approx(count / compared)
    models = Counter(plan["model"] for plan in rows["processing_plans"])
    for model, count in models.items():
        assert shown["model_questions", model] == count
    for service in {one["service"] for one in rows["call_log"]}:
        assert shown["service_called", service] == sum(
            (one["service"], one["origin"]) == (service, "called") for one in rows["call_log"]
        )


def test_written_numbers_are_their_values(html):
    for node in LexborHTMLParser(html).css("data[data-figure]"):
        text, value = node.text(), float(node.attributes["value"])
        if re.fullmatch(r"[\d,]+", text):
            assert float(text.replace(",", "")) == value


def test_says_how_much_is_left_out(tables, html):
    text = " ".join(LexborHTMLParser(html).body.text().split())
    for one in batch_figures(tables).leading.first:
        if one.others.total:
            assert f"{one.others.total} more with this cause" in text
    assert f"tables/disagreements/{BATCH}.parquet" in text


def test_disputes_come_before_any_statistics(html):
    tree = LexborHTMLParser(html)
    sections = [node.attributes.get("id") for node in tree.css("main section")]
    assert sections[:4] == [None, "disputes", "questions", "glance"]
    assert [node.text() for node in tree.css(".first h2")] == [
        *("What changed", "What is disputed", "What to do next")
    ]
    assert 0 < len(tree.css(".card")) <= 10
    assert not tree.css("#disputes details[open]"), "the lists behind stay folded"


def test_shares_of_few_are_written_as_counts():
    page = LexborHTMLParser(page_of(synthetic_batch(12)))
    named = "outcome_share family_share answered_share agreed_share disagreed_share".split()
    shares = [node for name in named for node in page.css(f"data[data-figure={name}]")]
    assert len(shares) > 20
    for node in shares:
        written = re.fullmatch(r"(\d+) of (\d+)", node.text().strip())
        assert written, node.text()
        part, whole = map(int, written.groups())
        assert float(node.attributes["value"]) == pytest.approx(part / whole)
    assert formatting.proportion(3, 7) == "3 of 7"
    assert formatting.proportion(30, 60) == "50%"


def test_every_kind_of_answer_and_every_model_has_its_place(html):
    tree = LexborHTMLParser(html)
    kinds = {node.text() for node in tree.css(".task h3 .soft")}
    assert kinds == {"label", "set", "text", "score", "vector"}
    assert [node.text() for node in tree.css(".models h3")] == [
        *("Sequential", "Parallel", "Iterative", "Hybrid")
    ]
    captions = " ".join(node.text() for node in tree.css("caption"))
    for caption in ("in rounds", "Waves", "Routes", "Judges and escalations", "Forecast"):
        assert caption in captions


def test_each_query_shows_the_rows_that_it_promises(tables, html, tmp_path):
    plans = tables["processing_plans"].to_pylist()
    model_of = {(plan["item_id"], plan["task"]): plan["model"] for plan in plans}
    readings = tables["interpretations"].to_pylist()
    stored = {name: table for name, table in tables.items() if name != "interpretations"}
    for model in ProcessingModel:
        own = [r for r in readings if model_of[r["item_id"], r["task"]] == model]
        schema = tables["interpretations"].schema
        stored[f"{model}_interpretations"] = pa.Table.from_pylist(own, schema)
    for name, table in stored.items():
        (tmp_path / "tables" / name).mkdir(parents=True)
        pq.write_table(table, tmp_path / "tables" / name / f"{BATCH}.parquet")
    queries = LexborHTMLParser(html).css("code.sql")
    assert len(queries) > 20
    with duckdb.connect() as connection:
        for query in queries:
            sql = query.text().replace("'tables/", f"'{tmp_path}/tables/")
            found = connection.execute(sql).fetchall()
            assert len(found) == int(query.attributes["data-rows"]), query.text()


def test_equal_figures_give_equal_bytes(tables):
    assert page_of(tables) == page_of(tables)


@pytest.mark.parametrize("entries", [0, 1, 40, 600])
def test_structure_is_sound(entries):
    html = page_of(synthetic_batch(entries))
    tree = LexborHTMLParser(html)
    levels = headings(html)
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    identifiers = [node.attributes["id"] for node in tree.css("[id]")]
    assert len(identifiers) == len(set(identifiers))
    targets = {node.attributes["href"][1:] for node in tree.css("a[href^='#']")}
    assert targets <= set(identifiers)
    labels = {node.attributes["aria-labelledby"] for node in tree.css("[aria-labelledby]")}
    assert labels <= set(identifiers)
    for table in tree.css("table"):
        assert table.css_first("caption").text().strip()
        assert all("scope" in head.attributes for head in table.css("th"))
    for drawing in tree.css("svg"):
        hidden = drawing.attributes.get("aria-hidden") == "true"
        assert hidden or drawing.attributes.get("aria-label")
    for node in tree.css(".bar rect, .plot rect"):
        assert 0 <= float(node.attributes["width"]) <= 240
        assert 0 < float(node.attributes["height"]) <= 80
    assert all(node.text().strip() != "None" for node in tree.css("td, data, span, small, bdi"))


def forbidden(html: str) -> list[str]:
    """Whatever could run or reach out."""
    tree = LexborHTMLParser(html)
    found = [node.tag for node in tree.css("link, img, iframe, object, embed, base, form")]
    found += [node.html[:80] for node in tree.css("script") if not is_ours(node.text(), tree)]
    for node in tree.css("*"):
        for name, value in node.attributes.items():
            if name.startswith("on") or name in ("src", "style", "srcset", "action", "data"):
                found.append(f"{node.tag} {name}")
            if name == "href" and not re.fullmatch(r"#[a-z]+(-\d+)?|[\w%.-]+\.html", value or ""):
                found.append(f"{node.tag} {name}={value}")
    style = tree.css_first("style").text()
    found += re.findall(r"url\(|@import|@font-face", style)
    return found


def is_ours(script: str, tree: LexborHTMLParser) -> bool:
    """Whether a script is the one that the page's policy admits, or data."""
    if script.startswith('{"shows":'):
        return bool(json.loads(script)["columns"])
    return f"script-src 'sha256-{digest_of(script)}';" in policy_of(tree)


def policy_of(tree: LexborHTMLParser) -> str:
    found = tree.css_first("meta[http-equiv='Content-Security-Policy']").attributes["content"]
    assert found is not None
    return found


def digest_of(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_asks_nothing_of_the_network(html):
    tree = LexborHTMLParser(html)
    assert forbidden(html) == []
    policy = policy_of(tree)
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest_of(tree.css_first('style').text())}'" in policy
    assert [node.attributes.get("type") for node in tree.css("script")] == [
        "application/json",
        None,
    ]
    assert "unsafe" not in policy


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_content_is_shown_and_does_nothing(text):
    tables = hostile_batch(text)
    row = replace(report_row(BATCH, text, text, tables), batch="b1")
    html = render_batch(row, batch_figures(tables), generated_at=text)
    tree = LexborHTMLParser(html)
    assert forbidden(html) == []
    assert headings(html).count(1) == 1
    assert len(tree.css("main")) == len(tree.css("footer")) == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069\u200b]", html)
    assert len(html) < 600_000
    assert text not in html or not re.search("[<>'\"\n]", text)
    says = tree.css_first(".says bdi").text()
    assert text[:4] in says
    assert "\n" not in says
    assert forbidden(render_index([replace(row, batch=text)])) == []


def test_lone_surrogates_are_written_out(tables):
    row = replace(report_row(BATCH, SOURCE, POLICY, tables), source="file:///a\udcff\ud800b")
    html = render_batch(row, batch_figures(tables))
    assert html.encode("utf-8")
    assert r"file:///a\udcff\ud800b" in html
    assert render_index([replace(row, batch="b\ud800")]).encode("utf-8")


def hostile_batch(*texts: str) -> dict[str, pa.Table]:
    """A batch of which everything that comes from outside is one of the given texts."""
    tables = synthetic_batch(40, seed=3)
    changed = {
        "content_manifest": ("path", "detail", "address"),
        "content_profiles": ("path", "family", "extension", "language_guess", "reason"),
        "processing_plans": ("reason", "path"),
        "interpretations": ("answer", "answer_set", "evidence", "reason"),
        "decision_log": ("answer", "reason"),
        "resolutions": ("path", "answer", "answer_set", "reason"),
        "disagreements": (
            "path",
            "answer_a",
            "answer_b",
            "only_a",
            "only_b",
            "evidence",
            "sentence",
        ),
    }
    for name, columns in changed.items():
        rows = tables[name].to_pylist()
        for number, row in enumerate(rows):
            for place, column in enumerate(columns):
                text = texts[(number + place) % len(texts)]
                # two different answers stay different
                ending = f" {number % 2}" if column.startswith("answer") else ""
                if isinstance(row[column], list):
                    row[column] = [f"{text} {member}" for member in range(len(row[column]))]
                elif row[column] is not None:
                    row[column] = text + ending
        tables[name] = pa.Table.from_pylist(rows, tables[name].schema)
    return tables


def test_a_batch_of_rejects_alone_renders():
    rejects = [
        manifest_row(
            f"i{n}", f"p{n}", EntryOutcome.REJECTED, reason=RejectReason.EMPTY, detail="empty"
        )
        for n in range(5)
    ]
    html = page_of(as_tables({"content_manifest": rejects}))
    shown = numbers(html)
    assert shown["reason", "rejected|empty"] == {5.0}
    assert shown["accepted", ""] == {0.0}
    text = LexborHTMLParser(html).body.text()
    assert "No question was answered" in text
    assert "No two services gave answers that differ with a consequence" in text


def test_services_that_all_fail_render():
    failing = synthetic_batch(30)
    rows = failing["interpretations"].to_pylist()
    for row in rows:
        row |= {"status": Status.TIMEOUT.value, "answer": None, "confidence": None}
        row |= {"answer_set": None, "answer_score": None, "answer_vector": None}
    failing["interpretations"] = pa.Table.from_pylist(rows, failing["interpretations"].schema)
    failing["disagreements"] = failing["disagreements"].slice(0, 0)
    rows = failing["resolutions"].to_pylist()
    for row in rows:
        row |= {"status": "failed", "answer": None, "error_risk": None, "spread": None}
        row |= {"answer_set": None, "answer_score": None, "answer_vector": None}
        row |= {"supporters": [], "dissenters": [], "reason": "every service timed out"}
    failing["resolutions"] = pa.Table.from_pylist(rows, failing["resolutions"].schema)
    html = page_of(failing)
    assert numbers(html)["resolved", ""] == {0.0}
    assert "every service timed out" in html


@pytest.mark.slow
def test_stays_small_at_ten_thousand_items():
    """The list of questions is as long as fits, so what else a page holds must not grow: to make up
    ten thousand items takes half a minute."""
    some, more = (len(page_of(synthetic_batch(items)).encode()) for items in (3_000, 4_000))
    assert max(some, more) <= MOST_BYTES
    assert more - some < 5_000


def report_rows(count: int) -> list[t.ReportRow]:
    row = report_row(BATCH, SOURCE, POLICY, synthetic_batch(80))
    return [replace(row, batch=f"2026{n:08d}", accepted=row.accepted + n) for n in range(count)]


def test_index_adds_up_and_links_newest_first():
    rows = report_rows(7)
    html = render_index(rows)
    shown = numbers(html)
    assert shown["batches", ""] == {7.0}
    for name in ("accepted", "listed", "disputed", "without_consequence", "calls", "failed"):
        assert shown[f"total_{name}", ""] == {float(sum(getattr(row, name) for row in rows))}
    links = [n.attributes["href"] for n in LexborHTMLParser(html).css("tbody a")]
    assert links == [f"{row.batch}.html" for row in reversed(rows)]
    assert len(LexborHTMLParser(html).css("polyline")) == 6
    assert forbidden(html) == []


@pytest.mark.parametrize("count", [0, 1, BATCHES_SHOWN + 5])
def test_index_of_none_one_and_many(count):
    html = render_index(report_rows(count))
    assert headings(html).count(1) == 1
    assert len(LexborHTMLParser(html).css("tbody tr")) == min(count, BATCHES_SHOWN)
    assert (f"Showing {BATCHES_SHOWN} of" in html) == (count > BATCHES_SHOWN)
    assert len(html) < 2_000_000


class _Contents:
    """The same content for every item."""

    def excerpt(self, item_id, votes):
        tabbed = ExcerptPiece("\tone\ttab"), ExcerptPiece(GAP), ExcerptPiece("two", marked=True)
        return ContentExcerpt(tabbed)

    def metadata(self, item_id):
        return ()

    def description(self, item_id):
        return ""


def test_an_excerpt_is_shown_with_its_tabs_as_spaces_and_each_section_by_itself(tables):
    figures = batch_figures(tables, CardSources(contents=_Contents()))
    page = LexborHTMLParser(render_batch(report_row(BATCH, SOURCE, POLICY, tables), figures))
    quotes = page.css("blockquote")
    assert quotes
    for quote in quotes:
        assert quote.text() == "    one    tab…two"
        assert [gap.text() for gap in quote.css(".gap")] == [GAP]


def test_no_card_shows_what_services_quote_where_content_is_hidden(tables):
    rows = tables["interpretations"].to_pylist()
    quoting = [{**row, "evidence": "it says “zebra crossing”"} for row in rows]
    schema = tables["interpretations"].schema
    kinds = [
        {**row, "evidence": "it mocks the zebra"} for row in tables["dispute_kinds"].to_pylist()
    ]
    told = {
        **tables,
        "interpretations": pa.Table.from_pylist(quoting, schema),
        "dispute_kinds": pa.Table.from_pylist(kinds, tables["dispute_kinds"].schema),
    }
    row = report_row(BATCH, SOURCE, POLICY, told)
    page = render_batch(row, batch_figures(told, CardSources()))
    assert "zebra crossing" in page and "mocks the zebra" in page
    hidden = CardSources(hidden_metadata=None)
    assert "zebra" not in render_batch(row, batch_figures(told, hidden))
