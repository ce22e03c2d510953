"""From explored readings and gold to plans whose steps a trained model decides."""

import shutil
from datetime import UTC, datetime

import pyarrow as pa
import pytest
import yaml

from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from resources.home import Home
from resources.table_store import write_atomically
from tests.graph.conftest import project_in

SERVICES = ["extension_map", "grammar"]
PYTHON = "import sys\n\n\ndef main_{n}(one):\n    return [one, {n}]\n\n\nsys.exit(main_{n}(1))\n"
SHELL = '#!/usr/bin/env bash\nset -euo pipefail\nfor f in *.{n}; do\n  echo "$f"\ndone\n'


def policy(explore: float, services: list[str] = SERVICES, **more) -> str:
    task = {
        "question": "What kind of file is this?",
        "kind": "label",
        "learned": {"services": services, "explore": explore},
        "default": {"model": "sequential", "services": services, "stop_at": 0.95},
        **more,
    }
    named = {name: {"implementation": name} for name in SERVICES}
    return yaml.safe_dump({"version": 2, "services": named, "tasks": {"content_type": task}})


@pytest.fixture(scope="module")
def learned_once(tmp_path_factory):
    """Files that are what they seem or not, every one read by both services, and gold.

    The project has trained on them; it is to be copied. The row says what came of it.
    """
    folder = tmp_path_factory.mktemp("explored")
    source = folder / "files"
    source.mkdir()
    for n in range(160):
        # a third of the names lie
        suffix = "py" if n % 3 else "sh"
        text = PYTHON if n % 3 or n % 2 else SHELL
        (source / f"f{n:03d}.{suffix}").write_text(text.format(n=n))
    with project_in(folder) as project:
        project.write_policy(policy(explore=1.0))
        (batch,) = project.take_in(source)
        project.succeeds("process_batch", batch)
        plans = project.tables.read("processing_plans", batch).to_pylist()
        assert {plan["strategy"] for plan in plans} == {"explore"}
        judge(project, {plan["item_id"]: plan for plan in plans})
        yield project, batch, learn(project)


@pytest.fixture
def learned(learned_once, project):
    made, *facts = learned_once
    return made.copied_to(project), *facts


def judge(project, plans) -> None:
    """Gold as people would give it: what is in the file."""
    rows = []
    for line, (item_id, plan) in enumerate(plans.items(), start=1):
        n = int(plan["path"][1:4])
        answer = "python" if n % 3 or n % 2 else "shell"
        when = datetime(2026, 1, 1, tzinfo=UTC)
        rows.append(
            {
                "item_id": item_id,
                "path": plan["path"],
                "content_hash": plan["content_hash"],
                "task": "content_type",
                "kind": "label",
                "answer": answer,
                "who": "kim",
                "said_at": when,
                "file": "verdicts.csv",
                "line": line,
                "dissenters": [],
                "history": [],
            }
        )
    project.tables.write(GOLD_LABELS, rows_to_arrow(GOLD_LABELS, rows))


def learn(project) -> dict:
    result = project.succeeds("learn_selection", None)
    assert all(evaluation.passed for evaluation in result.get_asset_check_evaluations())
    (row,) = project.tables.read("selection_model").to_pylist()
    return row


def replan(project, batch) -> list[dict]:
    project.succeeds("reprocess", batch)
    return project.tables.read("processing_plans", batch).to_pylist()


def test_what_was_learned_decides_the_next_batch_and_says_why(learned) -> None:
    project, batch, row = learned
    assert (row["outcome"], row["best_single"]) == ("promoted", "grammar")
    assert (row["gold"], row["complete"]) == (160, 160)
    project.policy.write_text(policy(explore=0.0))
    plans = replan(project, batch)
    assert {plan["strategy"] for plan in plans} == {"learned"}
    assert {plan["artefact"] for plan in plans} == {row["version"]}
    assert all("right in 100.0% of unseen outcomes" in plan["reason"] for plan in plans)
    expected = {
        plan["path"][-2:]: one["expected_accuracy"]
        for plan in plans
        for one in plan["rejected"]
        if one["option"] == "always extension_map"
    }
    # names that end in sh lie, those in py do not
    assert expected["sh"] < 0.9 < expected["py"]
    resolved = project.tables.read("resolutions", batch).to_pylist()
    gold = {one["item_id"]: one["answer"] for one in project.tables.read("gold_labels").to_pylist()}
    assert all(one["answer"] == gold[one["item_id"]] for one in resolved)
    assert {one["risk_basis"] for one in resolved} == {
        f"learned model {row['version']}, calibrated on gold"
    }


