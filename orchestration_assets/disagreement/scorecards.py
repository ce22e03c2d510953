"""Each service of each task: how reliable, at what price, and what would be lost without it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.label_history import LabelReadings, LabelVotes
from orchestration_assets.evidence.label_free import LabelFreeModel, fit_label_free
from orchestration_assets.evidence.label_model import LabelModel, encode_votes
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, Ints
from orchestration_assets.evidence.verdict_weights import VerdictWeights, equal_weights
from orchestration_assets.evidence.weighted_estimates import (
    ENOUGH_EFFECTIVE,
    Estimate,
    difference_estimate,
    share_estimate,
)
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.disagreement import FamilyAccuracy, ScorecardRow
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    CONTENT_PROFILES,
    INTERPRETATIONS,
    RESOLUTIONS,
)
from resources.damage import leaving_out_damage
from resources.derived_facts import kept_facts
from resources.table_store import TableStore

_ENOUGH_ITEMS: Final = 50
_ENOUGH_SERVICES: Final = 3
_SIDES: Final = ("supporters", "dissenters")
_COUNTED: Final = (*(one.name for one in INTERPRETATIONS.values()), RESOLUTIONS.name, CALL_LOG.name)
# another number where these tables are counted in another way
_COUNTS: Final = "service_counts_1"
UNCOMPARED: Final = "nothing to compare it with"
"""The sentence on a service of which nothing can be said."""
SPENDING_COLUMNS: Final = ("batch", "task", "service", "usd")
_BROKEN_BELOW: Final = 0.1

_Key = tuple[str, str]


@dataclass
class Tally:
    """Counts over all batches; keys are (task, service)."""

    statuses: defaultdict[_Key, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    dissents: Counter[_Key] = field(default_factory=Counter)
    took_part: Counter[_Key] = field(default_factory=Counter)
    cost_usd: Counter[_Key] = field(default_factory=Counter)
    total_ms: Counter[_Key] = field(default_factory=Counter)
    calls: Counter[_Key] = field(default_factory=Counter)


def tally(store: TableStore, spending: pa.Table) -> Tally:
    """Counts what every service did in every batch that is stored whole.

    ``spending`` has the ledger's rows, with what its calls cost whatever became of the batch.
    """
    tally = Tally()
    _count_spending(tally, spending)
    for batch in store.batches(RESOLUTIONS.name):
        counted = _counts_of(store, batch)
        for task, service, status, count in counted["statuses"]:
            tally.statuses[task, service][status] += count
        for side in _SIDES:
            for task, service, count in counted[side]:
                tally.took_part[task, service] += count
                if side == "dissenters":
                    tally.dissents[task, service] += count
        for task, service, ms, count in counted["calls"]:
            tally.total_ms[task, service] += ms
            tally.calls[task, service] += count
    return tally


def _counts_of(store: TableStore, batch: str) -> dict[str, Any]:
    """What a batch adds to the tally, kept beside its tables; what is damaged adds nothing."""
    try:
        return kept_facts(
            store, batch, _COUNTS, _COUNTED, lambda: _count(store, batch, nullcontext)
        )
    except DamagedFileError:
        return _count(store, batch, leaving_out_damage)


def _count(
    store: TableStore, batch: str, reading: Callable[[], AbstractContextManager[None]]
) -> dict[str, Any]:
    """The counts of a batch as rows of keys and counts; each table is read within ``reading``."""
    counted: dict[str, list[tuple[Any, ...]]] = {"statuses": [], "calls": []}
    counted |= {side: [] for side in _SIDES}
    for table in INTERPRETATIONS.values():
        if store.exists(table.name, batch):
            with reading():
                read = store.read(table.name, batch, ["task", "service", "status", "final"])
                counted["statuses"] += _statuses(read.filter(read["final"]))
    with reading():
        read = store.read(RESOLUTIONS.name, batch, ("task", *_SIDES))
        for side in _SIDES:
            counted[side] += _named(read, side)
    if store.exists(CALL_LOG.name, batch):
        with reading():
            columns = ["task", "service", "origin", "elapsed_ms"]
            counted["calls"] += _calls(store.read(CALL_LOG.name, batch, columns))
    return counted


def families_of(store: TableStore, contents: Collection[str]) -> dict[str, str]:
    """The family of each of the contents, as it was profiled last."""
    found: dict[str, str] = {}
    if not contents:
        return found
    wanted = pa.array(sorted(contents), pa.string())
    for read in store.intact(CONTENT_PROFILES.name, ["content_hash", "family"]):
        known = read.filter(pc.is_in(read["content_hash"], value_set=wanted))
        found |= {
            content: family
            for content, family in values(known, "content_hash", "family")
            if family is not None
        }
    return found


def _named(read: pa.Table, side: str) -> Iterator[tuple[Any, ...]]:
    """Task and service, and how often the service is named in a column of lists."""
    lists = read[side].combine_chunks()
    named = pa.table(
        {
            "task": read["task"].combine_chunks().take(pc.list_parent_indices(lists)),
            "service": pc.list_flatten(lists),
        }
    )
    grouped = named.group_by(["task", "service"]).aggregate([([], "count_all")])
    return values(grouped, "task", "service", "count_all")


def _statuses(read: pa.Table) -> Iterator[tuple[Any, ...]]:
    grouped = read.group_by(["task", "service", "status"]).aggregate([([], "count_all")])
    return values(grouped, "task", "service", "status", "count_all")


def _calls(read: pa.Table) -> Iterator[tuple[Any, ...]]:
    called = read.filter(pc.equal(read["origin"], "called"))
    measures = [("elapsed_ms", "sum"), ([], "count_all")]
    # one thread: a sum of floats is the same only in the same order
    grouped = called.group_by(["task", "service"], use_threads=False).aggregate(measures)
    return values(grouped, "task", "service", "elapsed_ms_sum", "count_all")


def _count_spending(tally: Tally, spending: pa.Table) -> None:
    sent = spending.filter(pc.not_equal(spending["batch"], ""))
    grouped = sent.group_by(["task", "service"]).aggregate([("usd", "sum")])
    for task, service, usd in values(grouped, "task", "service", "usd_sum"):
        tally.cost_usd[task, service] += usd


@dataclass(frozen=True)
class _Labels:
    """One label task's answers as arrays, what was learnt from them, and gold where known."""

    services: tuple[str, ...]
    answers: Ints
    confidences: Floats
    gold: Ints
    weights: Floats
    labels: tuple[str, ...]
    free: LabelFreeModel

    @cached_property
    def standing(self) -> Ints:
        """(n,) the answers that stand by all services."""
        return _standing(self, range(len(self.services)))


