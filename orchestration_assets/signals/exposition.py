"""The signals in the text format of Prometheus, for a scrape or a file of node_exporter.

Gauges are about the newest batch, and about what waits now; counters are totals of the home, and
never fall but where batches are done again or tidied away, which reads as a restart.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.signals import GOLDEN_SIGNALS, LATENCIES, Signal, SignalRow
from orchestration_assets.schemas.tables import CORPUS_REPORT, DISAGREEMENT_REPORT
from orchestration_assets.signals.backlog import file_version
from orchestration_assets.signals.history import SignalHistory, read_signals
from orchestration_assets.signals.watch import alert_state, has_alerts
from orchestration_assets.signals.windows import stocks
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import read_parquet

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX: Final = "orchestration_"
_MS: Final = 1000.0
_GAUGES: Final[Mapping[Signal, tuple[str, str, tuple[str, ...]]]] = {
    Signal.CALLS: ("batch_calls", "Attempts at services in the newest batch.", ("service",)),
    Signal.ERROR_RATE: (
        "batch_error_ratio",
        "Attempts of the newest batch that gave no answer, of all.",
        ("service",),
    ),
    Signal.TOKENS_PER_SECOND: (
        "batch_tokens_per_second",
        "Tokens read and written in the newest batch, by the time in which calls were under way.",
        ("service",),
    ),
    Signal.PARALLEL_EFFICIENCY: (
        "batch_parallel_efficiency_ratio",
        "Mean calls under way in the newest batch, of the most at once.",
        (),
    ),
    Signal.CACHE_HIT_RATE: (
        "batch_cache_hit_ratio",
        "Lookups of the newest batch that a tier of the cache answered, of all.",
        ("tier",),
    ),
    Signal.COST_USD: (
        "batch_cost_usd",
        "What was paid for the newest batch, every time that it was done, in US dollars.",
        ("service", "task"),
    ),
    Signal.ABSTAINED_SHARE: (
        "batch_abstained_ratio",
        "Questions of the newest batch that no service would answer, of all.",
        ("task",),
    ),
    Signal.FAILED_SHARE: (
        "batch_failed_ratio",
        "Questions of the newest batch that failed, of all.",
        ("task",),
    ),
    Signal.DISPUTED_SHARE: (
        "batch_disputed_ratio",
        "Questions of the newest batch on which services differ with a consequence, of all.",
        ("task",),
    ),
    Signal.ACCURACY: (
        "accuracy_ratio",
        "Answers that stood and are right, of the newest batch of which any was judged.",
        ("task",),
    ),
}
_STOCKS: Final = {
    Signal.DEFERRED_QUESTIONS: ("deferred_questions", "Questions that wait for a service."),
    Signal.WAITING_ENTRIES: ("waiting_entries", "Entries that were listed and have no report yet."),
    Signal.OLDEST_WAITING_S: (
        "oldest_waiting_seconds",
        "How long the oldest entry without a report has waited.",
    ),
    Signal.OPEN_REVIEWS: ("open_reviews", "Questions for people that nobody has judged."),
}
_TOTALS: Final = {
    "listed": ("entries_listed", "Entries that were listed."),
    "accepted": ("items_accepted", "Entries that became items."),
    "rejected": ("entries_rejected", "Entries that were rejected."),
    "plans": ("questions_planned", "Pairs of an item and a task that applies."),
    "calls": ("calls", "Attempts at services."),
    "cached": ("readings_cached", "Readings that the cache served."),
    "resolved": ("questions_resolved", "Questions with an answer that stands."),
    "abstained": ("questions_abstained", "Questions that no service would answer."),
    "failed": ("questions_failed", "Questions that failed."),
    "disputed": (
        "questions_disputed",
        "Questions on which services differ with a consequence.",
    ),
}
"""Columns of the report of a batch, and the counters that they add up to."""


def exposition(home: Home, policy: Policy, now: datetime) -> bytes:
    """Every metric of a home as of now."""
    from prometheus_client.exposition import generate_latest
    from prometheus_client.registry import Collector, CollectorRegistry

    metrics = list(_metrics(home, policy, now))

    class _Collected(Collector):
        def collect(self) -> "list[Metric]":
            return metrics

    # a registry of its own: the library's global one tells of this process
    registry = CollectorRegistry()
    registry.register(_Collected())
    return generate_latest(registry)


def _metrics(home: Home, policy: Policy, now: datetime) -> "Iterator[Metric]":
    history = read_signals(home, now)
    yield from _of_newest(history)
    yield from _of_stocks(history)
    yield from _totals(home)
    yield from _spending(home)
    yield from _of_alerts(home, policy)


def _of_newest(history: SignalHistory) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    table = history.table
    of_newest = pc.equal(table["batch"], pa.scalar(history.newest, pa.string()))
    rows = list(GOLDEN_SIGNALS.rows(table.filter(of_newest)))
    judged = list(GOLDEN_SIGNALS.rows(_newest_judged(table)))
    for signal, (name, meaning, labels) in _GAUGES.items():
        metric = GaugeMetricFamily(_PREFIX + name, meaning, labels=labels)
        for row in judged if signal is Signal.ACCURACY else rows:
            if row.signal is signal and _is_told(row, labels):
                metric.add_metric([getattr(row, label) for label in labels], row.value)
        yield metric
    latency = GaugeMetricFamily(
        f"{_PREFIX}batch_latency_seconds",
        "Time of answered attempts of the newest batch, by quantile.",
        labels=("service", "quantile"),
    )
    for row in rows:
        if row.signal in LATENCIES and row.service:
            latency.add_metric([row.service, str(LATENCIES[row.signal])], row.value / _MS)
    yield latency
    moment = GaugeMetricFamily(
        f"{_PREFIX}batch_timestamp_seconds",
        "When the last attempt of the newest batch began, in seconds since 1970.",
    )
    if rows:
        moment.add_metric([], rows[0].at.timestamp())
    yield moment


def _is_told(row: SignalRow, labels: tuple[str, ...]) -> bool:
    """Whether a row is told: sums over all are left to whoever asks, so that nothing is told
    twice. A cost is told by service and by task, the other of the two empty."""
    return not labels or any(getattr(row, label) for label in labels)


def _newest_judged(table: pa.Table) -> pa.Table:
    judged = table.filter(pc.equal(table["signal"], Signal.ACCURACY.value))
    newest = pc.max(judged["batch"])
    return judged.filter(pc.equal(judged["batch"], newest)) if judged.num_rows else judged


def _of_stocks(history: SignalHistory) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    held = {one.signal: one.value for one in stocks(history.table)}
    for signal, (name, meaning) in _STOCKS.items():
        yield GaugeMetricFamily(_PREFIX + name, meaning, value=held.get(signal, 0.0))


def _totals(home: Home) -> "Iterator[Metric]":
    """Totals over all reported batches: of the corpus report, and of batches made since."""
    from prometheus_client.core import CounterMetricFamily

    store, columns = home.tables, ["batch", *_TOTALS]
    reported = store.batches(DISAGREEMENT_REPORT.name)
    known = CORPUS_REPORT.schema.empty_table().select(columns)
    if store.exists(CORPUS_REPORT.name):
        with leaving_out_damage():
            known = store.read(CORPUS_REPORT.name, columns=columns)
    held = set(known["batch"].to_pylist())
    sums = {column: int(pc.sum(known[column]).as_py() or 0) for column in _TOTALS}
    for batch in reported:
        if batch not in held:
            path = store.path(DISAGREEMENT_REPORT.name, batch)
            with leaving_out_damage():
                counts = _counts(path, file_version(path))
                sums = {column: sums[column] + counts[column] for column in sums}
    yield CounterMetricFamily(
        f"{_PREFIX}batches", "Batches that have a report.", value=len(reported)
    )
    for column, (name, meaning) in _TOTALS.items():
        yield CounterMetricFamily(f"{_PREFIX}{name}", meaning, value=sums[column])


@lru_cache(maxsize=20_000)
def _counts(path: Path, version: str) -> Mapping[str, int]:
    """What one report adds to the totals; between two scrapes it mostly stays as it is."""
    try:
        read = read_parquet(path, list(_TOTALS))
    except FileNotFoundError:
        return dict.fromkeys(_TOTALS, 0)
    return {column: int(pc.sum(read[column]).as_py() or 0) for column in _TOTALS}


def _spending(home: Home) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily

    metric = CounterMetricFamily(
        f"{_PREFIX}spending_usd", "What was paid, in US dollars.", labels=("service",)
    )
    if home.spending.folder.exists():
        rows = home.spending.rows(("service", "usd"))
        paid = rows.group_by("service").aggregate([("usd", "sum")]).sort_by("service")
        for service, usd in values(paid, "service", "usd_sum"):
            metric.add_metric([service], usd)
    yield metric


def _of_alerts(home: Home, policy: Policy) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    metric = GaugeMetricFamily(
        f"{_PREFIX}alert_firing",
        "1 while an alert of the policy holds, by the last look.",
        labels=("alert", "severity"),
    )
    if has_alerts(policy):
        since = alert_state(home).since
        alerts = policy.alerts
        named = [(one.name, one.severity) for one in alerts.rules]
        named += [(one.name, one.severity) for one in alerts.budgets]
        for name, severity in named:
            metric.add_metric([name, severity.value], float(name in since))
    yield metric
