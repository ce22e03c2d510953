"""All measures of one batch, derived from its tables once and kept beside them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow.compute as pc

from orchestration_assets.content.batches import batch_time
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.signals import Signal
from orchestration_assets.schemas.tables import CALL_LOG, DISAGREEMENTS, RESOLUTIONS
from orchestration_assets.signals import latency_sketch
from orchestration_assets.signals.call_measures import CALL_COLUMNS, call_measures
from orchestration_assets.signals.measures import ALL, SignalMeasure, Subject, share
from orchestration_assets.signals.question_measures import (
    DISAGREEMENT_COLUMNS,
    RESOLUTION_COLUMNS,
    deferred,
    question_measures,
)
from resources.damage import notice
from resources.derived_facts import kept_facts
from resources.feature_cache.tier import Counts
from resources.home import Home
from resources.table_store import TableMissingError, TableStore

# another number where the tables of a batch are measured in another way
_FACTS: Final = "golden_signals_1"
_TABLES: Final = (CALL_LOG.name, RESOLUTIONS.name, DISAGREEMENTS.name)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BatchMeasures:
    """The measures of a batch, and when its last attempt began; without one, when it was listed."""

    batch: str
    at: datetime
    measures: tuple[SignalMeasure, ...] = ()


def listed_at(batch: str) -> datetime:
    """When a batch was listed, by its key; the beginning of 1970 where that does not say."""
    return batch_time(batch) or _EPOCH


def batch_measures(home: Home, batch: str) -> BatchMeasures:
    """What the tables of a batch show, without its cost and what people said of it.

    Of a batch whose tables are damaged or missing there is nothing, which is said.
    """
    listed = listed_at(batch)
    try:
        facts = kept_facts(home.tables, batch, _FACTS, _TABLES, lambda: _facts(home.tables, batch))
    except (DamagedFileError, TableMissingError) as error:
        notice(f"left out of the signals: {error}")
        return BatchMeasures(batch, listed)
    at = datetime.fromisoformat(facts["at"]) if facts["at"] else listed
    measures = [*map(_measure, facts["measures"]), *_feature_cache(home, batch)]
    return BatchMeasures(batch, at, tuple(measures))


def _facts(store: TableStore, batch: str) -> dict[str, Any]:
    log = store.read(CALL_LOG.name, batch, CALL_COLUMNS)
    resolutions = store.read(RESOLUTIONS.name, batch, RESOLUTION_COLUMNS)
    disagreements = store.read(DISAGREEMENTS.name, batch, DISAGREEMENT_COLUMNS)
    last = pc.max(log["started_at"]).as_py()
    waiting = deferred(resolutions)
    measures = [
        *call_measures(log),
        *question_measures(resolutions, disagreements),
        SignalMeasure(Signal.DEFERRED_QUESTIONS, ALL, float(waiting), count=waiting),
    ]
    return {"at": last.isoformat() if last else "", "measures": list(map(_plain, measures))}


def _plain(one: SignalMeasure) -> list[Any]:
    latencies = None if one.latencies is None else latency_sketch.plain(one.latencies)
    subject = one.subject
    return [
        *(one.signal.value, subject.service, subject.task, subject.tier, one.value),
        *(one.low, one.high, one.count, one.numerator, one.denominator, one.effective, latencies),
    ]


def _measure(plain: list[Any]) -> SignalMeasure:
    signal, service, task, tier, *figures = plain
    if figures[-1] is not None:
        figures[-1] = latency_sketch.of_plain(figures[-1])
    return SignalMeasure(Signal(signal), Subject(service, task, tier), *figures)


def _feature_cache(home: Home, batch: str) -> Iterable[SignalMeasure]:
    """What profiles and vectors found in each tier, for both together."""
    total: dict[str, Counts] = {}
    for _, tiers in home.cache_uses.of_batch(batch):
        for name, counts in tiers.items():
            one = total.setdefault(name, Counts())
            one.hits += counts.hits
            one.lookups += counts.lookups
    for name, one in total.items():
        if one.lookups:
            hits = min(one.hits, one.lookups)
            yield share(Signal.CACHE_HIT_RATE, Subject(tier=name), hits, one.lookups)


SPENDING_COLUMNS: Final = ("batch", "service", "task", "usd")


def cost_measures(home: Home, batches: Iterable[str]) -> Mapping[str, list[SignalMeasure]]:
    """Batch -> what was paid for it in all, by service and by task, by the spending ledger; a
    batch that cost nothing has none."""
    wanted = set(batches)
    found: dict[str, list[SignalMeasure]] = {}
    if not wanted or not home.spending.folder.exists():
        return found
    rows = home.spending.rows(SPENDING_COLUMNS)
    paid = rows.group_by(["batch", "service", "task"]).aggregate([("usd", "sum")])
    sums: dict[str, dict[Subject, float]] = {}
    for batch, service, task, usd in values(paid, "batch", "service", "task", "usd_sum"):
        if batch in wanted:
            of_batch = sums.setdefault(batch, {})
            for subject in (ALL, Subject(service=service), Subject(task=task)):
                of_batch[subject] = of_batch.get(subject, 0.0) + usd
    for batch, of_batch in sums.items():
        found[batch] = [
            SignalMeasure(Signal.COST_USD, subject, usd)
            for subject, usd in sorted(of_batch.items())
        ]
    return found
