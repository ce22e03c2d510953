"""The signals of the newest batches of a home: stored ones, and those of batches made since.

A batch is measured once. Its rows are taken from the stored table as long as its report is the
one that they were counted from; what people said of it since is counted again with gold.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.signals import (
    GOLDEN_SIGNALS,
    Signal,
    SignalRow,
)
from orchestration_assets.schemas.tables import DISAGREEMENT_REPORT
from orchestration_assets.signals.backlog import (
    Judged,
    file_version,
    gold_version,
    judged_questions,
    open_reviews,
    waiting_measures,
)
from orchestration_assets.signals.batch_measures import (
    BatchMeasures,
    batch_measures,
    cost_measures,
    listed_at,
)
from orchestration_assets.signals.gold_accuracy import accuracy_measures, gold_judge
from orchestration_assets.signals.measures import ALL, SignalMeasure
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableStore

KEPT_BATCHES: Final = 300
"""The newest batches of which signals are kept."""
_NOTHING_PAID: Final = SignalMeasure(Signal.COST_USD, ALL, 0.0)


@dataclass(frozen=True)
class SignalHistory:
    """The signals of a home, oldest batch first, as rows of ``golden_signals``; ``batches`` are
    those that they are about, also where one has no row."""

    table: pa.Table
    batches: tuple[str, ...] = ()

    @property
    def newest(self) -> str | None:
        return self.batches[-1] if self.batches else None


def read_signals(home: Home, now: datetime) -> SignalHistory:
    """The signals as of now, accuracy as it was when the table was last made."""
    return _History(home).signals(now, None)


def make_signals(home: Home, policy: Policy, now: datetime) -> SignalHistory:
    """The signals as of now, accuracy by gold as it is: what the table is made of."""
    return _History(home).signals(now, policy)


class _History:
    def __init__(self, home: Home) -> None:
        self._home = home
        self._store: TableStore = home.tables
        batches = self._store.batches(DISAGREEMENT_REPORT.name)[-KEPT_BATCHES:]
        self._reports = {
            batch: file_version(self._store.path(DISAGREEMENT_REPORT.name, batch))
            for batch in batches
        }
        self._gold = gold_version(self._store)

    def signals(self, now: datetime, policy: Policy | None) -> SignalHistory:
        stored = self._stored()
        judged_from = {batch: f"{report}/{self._gold}" for batch, report in self._reports.items()}
        # what a row is made from names one report, and so one batch
        current = stored.filter(
            _is_of(stored, "made_from", [*self._reports.values(), *judged_from.values()])
        )
        made_from = set(pc.unique(current["made_from"]).to_pylist())
        stands = {batch for batch, report in self._reports.items() if report in made_from}
        fresh = self._fresh([batch for batch in self._reports if batch not in stands])
        moments = _Moments(pa.concat_tables([current, fresh]))
        again = {batch: made for batch, made in judged_from.items() if made not in made_from}
        if policy is None and again:
            accuracy = stored.filter(pc.equal(stored["signal"], Signal.ACCURACY.value))
            judged = [accuracy.filter(_is_of(accuracy, "batch", stands & again.keys()))]
        else:
            judged = []
        judged.append(rows_to_arrow(GOLDEN_SIGNALS, self._of_gold(again, moments, policy)))
        waiting = []
        newest = next(reversed(self._reports), None) or self._listed_last()
        if newest is not None:
            waiting.append(_table(moments.of(newest), waiting_measures(self._home, now), None))
        table = _put_in(current, pa.concat_tables([fresh, *judged, *waiting]))
        return SignalHistory(table, tuple(self._reports))

    def _listed_last(self) -> str | None:
        """The newest batch of a home that has no report of any yet."""
        return next(reversed(self._home.batches.recorded()), None)

    def _stored(self) -> pa.Table:
        if self._store.exists(GOLDEN_SIGNALS.name):
            with leaving_out_damage():
                table = self._store.read(GOLDEN_SIGNALS.name)
                return table.select(GOLDEN_SIGNALS.schema.names).cast(GOLDEN_SIGNALS.schema)
        return GOLDEN_SIGNALS.schema.empty_table()

    def _fresh(self, batches: Sequence[str]) -> pa.Table:
        costs = cost_measures(self._home, batches)
        tables = [GOLDEN_SIGNALS.schema.empty_table()]
        for batch in batches:
            measured, table = _measured(self._home, batch, self._reports[batch])
            paid = costs.get(batch, [_NOTHING_PAID])
            tables += [table, _table(measured, paid, self._reports[batch])]
        return pa.concat_tables(tables)

    def _of_gold(
        self, made_from: Mapping[str, str], moments: "_Moments", policy: Policy | None
    ) -> Iterator[SignalRow]:
        """The rows of these batches that follow gold, as it is. How right answers are is counted
        only where a policy says what is asked."""
        judge = gold_judge(self._store, policy) if made_from and policy is not None else None
        for batch, made in made_from.items():
            open_ones = _open_reviews(self._home, batch, made, self._gold)
            measures = [SignalMeasure(Signal.OPEN_REVIEWS, ALL, float(open_ones), count=open_ones)]
            if judge is not None:
                measures += accuracy_measures(self._store, judge, batch)
            yield from _rows(moments.of(batch), measures, made)


# what looks again and again between two makings of the table measures a batch once


@lru_cache(maxsize=KEPT_BATCHES)
def _measured(home: Home, batch: str, report: str) -> tuple[BatchMeasures, pa.Table]:
    measured = batch_measures(home, batch)
    return measured, _table(measured, measured.measures, report)


@lru_cache(maxsize=4 * KEPT_BATCHES)
def _open_reviews(home: Home, batch: str, made_from: str, gold: str) -> int:
    return open_reviews(home.tables, batch, _judged(home, gold))


@lru_cache(maxsize=1)
def _judged(home: Home, gold: str) -> Judged:
    return judged_questions(home.tables)


class _Moments:
    """When the last attempt of each batch began, by its rows."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    @cached_property
    def _known(self) -> dict[str, datetime]:
        each = self._table.select(["batch", "at"]).group_by(["batch", "at"]).aggregate([])
        return dict(values(each, "batch", "at"))

    def of(self, batch: str) -> BatchMeasures:
        """The batch and its moment, without any measure."""
        return BatchMeasures(batch, self._known.get(batch) or listed_at(batch))


