"""Ticks of deferred_questions_sensor, and the runs that it asks for, carried out."""

import json
import os
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

import sensors.deferred_questions as module
from orchestration_assets.content.deferred import MAX_TAKE_UPS
from orchestration_assets.definitions import build_definitions
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.registry import PolicyRegistry
from orchestration_assets.settings import Settings
from resources.ai_services.drill.faults import Fault, FaultScript
from resources.home import Home
from resources.home_resource import HELD_POLICY_TAG, HomeResource, PolicyFileResource
from resources.versioned_state import ChangeNote
from sensors.deferred_questions import deferred_questions_sensor
from tests.chat_servers import chat_server
from tests.command.test_deferred import DOWN, POLICY
from tests.conversations.runs import POLICY as CHATS
from tests.conversations.runs import message
from tests.graph.conftest import QUIET

PAUSE = "execution: {deferred_pause_s: 0.001}\n"


@pytest.fixture
def project(project, drill, tmp_path, monkeypatch):
    monkeypatch.setenv("DRILL_KEY", "a-key-for-the-drill")
    write(project, drill.url, PAUSE)
    return project


def write(project, url: str, execution: str, more: str = "") -> None:
    text = POLICY.format(url=url, services="names, model", more=more)
    project.write_policy(text + execution)


def one_note(project, drill, folder, script: FaultScript) -> str:
    """The batch of one note, processed while the service behaves like this."""
    source = folder / "notes"
    source.mkdir()
    (source / "note.md").write_text("# A note\n\nThe lighthouse has a light.\n")
    drill.script = script
    (batch,) = project.take_in(source)
    project.succeeds("process_batch", batch)
    return batch


def tick(project, cursor: str | None = None) -> dg.SensorResult:
    resources = {
        "home": HomeResource(path=str(project.home)),
        "policy_file": PolicyFileResource(path=str(project.policy)),
    }
    with dg.build_sensor_context(
        instance=project.instance, resources=resources, cursor=cursor
    ) as context:
        return deferred_questions_sensor(context)


@pytest.fixture
def a_day_later(monkeypatch) -> None:
    """Ticks find every pause over."""
    plan = module.plan_take_ups
    monkeypatch.setattr(
        module,
        "plan_take_ups",
        lambda deferred, take_ups, now, *rest: plan(
            deferred, take_ups, now + timedelta(days=1), *rest
        ),
    )


def daemon_tick(project) -> dg.SensorResult:
    """As the daemon's: no file is given or watched."""
    home = str(project.home)
    resources = {"home": HomeResource(path=home), "policy_file": PolicyFileResource(home=home)}
    with dg.build_sensor_context(instance=project.instance, resources=resources) as context:
        return deferred_questions_sensor(context)


