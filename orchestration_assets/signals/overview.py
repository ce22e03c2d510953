"""The signals of a stretch of time as one record: together, by service, by task, and what waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.signals import GOLDEN_SIGNALS, Signal
from orchestration_assets.signals.history import SignalHistory
from orchestration_assets.signals.measures import ALL, SignalMeasure, Subject
from orchestration_assets.signals.trend import ShareChange, change
from orchestration_assets.signals.windows import in_window, stocks, together


@dataclass(frozen=True)
class SignalOverview:
    """The measures of all batches from ``since`` on together; ``batches`` says how many these are,
    ``newest`` is the newest of the home. ``accuracy_changes``: task (empty: all) -> accuracy of
    the later half of the judged batches less that of the earlier half."""

    since: datetime | None
    batches: int
    newest: str | None
    measures: tuple[SignalMeasure, ...]
    accuracy_changes: Mapping[str, ShareChange]

    def value(self, signal: Signal, subject: Subject = ALL) -> SignalMeasure | None:
        """One measure; None where there is none."""
        return self._by_key.get((signal, subject))

    @property
    def _by_key(self) -> dict[tuple[Signal, Subject], SignalMeasure]:
        return {(one.signal, one.subject): one for one in self.measures}

    def names(self, kind: str) -> list[str]:
        """The services, tasks or tiers (``kind``) that any measure is about."""
        return sorted({getattr(one.subject, kind) for one in self.measures} - {""})


def overview(history: SignalHistory, since: datetime | None) -> SignalOverview:
    """The signals of a home from a moment on; None is from the first kept batch on."""
    rows = in_window(history.table, since)
    judged = rows.filter(pc.equal(rows["signal"], Signal.ACCURACY.value))
    return SignalOverview(
        since,
        len(pc.unique(rows["batch"])),
        history.newest,
        (*together(GOLDEN_SIGNALS.rows(rows)), *stocks(history.table)),
        _changes(judged),
    )


_HALVES: Final = 2


def _changes(judged: pa.Table) -> dict[str, ShareChange]:
    batches = sorted(set(judged["batch"].to_pylist()))
    middle = len(batches) // _HALVES
    earlier, later = (_accuracies(judged, half) for half in (batches[:middle], batches[middle:]))
    return {
        task: found
        for task in sorted(earlier.keys() & later.keys())
        if (found := change(earlier[task], later[task])) is not None
    }


def _accuracies(judged: pa.Table, batches: Sequence[str]) -> dict[str, SignalMeasure]:
    own = judged.filter(pc.is_in(judged["batch"], pa.array(batches, pa.string())))
    return {one.subject.task: one for one in together(GOLDEN_SIGNALS.rows(own))}