@dataclass(frozen=True)
class _Judged:
    """What is known of a label task: its readings, gold by content, what each verdict stands for,
    and the answers to compare; None where there are too few."""

    readings: LabelReadings
    gold: Mapping[str, str]
    weights: VerdictWeights
    all: _Labels | None
    evenly_asked: _Labels | None


def scorecards(
    counted: Tally,
    readings: Mapping[str, LabelReadings],
    gold: Mapping[str, Mapping[str, str]],
    weights: Mapping[str, VerdictWeights] | None = None,
    families: Mapping[str, str] | None = None,
) -> Iterator[ScorecardRow]:
    """One row a task and service, by name.

    ``gold`` maps task and content hash to the right label; ``weights`` say what each verdict stands
    for, by task; None: each for itself alone. ``families``: the family of each judged content.
    """
    by_task = {}
    for task, one in readings.items():
        known = gold.get(task, {})
        weighed = equal_weights(known) if weights is None else weights.get(task, VerdictWeights())
        counted_gold = weighed.counted(known)
        together = {content: said for content, said in one.votes.items() if len(said) > 1}
        compared = _labels(together, one, counted_gold, weighed)
        evenly = compared
        if one.conditional or one.selective:
            even = {content: one.always_asked(content) for content in together}
            even = {c: v for c, v in even.items() if len(v) > 1 and c not in one.selective}
            evenly = _labels(even, one, counted_gold, weighed)
        by_task[task] = _Judged(one, counted_gold, weighed, compared, evenly)
    for task, service in sorted(counted.statuses):
        yield _card(task, service, counted, by_task.get(task), families or {})