def carry_out(project, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    return project.succeeds(request.job_name, request.partition_key, tags=request.tags)


def deferred(project, batch: str) -> int:
    (row,) = project.tables.read("disagreement_report", batch).to_pylist()
    return row["deferred_readings"]


def test_deferred_questions_are_asked_again_by_themselves(project, drill, tmp_path) -> None:
    source = tmp_path / "notes"
    source.mkdir()
    for n in range(12):
        (source / f"note{n}.md").write_text(f"# Note {n}\n\nThe lighthouse has {n} steps.\n")
    (batch,) = project.take_in(source)
    assert "Nothing to take up" in str(tick(project).skip_reason)
    drill.script = DOWN
    project.succeeds("process_batch", batch)
    assert deferred(project, batch) == 12
    # still away: the run succeeds, and what is missing stays deferred
    (request,) = tick(project).run_requests
    assert (request.job_name, request.partition_key) == ("take_up_deferred", batch)
    carry_out(project, request)
    assert deferred(project, batch) == 12
    # each time has a key of its own
    (again,) = tick(project).run_requests
    assert again.run_key != request.run_key
    drill.script = FaultScript()
    before = len(drill.log)
    carry_out(project, again)
    assert deferred(project, batch) == 0
    assert len(drill.log) - before == 12
    assert not tick(project).run_requests


def test_pauses_runs_under_way_and_other_policies(project, drill, tmp_path, monkeypatch) -> None:
    unauthorised = FaultScript(faults=(Fault(kind="unauthorised", contains="lighthouse"),))
    batch = one_note(project, drill, tmp_path, unauthorised)
    assert [one.partition_key for one in tick(project).run_requests] == [batch]
    # a service that was stopped is mended by a person: a changed policy plans the batch again
    write(project, drill.url, PAUSE, "concurrency: 3")
    (request,) = tick(project).run_requests
    assert request.job_name == "reprocess"
    write(project, drill.url, "execution: {deferred_pause_s: 3600}\n")
    assert "1 batches wait" in str(tick(project).skip_reason)
    write(project, drill.url, PAUSE)
    project.instance.add_run(
        dg.DagsterRun(
            "take_up_deferred",
            run_id="00000000-0000-4000-8000-000000000001",
            status=dg.DagsterRunStatus.STARTED,
            tags={"dagster/partition": batch},
        )
    )
    assert not tick(project).run_requests
    monkeypatch.setattr(module, "batches_under_way", lambda instance: set())
    monkeypatch.setattr(module, "plan_take_ups", _after_many(module.plan_take_ups))
    assert "1 are given up" in str(tick(project).skip_reason)


def test_a_batch_of_another_policy_is_taken_up_under_its_own(
    project, drill, tmp_path, a_day_later
) -> None:
    batch = one_note(project, drill, tmp_path, DOWN)
    home, own = Home(project.home), load_policy(project.policy)
    assert deferred(project, batch) == 1

    kept = home.policies / f"{own.hash}.json"
    text = kept.read_bytes()
    kept.unlink()
    reason = str(daemon_tick(project).skip_reason)
    assert f"Batch {batch} was made under a policy that is not in force" in reason
    assert "orchestrate policy activate FILE" in reason
    kept.write_bytes(text)

    (request,) = daemon_tick(project).run_requests
    assert request.job_name == "take_up_deferred"
    # another one was active before the batch was made
    note = ChangeNote("eva", datetime(2020, 1, 2, tzinfo=UTC))
    PolicyRegistry(home).activate(load_policy(None), 0, note)
    (request,) = daemon_tick(project).run_requests
    assert request.job_name == "take_up_deferred"
    drill.script = FaultScript()
    before = len(drill.log)
    job = build_definitions(Settings(project.home), watches=True).resolve_job_def(request.job_name)
    done = job.execute_in_process(
        instance=project.instance, partition_key=batch, run_config=QUIET, tags=request.tags
    )
    assert done.success and len(drill.log) - before == 1
    (row,) = project.tables.read("disagreement_report", batch).to_pylist()
    assert (row["policy_hash"], row["deferred_readings"]) == (own.hash, 0)


def test_a_policy_that_was_activated_since_plans_the_batch_again(
    project, drill, tmp_path, a_day_later
) -> None:
    batch = one_note(project, drill, tmp_path, DOWN)
    note = ChangeNote("eva", datetime.now(UTC) + timedelta(seconds=1))
    PolicyRegistry(Home(project.home)).activate(load_policy(None), 0, note)
    # its report is younger, as of a batch that was taken up under its own policy meanwhile
    later = (datetime.now(UTC) + timedelta(seconds=9)).timestamp()
    os.utime(project.tables.path("disagreement_report", batch), (later, later))
    (request,) = daemon_tick(project).run_requests
    assert request.job_name == "reprocess"
    assert HELD_POLICY_TAG not in request.tags


def test_take_ups_are_counted_from_when_the_batch_was_last_made(
    project, drill, tmp_path, capfd
) -> None:
    batch = one_note(project, drill, tmp_path, DOWN)
    for n in range(MAX_TAKE_UPS):
        project.instance.add_run(
            dg.DagsterRun(
                "take_up_deferred",
                run_id=f"00000000-0000-4000-8000-{n:012}",
                status=dg.DagsterRunStatus.SUCCESS,
                tags={"dagster/partition": batch, "orchestration/take_up": "true"},
            )
        )
    given_up = tick(project)
    assert "1 are given up" in str(given_up.skip_reason)
    assert not tick(project, given_up.cursor).run_requests
    assert capfd.readouterr().err.count(f"was taken up {MAX_TAKE_UPS} times") == 1
    project.succeeds("reprocess", batch)
    (request,) = tick(project, given_up.cursor).run_requests
    assert request.run_key.endswith(":0")


def _after_many(plan):
    def planned(deferred, take_ups, now, first_pause: timedelta, at_once: int):
        def many(batch: str):
            known = take_ups(batch)
            return type(known)(99, known.latest)

        return plan(deferred, many, now, first_pause, at_once)

    return planned


def test_batches_whose_conversations_changed_are_taken_up_by_themselves(
    project, tmp_path, a_day_later
) -> None:
    source = tmp_path / "chats"
    source.mkdir()

    def write_chat(name: str, *numbers: int) -> None:
        lines = [json.dumps(message("a", number)) for number in numbers]
        (source / name).write_text("\n".join(lines) + "\n")

    with chat_server(lambda prompt: ("good", 0.9)) as server:
        project.write_policy(CHATS.format(url=server.url) + PAUSE)
        write_chat("first.jsonl", 2, 4, 5)
        (first,) = project.take_in(source)
        project.succeeds("process_batch", first)
        assert not tick(project).run_requests
        write_chat("later.jsonl", 3)
        (second,) = project.take_in(source)
        project.succeeds("process_batch", second)
        asked = len(server.asked)
        # also where the policy in force shows nobody any memory: it is not the one that asks
        (held,) = daemon_tick(project).run_requests
        assert (held.job_name, held.partition_key) == ("take_up_deferred", first)
        assert held.tags[HELD_POLICY_TAG] == load_policy(project.policy).hash
        (request,) = tick(project).run_requests
        assert (request.job_name, request.partition_key) == ("take_up_deferred", first)
        carry_out(project, request)
        # of the batch only what comes after the new message
        texts = sorted(one.rpartition("|| ")[2] for one in server.asked[asked:])
        assert texts == [message("a", number)["text"] for number in (4, 5)]
        assert not tick(project).run_requests
