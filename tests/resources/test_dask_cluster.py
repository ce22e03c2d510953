"""Real clusters: life cycle, order of results, workers that die, schedulers that are not there."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager

import dagster as dg
import pytest

from resources import dask_cluster
from resources.dask_cluster import ClusterError, DaskCluster, DaskClusterResource
from tests.forked import ROOT


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


def _large(number: int) -> bytes:
    return bytes([number]) * 200_000


def _slow(number: int) -> int:
    time.sleep(0.2)
    return number


@contextmanager
def running_scheduler():
    """A scheduler with one worker, both in processes of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    port = address.rpartition(":")[2]
    program = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    scheduler = subprocess.Popen(
        [*program, "--host", "127.0.0.1", "--port", port], stderr=subprocess.DEVNULL
    )
    # without a nanny, so that killing the process is killing the worker
    worker_program = [sys.executable, "-m", "distributed.cli.dask_worker"]
    worker = subprocess.Popen(
        [*worker_program, address, "--no-dashboard", "--no-nanny"],
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(port))) == 0:
                    break
            time.sleep(0.1)
        yield address, scheduler, worker
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait()


@pytest.mark.parametrize("where", ["threads", "processes"])
def test_every_piece_comes_with_its_own_result(where: str) -> None:
    with opened(where=where) as cluster:
        found = dict(cluster.map_chunks(_double, list(range(20))))
    assert found == {n: 2 * n for n in range(20)}


def test_the_life_cycle_is_in_order_and_ends_in_the_opposite_one(monkeypatch) -> None:
    import distributed

    log: list[str] = []
    for kind in (distributed.LocalCluster, distributed.Client):
        name = kind.__name__

        def enter(self, name=name, whole=kind.__enter__):
            log.append(f"{name} ready")
            return whole(self)

        def leave(self, *error, name=name, whole=kind.__exit__):
            whole(self, *error)
            log.append(f"{name} closed")

        monkeypatch.setattr(kind, "__enter__", enter)
        monkeypatch.setattr(kind, "__exit__", leave)
    with opened(where="threads") as cluster:
        log.append("opened")
        list(cluster.map_chunks(_double, [1]))
        log.append("worked")
    assert log == [
        "opened",
        "LocalCluster ready",
        "Client ready",
        "worked",
        "Client closed",
        "LocalCluster closed",
    ]


def test_a_cluster_that_got_no_client_is_closed_all_the_same(monkeypatch) -> None:
    import distributed

    made = []
    whole = distributed.LocalCluster.__enter__
    monkeypatch.setattr(
        distributed.LocalCluster, "__enter__", lambda self: made.append(self) or whole(self)
    )

    def refuse(*arguments, **options):
        raise TimeoutError("no answer in 30 s")

    monkeypatch.setattr(distributed, "Client", refuse)
    said = pytest.raises(ClusterError, match="was lost: no answer in 30 s; run again")
    with said, opened(where="threads") as cluster:
        _ = cluster.client
    assert [cluster.status.name for cluster in made] == ["closed"]


def test_who_stops_listening_cancels_the_rest() -> None:
    with opened(where="threads", workers=1) as cluster:
        results = cluster.map_chunks(_slow, list(range(1_000)))
        next(results)
        results.close()
        began = time.monotonic()
        assert dict(cluster.map_chunks(_double, [1])) == {1: 2}
        # the rest would take 200 s
        assert time.monotonic() - began < 100


def test_a_scheduler_without_workers_is_said_to_be_one(monkeypatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr("resources.dask_cluster._CONNECT_SECONDS", 1)
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=None) as running,
        opened(where=running.scheduler_address) as cluster,
        pytest.raises(ClusterError) as no,
    ):
        cluster.memory_bytes()
    assert "dask worker" in str(no.value)


def _no_file(number: int) -> int:
    raise FileNotFoundError(f"{number}.txt")


def test_a_file_error_of_a_piece_is_no_lost_cluster() -> None:
    with opened(where="threads") as cluster, pytest.raises(FileNotFoundError, match=r"7\.txt"):
        list(cluster.map_chunks(_no_file, [7]))


