import dagster as dg
import pytest

from orchestration_assets.content.intake import unfinished
from resources.home import HomeResource, PolicyFileResource
from resources.table_store import BatchStore
from sensors.new_content import new_content_sensor


def tick(project):
    context = dg.build_sensor_context(instance=project.instance, definitions=project.definitions)
    resources = {"home": HomeResource(path=str(project.home)), "policy_file": PolicyFileResource()}
    return new_content_sensor(context, **resources)


def test_without_a_source_it_says_what_to_do(project) -> None:
    assert "orchestrate run SOURCE" in str(tick(project).skip_message)


def test_new_content_becomes_a_partition_and_one_run(project, corpus, monkeypatch) -> None:
    monkeypatch.setenv("ORCHESTRATION_SOURCES", str(corpus))
    found = tick(project)
    (batch,) = BatchStore(project.home).recorded()
    assert [request.partition_key for request in found.run_requests] == [batch]
    assert found.run_requests[0].run_key == batch
    assert found.dynamic_partitions_requests[0].partition_keys == [batch]
    (observed,) = found.asset_events
    assert observed.asset_key == dg.AssetKey("content_source")
    assert observed.metadata["entries"].value == len(BatchStore(project.home).read(batch))


def test_a_batch_is_not_requested_while_its_run_is_under_way(project, corpus) -> None:
    (batch,) = project.take_in(corpus)
    assert tick(project).run_requests[0].partition_key == batch
    project.instance.add_run(
        dg.DagsterRun(
            "process_batch",
            run_id="00000000-0000-4000-8000-000000000000",
            status=dg.DagsterRunStatus.STARTED,
            tags={"dagster/partition": batch},
        )
    )
    assert "Nothing new" in str(tick(project).skip_message)


def test_a_source_of_an_earlier_run_is_watched_without_configuration(project, corpus) -> None:
    (batch,) = project.take_in(corpus)
    assert project.execute("process_batch", batch).success
    assert unfinished(project.home) == []
    assert "Nothing new" in str(tick(project).skip_message)
    (corpus / "new.txt").write_text("A new file with a handful of words in it.\n")
    (request,) = tick(project).run_requests
    assert request.partition_key not in (None, batch)


def test_a_failed_listing_is_never_read_as_an_empty_source(project, corpus, tmp_path) -> None:
    (batch,) = project.take_in(corpus)
    assert project.execute("process_batch", batch).success
    corpus.rename(tmp_path / "unmounted")
    with pytest.raises(dg.Failure, match="give an existing folder"):
        tick(project)
    assert BatchStore(project.home).recorded() == [batch]


def test_one_broken_source_does_not_starve_the_others(
    project, corpus, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("ORCHESTRATION_SOURCES", f"{tmp_path / 'missing'}:{corpus}")
    assert len(tick(project).run_requests) == 1
