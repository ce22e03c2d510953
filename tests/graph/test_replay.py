"""Another policy over what a real batch recorded."""

import json
from importlib.resources import files

import pytest
import yaml

from orchestration_assets.__main__ import main
from orchestration_assets.disagreement.replay import change
from tests.graph.test_learned_selection import judge
from tests.graph.test_taught import policy as taught_policy
from tests.graph.test_taught import write_texts


@pytest.fixture
def packaged() -> dict:
    return yaml.safe_load((files("orchestration_assets.policy") / "default.yaml").read_text())


@pytest.fixture
def replayed(again, tmp_path, capsys):
    project, _ = again

    def run(policy: dict) -> dict:
        path = tmp_path / "other.yaml"
        # the order of the fields of a record is part of the question
        path.write_text(yaml.safe_dump(policy, sort_keys=False))
        before = _calls(project)
        arguments = ["replay", "--policy", str(path), "--home", str(project.home), "--json"]
        assert main(arguments) == 0
        assert _calls(project) == before
        return {one["task"]: one for one in json.loads(capsys.readouterr().out)["tasks"]}

    return run


def _calls(project) -> list[str]:
    return sorted(path.name for path in (project.home / "tables" / "call_log").iterdir())


def test_the_same_policy_gives_the_same_answers_for_the_same_price(replayed, packaged) -> None:
    tasks = replayed(packaged)
    assert set(tasks) == set(packaged["tasks"])
    for one in tasks.values():
        assert one["answerable"] == one["questions"] > 0
        assert one["changed"] == 0
        assert one["calls"]["before"] == one["calls"]["after"]


def test_a_cheaper_policy_is_answered_from_the_log_with_its_interval(
    replayed, packaged, again
) -> None:
    project, batch = again
    packaged["tasks"]["content_type"]["rules"] = []
    packaged["tasks"]["content_type"]["default"] = {"model": "sequential", "services": ["grammar"]}
    found = replayed(packaged)["content_type"]
    assert found["answerable"] == found["questions"]
    assert found["calls"]["after"] == 1.0 < found["calls"]["before"]
    assert found["calls"]["low"] <= found["calls"]["after"] - found["calls"]["before"]
    assert found["accuracy"] is None
    plans = project.tables.read("processing_plans", batch).to_pylist()
    judge(project, {"x" * 16: dict(plans[0], path="f00")})
    assert replayed(packaged)["content_type"]["gold"] == 0


def test_what_was_never_asked_is_not_answerable_from_the_log(
    replayed, packaged, again, capsys, tmp_path
) -> None:
    packaged["tasks"]["content_type"]["rules"] = []
    packaged["tasks"]["content_type"]["default"] = {"model": "sequential", "services": ["magika"]}
    found = replayed(packaged)["content_type"]
    assert found["answerable"] < found["questions"]
    assert found["reasons"][0][0] == "magika as it is now was not asked about it"
    project, _ = again
    arguments = ["--policy", str(tmp_path / "other.yaml"), "--home", str(project.home)]
    assert main(["replay", *arguments]) == 0
    said = capsys.readouterr().out
    assert "not answerable from the log: magika as it is now was not asked about it" in said
    assert "accuracy    not answerable from the log: none of them has gold" in said


def test_rounds_over_parts_of_the_content_are_not_guessed(replayed, packaged) -> None:
    packaged["tasks"]["keywords"]["rules"] = []
    packaged["services"]["graph_keywords"] = {"implementation": "graph_keywords"}
    packaged["tasks"]["keywords"]["default"] = {
        "model": "iterative",
        "services": ["tfidf_keywords", "graph_keywords"],
        "rounds": {"first_chars": 200},
    }
    found = replayed(packaged)["keywords"]
    reasons = [words for words, _ in found["reasons"]]
    unanswered = found["questions"] - found["answerable"]
    assert (unanswered > 0) == (
        "its rounds read parts of the content, which no log holds" in reasons
    )


def test_vectors_that_cannot_be_read_leave_out_no_batch_where_nothing_is_learned(
    replayed, packaged, again
) -> None:
    project, batch = again
    for task in packaged["tasks"].values():
        task.pop("learned", None)
    before = replayed(packaged)
    project.tables.path("content_vectors", batch).write_bytes(b"damaged")
    assert replayed(packaged) == before != {}


def test_a_home_without_a_batch_says_what_to_do(tmp_path, capsys) -> None:
    path = tmp_path / "p.yaml"
    path.write_text((files("orchestration_assets.policy") / "default.yaml").read_text())
    assert main(["replay", "--policy", str(path), "--home", str(tmp_path / "none")]) == 2
    assert "run `orchestrate run SOURCE` first" in capsys.readouterr().err


def test_the_interval_of_a_change_is_that_of_the_pairs() -> None:
    found = change([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    assert (found.before, found.after, found.low, found.high) == (2.0, 3.0, 1.0, 1.0)
    assert change([1.0], [2.0]).low is None
    assert change([], []).before == 0.0


def test_what_a_taught_service_answered_is_replayed_whatever_it_knew_then(
    project, tmp_path, capsys
) -> None:
    write_texts(tmp_path / "texts", 300)
    project.write_policy(taught_policy(at_most=0.02))
    (batch,) = project.take_in(tmp_path / "texts")
    project.succeeds("process_batch", batch)
    rows = project.tables.read("sequential_interpretations", batch).num_rows
    arguments = ["replay", "--policy", str(project.policy), "--home", str(project.home), "--json"]
    capsys.readouterr()
    assert main(arguments) == 0
    (found,) = json.loads(capsys.readouterr().out)["tasks"]
    assert (found["questions"], found["answerable"], found["changed"]) == (300, 300, 0)
    assert found["calls"]["before"] == found["calls"]["after"] == pytest.approx(rows / 300)
    assert rows < 2 * 300
