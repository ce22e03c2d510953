"""One LMDB file in a process and in its forked child."""

import os
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from orchestration_assets.schemas.errors import UnwritableError
from resources.content_index import ContentIndex, Holding
from resources.feature_cache.lmdb_store import LmdbStore
from resources.lmdb_database import LmdbDatabase


def forked(body: Callable[[], None]) -> int:
    """The exit code of a child that runs the body."""
    child = os.fork()
    if child == 0:
        try:
            body()
        except BaseException:  # noqa: BLE001 -- the child must end here, whatever happens
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def holding(number: int) -> Holding:
    return Holding(f"{number:016x}", f"{number:016x}", "00" * 8, 0, f"{number:032x}", computes=True)


def test_a_child_opens_its_own_environment_and_both_go_on(tmp_path) -> None:
    store, index = LmdbStore(tmp_path / "cache"), ContentIndex(tmp_path / "index")
    store.put_many({"before": b"1"})
    index.include("b1", [holding(1)])

    def child() -> None:
        assert store.get_many(["before"]) == {"before": b"1"}
        store.put_many({"child": b"2"})
        assert index.included() == {"b1"}
        index.include("b2", [holding(2)])

    assert forked(child) == 0
    assert store.get_many(["before", "child"]) == {"before": b"1", "child": b"2"}
    assert index.included() == {"b1", "b2"}
    store.put_many({"after": b"3"})
    assert forked(lambda: None if store.get_many(["after"]) else os._exit(2)) == 0


def test_a_fork_beside_a_reader_leaves_its_view_alone(tmp_path) -> None:
    """The slot of a reader keeps its pages: a child must not give it back."""
    database = LmdbDatabase(tmp_path, {"tree": {}}, 1 << 20)
    database.write(lambda transaction: transaction.put("tree", b"key", b"old"))
    reading, forks_done, seen = threading.Event(), threading.Event(), []

    def read() -> None:
        with database.transaction() as transaction:
            reading.set()
            forks_done.wait()
            seen.append(transaction.get("tree", b"key"))

    reader = threading.Thread(target=read)
    reader.start()
    reading.wait()
    assert forked(lambda: None) == 0
    for number in range(50):
        database.write(lambda transaction, n=number: transaction.put("tree", b"key", b"%d" % n))
    forks_done.set()
    reader.join()
    assert seen == [b"old"]
    with database.transaction() as transaction:
        assert transaction.get("tree", b"key") == b"49"


def test_a_process_that_goes_through_many_homes_keeps_few_files_open(tmp_path) -> None:
    stores = [LmdbStore(tmp_path / f"{n}") for n in range(60)]
    for n, store in enumerate(stores):
        store.put_many({"number": bytes([n])})
    mapped = {
        line.split()[-1]
        for line in Path("/proc/self/maps").read_text().splitlines()
        if str(tmp_path) in line and line.endswith(".mdb")
    }
    assert 0 < len(mapped) <= 24
    assert [store.get_many(["number"])["number"][0] for store in stores] == list(range(60))


def test_a_database_in_use_stays_open_however_many_are_opened(tmp_path) -> None:
    trees: dict[str, dict[str, bool]] = {"values": {}}
    used = LmdbDatabase(tmp_path / "used", trees, 1 << 20)
    with used.transaction(write=True) as transaction:
        for n in range(40):
            with LmdbDatabase(tmp_path / f"{n}", trees, 1 << 20).transaction(write=True) as other:
                other.put("values", b"a", b"b")
        transaction.put("values", b"a", b"kept")
    with used.transaction() as transaction:
        assert transaction.get("values", b"a") == b"kept"


def test_a_file_that_may_not_be_written_is_read_and_writing_it_is_refused() -> None:
    """As another user, or in a home that is mounted read-only."""

    def read_and_refused() -> None:
        if os.geteuid() == 0:
            os.setuid(65534)
        with database.transaction() as transaction:
            assert transaction.get("words", b"a") == b"1"
        with pytest.raises(UnwritableError, match=r"data\.mdb: Permission denied; let this user"):
            database.write(lambda transaction: transaction.put("words", b"b", b"2"))

    # pytest's own folders are for their owner alone
    with TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        folder = Path(root) / "here"
        database = LmdbDatabase(folder, {"words": {}}, 1 << 24)
        database.write(lambda transaction: transaction.put("words", b"a", b"1"))
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        try:
            assert forked(read_and_refused) == 0
        finally:
            folder.chmod(0o755)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="mappings are read from /proc")
def test_a_settled_batch_leaves_no_pages_of_the_index_in_memory(tmp_path) -> None:
    index = ContentIndex(tmp_path / "index")
    assert index.settle("b1", lambda known: ([holding(1)], known.last(f"{1:016x}"))) is None
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()
    assert index.settle("b2", lambda known: ([holding(2)], known.last(f"{1:016x}"))) == f"{1:032x}"
    assert index.included() == {"b1", "b2"}
