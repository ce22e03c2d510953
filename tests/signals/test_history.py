"""The signals of a real home: measured once, kept, brought up to date, and put together."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.signals import GOLDEN_SIGNALS, Signal
from orchestration_assets.schemas.tables import CALL_LOG, DISAGREEMENT_REPORT
from orchestration_assets.schemas.verdicts import GOLD_LABELS, GoldRow
from orchestration_assets.signals import history as histories
from orchestration_assets.signals.history import make_signals, read_signals
from orchestration_assets.signals.measures import ALL, SignalMeasure, Subject
from orchestration_assets.signals.overview import overview
from orchestration_assets.signals.trend import change
from resources.home import Home
from tests.conftest import Finished
from tests.rows import row

POLICY = load_policy().policy


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def measured(home: Home, now: datetime) -> dict[tuple[Signal, Subject], SignalMeasure]:
    found = overview(read_signals(home, now), None)
    return {(one.signal, one.subject): one for one in found.measures}


def test_the_figures_are_those_of_the_report(finished: Finished, now) -> None:
    home = Home(finished.home)
    found = measured(home, now)
    (report,) = home.tables.read("disagreement_report", finished.batch).to_pylist()
    asked = report["plans"] - (report["skipped"] or 0)
    assert found[Signal.CALLS, ALL].value == report["calls"]
    assert round(found[Signal.DISPUTED_SHARE, ALL].value * asked) == report["disputed"]
    assert round(found[Signal.ABSTAINED_SHARE, ALL].value * asked) == report["abstained"]
    assert found[Signal.DISPUTED_SHARE, ALL].count == asked
    assert found[Signal.WAITING_ENTRIES, ALL].value == 0
    assert found[Signal.LATENCY_P50_MS, ALL].value <= found[Signal.LATENCY_P99_MS, ALL].value
    # the run itself has made the table
    stored = home.tables.read("golden_signals")
    assert set(stored["batch"].to_pylist()) == {finished.batch}
    assert read_signals(home, now).table.num_rows == stored.num_rows


def test_a_batch_that_is_done_again_is_measured_again_and_no_other(
    copied, now, monkeypatch
) -> None:
    home = Home(copied.home)
    first = make_signals(home, POLICY, now)
    home.tables.write(GOLDEN_SIGNALS, first.table)

    def never(*_):
        raise AssertionError("measured again")

    with monkeypatch.context() as patch:
        patch.setattr(histories, "_measured", never)
        assert make_signals(home, POLICY, now).table.equals(first.table)
    log = home.tables.read("call_log", copied.batch)
    home.tables.write(CALL_LOG, log.slice(0, 1), copied.batch)
    report = home.tables.read("disagreement_report", copied.batch)
    home.tables.write(DISAGREEMENT_REPORT, report, copied.batch)
    again = overview(make_signals(home, POLICY, now), None).value(Signal.CALLS)
    assert again is not None and again.value == 1


def test_verdicts_show_in_accuracy_and_in_what_is_open(copied, now) -> None:
    home = Home(copied.home)
    before = measured(home, now)[Signal.OPEN_REVIEWS, ALL].value
    queue = home.tables.read("review_queue", copied.batch)
    own = pc.and_(pc.equal(queue["task"], "content_type"), pc.greater(queue["place"], 0))
    asked = queue.filter(own).to_pylist()
    assert len(asked) >= 3
    rows = [
        row(
            GoldRow,
            item_id=one["item_id"],
            content_hash=one["content_hash"],
            task="content_type",
            answer=one["answer"] if n else "surely not this",
            who="Ada",
        )
        for n, one in enumerate(asked)
    ]
    home.tables.write(GOLD_LABELS, rows_to_arrow(GOLD_LABELS, rows))
    # looking counts what is open; how right answers are, with the table
    assert measured(home, now)[Signal.OPEN_REVIEWS, ALL].value == before - len(asked)
    assert (Signal.ACCURACY, ALL) not in measured(home, now)
    made = overview(make_signals(home, POLICY, now), None)
    accuracy = made.value(Signal.ACCURACY, Subject(task="content_type"))
    assert accuracy is not None and accuracy.count == len(asked)
    assert accuracy.low is not None and accuracy.high is not None
    assert 0.0 <= accuracy.low < accuracy.value < 1.0
    assert accuracy.value < accuracy.high <= 1.0


def test_only_the_newest_batches_are_kept(copied, now, monkeypatch) -> None:
    home = Home(copied.home)
    tables = home.tables
    for name in ("disagreement_report", "call_log", "resolutions", "disagreements"):
        for hour in range(3):
            path = tables.path(name, f"20990101T0{hour}0000Z-00000000")
            path.write_bytes(tables.path(name, copied.batch).read_bytes())
    monkeypatch.setattr(histories, "KEPT_BATCHES", 2)
    made = make_signals(home, POLICY, now)
    assert made.batches == ("20990101T010000Z-00000000", "20990101T020000Z-00000000")
    assert set(made.table["batch"].to_pylist()) == set(made.batches)
    keys = made.table.select(list(GOLDEN_SIGNALS.key)).to_pylist()
    assert keys == sorted(keys, key=lambda key: tuple(key.values()))


def test_a_stretch_of_time_takes_the_batches_that_were_carried_out_in_it(finished, now) -> None:
    held = read_signals(Home(finished.home), now)
    assert overview(held, now - timedelta(days=1)).batches == 1
    later = overview(held, now + timedelta(days=1))
    assert later.batches == 0 and later.value(Signal.CALLS) is None
    assert later.value(Signal.OPEN_REVIEWS) is not None


def test_a_change_of_shares_has_the_interval_of_the_literature() -> None:
    """Newcombe 1998, table II, example (a): 56/70 less 48/80, method 10."""
    earlier = SignalMeasure(Signal.ACCURACY, ALL, 48 / 80, 0.4904, 0.7004, 80)
    later = SignalMeasure(Signal.ACCURACY, ALL, 56 / 70, 0.6918, 0.8768, 70)
    found = change(earlier, later)
    assert found is not None and found.is_certain
    assert (found.low, found.high) == (
        pytest.approx(0.0524, abs=2e-3),
        pytest.approx(0.3339, abs=2e-3),
    )


def test_a_damaged_table_of_a_batch_leaves_the_others(copied, now) -> None:
    home = Home(copied.home)
    path = home.tables.path("golden_signals")
    path.write_bytes(b"PAR1 no more")
    home.tables.path("call_log", copied.batch).write_bytes(b"no more")
    for kept in home.tables.derived.rglob("*.json"):
        kept.unlink()
    histories._measured.cache_clear()
    found = measured(home, now)
    assert (Signal.CALLS, ALL) not in found and (Signal.OPEN_REVIEWS, ALL) in found


def test_rows_add_up_to_the_declared_table(finished, now) -> None:
    table: pa.Table = read_signals(Home(finished.home), now).table
    assert table.schema.equals(GOLDEN_SIGNALS.schema)
    assert len(list(GOLDEN_SIGNALS.rows(table))) == table.num_rows
