"""The signals of the newest batches of a home: stored ones, and those of batches made since.

A batch is measured once. Its rows are taken from the stored table as long as its report is the
one that they were counted from; what people said of it since is counted again with gold.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.signals import (
    GOLDEN_SIGNALS,
    WAITING,
    Signal,
    SignalRow,
)
from orchestration_assets.schemas.tables import DISAGREEMENT_REPORT
from orchestration_assets.signals.backlog import (
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
from orchestration_assets.signals.measures import ALL, Measure
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableStore

KEPT_BATCHES: Final = 500
"""The newest batches of which signals are kept."""
_OF_GOLD: Final = frozenset({Signal.ACCURACY, Signal.OPEN_REVIEWS})
"""Signals that change when people judge, though the batch stays as it is."""
_NOTHING_PAID: Final = Measure(Signal.COST_USD, ALL, 0.0)


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
        of_gold = _is_of(stored, "signal", _OF_GOLD)
        measured, judged = stored.filter(pc.invert(of_gold)), stored.filter(of_gold)
        made_from = dict(values(measured, "batch", "made_from"))
        stands = {b for b, report in self._reports.items() if made_from.get(b) == report}
        fresh = self._fresh([batch for batch in self._reports if batch not in stands])
        measured = pa.concat_tables([measured.filter(_is_of(measured, "batch", stands)), fresh])
        moments = dict(values(measured, "batch", "at"))
        parts = [measured, *self._of_gold(judged, stands, moments, policy)]
        if self._reports:
            newest = self._moment(next(reversed(self._reports)), moments)
            waiting = waiting_measures(self._home, now)
            parts.append(_table(newest, waiting, None))
        order = [(name, "ascending") for name in GOLDEN_SIGNALS.key]
        return SignalHistory(pa.concat_tables(parts).sort_by(order), tuple(self._reports))

    def _stored(self) -> pa.Table:
        """The stored rows, without those of what waited then."""
        if self._store.exists(GOLDEN_SIGNALS.name):
            with leaving_out_damage():
                table = self._store.read(GOLDEN_SIGNALS.name).select(GOLDEN_SIGNALS.schema.names)
                table = table.cast(GOLDEN_SIGNALS.schema)
                return table.filter(pc.invert(_is_of(table, "signal", WAITING)))
        return GOLDEN_SIGNALS.schema.empty_table()

    def _fresh(self, batches: Sequence[str]) -> pa.Table:
        costs = cost_measures(self._home, batches)
        rows: list[SignalRow] = []
        for batch in batches:
            of_batch = batch_measures(self._home, batch)
            measures = [*of_batch.measures, *costs.get(batch, (_NOTHING_PAID,))]
            rows += _rows(of_batch, measures, self._reports[batch])
        return rows_to_arrow(GOLDEN_SIGNALS, rows)

    def _of_gold(
        self,
        stored: pa.Table,
        stands: AbstractSet[str],
        moments: Mapping[str, datetime],
        policy: Policy | None,
    ) -> Iterator[pa.Table]:
        """The rows that follow gold: those of batches and gold as they were are taken as they
        stand. Accuracy is counted again only where a policy says what is asked."""
        wanted = {batch: f"{report}/{self._gold}" for batch, report in self._reports.items()}
        made_from = dict(values(stored, "batch", "made_from"))
        current = {batch for batch, made in wanted.items() if made_from.get(batch) == made}
        old = wanted.keys() - current
        yield stored.filter(_is_of(stored, "batch", current))
        if not old:
            return
        if policy is None:
            accuracy = stored.filter(pc.equal(stored["signal"], Signal.ACCURACY.value))
            yield accuracy.filter(_is_of(accuracy, "batch", stands & old))
        judged = judged_questions(self._store)
        judge = None if policy is None else gold_judge(self._store, policy)
        for batch in sorted(old):
            open_ones = open_reviews(self._store, batch, judged)
            measures = [Measure(Signal.OPEN_REVIEWS, ALL, float(open_ones), count=open_ones)]
            if judge is not None:
                measures += accuracy_measures(self._store, judge, batch)
            yield _table(self._moment(batch, moments), measures, wanted[batch])

    def _moment(self, batch: str, moments: Mapping[str, datetime]) -> BatchMeasures:
        return BatchMeasures(batch, moments.get(batch) or listed_at(batch))


def _table(about: BatchMeasures, measures: Iterable[Measure], made_from: str | None) -> pa.Table:
    return rows_to_arrow(GOLDEN_SIGNALS, _rows(about, measures, made_from))


def _rows(
    about: BatchMeasures, measures: Iterable[Measure], made_from: str | None
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
