"""A batch that is carried out again, stopped or finished: its taught service begins as it did."""

import time
from pathlib import Path

import dagster as dg
import pytest
import yaml

from orchestration_assets.processing.taught_audits import audits_of
from orchestration_assets.processing.taught_models import artefact_name
from orchestration_assets.schemas.tables import DECISION_LOG, INTERPRETATIONS
from orchestration_assets.services.taught.taught_service import AUDIT, LESSON
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import serving
from resources.home import Home
from tests.forked import forked, kill
from tests.graph.conftest import Project, project_in
from tests.graph.test_taught import policy as embedded_policy
from tests.graph.test_taught import write_texts
from tests.graph.test_taught_by_a_server import Teacher, policy


def stable(project: Project, batch: str) -> dict[str, list[dict]]:
    """The tables that carrying out plans yields, without clocks and names of batches."""
    found = {}
    for table in (*INTERPRETATIONS.values(), DECISION_LOG):
        stored = project.tables.read(table.name, batch)
        kept = [name for name in table.stable_columns if name != "batch"]
        found[table.name] = stored.select(kept).to_pylist()
    return found


def reasons(project: Project, batch: str) -> dict[str, str]:
    rows = project.tables.read("sequential_interpretations", batch).to_pylist()
    return {row["item_id"]: row["reason"] or "" for row in rows if row["service"] == "pupil"}


def prepare(folder: Path, source: Path, text: str) -> str:
    folder.mkdir()
    with project_in(folder) as project:
        project.write_policy(text)
        (batch,) = project.take_in(source)
    return batch


def carry_out(folder: Path, batch: str) -> None:
    # it may be killed: nothing of it is left but its home
    with dg.DagsterInstance.ephemeral() as instance:
        project = Project(folder / "home", instance, folder / "policy.yaml")
        instance.add_dynamic_partitions("content_batches", [batch])
        project.succeeds("process_batch", batch)


@pytest.mark.parametrize("into", ["lessons", "audits"])
def test_after_a_kill_it_has_the_same_lessons_and_audits_as_without(into, tmp_path) -> None:
    write_texts(tmp_path / "texts", 600)
    server, untouched = Teacher(FaultScript(median_ms=10)), Teacher()
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    with serving(server) as url, serving(untouched) as other:
        batch = prepare(killed, tmp_path / "texts", policy(url))
        child = forked(carry_out, killed, batch)
        models = Home(killed / "home").models

        def is_there() -> bool:
            if into == "lessons":
                return len(server.log) > 75
            return models.current(artefact_name("pupil")) is not None and len(server.log) > 158

        while not is_there():
            assert child.is_alive(), "the run ended before it could be killed"
            time.sleep(0.005)
        kill(child)
        carry_out(killed, batch)
        first = prepare(whole, tmp_path / "texts", policy(other))
        carry_out(whole, first)
    with project_in(killed) as again, project_in(whole) as without:
        told = reasons(again, batch)
        assert sum(reason.startswith(LESSON) for reason in told.values()) == 150
        assert sum(reason == AUDIT for reason in told.values()) > 10
        assert told == reasons(without, first)
        assert stable(again, batch) == stable(without, first)


def test_a_finished_batch_that_is_carried_out_again_yields_the_same_tables(project) -> None:
    folder = project.home.parent / "texts"
    write_texts(folder, 400)
    project.write_policy(embedded_policy(at_most=0.02))
    (batch,) = project.take_in(folder)
    project.succeeds("process_batch", batch)
    before = stable(project, batch)
    project.succeeds("process_batch", batch)
    assert stable(project, batch) == before
    write_texts(folder.parent / "more", 200, seed=2)
    (second,) = project.take_in(folder.parent / "more")
    project.succeeds("process_batch", second)
    project.succeeds("learn_selection", None)
    in_force = Home(project.home).models.current(artefact_name("pupil"))
    project.succeeds("process_batch", batch)
    assert stable(project, batch) == before
    assert Home(project.home).models.current(artefact_name("pupil")) == in_force


def test_with_two_that_are_taught_one_task_it_yields_the_same_tables_again(project) -> None:
    folder = project.home.parent / "texts"
    write_texts(folder, 700)
    raw = yaml.safe_load(embedded_policy(at_most=0.02, audit_share=0.1))
    raw["services"]["strict"] = raw["services"]["pupil"] | {"at_most": 0.01}
    every = {"model": "sequential", "services": ["pupil", "strict", "words"]}
    raw["tasks"]["topic"]["default"] = every
    project.write_policy(yaml.safe_dump(raw))
    (batch,) = project.take_in(folder)
    project.succeeds("process_batch", batch)
    before, told = stable(project, batch), reasons(project, batch)
    registry = Home(project.home).models
    version = registry.current(artefact_name("pupil"))
    assert version and registry.current(artefact_name("strict"))
    # also those among the lessons of the other one
    audited = sum(reason == AUDIT for reason in told.values())
    assert len(audits_of(registry, "pupil", version)) == audited > 10
    project.succeeds("process_batch", batch)
    assert stable(project, batch) == before


def test_with_another_promise_it_is_taught_anew(project) -> None:
    folder = project.home.parent / "texts"
    write_texts(folder, 300)
    project.write_policy(embedded_policy(at_most=0.02))
    (batch,) = project.take_in(folder)
    project.succeeds("process_batch", batch)
    raw = yaml.safe_load(project.policy.read_text())
    raw["services"]["pupil"]["at_most"] = 0.05
    project.write_policy(yaml.safe_dump(raw))
    project.succeeds("process_batch", batch)
    told = reasons(project, batch)
    assert sum(reason.startswith(LESSON) for reason in told.values()) >= 100
    project.succeeds("learn_selection", None)
    (row,) = project.tables.read("taught_services").to_pylist()
    assert (row["promised"], row["lessons"]) == (0.05, sum(map(is_lesson_or_audit, told.values())))


def is_lesson_or_audit(reason: str) -> bool:
    return reason.startswith(LESSON) or reason == AUDIT