def _labels(
    by_content: Mapping[str, LabelVotes],
    readings: LabelReadings,
    gold: Mapping[str, str],
    weights: VerdictWeights,
) -> _Labels | None:
    contents = list(by_content)
    services = tuple(sorted(readings.versions))
    if len(contents) < _ENOUGH_ITEMS or len(services) < 2:
        return None
    votes = list(by_content.values())
    named = {label for one in votes for label, _ in one.values()} | set(gold.values())
    labels = tuple(sorted(named))
    answers, confidences = encode_votes(votes, services, labels)
    code = {label: position for position, label in enumerate(labels)}
    truth = [code[gold[content]] if content in gold else MISSING for content in contents]
    free = fit_label_free(answers, confidences, len(labels))
    return _Labels(
        services,
        answers,
        confidences,
        np.array(truth, dtype=np.int64),
        weights.of(contents),
        labels,
        free,
    )


def _accuracy(judged: _Judged, service: str) -> tuple[Estimate | None, bool, Sequence[str]]:
    """How often the service is right, whether that is only about the items that reached it, and
    the contents that it is about.

    It is about the items of which it was always asked, unless these are too few.
    """
    votes, conditional = judged.readings.votes, judged.readings.conditional
    read = [content for content in judged.gold if service in votes.get(content, ())]
    always = [content for content in read if service not in conditional.get(content, ())]
    estimate = _share_right(judged, service, always)
    if len(always) == len(read) or (estimate and estimate.effective >= ENOUGH_EFFECTIVE):
        return estimate, False, always
    return _share_right(judged, service, read), True, read


def _share_right(judged: _Judged, service: str, contents: Sequence[str]) -> Estimate | None:
    votes = judged.readings.votes
    right = [votes[content][service][0] == judged.gold[content] for content in contents]
    return share_estimate(np.array(right, dtype=np.bool_), judged.weights.of(contents))


def _by_family(
    judged: _Judged, service: str, contents: Sequence[str], families: Mapping[str, str]
) -> Iterator[FamilyAccuracy]:
    """How often the service is right about the contents of each family, by its name."""
    grouped: defaultdict[str, list[str]] = defaultdict(list)
    for content in contents:
        if content in families:
            grouped[families[content]].append(content)
    for family, own in sorted(grouped.items()):
        one = _share_right(judged, service, own)
        if one is not None:
            yield FamilyAccuracy(family, one.mean, one.low, one.high, one.count, one.effective)


def _card(
    task: str,
    service: str,
    counted: Tally,
    judged: _Judged | None,
    families: Mapping[str, str],
) -> ScorecardRow:
    key = (task, service)
    statuses = counted.statuses[key]
    answered = statuses[Status.OK]
    abstained = statuses[Status.ABSTAINED]
    labels = judged.all if judged else None
    k = labels.services.index(service) if labels and service in labels.services else None
    reliability = accuracy = without_accuracy = without_changed = clone_of = None
    broken = reached_only = False
    by_family: tuple[FamilyAccuracy, ...] = ()
    if judged is not None:
        accuracy, reached_only, contents = _accuracy(judged, service)
        by_family = tuple(_by_family(judged, service, contents, families))
    if labels is not None and k is not None:
        own = labels.free.independent
        if len(own) >= _ENOUGH_SERVICES:
            reliability = float(labels.free.reliability[k])
            broken = reliability < _BROKEN_BELOW
        if labels.free.clones[k]:
            clone_of = labels.services[int(labels.free.original[k])]
        if judged is not None and judged.evenly_asked is not None and not reached_only:
            without_changed, without_accuracy = _without(judged.evenly_asked, k)
    total = sum(counted.cost_usd[task, name] for t, name in counted.statuses if t == task)
    without_cost = -counted.cost_usd[key] / total if total else None
    calls = counted.calls[key]
    row = ScorecardRow(
        task=task,
        service=service,
        answered=answered,
        abstained=abstained,
        # what was never asked did not fail
        failed=statuses.total()
        - answered
        - abstained
        - statuses[Status.DEFERRED]
        - statuses[Status.OVER_BUDGET],
        reliability=reliability,
        accuracy=accuracy.mean if accuracy else None,
        accuracy_low=accuracy.low if accuracy else None,
        accuracy_high=accuracy.high if accuracy else None,
        judged=accuracy.count if accuracy else 0,
        effective=accuracy.effective if accuracy else 0.0,
        set_aside=judged.readings.set_aside.get(service, 0) if judged else 0,
        clone_of=clone_of,
        broken=broken,
        dissents=counted.dissents[key] / max(counted.took_part[key], 1),
        cost_usd=counted.cost_usd[key],
        mean_ms=counted.total_ms[key] / calls if calls else None,
        without_cost=without_cost,
        without_accuracy=without_accuracy.mean if without_accuracy else None,
        without_accuracy_low=without_accuracy.low if without_accuracy else None,
        without_accuracy_high=without_accuracy.high if without_accuracy else None,
        without_changed=without_changed,
        verdict="",
        families=by_family,
    )
    basis = judged.weights.basis if judged else ""
    return replace(row, verdict=verdict_of(row, basis, reached_only=reached_only))


