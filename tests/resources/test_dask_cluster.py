"""Real clusters: life cycle, order of results, workers that die, schedulers that are not there."""

import os
import signal
import time
import uuid
from contextlib import contextmanager

import dagster as dg
import pytest

from resources.dask_cluster import ClusterError, DaskClusterResource


@contextmanager
def opened(**fields):
    resource = DaskClusterResource(**fields)
    with resource.yield_for_execution(dg.build_init_resource_context()) as ready:
        yield ready


def _double(number: int) -> int:
    time.sleep(0.01)
    return number * 2


def _unlike_any_other(number: int) -> str:
    return uuid.uuid4().hex


def _fail_at_three(number: int) -> int:
    if number == 3:
        raise ValueError("three is not allowed")
    time.sleep(0.05)
    return number


def _die_once(path: str) -> int:
    """Kills its own worker the first time."""
    if not os.path.exists(path):  # noqa: PTH110
        with open(path, "w"):  # noqa: PTH123
            os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def _nothing(piece: object) -> None: ...


@pytest.mark.parametrize("where", ["threads", "processes"])
def test_results_come_in_the_order_of_the_pieces(where: str) -> None:
    seen = []
    with opened(where=where) as cluster:
        found = list(cluster.map_chunks(_double, list(range(20)), seen.append))
    assert found == [2 * n for n in range(20)]
    assert sorted(seen) == list(range(20))


def test_nothing_starts_until_work_is_submitted() -> None:
    with opened(where="processes") as cluster:
        assert cluster._client is None


def test_what_was_started_is_closed_even_when_the_run_fails() -> None:
    with pytest.raises(RuntimeError, match="broken"), opened(where="threads") as cluster:
        client = cluster.client
        raise RuntimeError("broken")
    assert client.status == "closed"
    with pytest.raises(ClusterError, match="while a run uses"):
        _ = cluster.client


def test_a_piece_that_fails_raises_its_own_error_and_the_rest_is_cancelled() -> None:
    finished: list[int] = []
    with opened(where="threads", workers=1) as cluster:
        with pytest.raises(ValueError, match="three is not allowed"):
            list(cluster.map_chunks(_fail_at_three, list(range(50)), finished.append))
        assert len(finished) < 40
        assert list(cluster.map_chunks(_double, [1], _nothing)) == [2]


def test_equal_pieces_are_computed_by_each_who_asks() -> None:
    """With pure keys the second of two runs on one scheduler would be handed the first's result."""
    with opened(where="processes", workers=1) as cluster:
        found = list(cluster.map_chunks(_unlike_any_other, [7, 7, 7], _nothing))
    assert len(set(found)) == 3


def test_a_killed_worker_costs_only_time(tmp_path) -> None:
    marker = str(tmp_path / "died")
    with opened(where="processes") as cluster:
        (pid,) = cluster.map_chunks(_die_once, [marker], _nothing)
    assert pid != os.getpid()


def test_a_scheduler_that_is_not_there_gives_one_clear_error(monkeypatch) -> None:
    monkeypatch.setattr("resources.dask_cluster._CONNECT_SECONDS", 1)
    with opened(where="tcp://127.0.0.1:9") as cluster, pytest.raises(ClusterError) as caught:
        _ = cluster.client
    assert "tcp://127.0.0.1:9" in str(caught.value)
    assert "dask scheduler" in str(caught.value)


def test_a_running_scheduler_is_used_by_its_address_and_left_running() -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as running:
        with opened(where=running.scheduler_address) as cluster:
            assert list(cluster.map_chunks(_double, [1, 2], _nothing)) == [2, 4]
            assert cluster.memory_bytes() > 0
        assert running.status.name == "running"
