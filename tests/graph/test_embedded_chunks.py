"""Embedded services asked on a real cluster: the same rows, and a killed worker costs time only."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.pinned_policy import read_pinned_policy
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.batch import build_work, item_loader, result_tables
from orchestration_assets.processing.embedded_chunks import EmbeddedBatch
from orchestration_assets.processing.embedded_plans import embedded_items
from orchestration_assets.processing.event_loop import BatchResult
from orchestration_assets.profiling.placement import Workers
from orchestration_assets.schemas.policy import SizeTiers
from orchestration_assets.schemas.tables import PROCESSING_PLANS, TABLES, PlanRow
from resources.dask_cluster import DaskCluster
from resources.feature_cache.lmdb_store import LmdbStore
from resources.home import Home
from resources.worker_gain import WorkerGain
from tests.conftest import Finished
from tests.workers import FakeWorkers, no_workers

EVERY_ITEM_THERE = SizeTiers(dask_from_items=1, dask_from_s=0, chunk_items=1)


class Batch:
    """The embedded plans of a finished batch, carried out again as a test says."""

    forgotten = 0

    def __init__(self, home: Path, name: str) -> None:
        self.home, self.name = Home(home), name
        read = self.home.tables.read
        self.manifest, self.profiles = (
            read("content_manifest", name),
            read("content_profiles", name),
        )
        self.plans = read("processing_plans", name)
        policy = read_pinned_policy(self.home.policies, self.plans)
        assert policy is not None
        self.policy, self.work = policy, build_work(policy)
        ordered = self.plans.sort_by([("item_id", "ascending"), ("task", "ascending")])
        rows = list(PROCESSING_PLANS.rows(ordered))
        self.items = embedded_items(rows, self.work)
        self.rows: list[PlanRow] = [plan for plan in rows if plan.item_id in self.items]
        self.forget_answers()
        self.done: list[int] = []

    def forget_answers(self) -> None:
        self.forgotten += 1
        folder = self.home.folder / "cache" / f"answers{self.forgotten}"
        self.cache = AnswerCache(LmdbStore(folder))

    def process(self, workers: Workers, tiers: SizeTiers = EVERY_ITEM_THERE) -> BatchResult:
        execution = self.policy.execution.model_copy(update={"tiers": tiers})
        policy = self.policy.model_copy(update={"execution": execution})
        tables = self.manifest, self.profiles, self.plans
        source = self.home.batches.source(self.name)
        self.done.clear()
        with ContentReader(self.home, source) as reader:
            load = item_loader(self.manifest, self.profiles, reader)
            away = EmbeddedBatch(
                self.home, self.name, policy, *tables, self.cache, load, workers, self.done.append
            )
            return away.process(self.rows, self.work)


@pytest.fixture
def batch(copied: Finished) -> Batch:
    """All of whose items ask embedded services only; nothing that they answered is kept."""
    batch = Batch(copied.home, copied.batch)
    assert len(batch.items) > 5
    return batch


@pytest.fixture(scope="module")
def cluster() -> Iterator[DaskCluster]:
    with DaskCluster("processes", workers=2) as ready:
        yield ready


def stable(done: BatchResult) -> dict[str, pa.Table]:
    found = {name: table for name, table, _ in result_tables(done)}
    return {name: found[name].select(TABLES[name].stable_columns) for name in found}


nowhere = no_workers()


def test_rows_are_those_of_the_run_s_own_process(batch, cluster) -> None:
    stored = {name: batch.home.tables.read(name, batch.name) for name in stable(BatchResult())}
    there = batch.process(cluster)
    assert sum(batch.done) == len(batch.items)
    batch.forget_answers()
    here = batch.process(nowhere, SizeTiers(dask_from_items=10**6))
    assert stable(there) == stable(here)
    models = {name for name, table in stable(there).items() if table.num_rows}
    assert models >= {f"{one}_interpretations" for one in ("sequential", "parallel", "hybrid")}
    for name, table in stable(there).items():
        expected = stored[name].filter(
            pc.is_in(stored[name]["item_id"], pa.array(sorted(batch.items)))
        )
        assert table.equals(expected.select(table.column_names)), name


def test_what_workers_answered_is_kept_and_asked_of_nobody_again(batch, cluster) -> None:
    first = batch.process(cluster)
    again = batch.process(nowhere)
    assert stable(again) == stable(first)
    assert {call.origin for call in again.calls} == {"cache"}


def test_a_chunk_is_told_what_is_kept_already(batch, cluster) -> None:
    half = sorted(batch.items)[::2]
    every = batch.rows
    batch.rows = [plan for plan in every if plan.item_id in half]
    batch.process(cluster)
    kept = set()

    def spread(function, pieces):
        kept.update(item for piece in pieces for item in piece.plans["item_id"].to_pylist())
        return cluster.map_chunks(function, pieces)

    batch.rows = every
    whole = batch.process(FakeWorkers(spread))
    assert kept == batch.items - set(half)
    assert sum(batch.done) == len(batch.items)
    origins = {call.item_id: call.origin for call in whole.calls}
    assert {origins[item] for item in half} == {"cache"}


def test_a_worker_that_is_killed_costs_time_only(batch, cluster, monkeypatch) -> None:
    expected = stable(batch.process(cluster))
    batch.forget_answers()
    killed: list[int] = []

    def spread(function, pieces):
        for found in cluster.map_chunks(function, pieces):
            if not killed:
                killed.append(min(cluster.client.run(os.getpid).values()))
                os.kill(killed[0], signal.SIGKILL)
            yield found

    assert stable(batch.process(FakeWorkers(spread))) == expected
    assert len(killed) == 1 and sum(batch.done) == len(batch.items)
    assert {call.origin for call in batch.process(nowhere).calls} == {"cache"}


def test_answers_of_a_run_that_ends_early_are_kept(batch, cluster, monkeypatch) -> None:

    def spread(function, pieces):
        for n, found in enumerate(cluster.map_chunks(function, pieces)):
            if n == 2:
                raise KeyboardInterrupt
            yield found

    with pytest.raises(KeyboardInterrupt):
        batch.process(FakeWorkers(spread))
    kept = set()

    def rest(function, pieces):
        kept.update(item for piece in pieces for item in piece.plans["item_id"].to_pylist())
        return cluster.map_chunks(function, pieces)

    batch.process(FakeWorkers(rest))
    assert len(kept) == len(batch.items) - 2


def test_the_packaged_tiers_keep_small_batches_here(batch) -> None:
    batch.process(nowhere, load_policy().policy.execution.tiers)
    assert sum(batch.done) == len(batch.items)


def test_rows_do_not_depend_on_when_workers_are_asked(batch, monkeypatch) -> None:
    expected = stable(batch.process(nowhere, SizeTiers(dask_from_items=10**6)))
    monkeypatch.setattr("orchestration_assets.processing.embedded_chunks._PART_ITEMS", 2)
    batch.forget_answers()
    gain = WorkerGain(2, start_seconds=0.0)
    workers = FakeWorkers(lambda f, pieces: ((piece, f(piece)) for piece in pieces), gain)
    there = batch.process(workers, SizeTiers(dask_from_items=1, chunk_items=1))
    assert stable(there) == expected
    assert workers.asked == [len(batch.items) - 4]
    assert sum(batch.done) == len(batch.items)
