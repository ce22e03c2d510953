"""A policy on trial in the graph: both at work in one batch, rolled back within it, and counted."""

from collections import Counter
from pathlib import Path

import pyarrow.compute as pc
import pytest

from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.rollout_state import RolloutStatus, begin, current_state
from orchestration_assets.schemas.rollout import Cohort
from orchestration_assets.schemas.tables import INTERPRETATIONS, TABLES
from resources.ai_services.drill.faults import Fault, FaultScript
from resources.home import Home
from tests.graph.conftest import Project, project_in

pytestmark = pytest.mark.slow

POLICY = """
version: 2
{rollout}
execution: {{budget_usd: {budget}}}
services:
  model:
    type: openai_chat
    base_url: {url}
    model: {model}
    price: {{input_usd: 10.0, output_usd: 20.0}}
    concurrency: 4
    retries: {{attempts: 1}}
    breaker: {{open_s: 0.1, wait_s: 0.5}}
    prompt: {{system: "{{{{ task.question }}}}", user: "{{{{ content }}}} by {model}"}}
tasks:
  tone:
    question: What is the tone?
    labels: [calm, angry]
    default: {{model: sequential, services: [model]}}
"""
ITEMS = 120
FINAL = [table.name for table in INTERPRETATIONS.values()] + ["decision_log", "resolutions"]


