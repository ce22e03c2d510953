"""Questions go out as files, verdicts come back as gold, and what they teach is used."""

import csv
import html
import io
import json
import re

import pytest

from orchestration_assets.disagreement.calibration_registry import promoted_for
from orchestration_assets.evidence.label_model import artefact_name, pack
from resources.home import Home
from tests.graph.conftest import project_in

POLICY = """
version: 2
feedback: {settle_s: 0}
disagreement: {review: {accept_above: 0.995}}
services:
  stopwords: {implementation: stopwords}
  langid: {implementation: langid}
tasks:
  natural_language:
    question: In which language is it written?
    kind: label
    default: {model: parallel, services: [stopwords, langid]}
"""
SENTENCES = {
    "en": "The {} was carried over the bridge before it began to rain on the {}.",
    "fr": "Le {} a été porté sur le pont avant que la pluie ne tombe sur la {}.",
    "de": "Der {} wurde über die Brücke getragen, bevor es auf die {} zu regnen begann.",
}
WORDS = ("Moro", "Tasso", "Velin", "Korda", "Selin", "Baro", "Nadir")
ITEMS = 160


@pytest.fixture(scope="module")
def processed_once(tmp_path_factory):
    """A batch of sentences, processed, to be copied."""
    folder = tmp_path_factory.mktemp("sentences")
    source = folder / "sentences"
    source.mkdir()
    for n in range(ITEMS):
        language = list(SENTENCES)[n % 3]
        text = SENTENCES[language].format(f"{WORDS[n % 7]}{n}", WORDS[n % 5])
        (source / f"{language}_{n:03d}.txt").write_text(text)
    with project_in(folder) as project:
        project.write_policy(POLICY)
        (batch,) = project.take_in(source)
        project.succeeds("process_batch", batch)
        yield project, batch


@pytest.fixture
def processed(processed_once, project):
    made, batch = processed_once
    return made.copied_to(project), batch


def judged(project, batch: str) -> bytes:
    """Verdicts that hold the German sentences to be Low German, unlike both services."""
    rows = project.tables.read("resolutions", batch).to_pylist()
    lines = []
    for row in rows:
        language = row["path"][:2]
        verdict = "nds" if language == "de" else language
        lines.append(
            {
                "item": row["item_id"],
                "task": row["task"],
                "verdict": verdict,
                "who": "kim",
                "when": "2026-01-02",
            }
        )
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def bases(project, batch: str) -> set[str]:
    return set(project.tables.read("resolutions", batch)["risk_basis"].to_pylist())


def test_from_questions_to_gold_to_a_model_in_use_and_back(processed) -> None:
    project, batch = processed
    (before,) = bases(project, batch)
    assert before.startswith("stated confidences, unchecked: no calibration; 2 services")
    sheet = (project.home / "review" / f"{batch}.csv").read_text("utf-8-sig")
    questions = list(csv.DictReader(io.StringIO(sheet)))
    table = project.tables.read("review_queue", batch)
    # an id that reads like a number is marked as text
    asked = [one["item"].removeprefix("'") for one in questions]
    assert asked == table["item_id"].to_pylist()

    (project.home / "verdicts").mkdir(exist_ok=True)
    (project.home / "verdicts" / "kim.jsonl").write_bytes(judged(project, batch))
    project.succeeds("take_feedback", None)
    (row,) = project.tables.read("calibration").to_pylist()
    assert (row["gold"], row["promoted"]) == (ITEMS, True), row["reason"]
    assert row["brier"] < row["brier_before"]

    project.succeeds("reprocess", batch)
    used = f"calibration {row['version']}, {ITEMS - row['held_out']} verdicts"
    assert all(basis.startswith(used) for basis in bases(project, batch))
    risks = {
        one["path"][:2]: one["error_risk"]
        for one in project.tables.read("resolutions", batch).to_pylist()
    }
    assert risks["de"] > 3 * risks["en"]
    # what was judged is not asked again, and known to have been asked for certain
    queue = project.tables.read("review_queue", batch)
    assert set(queue["place"].to_pylist()) == {0}
    assert set(queue["probability"].to_pylist()) == {1.0}

    project.succeeds("corpus_reports", None)
    cards = {one["service"]: one for one in project.tables.read("service_scorecards").to_pylist()}
    assert set(cards) == {"stopwords", "langid"}
    assert 0.6 < cards["langid"]["accuracy"] < 0.7
    page = (project.home / "reports" / "services.html").read_text("utf-8")
    assert "Natural language" in page and "Coverage against risk" in page


