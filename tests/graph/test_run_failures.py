import logging

import dagster as dg
import pytest
import yaml

from orchestration_assets.policy.load import load_policy
from resources.home_resource import HomeResource, PolicyFileResource
from tests.webhooks import receiving

VARIABLE = "ALERTS_URL"


@pytest.fixture
def watched(project):
    """A project whose failure sensor has had its first look, which only notes where to begin."""
    shown = load_policy().policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    webhook = {"url_env": VARIABLE, "timeout_s": 1.0, "attempts": 2}
    project.write_policy(yaml.safe_dump(shown | {"alerts": {"webhook": webhook}}))
    return Watched(project)


class Watched:
    def __init__(self, project) -> None:
        self.project = project
        self.cursor: str | None = None
        self.tick()

    def tick(self) -> list[dict]:
        """One tick; returns every failure recorded so far."""
        project = self.project
        repository = project.definitions.get_repository_def()
        sensor = repository.get_sensor_def("run_failure_sensor")
        with dg.build_sensor_context(
            instance=project.instance,
            repository_def=repository,
            cursor=self.cursor,
            resources={
                "home": HomeResource(path=str(project.home)),
                "policy_file": PolicyFileResource(path=str(project.policy or "") or None),
            },
        ) as context:
            found = sensor.evaluate_tick(context)
        self.cursor = found.cursor
        assert all(reaction.error is None for reaction in found.dagster_run_reactions)
        runs = project.tables.batches("run_failures")
        return [r for run in runs for r in project.tables.read("run_failures", run).to_pylist()]


@pytest.fixture
def broken_batch(watched, corpus, tmp_path):
    (batch,) = watched.project.take_in(corpus)
    corpus.rename(tmp_path / "unmounted")
    assert not watched.project.execute("process_batch", batch).success
    return batch


def test_a_failed_run_leaves_a_record_and_tells_the_webhook(
    watched, broken_batch, monkeypatch, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    with receiving(503, 200) as receiver:
        monkeypatch.setenv(VARIABLE, receiver.url)
        (row,) = watched.tick()
        assert watched.tick() == [row]
    assert (row["job"], row["batch"], row["step"]) == (
        "process_batch",
        broken_batch,
        "content_manifest",
    )
    assert row["error_class"] == "SourceError"
    assert "give an existing folder" in row["message"]
    assert "source readable again" in row["remedy"]
    assert (row["delivery"], row["delivery_detail"]) == ("delivered", None)
    (ended,) = watched.project.instance.get_run_records(dg.RunsFilter(run_ids=[row["run_id"]]))
    assert row["failed_at"].timestamp() == pytest.approx(ended.end_time)
    first, second = (message for _, message in receiver.received)
    assert first == second
    assert (second["run"], second["batch"]) == (row["run_id"], broken_batch)
    assert "s3cr3t" not in caplog.text + str(row)


@pytest.mark.parametrize(
    ("answer", "detail"), [(500, "answered with status 500"), (404, "answered with status 404")]
)
def test_a_webhook_that_fails_is_recorded_with_its_reason(
    watched, broken_batch, monkeypatch, answer, detail
) -> None:
    with receiving(answer) as receiver:
        monkeypatch.setenv(VARIABLE, receiver.url)
        (row,) = watched.tick()
    assert (row["delivery"], row["delivery_detail"]) == ("undelivered", detail)


def test_a_variable_that_is_not_set_is_named(watched, broken_batch) -> None:
    (row,) = watched.tick()
    assert row["delivery"] == "undelivered"
    assert f"{VARIABLE} is not set" in row["delivery_detail"]


def test_a_run_that_a_broken_policy_ended_is_recorded_all_the_same(watched, corpus) -> None:
    (batch,) = watched.project.take_in(corpus)
    watched.project.policy.write_text("version: 7\n")
    assert not watched.project.execute("process_batch", batch).success
    rows = watched.tick()
    # the intake and the probes of services each need the policy
    assert {row["step"] for row in rows} == {"content_manifest", "service_health"}
    for row in rows:
        assert row["error_class"] == "PolicyError"
        assert "orchestrate policy check" in row["remedy"]
        assert "policy" in row["delivery_detail"]


def test_a_failed_check_is_recorded_with_its_words(watched, corpus, lost_profile) -> None:
    (batch,) = watched.project.take_in(corpus)
    assert not watched.project.execute("process_batch", batch).success
    (row,) = watched.tick()
    assert row["check"] == "conservation of content_profiles"
    assert "accepted items with a profile row" in row["message"]


def test_a_tick_that_died_before_telling_anybody_is_made_up_for(
    watched, broken_batch, monkeypatch
) -> None:
    before = watched.cursor
    with receiving() as receiver:
        monkeypatch.setenv(VARIABLE, receiver.url)
        monkeypatch.setattr("sensors.run_failures.post", _killed)
        with pytest.raises(KeyboardInterrupt):
            watched.tick()
        (pending,) = watched.project.tables.batches("run_failures")
        stored = watched.project.tables.read("run_failures", pending)
        assert stored["delivery"].to_pylist() == ["pending"]
        monkeypatch.undo()
        monkeypatch.setenv(VARIABLE, receiver.url)
        watched.cursor = before
        (row,) = watched.tick()
    assert row["delivery"] == "delivered"
    assert len(receiver.received) == 1


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_without_a_webhook_the_record_says_so(project, corpus, tmp_path) -> None:
    watched = Watched(project)
    (batch,) = project.take_in(corpus)
    corpus.rename(tmp_path / "unmounted")
    assert not project.execute("process_batch", batch).success
    (row,) = watched.tick()
    assert row["delivery"] == "not_configured"


def test_runs_of_other_projects_are_none_of_ours(project) -> None:
    watched = Watched(project)

    @dg.op
    def breaks() -> None:
        raise ValueError("not ours")

    @dg.job
    def foreign() -> None:
        breaks()

    foreign.execute_in_process(instance=project.instance, raise_on_error=False)
    assert watched.tick() == []
