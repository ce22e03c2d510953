"""Records from batch to batch: asked about, judged, learned from, and replayed."""

import json

import pytest
import yaml

from orchestration_assets.__main__ import main
from resources.ai_services.drill.server import serving
from tests.graph.conftest import project_in
from tests.graph.test_records import Extractors, invoice, policy

COUNT = 30


def truth(number: int) -> dict:
    return {
        "number": str(1000 + number),
        "date": f"2026-05-{number + 1:02}",
        "total": 3 * number + 7.25,
        "lines": [
            {"item": "pen", "amount": number + 2.0},
            {"item": "ink", "amount": number + 3.5},
        ],
    }


def replayed(project, text: str, capsys) -> dict:
    path = project.home.parent / "other.yaml"
    path.write_text(text)
    capsys.readouterr()
    assert main(["replay", "--policy", str(path), "--home", str(project.home), "--json"]) == 0
    found = {one["task"]: one for one in json.loads(capsys.readouterr().out)["tasks"]}
    return found


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A project with two batches, all of whose questions about the first are answered; one of them
    by naming a single entry."""
    folder = tmp_path_factory.mktemp("taught")
    for name in ("first", "second"):
        (folder / name).mkdir()
        for number in range(COUNT):
            (folder / name / f"{number:02}.txt").write_text(f"{name}\n{invoice(number)}")
    server = Extractors()
    with serving(server) as url, project_in(folder) as project:
        text = policy(url, validate=[], quotes=False)
        project.write_policy(text)
        (batch,) = project.take_in(folder / "first")
        project.succeeds("process_batch", batch)
        asked = (project.home / "review" / f"{batch}.jsonl").read_text().splitlines()
        lines = []
        for question in map(json.loads, asked):
            number = int(question["path"][:2])
            said = json.dumps(truth(number))
            if number == 4:
                said = f"lines[1].amount: {number + 3.5}; total: {truth(number)['total']}"
            lines.append(question | {"verdict": said, "who": "kim", "when": "2026-01-02"})
        (project.home / "verdicts").mkdir(exist_ok=True)
        file = project.home / "verdicts" / "sheet.jsonl"
        file.write_text("\n".join(map(json.dumps, lines)))
        assert main(["verdicts", "check", str(file), *places(project)]) == 0
        project.succeeds("take_feedback", None)
        project.succeeds("calibrate", None)
        (second,) = project.take_in(folder / "second")
        project.succeeds("process_batch", second)
        yield project, text, second


def places(project) -> list[str]:
    return ["--policy", str(project.policy), "--home", str(project.home)]


def test_verdicts_are_promoted_and_settle_the_next_batch(taught) -> None:
    project, _, second = taught
    (row,) = project.tables.read("calibration").to_pylist()
    assert row["task"] == "invoice" and row["promoted"], row["reason"]
    assert row["services"] == ["careful", "hasty", "sparse"] and row["gold"] == COUNT
    basis = {one["risk_basis"] for one in project.tables.read("resolutions", second).to_pylist()}
    assert len(basis) == 1
    assert f"{COUNT} verdicts judge 6 fields of these" in basis.pop()
    project.succeeds("corpus_reports", None)
    page = (project.home / "reports" / "services.html").read_text()
    assert "each settled with the verdicts of the other half" in page


def test_a_verdict_about_one_entry_is_gold_under_the_path_that_was_shown(taught) -> None:
    project, _, _ = taught
    gold = {row["path"]: row for row in project.tables.read("gold_labels").to_pylist()}
    assert gold["04.txt"]["answer"] == "total: 19.25; lines[1].amount: 7.5"
    (entry,) = json.loads(gold["04.txt"]["answer_record"])["entries"]
    assert entry["stood"] == {"item": "ink", "amount": 7.5}


def test_a_path_of_no_entry_is_refused_before_it_is_dropped(taught, capsys) -> None:
    project, _, _ = taught
    file = project.home.parent / "wrong.jsonl"
    path = str(project.home.parent / "second" / "04.txt")
    said = {"item": path, "task": "invoice", "who": "kim", "when": "2026-01-01"}
    file.write_text(json.dumps(said | {"verdict": "lines[9]: none"}))
    assert main(["verdicts", "check", str(file), *places(project)]) == 2
    assert "lines has 2 entries that stand, lines[0] to lines[1]" in capsys.readouterr().err


def test_differences_are_named_as_the_record_that_stands_names_them(taught) -> None:
    project, _, second = taught
    stands = {
        (row["item_id"], one["path"]): one
        for row in project.tables.read("resolutions", second).to_pylist()
        for one in row["fields"]
    }
    disputed = project.tables.read("disagreements", second).to_pylist()
    named = [(row["item_id"], one) for row in disputed for one in row["fields"]]
    assert named
    for item, one in named:
        assert (item, one["path"]) in stands
        if one["path"] == "total":
            assert stands[item, "total"]["value"] in (one["value_a"], one["value_b"])


def test_the_same_policy_replays_to_the_same_records_with_their_accuracy(taught, capsys) -> None:
    project, text, _ = taught
    found = replayed(project, text, capsys)["invoice"]
    assert (found["questions"], found["answerable"], found["changed"]) == (2 * COUNT, 2 * COUNT, 0)
    assert found["gold"] == COUNT
    assert found["accuracy"]["before"] == found["accuracy"]["after"] == pytest.approx(1.0)


def test_another_policy_is_replayed_with_its_chain_and_says_what_was_never_asked(
    taught, capsys
) -> None:
    project, text, _ = taught
    other = yaml.safe_load(text)
    other["tasks"]["invoice"]["default"] = {"model": "sequential", "services": ["hasty"]}
    found = replayed(project, yaml.safe_dump(other, sort_keys=False), capsys)["invoice"]
    # every third subtotal is taken for the total: one value of eight
    assert found["changed"] == 2 * COUNT // 3
    assert found["accuracy"]["after"] == pytest.approx(1.0 - 1 / 3 / 8, abs=0.02)
    other["tasks"]["invoice"]["applies_to"] = {"answers.kind": "bill"}
    other["tasks"]["kind"] = {
        "question": "What is it?",
        "kind": "label",
        "labels": ["bill", "letter"],
        "default": {"model": "sequential", "services": ["careful"]},
    }
    found = replayed(project, yaml.safe_dump(other, sort_keys=False), capsys)
    assert found["invoice"]["answerable"] == 0
    ((why, count),) = found["invoice"]["reasons"]
    assert count == 2 * COUNT and why.startswith("kind, which comes before it, has no answer")


def test_outcomes_of_records_train_what_to_ask(taught) -> None:
    project, text, _ = taught
    learned = yaml.safe_load(text)
    learned["tasks"]["invoice"]["learned"] = {"services": ["careful", "hasty", "sparse"]}
    before = project.policy.read_text()
    project.write_policy(yaml.safe_dump(learned, sort_keys=False))
    try:
        project.succeeds("learn_selection", None)
        scores = {}
        for row in project.tables.read("outcomes").to_pylist():
            scores.setdefault(row["service"], []).append(row["score"])
        assert {name: len(one) for name, one in scores.items()} == dict.fromkeys(scores, COUNT)
        assert min(scores["careful"]) == 1.0 > min(scores["hasty"]) > 0.5
        (row,) = project.tables.read("selection_model").to_pylist()
        assert row["task"] == "invoice" and row["gold"] == COUNT
    finally:
        project.write_policy(before)
