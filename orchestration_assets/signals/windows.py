"""The signals of several batches together: counts add up, latencies are those of all attempts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.signals import (
    GOLDEN_SIGNALS,
    LATENCIES,
    LEFT_OPEN,
    SUMS,
    WAITING,
    Signal,
    SignalRow,
)
from orchestration_assets.signals.latency_sketch import merged
from orchestration_assets.signals.measures import (
    SignalMeasure,
    Subject,
    latency_measures,
    share,
    weighted_share,
)

_STOCKS: Final = pa.array(sorted(LEFT_OPEN | WAITING), pa.string())
_ORDER: Final = {signal: place for place, signal in enumerate(Signal)}


def in_window(table: pa.Table, since: datetime | None, before: datetime | None = None) -> pa.Table:
    """The rows of batches that were carried out from ``since`` on and ``before`` a moment; None
    is no bound. What is open and what waits now is not of any time, and left out."""
    kept = pc.invert(pc.is_in(table["signal"], _STOCKS))
    moment = table.schema.field("at").type
    if since is not None:
        kept = pc.and_(kept, pc.greater_equal(table["at"], pa.scalar(since, moment)))
    if before is not None:
        kept = pc.and_(kept, pc.less(table["at"], pa.scalar(before, moment)))
    return table.filter(kept)


def stocks(table: pa.Table) -> list[SignalMeasure]:
    """What all batches leave open, and what waits now."""
    return together(GOLDEN_SIGNALS.rows(table.filter(pc.is_in(table["signal"], _STOCKS))))


def together(rows: Iterable[SignalRow]) -> list[SignalMeasure]:
    """One measure for each signal and subject of the rows, in the order of signals."""
    groups: dict[tuple[Signal, Subject], list[SignalRow]] = {}
    for row in rows:
        subject = Subject(row.service, row.task, row.tier)
        groups.setdefault((row.signal, subject), []).append(row)
    found: list[SignalMeasure] = []
    for (signal, subject), own in groups.items():
        if signal not in LATENCIES:
            found += _merged(signal, subject, own)
    return sorted(found, key=lambda one: (_ORDER[one.signal], one.subject))


def _merged(signal: Signal, subject: Subject, rows: Sequence[SignalRow]) -> list[SignalMeasure]:
    count = sum(row.count or 0 for row in rows)
    if signal is Signal.CALLS:
        held = merged(row.latencies or () for row in rows)
        value = sum(row.value for row in rows)
        made = SignalMeasure(signal, subject, value, count=count, latencies=held)
        return [made, *latency_measures(subject, held)]
    if signal in SUMS | LEFT_OPEN | WAITING:
        return [SignalMeasure(signal, subject, sum(row.value for row in rows), count=count)]
    part = sum(row.numerator or 0.0 for row in rows)
    whole = sum(row.denominator or 0.0 for row in rows)
    if whole <= 0.0:
        return []
    if signal is Signal.ACCURACY:
        # Kish over all: the squares of weights add up
        squares = sum((row.denominator or 0.0) ** 2 / (row.effective or 1.0) for row in rows)
        return [weighted_share(signal, subject, part, whole, whole**2 / squares, count)]
    if rows[0].low is not None:
        return [share(signal, subject, round(part), round(whole))]
    value = part / whole
    return [SignalMeasure(signal, subject, value, None, None, count, part, whole)]