def test_two_runs_at_once_on_one_scheduler_do_not_touch_each_other() -> None:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as running:
        where = running.scheduler_address
        with opened(where=where) as one, opened(where=where) as other:
            first = one.map_chunks(_unlike_any_other, [7, 8, 9])
            second = other.map_chunks(_fail_at_three, [1, 3, 2])
            third = other.map_chunks(_unlike_any_other, [7, 8, 9])
            begun = dict([next(first)])
            with pytest.raises(ValueError, match="three"):
                list(second)
            found, others = begun | dict(first), dict(third)
    assert found.keys() == others.keys() == {7, 8, 9}
    assert not {*found.values()} & {*others.values()}


@pytest.mark.slow
def test_a_scheduler_killed_in_the_middle_gives_one_clear_error() -> None:
    with running_scheduler() as (address, scheduler, _), opened(where=address) as cluster:
        cluster.client.wait_for_workers(1, timeout=60)
        results = cluster.map_chunks(_slow, list(range(200)))
        next(results)
        scheduler.kill()
        with pytest.raises(ClusterError) as caught:
            list(results)
    assert address in str(caught.value)
    assert "run again" in str(caught.value)


@pytest.mark.slow
def test_workers_that_are_lost_for_good_give_one_clear_error() -> None:
    """The scheduler alone would wait for others for ever."""
    with (
        running_scheduler() as (address, _, worker),
        opened(where=address, lost_seconds=3.0) as cluster,
    ):
        cluster.client.wait_for_workers(1, timeout=60)
        results = cluster.map_chunks(_slow, list(range(2000)))
        next(results)
        worker.kill()
        with pytest.raises(ClusterError, match=r"was lost: no worker for 3 s; run again"):
            list(results)


def test_a_result_that_takes_longer_than_a_look_is_fetched_all_the_same(monkeypatch) -> None:
    """As on a machine that is busy for seconds."""
    monkeypatch.setattr(dask_cluster, "_BETWEEN_LOOKS_SECONDS", 0.0003)
    with DaskCluster("threads") as cluster:
        assert dict(cluster.map_chunks(_large, range(100))) == {n: _large(n) for n in range(100)}


def test_one_cluster_serves_all_runs_while_it_is_entered() -> None:
    with DaskCluster("threads") as cluster:
        clients = []
        for _ in range(2):
            definitions = dg.Definitions(
                assets=[_asset], resources={"dask_cluster": cluster, "clients": clients}
            )
            job = definitions.resolve_implicit_global_asset_job_def()
            assert job.execute_in_process().success
        assert clients[0] is clients[1] is cluster.client
        assert clients[0].status == "running"
        assert cluster.gain.running
    assert clients[0].status == "closed"
    assert not cluster.gain.running


@dg.asset
def _asset(dask_cluster: dg.ResourceParam[DaskCluster], clients: dg.ResourceParam[list]) -> None:
    assert dict(dask_cluster.map_chunks(_double, [1])) == {1: 2}
    clients.append(dask_cluster.client)


@pytest.mark.slow
def test_a_process_that_starts_two_clusters_keeps_the_settings_of_dask() -> None:
    # in a process of its own: what counts is that it had not loaded distributed before
    code = (
        "from resources.dask_cluster import local_cluster\n"
        "for _ in range(2):\n"
        "    with local_cluster(1, 'threads'):\n"
        "        pass\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_cluster_that_was_lost_is_started_again_at_the_next_use() -> None:
    with running_scheduler() as (address, scheduler, _), opened(where=address) as cluster:
        results = cluster.map_chunks(_slow, list(range(200)))
        next(results)
        scheduler.kill()
        with pytest.raises(ClusterError):
            list(results)
        cluster.where = "threads"
        assert dict(cluster.map_chunks(_double, [1])) == {1: 2}


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
            for piece, _ in cluster.map_chunks(_fail_at_three, list(range(50))):
                finished.append(piece)
        assert len(finished) < 40
        assert dict(cluster.map_chunks(_double, [1])) == {1: 2}


def test_equal_pieces_are_computed_by_each_who_asks() -> None:
    """With pure keys the second of two runs on one scheduler would be handed the first's result."""
    with opened(where="processes", workers=1) as cluster:
        found = list(cluster.map_chunks(_unlike_any_other, [7, 7, 7]))
    assert len(set(found)) == 3


def test_a_killed_worker_costs_only_time(tmp_path) -> None:
    marker = str(tmp_path / "died")
    with opened(where="processes") as cluster:
        ((_, pid),) = cluster.map_chunks(_die_once, [marker])
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
            assert dict(cluster.map_chunks(_double, [1, 2])) == {1: 2, 2: 4}
            assert cluster.memory_bytes() > 0
        assert running.status.name == "running"