@pytest.fixture
def corpus(tmp_path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(ITEMS):
        (folder / f"{number:04d}.txt").write_text(f"The river was quiet on day {number}.\n")
    return folder


def tried(
    project: Project, url: str, rollout: str, budget: float = 100.0, *, narrow: bool = False
) -> None:
    """The project follows the model ``old``; ``new`` is tried against it, which asks the last task
    of the longest texts only where it is ``narrow``."""
    project.home.mkdir(parents=True, exist_ok=True)
    old = POLICY.format(rollout="", url=url, model="old", budget=budget)
    project.write_policy(old)
    new = project.home.parent / "new.yaml"
    new.write_text(
        POLICY.format(rollout=f"rollout: {rollout}", url=url, model="new", budget=budget)
    )
    if narrow:
        where = "    applies_to: {char_count: {gt: 31}}\n"
        new.write_text(new.read_text().rstrip() + "\n" + where)
    begin(Home(project.home), load_policy(project.policy), load_policy(new))


def carried_out(project: Project, corpus: Path):
    (batch,) = project.take_in(corpus)
    result = project.succeeds("process_batch", batch)
    checks = {
        (one.asset_key.to_user_string(), one.check_name): one
        for one in result.get_asset_check_evaluations()
    }
    failed = {key for key, one in checks.items() if not one.passed}
    return batch, result, checks[("rollout_decisions", "rollout")], failed


def without(tmp_path: Path, url: str, corpus: Path, script: FaultScript) -> dict:
    """The tables of the same content under the policy in force alone."""
    with project_in(tmp_path / "alone") as alone:
        alone.home.mkdir(parents=True)
        alone.write_policy(POLICY.format(rollout="", url=url, model="old", budget=100.0))
        (batch,) = alone.take_in(corpus)
        alone.succeeds("process_batch", batch)
        return {name: alone.tables.read(name, batch) for name in [*FINAL, "processing_plans"]}


def comparable(name: str, table, items=None):
    """The columns that no clock is in and no batch is named in, of these items or of all."""
    kept = [one for one in TABLES[name].stable_columns if one != "batch"]
    if items is not None:
        table = table.filter(pc.is_in(table["item_id"], pc.cast(items, "string")))
    added = {"rollout", "cohort", "trial_hash", "other_plan"}
    return table.select([one for one in kept if one not in added])


def test_a_brown_out_is_rolled_back_within_the_batch_as_if_nothing_had_been_tried(
    project, corpus, drill, tmp_path
) -> None:
    drill.script = FaultScript(faults=(Fault(kind="error", contains="by new", end=10**6),))
    tried(project, drill.url, "{share: 0.4, look_every: 5}")
    batch, result, check, failed = carried_out(project, corpus)
    state = current_state(Home(project.home))
    assert state.status is RolloutStatus.ROLLED_BACK
    assert failed == {("rollout_decisions", "rollout")}
    assert "errors beyond the limit" in check.description
    answers = project.tables.read("rollout_answers", batch).to_pylist()
    assert {row["cohort"] for row in answers} == {"returned"}
    assert not any(row["stands"] for row in answers)
    asked = [row for row in answers if row["asked"]]
    # far fewer were exposed than its share
    assert 5 <= len(asked) <= 0.75 * len(answers)
    assert check.metadata["undone"].value == len(asked)
    plans = project.tables.read("processing_plans", batch)
    assert plans["trial_hash"].null_count == plans.num_rows == ITEMS
    again = [
        event
        for event in result.all_events
        if event.is_step_materialization and event.asset_key.to_user_string() == "processing_plans"
    ]
    assert len(again) == 2
    assert again[1].materialization.metadata["items_taken_back"].value == len(answers)
    alone = without(tmp_path, drill.url, corpus, drill.script)
    for name, table in alone.items():
        assert comparable(name, project.tables.read(name, batch)).equals(comparable(name, table)), (
            name
        )
    # the next batch is not tried any more
    (corpus / "later.txt").write_text("A later text.\n")
    later, _, check, failed = carried_out(project, corpus)
    assert not failed and check.description == "no policy was tried on this batch"
    assert project.tables.read("rollout_answers", later).num_rows == 0


def copies_in(folder: Path) -> Path:
    """Thirty texts, each twice with one word of its own."""
    folder.mkdir()
    for number in range(30):
        words = " ".join(f"word{number}x{n}" for n in range(30))
        for copy in "ab":
            (folder / f"{number:02d}{copy}.txt").write_text(f"{words} {copy}\n")
    return folder


def test_near_copies_that_are_taken_back_share_answers_as_without_a_trial(
    project, tmp_path, drill, monkeypatch
) -> None:
    shared = POLICY + "features: {{share_answers: true, near_duplicate_at: 0.5}}\n"
    monkeypatch.setattr("tests.graph.test_rollout.POLICY", shared)
    corpus = copies_in(tmp_path / "copies")
    drill.script = FaultScript(faults=(Fault(kind="error", contains="by new", end=10**6),))
    tried(project, drill.url, "{share: 0.5, look_every: 5}")
    batch, _, _, _ = carried_out(project, corpus)
    assert current_state(Home(project.home)).status is RolloutStatus.ROLLED_BACK
    calls = sum(one.model == "old" for one in drill.log)
    # of two copies one was tried at most
    tried_ones = project.tables.read("rollout_answers", batch).to_pylist()
    pairs = Counter(row["path"][:2] for row in tried_ones if row["asked"])
    assert pairs and set(pairs.values()) == {1}
    for name, table in without(tmp_path, drill.url, corpus, drill.script).items():
        assert comparable(name, project.tables.read(name, batch)).equals(comparable(name, table)), (
            name
        )
    # copies are asked once, and once more alone
    assert sum(one.model == "old" for one in drill.log) == 2 * calls


def test_near_copies_of_the_canary_are_asked_once(project, tmp_path, drill, monkeypatch) -> None:
    shared = POLICY + "features: {{share_answers: true, near_duplicate_at: 0.5}}\n"
    monkeypatch.setattr("tests.graph.test_rollout.POLICY", shared)
    corpus = copies_in(tmp_path / "copies")
    tried(project, drill.url, "{share: 0.5}")
    batch, _, _, failed = carried_out(project, corpus)
    assert not failed
    rows = project.tables.read("rollout_answers", batch).to_pylist()
    assert len(rows) % 2 == 0 and all(row["stands"] for row in rows)
    asked = [row for row in rows if row["asked"]]
    assert len(asked) == len(rows) / 2 == sum(one.model == "new" for one in drill.log)
    shares = [row for row in rows if not row["asked"]]
    assert all("shared by a near-copy" in row["reason"] for row in shares)
    readings = project.tables.read("sequential_interpretations", batch).to_pylist()
    shared_from = {row["item_id"]: row["shared_from"] for row in readings}
    ids = {row["item_id"] for row in asked}
    assert all(shared_from[row["item_id"]] in ids for row in shares)


TOPIC = """
  after_all:
    question: Is there water?
    labels: [calm, angry]
    default: {{model: sequential, services: [model]}}
"""


def test_a_policy_that_asks_less_is_tried_and_taken_back_whole(
    project, corpus, drill, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("tests.graph.test_rollout.POLICY", POLICY + TOPIC)
    drill.script = FaultScript(faults=(Fault(kind="error", contains="by new", end=10**6),))
    tried(project, drill.url, "{share: 0.4, look_every: 5}", narrow=True)
    batch, _, _, failed = carried_out(project, corpus)
    assert failed == {("rollout_decisions", "rollout")}
    assert len(project.tables.read("processing_plans", batch)) == 2 * ITEMS
    for name, table in without(tmp_path, drill.url, corpus, drill.script).items():
        assert comparable(name, project.tables.read(name, batch)).equals(comparable(name, table)), (
            name
        )
    drill.script = FaultScript()
    with project_in(tmp_path / "well") as well:
        tried(well, drill.url, "{share: 0.4}", narrow=True)
        batch, _, _, failed = carried_out(well, corpus)
        assert not failed
        plans = well.tables.read("processing_plans", batch).to_pylist()
        less = {row["item_id"] for row in plans if row["cohort"] == Cohort.CANARY}
        tasks = Counter(row["item_id"] in less for row in plans if row["task"] == "after_all")
        assert 0 < tasks[True] < len(less) / 2
        assert tasks[False] == ITEMS - len(less)
        seen = _seen_in_the_end(well, batch)
        assert seen["errors"] == seen["latency"] == len(less)


def test_each_cohort_is_answered_by_its_policy_and_the_others_are_untouched(
    project, corpus, drill, tmp_path
) -> None:
    tried(project, drill.url, "{share: 0.3, least_items: 1}")
    batch, _, check, failed = carried_out(project, corpus)
    assert not failed
    assert "too few items to tell" in check.description
    plans = project.tables.read("processing_plans", batch).to_pylist()
    new = current_state(Home(project.home)).trial
    canary = {row["item_id"] for row in plans if row["cohort"] == Cohort.CANARY}
    assert 0.2 * ITEMS <= len(canary) <= 0.4 * ITEMS
    assert {row["trial_hash"] for row in plans if row["item_id"] in canary} == {new}
    assert all(row["trial_hash"] is None for row in plans if row["item_id"] not in canary)
    asked = {one.model for one in drill.log}
    assert asked == {"old", "new"}
    readings = project.tables.read("sequential_interpretations", batch).to_pylist()
    versions = {
        part: {row["service_version"] for row in readings if (row["item_id"] in canary) is part}
        for part in (True, False)
    }
    assert len(versions[True]) == len(versions[False]) == 1
    assert versions[True] != versions[False]
    alone = without(tmp_path, drill.url, corpus, drill.script)
    control = [row["item_id"] for row in plans if row["item_id"] not in canary]
    for name, table in alone.items():
        assert comparable(name, project.tables.read(name, batch), control).equals(
            comparable(name, table, control)
        ), name
    # a rerun agrees on who is in which cohort, and asks nobody again
    calls = len(drill.log)
    seen = _seen_in_the_end(project, batch)
    assert min(seen.values()) > 0
    project.succeeds("reprocess", batch)
    # what was seen of the batch is not lost, and does not count twice
    assert _seen_in_the_end(project, batch) == seen
    again = project.tables.read("processing_plans", batch).to_pylist()
    assert {row["item_id"] for row in again if row["cohort"] == Cohort.CANARY} == canary
    assert [one for one in drill.log[calls:] if not one.key.startswith("health-")] == []


def _seen_in_the_end(project: Project, batch: str) -> dict[str, int]:
    """Items by which errors and latency are compared, and those that a pass rests on."""
    rows = project.tables.read("rollout_decisions", batch).to_pylist()
    last = max(row["look"] for row in rows)
    seen = {row["metric"]: row["canary_items"] for row in rows if row["look"] == last}
    state = current_state(Home(project.home))
    return {"errors": seen["errors"], "latency": seen["latency"], "fresh": state.fresh}


def test_a_shadow_is_asked_and_the_answer_in_force_stands(project, corpus, drill, tmp_path) -> None:
    drill.script = FaultScript(answers={"by new": "angry", "by old": "calm"})
    tried(project, drill.url, "{share: 0.3, shadow: true}")
    batch, _, _, failed = carried_out(project, corpus)
    assert not failed
    rows = project.tables.read("rollout_answers", batch).to_pylist()
    assert rows and {row["cohort"] for row in rows} == {"shadow"}
    assert {(row["answer"], row["in_force"], row["differs"]) for row in rows} == {
        ("angry", "calm", True)
    }
    assert not any(row["stands"] for row in rows)
    decided = project.tables.read("rollout_decisions", batch).to_pylist()
    differences = [row for row in decided if row["metric"] == "differences"]
    assert differences[-1]["estimate"] == 1.0
    alone = without(tmp_path, drill.url, corpus, drill.script)
    for name, table in alone.items():
        assert comparable(name, project.tables.read(name, batch)).equals(comparable(name, table)), (
            name
        )


def test_a_policy_on_trial_spends_no_more_than_its_share(project, corpus, drill) -> None:
    tried(project, drill.url, "{share: 0.3}", budget=0.02)
    batch, _, _, failed = carried_out(project, corpus)
    assert not failed
    billed = {"old": 0.0, "new": 0.0}
    for one in drill.billed:
        if not one.key.startswith("health-"):
            billed[one.model] += one.tokens_in * 10e-6 + one.tokens_out * 20e-6
    assert 0.0 < billed["new"] <= 0.3 * 0.02 * 1.05
    assert billed["old"] + billed["new"] <= 0.02 * 1.05
    rows = project.tables.read("rollout_answers", batch).to_pylist()
    returned = [row for row in rows if row["cohort"] == Cohort.RETURNED]
    assert returned
    assert all("its share of the budget" in row["reason"] for row in returned)
    assert any(row["stands"] for row in rows)