def test_the_frontier_compares_every_policy_with_its_interval(learned) -> None:
    project, _, _ = learned
    rows = project.tables.read("selection_frontier").to_pylist()
    policies = {one["policy"] for one in rows if one["view"] == "frontier"}
    assert {"always grammar", "always extension_map", "random", "oracle", "learned"} <= policies
    assert {one["policy"] for one in rows if one["view"] == "service"} == set(SERVICES)
    without = next(one for one in rows if (one["view"], one["policy"]) == ("service", "grammar"))
    assert without["words"].startswith("without grammar: cost ")
    assert all(one["accuracy_low"] <= one["accuracy"] <= one["accuracy_high"] for one in rows)
    (rule,) = (one for one in rows if one["view"] == "rule")
    assert (rule["policy"], rule["items"]) == ("explore", 160)
    assert rule["regret"] is not None


def test_a_changed_service_is_not_trusted_until_it_was_evaluated_again(learned) -> None:
    project, batch, _ = learned
    registry = Home(project.home).models
    artefact = registry.usable("selection_model.content_type")
    described = dict(artefact.facts)
    older = {**described, "services": {**described["services"], "grammar": "0 before"}}
    registry.promote(artefact.name, registry.store(artefact.name, artefact.arrays, older).version)
    project.policy.write_text(policy(explore=0.0))
    (reason,) = {plan["reason"] for plan in replan(project, batch)}
    assert "grammar was 0 before and is " in reason and "default applies" in reason
    # the default asked too few services to learn from: the items are explored again
    project.policy.write_text(policy(explore=1.0))
    replan(project, batch)
    again = learn(project)
    project.policy.write_text(policy(explore=0.0))
    # the model of before is not what it is held against
    assert (again["outcome"], again["current"]) == ("promoted", "the default")
    assert {plan["strategy"] for plan in replan(project, batch)} == {"learned"}


def test_without_gold_the_default_decides_and_says_what_is_missing(learned) -> None:
    project, batch, _ = learned
    shutil.rmtree(project.home / "models")
    project.tables.write(GOLD_LABELS, GOLD_LABELS.schema.empty_table())
    row = learn(project)
    assert row["outcome"] == "none"
    assert "at least 120 are needed" in row["words"]
    project.policy.write_text(policy(explore=0.0))
    (reason,) = {plan["reason"] for plan in replan(project, batch)}
    assert reason == (
        "no rule holds and no learned model is promoted yet, so the task's default applies"
    )


def test_directives_come_before_rules_before_what_was_learned(learned) -> None:
    project, batch, _ = learned
    chosen = {"model": "sequential", "services": ["extension_map"]}
    project.policy.write_text(
        policy(
            explore=0.0,
            directives=[
                {"name": "trusted", "because": "named by us", "paths": ["f00*"], "choose": chosen}
            ],
            rules=[
                {
                    "name": "shell",
                    "because": "says so",
                    "when": {"extension": "sh"},
                    "choose": chosen,
                }
            ],
        )
    )
    by_path = {plan["path"]: plan for plan in replan(project, batch)}
    assert (by_path["f003.sh"]["strategy"], by_path["f003.sh"]["rule"]) == ("directive", "trusted")
    assert (by_path["f012.sh"]["strategy"], by_path["f012.sh"]["rule"]) == ("rules", "shell")
    assert by_path["f013.py"]["strategy"] == "learned"
    lost = {one["option"]: one for one in by_path["f003.sh"]["rejected"]}
    assert lost["learned"]["reason"] == "directive trusted holds"
    assert lost["learned"]["expected_accuracy"] == 1.0
    lost = {one["option"]: one["reason"] for one in by_path["f013.py"]["rejected"]}
    assert lost["trusted"] == "its paths do not match"


def test_an_artefact_that_was_tampered_with_stops_nothing_and_is_said(learned) -> None:
    project, batch, row = learned
    version = row["version"]
    (path,) = (project.home / "models" / "selection_model.content_type" / version).glob("*.npz")
    write_atomically(path, b"PK")
    project.policy.write_text(policy(explore=0.0))
    (reason,) = {plan["reason"] for plan in replan(project, batch)}
    assert "it is not what was stored" in reason
    assert pa.types.is_string(project.tables.read("processing_plans", batch)["reason"].type)
