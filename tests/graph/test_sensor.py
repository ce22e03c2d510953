"""Ticks of new_content_sensor on real folders and an ephemeral instance."""

import os
from pathlib import Path

import dagster as dg
import pytest
import yaml

from orchestration_assets.content.intake import unfinished
from orchestration_assets.policy.load import load_policy
from resources.home import Home
from resources.home_resource import HomeResource, PolicyFileResource
from sensors.new_content import new_content_sensor


class Watch:
    """Ticks that pass their cursor on, as the daemon does."""

    def __init__(self, project, policy: Path) -> None:
        self.project = project
        self.policy = policy
        self.cursor: str | None = None

    def set(self, settle: float = 0, wait: float = 0, **batch) -> None:
        shown = load_policy().policy.model_dump(mode="json", by_alias=True, exclude_none=True)
        shown["content"]["settle_s"] = settle
        shown["content"]["batch"] |= {"wait_s": wait, **batch}
        self.policy.write_text(yaml.safe_dump(shown))

    def tick(self) -> dg.SensorResult:
        resources = {
            "home": HomeResource(path=str(self.project.home)),
            "policy_file": PolicyFileResource(path=str(self.policy)),
        }
        with dg.build_sensor_context(
            instance=self.project.instance, cursor=self.cursor, resources=resources
        ) as context:
            result = new_content_sensor(context)
        self.cursor = result.cursor
        return result

    def started(self) -> list[str]:
        return [request.partition_key for request in self.tick().run_requests or []]


@pytest.fixture
def watch(project, tmp_path, corpus, monkeypatch) -> Watch:
    monkeypatch.setenv("ORCHESTRATION_SOURCES", str(corpus))
    watch = Watch(project, tmp_path / "policy.yaml")
    watch.set()
    return watch


def run(project, batch: str, status: dg.DagsterRunStatus, number: int = 0) -> None:
    project.instance.add_run(
        dg.DagsterRun(
            "process_batch",
            run_id=f"00000000-0000-4000-8000-{number:012}",
            status=status,
            tags={"dagster/partition": batch},
        )
    )


def test_without_a_source_it_says_what_to_do(watch, monkeypatch) -> None:
    monkeypatch.delenv("ORCHESTRATION_SOURCES")
    assert "orchestrate run SOURCE" in str(watch.tick().skip_reason)


def test_new_content_becomes_a_partition_and_one_run(watch) -> None:
    found = watch.tick()
    (batch,) = Home(watch.project.home).batches.recorded()
    assert [request.partition_key for request in found.run_requests] == [batch]
    assert found.run_requests[0].run_key == f"{batch}:0"
    assert found.dynamic_partitions_requests[0].partition_keys == [batch]
    (observed,) = found.asset_events
    assert observed.asset_key == dg.AssetKey("content_source")
    assert observed.metadata["entries"].value == len(Home(watch.project.home).batches.read(batch))
    assert observed.tags["dagster/data_version"]


def test_an_unchanged_source_is_observed_once(watch) -> None:
    assert watch.tick().asset_events
    assert not watch.tick().asset_events


def test_a_file_that_is_still_being_written_waits_for_a_later_tick(watch, corpus) -> None:
    watch.set(settle=3600)
    for path in corpus.rglob("*"):
        os.utime(path, (1, 1))
    # a change of times is a change too: only content that nobody touched for an hour is taken
    assert watch.started() == []
    watch.set(settle=0)
    assert len(watch.started()) == 1


def test_a_batch_that_is_not_full_waits_for_more(watch, corpus) -> None:
    watch.set(wait=3600, max_items=4)
    assert len(watch.started()) == 2
    recorded = Home(watch.project.home).batches
    assert sum(recorded.read(key).num_rows for key in recorded.recorded()) == 8
    watch.set(wait=0, max_items=4)
    watch.tick()
    listed = sum(recorded.read(key).num_rows for key in recorded.recorded())
    assert listed == sum(1 for path in corpus.rglob("*") if path.is_file())


def test_a_batch_is_not_requested_while_its_run_is_under_way(watch) -> None:
    (batch,) = watch.started()
    run(watch.project, batch, dg.DagsterRunStatus.STARTED)
    assert "1 under way" in str(watch.tick().skip_reason)


def test_a_failed_run_is_tried_again_under_another_key_and_then_given_up(watch) -> None:
    (batch,) = watch.started()
    for attempt in range(1, 3):
        run(watch.project, batch, dg.DagsterRunStatus.FAILURE, attempt)
        (request,) = watch.tick().run_requests
        assert request.run_key == f"{batch}:{attempt}"
    run(watch.project, batch, dg.DagsterRunStatus.FAILURE, 3)
    assert "1 given up" in str(watch.tick().skip_reason)


def test_a_backlog_is_worked_off_a_few_runs_at_a_time(watch) -> None:
    watch.set(max_items=1)
    first = watch.started()
    assert 1 < len(first) <= 25
    assert len(Home(watch.project.home).batches.recorded()) == len(first)


def test_a_source_of_an_earlier_run_is_watched_without_configuration(
    watch, project, corpus, monkeypatch
) -> None:
    monkeypatch.delenv("ORCHESTRATION_SOURCES")
    (batch,) = project.take_in(corpus)
    project.succeeds("process_batch", batch)
    assert unfinished(Home(project.home)) == []
    assert "Nothing to start" in str(watch.tick().skip_reason)
    (corpus / "new.txt").write_text("A new file with a handful of words in it.\n")
    (started,) = watch.started()
    assert started != batch


def test_a_failed_listing_is_never_read_as_an_empty_source(
    watch, project, corpus, tmp_path
) -> None:
    (batch,) = project.take_in(corpus)
    project.succeeds("process_batch", batch)
    corpus.rename(tmp_path / "unmounted")
    with pytest.raises(dg.Failure, match="give an existing folder"):
        watch.tick()
    assert Home(project.home).batches.recorded() == [batch]


def test_one_broken_source_does_not_starve_the_others(watch, corpus, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ORCHESTRATION_SOURCES", f"{tmp_path / 'missing'}:{corpus}")
    assert len(watch.started()) == 1
