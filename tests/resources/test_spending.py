"""The spending ledger: whole records or none, whatever is killed, damaged or folded meanwhile."""

import asyncio
import fcntl
import json
import logging
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zlib import crc32

import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import resources.spending.ledger as folding
from orchestration_assets.schemas.spending import SpendingState
from resources.locks import open_locked
from resources.spending.accounts import account_states
from resources.spending.ledger import SpendingLedger
from resources.spending.records import (
    AccountClosed,
    AccountOpened,
    Part,
    PassBegun,
    Reserved,
    Settled,
    decoded,
    encoded,
    records_in,
)
from resources.spending.writer import SpendingPurpose, SpendingWriter, UnrecordedError, append

amounts = st.floats(0.0, 1e6)
words = st.text(max_size=12)
counts = st.none() | st.integers(0, 10**9)
parts = st.lists(
    st.builds(Part, words, st.floats(0.0, 1.0), st.lists(words, max_size=3).map(tuple)), max_size=3
).map(tuple)
numbers = st.integers(0, 10**9)
records = st.one_of(
    st.builds(Reserved, numbers, numbers, *[words] * 7, parts, amounts, amounts),
    st.builds(Settled, numbers, numbers, amounts, st.booleans(), counts, counts, words),
    st.builds(PassBegun, numbers, words, words),
    st.builds(
        AccountOpened, numbers, words, st.lists(words, max_size=3).map(tuple), st.none() | amounts
    ),
    st.builds(AccountClosed, numbers, words),
)


def test_an_amount_or_a_share_that_is_not_finite_is_neither_written_nor_read() -> None:
    words = ("words",) * 7
    for share, usd in ((float("nan"), 1.0), (1.0, float("inf"))):
        record = Reserved(1, 1, *words, (Part("task", share, ("item",)),), usd, 1.0)
        with pytest.raises(ValueError, match="not finite"):
            encoded(record)
        body = json.dumps(["reserved", *record]).encode()
        assert decoded(b"%08x %s" % (crc32(body), body)) is None


@given(st.lists(records, max_size=6))
def test_records_are_read_as_they_were_written(written) -> None:
    data = b"".join(map(encoded, written))
    assert list(records_in(data)) == written
    assert data.count(b"\n") == len(written)


@given(st.lists(records, min_size=1, max_size=6), st.data())
def test_a_file_cut_at_any_byte_keeps_every_whole_record(written, data) -> None:
    lines = list(map(encoded, written))
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    kept = list(records_in(whole[:cut]))
    ends = [sum(map(len, lines[: n + 1])) for n in range(len(lines))]
    # the line's end is no part of the record
    assert kept == [one for one, end in zip(written, ends, strict=True) if end - 1 <= cut]


@given(records, st.data())
def test_a_changed_byte_is_noticed(record, data) -> None:
    line = bytearray(encoded(record)[:-1])
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= data.draw(st.integers(1, 255))
    changed = decoded(bytes(line))
    # a checksum in capital letters, or with another blank behind it, is the same checksum
    assert changed is None or changed == record


@given(st.binary(max_size=200))
def test_bytes_that_are_no_record_raise_nothing(data) -> None:
    assert all(record is None for record in records_in(data))


def writer(folder: Path, batch: str = "b", **more: str) -> SpendingWriter:
    return SpendingWriter(folder, SpendingPurpose("batch", batch, **more))


def attempt(one: SpendingWriter, expected: float, most: float = 1.0, item: str = "i") -> int:
    return one.reserve("s", "m", (Part("t", 1.0, (item,)),), expected, most)


def settle(one: SpendingWriter, number: int, usd: float, *, estimated: bool = False) -> None:
    one.settle(number, usd, estimated=estimated, tokens_in=10, tokens_out=2, status="ok")


def usd(ledger: SpendingLedger) -> float:
    return pc.sum(ledger.rows(["usd"])["usd"]).as_py() or 0.0


def test_an_attempt_counts_at_its_estimate_until_it_is_settled(tmp_path) -> None:
    ledger = SpendingLedger(tmp_path / "spending")
    assert usd(ledger) == 0.0
    assert not ledger.folder.exists()
    with writer(ledger.folder) as one:
        first = attempt(one, 0.25)
        (row,) = ledger.rows().to_pylist()
        assert (row["usd"], row["state"], row["estimated"]) == (0.25, SpendingState.IN_FLIGHT, True)
        settle(one, first, 0.125)
    (row,) = ledger.rows().to_pylist()
    assert (row["usd"], row["state"], row["estimated"]) == (0.125, SpendingState.SETTLED, False)
    assert (row["tokens_in"], row["tokens_out"], row["items"]) == (10, 2, ["i"])


def test_a_request_about_several_tasks_is_shared_among_them(tmp_path) -> None:
    ledger = SpendingLedger(tmp_path)
    with writer(ledger.folder) as one:
        shares = (Part("x", 0.25, ("a",)), Part("y", 0.75, ("b", "c")))
        settle(one, one.reserve("s", "m", shares, 1.0, 2.0), 0.8)
    rows = {row["task"]: row["usd"] for row in ledger.rows().to_pylist()}
    assert rows == {"x": pytest.approx(0.2), "y": pytest.approx(0.6)}