def _put_in(current: pa.Table, new: pa.Table) -> pa.Table:
    """All rows in the order of their key; ``current`` ones are in it, and mostly older."""
    if not new.num_rows:
        return current
    batches, first = current["batch"], pc.min(new["batch"]).as_py()
    place = bisect_left(range(current.num_rows), first, key=lambda row: batches[row].as_py())
    tail = pa.concat_tables([current.slice(place), new])
    order = [(name, "ascending") for name in GOLDEN_SIGNALS.key]
    return pa.concat_tables([current.slice(0, place), tail.sort_by(order)])


def _table(
    about: BatchMeasures, measures: Iterable[SignalMeasure], made_from: str | None
) -> pa.Table:
    return rows_to_arrow(GOLDEN_SIGNALS, _rows(about, measures, made_from))


def _rows(
    about: BatchMeasures, measures: Iterable[SignalMeasure], made_from: str | None
) -> Iterator[SignalRow]:
    for one in measures:
        yield SignalRow(
            batch=about.batch,
            at=about.at,
            signal=one.signal,
            service=one.subject.service,
            task=one.subject.task,
            tier=one.subject.tier,
            value=one.value,
            low=one.low,
            high=one.high,
            count=one.count,
            numerator=one.numerator,
            denominator=one.denominator,
            effective=one.effective,
            latencies=one.latencies,
            made_from=made_from,
        )


def _is_of(table: pa.Table, column: str, wanted: Iterable[str]) -> pa.ChunkedArray:
    return pc.is_in(table[column], pa.array(sorted(wanted), pa.string()))
