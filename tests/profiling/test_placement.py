"""When workers are asked: by what work took here and what starting them takes, and never else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.placement import Placement, chunks_for, shared_out
from orchestration_assets.profiling.tiers import SizeTier
from orchestration_assets.schemas.policy import SizeTiers
from resources.in_process_work import InProcessWork
from resources.worker_gain import WorkerGain
from tests.workers import FakeWorkers, no_workers

TIERS = SizeTiers(dask_from_items=100, dask_from_bytes=10**9)


def _computed(function, pieces):
    return ((piece, function(piece)) for piece in pieces)


def _double(piece: list[int]) -> list[int]:
    return [2 * n for n in piece]


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), max_size=12),
    st.sampled_from([None, 0.0, 1e-9, 1e9]),
    st.booleans(),
    st.integers(1, 8),
)
def test_every_piece_comes_once_wherever_it_is_done(pieces, seconds, running, count) -> None:
    tiers = SizeTiers(dask_from_items=1, dask_from_s=seconds)
    workers = FakeWorkers(_computed, WorkerGain(count, 1e-6, running=running))
    placement = Placement(sum(map(len, pieces)), sum(map(sum, pieces)), tiers, workers)
    found = list(shared_out(pieces, _double, lambda piece: piece, placement, workers))
    assert found == [(piece, _double(piece)) for piece in pieces]
    moved = placement.choice.tier is not SizeTier.IN_PROCESS
    assert moved == bool(workers.asked)
    if seconds == 0.0 and pieces:
        assert workers.asked == [len(pieces)]
    if seconds == 1e9:
        assert not workers.asked


def test_below_the_boundaries_nobody_is_asked_however_long_it_takes() -> None:
    placement = Placement(99, 10**8, TIERS, no_workers())
    placement.done_here(40, 10**7, 1e6)
    placement.done_here(40, 10**7, 1e6)
    assert not placement.moves()
    assert "stay below the boundaries" in placement.choice.reason


@pytest.mark.parametrize("seconds", [None, 0.0, 1e-9])
def test_without_workers_all_work_stays_and_is_said_to_be_here(seconds) -> None:
    tiers = SizeTiers(dask_from_items=1, dask_from_s=seconds)
    placement = Placement(10_000, 10**8, tiers, InProcessWork())
    for _ in range(3):
        placement.done_here(1_000, 10**7, 1e6)
        assert not placement.moves()
    assert placement.choice.tier is SizeTier.IN_PROCESS
    assert placement.choice.reason.endswith("but without workers")


def _placement(gain: WorkerGain) -> Placement:
    return Placement(10_000, 3_000_000, TIERS, FakeWorkers(_computed, gain))


def test_workers_are_started_for_what_takes_much_longer_than_starting_them() -> None:
    quick, slow = _placement(WorkerGain(2, 5.0)), _placement(WorkerGain(2, 5.0))
    for placement, item_s in ((quick, 0.001), (slow, 0.01)):
        for _ in range(2):
            assert not placement.moves()
            placement.done_here(200, 60_000, 200 * item_s)
    assert not quick.moves()
    assert "less than workers are worth" in quick.choice.reason
    assert slow.moves()
    assert slow.choice.tier is SizeTier.DASK


def test_what_the_first_part_loads_starts_nobody() -> None:
    placement = _placement(WorkerGain(2, 5.0))
    placement.done_here(200, 60_000, 10.0)
    assert not placement.moves()
    placement.done_here(200, 60_000, 0.01)
    assert not placement.moves()


def test_workers_that_run_are_asked_for_the_rest_of_little_work() -> None:
    placement = _placement(WorkerGain(2, 5.0, running=True))
    assert not placement.moves()
    placement.done_here(200, 60_000, 0.2)
    assert placement.moves()


def test_workers_that_cost_nothing_take_all_but_what_is_below_the_boundaries() -> None:
    forks = FakeWorkers(_computed, WorkerGain(2, 0.1, forked=True))
    placement = Placement(100, 30_000, TIERS, forks)
    assert placement.moves()
    assert placement.choice.tier is SizeTier.FORKS
    assert placement.choice.reason.endswith("2 copies of a process share it")
    assert not Placement(99, 30_000, TIERS, forks).moves()
    # a policy that names seconds has them measured first
    measured = Placement(1_000, 300_000, TIERS.model_copy(update={"dask_from_s": 5.0}), forks)
    assert not measured.moves()
    measured.done_here(100, 30_000, 0.1)
    assert not measured.moves()
    measured.done_here(100, 30_000, 10.0)
    assert not measured.moves()
    # nobody is left to make them
    forks.gain.workers = 0
    assert not Placement(100, 30_000, TIERS, forks).moves()
    # the work of further steps is divided as in a process that never had any
    sizes = [10] * 500
    assert [*chunks_for(forks, sizes, sizes, TIERS)] == [
        *chunks_for(no_workers(), sizes, sizes, TIERS)
    ]


@given(
    st.lists(st.integers(0, 10_000_000), min_size=1, max_size=300),
    st.integers(1, 16),
    st.integers(1, 400),
)
def test_chunks_for_forks_are_the_same_members_in_order_and_never_larger(
    sizes, workers, most
) -> None:
    tiers = SizeTiers(chunk_items=most)
    here = list(chunks_for(no_workers(), range(len(sizes)), sizes, tiers))
    forks = FakeWorkers(_computed, WorkerGain(workers, 0.1, forked=True))
    there = list(chunks_for(forks, range(len(sizes)), sizes, tiers))
    for found in (here, there):
        assert [member for chunk in found for member in chunk] == list(range(len(sizes)))
    assert max(map(len, there)) <= max(map(len, here))
    assert len(there) >= len(here)


def test_steps_of_many_small_batches_together_are_worth_starting_for() -> None:
    gain = WorkerGain(2, 5.0)
    moved = []
    for _ in range(20):
        placement = _placement(gain)
        for _ in range(50):
            if placement.moves():
                moved.append(gain.here_seconds)
                break
            placement.done_here(200, 60_000, 0.04)
    assert moved
    assert 10.0 <= moved[0] <= 25.0


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.integers(1, 64), st.floats(0, 100))
def test_one_worker_is_never_worth_it_and_more_work_never_less(a, b, workers, start) -> None:
    less, more = sorted((a, b))
    assert not WorkerGain(1, start).pays(more)
    gain = WorkerGain(workers, start)
    assert gain.pays(less) <= gain.pays(more)
    assert WorkerGain(workers, start).pays(less) <= WorkerGain(workers, start, less).pays(less)