def _without(labels: _Labels, k: int) -> tuple[float | None, Estimate | None]:
    """The share of standing answers that change without the service, and the change of accuracy."""
    others = [j for j in range(len(labels.services)) if j != k]
    with_all = labels.standing
    left = _standing(labels, others)
    answered = (labels.answers[:, others] != MISSING).any(axis=1)
    if not answered.any():
        return None, None
    changed = float((with_all != left)[answered].mean())
    judged = answered & (labels.gold != MISSING)
    gold = labels.gold[judged]
    gain = (left[judged] == gold).astype(np.float64) - (with_all[judged] == gold)
    return changed, difference_estimate(gain, labels.weights[judged])


def _standing(labels: _Labels, services: Sequence[int]) -> Ints:
    chosen = list(services)
    answers, confidences = labels.answers[:, chosen], labels.confidences[:, chosen]
    if chosen == list(range(len(labels.services))):
        free = labels.free
    else:
        free = fit_label_free(answers, confidences, len(labels.labels))
    names = tuple(labels.services[k] for k in chosen)
    model = LabelModel(names, ("",) * len(names), labels.labels, free)
    return model.resolved(answers, confidences)


def verdict_of(row: ScorecardRow, basis: str = "", *, reached_only: bool = False) -> str:
    """The service in one sentence: what is wrong with it, what would be lost without it, and what
    the verdicts stand for. ``reached_only``: its accuracy is of the items that reached it, because
    others were not sure."""
    parts = []
    if row.clone_of is not None:
        parts.append(f"repeats {row.clone_of} and counts once with it")
    elif row.broken:
        parts.append("agrees with the others no more than chance would: broken, or of another kind")
    if row.without_changed is not None:
        losses = []
        if row.without_cost is not None:
            losses.append(f"cost {100 * row.without_cost:+.0f} %")
        if row.without_accuracy is not None:
            points = f"accuracy {100 * row.without_accuracy:+.1f} points"
            if row.without_accuracy_low is not None and row.without_accuracy_high is not None:
                low, high = 100 * row.without_accuracy_low, 100 * row.without_accuracy_high
                points += f" ({low:+.1f} to {high:+.1f})"
            losses.append(points)
        losses.append(f"{100 * row.without_changed:.1f} % of the answers change")
        parts.append(f"without it: {', '.join(losses)}")
    elif row.without_cost is not None:
        parts.append(f"without it: cost {100 * row.without_cost:+.0f} %")
    if reached_only and row.accuracy is not None:
        parts.append(f"right in {row.accuracy:.1%} of the items that reached it")
    if 0 < row.effective < ENOUGH_EFFECTIVE:
        parts.append(f"{row.judged} verdicts are too few or too uneven to conclude from")
    if row.set_aside:
        parts.append(f"{row.set_aside} answers of before it changed are set aside")
    if parts and basis:
        parts.append(basis)
    return "; ".join(parts) or UNCOMPARED