def test_damage_is_said_and_the_rest_is_read(tmp_path, caplog) -> None:
    ledger = SpendingLedger(tmp_path / "spending")
    with writer(ledger.folder) as one:
        for n in range(3):
            settle(one, attempt(one, 0.5, item=f"i{n}"), 0.25)
    (path,) = ledger.folder.glob("*.records")
    data = path.read_bytes()
    lines = data.split(b"\n")
    lines[2] = b"00000000 nonsense"
    path.write_bytes(b"\n".join(lines))
    with caplog.at_level(logging.WARNING):
        assert ledger.rows().num_rows == 2
    assert f"{path}: 1 damaged lines" in caplog.text
    # a damaged file is evidence: it is not folded away
    (ledger.folder / "2026-01-01-0.parquet").write_bytes(b"PAR1 nonsense")
    with caplog.at_level(logging.WARNING):
        assert usd(ledger) == pytest.approx(0.5)
    assert "2026-01-01-0.parquet" in caplog.text


def test_folding_changes_no_figure_and_leaves_open_files_alone(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(folding, "_FOLDED_FILES", 3)
    ledger = SpendingLedger(tmp_path / "spending")
    ledger.fold()
    for batch in ("x", "y", "z"):
        with writer(ledger.folder, batch, account="a") as one:
            settle(one, attempt(one, 0.5), 0.25)
            attempt(one, 0.125)
    still_open = writer(ledger.folder, "open", account="a")
    number = attempt(still_open, 0.5)
    before = sorted(map(str, ledger.rows().to_pylist()))
    ledger.fold()
    assert len(list(ledger.folder.glob("*.parquet"))) == 1
    assert len(list(ledger.folder.glob("*.records"))) == 1
    assert sorted(map(str, ledger.rows().to_pylist())) == before
    settle(still_open, number, 0.25)
    still_open.close()
    assert ledger.spent_usd(account="a") == pytest.approx(3 * 0.375 + 0.25)
    assert ledger.spent_usd(batch="x") == pytest.approx(0.375)


def test_folding_that_was_killed_before_it_deleted_counts_nothing_twice(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(folding, "_FOLDED_FILES", 2)
    ledger = SpendingLedger(tmp_path / "spending")
    for _ in range(2):
        with writer(ledger.folder) as one:
            settle(one, attempt(one, 0.5), 0.25)
    kept = {path: path.read_bytes() for path in ledger.folder.glob("*.records")}
    ledger.fold()
    for path, data in kept.items():
        path.write_bytes(data)
    assert usd(ledger) == pytest.approx(0.5)
    ledger.fold()
    assert not list(ledger.folder.glob("*.records"))
    assert usd(ledger) == pytest.approx(0.5)


def test_a_writer_that_starts_while_files_are_folded_loses_no_record(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(folding, "_FOLDED_FILES", 1)
    ledger = SpendingLedger(tmp_path / "spending")
    with writer(ledger.folder) as one:
        settle(one, attempt(one, 0.5), 0.25)
    starting = ledger.folder / "2026-01-01-b.records"
    starting.touch()
    waits, flock = threading.Event(), fcntl.flock

    def locking(file: int, kind: int) -> None:
        if kind == fcntl.LOCK_EX:
            waits.set()  # the writer has opened its file, and waits for the lock
        flock(file, kind)

    def start() -> int:
        file = open_locked(starting, fcntl.LOCK_EX)
        append(file, encoded(Reserved(0, 1, *["b"] * 7, (Part("t", 1.0, ("i",)),), 0.5, 1.0)), 0)
        return file

    monkeypatch.setattr(fcntl, "flock", locking)
    locked_if_ended = folding._locked_if_ended
    with ThreadPoolExecutor(1) as pool:
        begun = []

        def looked_at(path: Path) -> int | None:
            file = locked_if_ended(path)
            if path == starting:
                begun.append(pool.submit(start))
                waits.wait()
            return file

        with monkeypatch.context() as patch:
            patch.setattr(folding, "_locked_if_ended", looked_at)
            ledger.fold()
        file = begun[0].result(timeout=60)
    assert usd(ledger) == pytest.approx(0.75)
    os.close(file)
    ledger.fold()
    ledger.fold()
    assert usd(ledger) == pytest.approx(0.75)


def test_passes_and_accounts_are_remembered(tmp_path) -> None:
    ledger = SpendingLedger(tmp_path / "spending")
    assert ledger.marks().pass_of("b") == ""
    ledger.begin_pass("b", "second")
    assert ledger.marks().pass_of("b") == "second"
    ledger.mark(AccountOpened(1, "one", ("a", "b"), 1.0))
    ledger.mark(AccountOpened(2, "two", ("b", "c"), None))

    def known() -> dict:
        accounts = ledger.marks().open_accounts
        return {batch: (one.account, one.batches, one.cap_usd) for batch, one in accounts.items()}

    of_two = ("two", ("b", "c"), None)
    assert known() == {"a": ("one", ("a",), 1.0), "b": of_two, "c": of_two}
    ledger.mark(AccountClosed(3, "two"))
    assert set(known()) == {"a"}
    # a line that broke off is ended before the next one is written
    with (ledger.folder / "marks.records").open("ab") as file:
        file.write(b'01234567 ["clo')
    ledger.mark(AccountClosed(4, "one"))
    assert known() == {}


def test_an_account_counts_its_batches_in_their_present_pass_and_its_probes(tmp_path) -> None:
    ledger = SpendingLedger(tmp_path / "spending")

    def spend(amount: float, batch: str, **more: str) -> None:
        with writer(ledger.folder, batch, **more) as one:
            settle(one, attempt(one, amount), amount)

    ledger.mark(AccountOpened(1, "one", ("a", "b"), 1.0))
    spend(0.25, "a", account="one")
    spend(0.125, "b", account="another")
    spend(0.5, "c", account="one")
    spend(0.0625, "", account="one")
    states = account_states(ledger, ["a", "c"])
    assert {name: state.left_usd for name, state in states.items()} == {"one": 0.5625}
    ledger.begin_pass("a", "second")
    assert account_states(ledger, ["b"])["one"].spent_usd == 0.1875


def test_nothing_is_sent_that_cannot_be_recorded(tmp_path) -> None:
    (tmp_path / "spending").write_text("in the way")
    with pytest.raises(UnrecordedError, match="spending cannot be recorded"):
        attempt(writer(tmp_path / "spending"), 0.5)


def test_settlements_of_one_round_are_written_at_its_end_or_before_the_next_attempt(
    tmp_path,
) -> None:
    ledger = SpendingLedger(tmp_path)

    def settled() -> int:
        return pc.sum(pc.equal(ledger.rows()["state"], SpendingState.SETTLED)).as_py() or 0

    async def spend() -> None:
        with writer(ledger.folder) as one:
            numbers = [attempt(one, 0.5) for _ in range(4)]
            settle(one, numbers[0], 0.25)
            settle(one, numbers[1], 0.25)
            assert settled() == 0
            await asyncio.sleep(0)
            assert settled() == 2
            settle(one, numbers[2], 0.25)
            attempt(one, 0.5)
            assert settled() == 3
            settle(one, numbers[3], 0.25)
        # no round ends after the last one
        assert settled() == 4

    asyncio.run(spend())
    assert usd(ledger) == 1.5


@pytest.mark.parametrize("another", [True, False])
def test_a_settlement_that_could_not_be_written_is_said_by_what_comes_next(
    tmp_path, another
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def spend() -> None:
        with writer(tmp_path) as one:
            settle(one, attempt(one, 0.5), 0.25)
            # the system refuses every further byte, as a full disk does
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
            try:
                await asyncio.sleep(0)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            if another:
                attempt(one, 0.5)

    with pytest.raises(UnrecordedError, match="spending cannot be recorded"):
        asyncio.run(spend())
    (row,) = SpendingLedger(tmp_path).rows().to_pylist()
    assert (row["usd"], row["state"]) == (0.5, SpendingState.IN_FLIGHT)


KILLED = """
import sys
from pathlib import Path
from tests.resources.test_spending import attempt, settle, writer
one = writer(Path(sys.argv[1]))
while True:
    number = attempt(one, 0.5)
    sys.stdout.write(f"sent {number}\\n")
    sys.stdout.flush()
    settle(one, number, 0.25)
    sys.stdout.write(f"settled {number}\\n")
    sys.stdout.flush()
"""


def test_processes_that_are_killed_while_they_write_lose_no_record(tmp_path) -> None:
    chance = random.Random(3)
    folder = tmp_path / "spending"
    children, outputs = [], []
    for n in range(3):
        output = tmp_path / f"{n}.out"
        outputs.append(output)
        with output.open("wb") as file:
            children.append(
                subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=file)
            )
    for child, output in zip(children, outputs, strict=True):
        wanted = chance.randint(2_000, 9_000)
        while output.stat().st_size < wanted:
            assert child.poll() is None
            time.sleep(0.002)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    lines = [line for output in outputs for line in output.read_text().split("\n")[:-1]]
    sent = sum(line.startswith("sent") for line in lines)
    settled = sum(line.startswith("settled") for line in lines)
    rows = SpendingLedger(folder).rows().to_pylist()
    assert sent <= len(rows) <= sent + len(children)
    ended = sum(row["state"] == SpendingState.SETTLED for row in rows)
    assert settled <= ended <= settled + len(children)
    SpendingLedger(folder).fold()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.none() | st.floats(0.0, 1.0)), max_size=12))
def test_the_ledger_is_the_sum_of_what_was_settled_and_expected(tmp_path_factory, attempts) -> None:
    ledger = SpendingLedger(tmp_path_factory.mktemp("ledger"))
    with writer(ledger.folder) as one:
        for expected, cost in attempts:
            number = attempt(one, expected)
            if cost is not None:
                settle(one, number, cost)
    wanted = sum(expected if cost is None else cost for expected, cost in attempts)
    assert usd(ledger) == pytest.approx(wanted)