def test_fifty_verdicts_are_given_from_the_sheet_alone(processed) -> None:
    """By letter, in words, with local dates, and saved by a spreadsheet in its own dialect."""
    project, batch = processed
    sheet = (project.home / "review" / f"{batch}.csv").read_text("utf-8-sig")
    page = (project.home / "reports" / f"{batch}-review.html").read_text("utf-8")
    shown = html.unescape(re.sub("<[^>]+>", "", page))
    lines = list(csv.DictReader(io.StringIO(sheet)))[:50]
    signs = {"en": "carried over", "fr": "porté sur", "de": "getragen"}
    for number, line in enumerate(lines, 1):
        content = line["content"].replace("»", "").replace("«", "")
        (language,) = (name for name, sign in signs.items() if sign in content)
        assert content in shown
        assert f'<li id="q{number}">' in page and line["number"] == str(number)
        letters = {one.split(") ")[1]: one[0] for one in line["choices"].splitlines()}
        line["verdict"] = "none of them" if language == "de" else letters.get(language, language)
        line["who"] = "kim"
        line["when"] = f"{number % 28 + 1}/1/2026"
    lines[-1]["verdict"] = "cannot tell"
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(lines[0]), delimiter="\t")
    writer.writeheader()
    writer.writerows(lines)
    (project.home / "verdicts").mkdir(exist_ok=True)
    (project.home / "verdicts" / "kim.txt").write_bytes(sink.getvalue().encode("utf-16"))
    project.succeeds("take_feedback", None)
    gold = project.tables.read("gold_labels").to_pylist()
    assert len(gold) == 49
    said = {"en": {"en"}, "fr": {"fr"}, "de": {"none of them"}}
    assert all(row["answer"] in said[row["path"][:2]] for row in gold)
    assert {(row["said_at"].month, row["said_at"].year) for row in gold} == {(1, 2026)}
    (row,) = project.tables.read("calibration").to_pylist()
    assert row["gold"] == 49 and row["basis"].startswith("49 verdicts of the review queue")
    assert row["brier_low"] <= row["brier"] <= row["brier_high"], row["reason"]


def test_verdicts_from_the_top_of_the_queue_tell_of_all_items(processed) -> None:
    """Half the questions are answered; both services are wrong on the German third."""
    project, batch = processed
    answered = project.tables.read("review_queue", batch).to_pylist()[:110]
    chances = {row["content_hash"]: row["size"] for row in answered}
    assert "accept" in {row["triage"] for row in answered}
    by_item = {line["item"]: line for line in map(json.loads, judged(project, batch).splitlines())}
    lines = [json.dumps(by_item[row["item_id"]]) for row in answered]
    (project.home / "verdicts").mkdir(exist_ok=True)
    (project.home / "verdicts" / "kim.jsonl").write_text("\n".join(lines))
    project.succeeds("take_feedback", None)
    (row,) = project.tables.read("calibration").to_pylist()
    assert row["gold"] == len(chances) == 110
    assert 20 < row["effective"] <= 110
    assert row["basis"] == "110 verdicts of the review queue, each weighed by its chance"
    for name in ("accuracy", "brier", "brier_change", "risk_gap"):
        assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
    project.succeeds("corpus_reports", None)
    rows = project.tables.read("resolutions", batch).to_pylist()
    for card in project.tables.read("service_scorecards").to_pylist():
        truth = sum(
            reading["answer"] == one["path"][:2] != "de"
            for one in rows
            for reading in one["readings"]
            if reading["service"] == card["service"]
        ) / len(rows)
        assert card["judged"] == 110
        assert card["accuracy_low"] <= truth <= card["accuracy_high"]
        assert "each weighed by its chance" in card["verdict"]


def test_a_changed_service_is_told_by_the_check_and_not_trusted(processed) -> None:
    project, batch = processed
    (project.home / "verdicts").mkdir(exist_ok=True)
    (project.home / "verdicts" / "kim.jsonl").write_bytes(judged(project, batch))
    assert _valid(project.succeeds("take_feedback", None)) is True
    registry = Home(project.home).models
    arrays, facts = pack(promoted_for(registry)("natural_language").model)
    name = artefact_name("natural_language")
    registry.promote(name, registry.store(name, arrays, facts | {"versions": ["0", "0"]}).version)
    project.succeeds("reprocess", batch)
    (basis,) = bases(project, batch)
    assert "is not valid, langid was 0 and is" in basis


def _valid(result) -> bool:
    (found,) = (one for one in result.get_asset_check_evaluations() if one.check_name == "valid")
    return found.passed
