"""Per task: who answered, who agrees with whom on what content, and how sure the answers are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import (
    CappedCounts,
    Count,
    Example,
    Histogram,
    capped_counts,
    column_counts,
    few,
    grouped,
    histogram,
    numbers,
    share,
    sums_of,
    value_counts,
    where,
)
from orchestration_assets.reporting.disputed import disputes_of, is_disputed
from orchestration_assets.reporting.intake import NO_FAMILY
from orchestration_assets.reporting.kinds import KindFigures, kind_figures, kind_of
from orchestration_assets.reporting.pair_agreement import (
    PairConfusion,
    built_on_each_other,
    pair_confusions,
)
from orchestration_assets.reporting.service_splits import (
    ServiceSplit,
    answered_by_several,
    service_splits,
)
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind, ResolutionStatus, Status

_UNANSWERED = 10


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """One service on one task: what it was asked, how that ended, and on how many questions it is
    a side of a dispute."""

    service: str
    versions: tuple[str, ...]
    asked: int
    answered: int
    statuses: tuple[Count, ...]
    disputed: int

    @property
    def answered_share(self) -> float:
        """Share of its readings that are answers."""
        return share(self.answered, self.asked)


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """How often two services that both answered are in dispute, and how far apart they then are."""

    compared: int
    disagreed: int
    distance_sum: float

    @property
    def agreed(self) -> int:
        """Items on which the two are not in dispute."""
        return self.compared - self.disagreed

    @property
    def agreed_share(self) -> float:
        """Agreed items as a share of those compared."""
        return share(self.agreed, self.compared)

    @property
    def disagreed_share(self) -> float:
        """Items in dispute as a share of those compared."""
        return share(self.disagreed, self.compared)

    @property
    def mean_distance(self) -> float:
        """Mean distance of the answers in dispute."""
        return share(self.distance_sum, self.disagreed)


@dataclass(frozen=True, slots=True)
class PairFigures:
    """Two services on one task, overall and by content family.

    ``differing`` counts the items on which they differ at all, with or without a consequence.
    """

    a: str
    b: str
    differing: int
    overall: PairAgreement
    by_family: Mapping[str, PairAgreement]


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """One task of the batch. ``answers`` holds the measures of the task's kind of answer;
    ``confusions`` the pairs of services label by label, where answers are labels."""

    task: str
    kind: AnswerKind
    pairs: int
    resolved: int
    abstained: int
    deferred: int
    failed: int
    skipped: int
    disputed: int
    disputed_pairs: int
    without_consequence: int
    services: tuple[ServiceFigures, ...]
    families: tuple[str, ...]
    agreement: tuple[PairFigures, ...]
    confusions: tuple[PairConfusion, ...]
    splits: CappedCounts[ServiceSplit]
    error_risk: Histogram | None
    spread: Histogram | None
    unanswered: CappedCounts[Example]
    answers: KindFigures

    @property
    def disputed_share(self) -> float:
        """Share of the questions that are disputed."""
        return share(self.disputed, self.pairs)

    def between(self, a: str, b: str) -> PairAgreement:
        """The agreement of two services, in either order."""
        first, second = sorted((a, b))
        return next(pair.overall for pair in self.agreement if (pair.a, pair.b) == (first, second))


def task_figures(
    interpretations: pa.Table,
    resolutions: pa.Table,
    disagreements: pa.Table,
    families: Mapping[str, str],
) -> tuple[TaskFigures, ...]:
    """Every task that was resolved or read, by name; ``disagreements`` with and without a
    consequence."""
    names = sorted(
        set(pc.unique(resolutions.column("task")).to_pylist())
        | set(pc.unique(interpretations.column("task")).to_pylist())
    )
    figures = []
    for name in names:
        own = (
            where(table, pc.equal(table.column("task"), name))
            for table in (interpretations, resolutions, disagreements)
        )
        figures.append(_one_task(name, *own, families=families))
    return tuple(figures)


def _one_task(
    name: str,
    interpretations: pa.Table,
    resolutions: pa.Table,
    disagreements: pa.Table,
    *,
    families: Mapping[str, str],
) -> TaskFigures:
    status = column_counts(resolutions["status"])
    disputes = disputes_of(disagreements)
    against = is_disputed(resolutions, disputes)
    services = _services(interpretations, disputes)
    names = tuple(service.service for service in services)
    kind = kind_of(interpretations, resolutions)
    together = answered_by_several(resolutions)
    present, pairs = _agreement(names, interpretations, disagreements, families)
    return TaskFigures(
        task=name,
        kind=kind,
        pairs=resolutions.num_rows,
        resolved=status.get(ResolutionStatus.RESOLVED.value, 0),
        abstained=status.get(ResolutionStatus.ABSTAINED.value, 0)
        + status.get(ResolutionStatus.PRESERVED.value, 0),
        deferred=status.get(ResolutionStatus.DEFERRED.value, 0),
        failed=status.get(ResolutionStatus.FAILED.value, 0),
        skipped=status.get(ResolutionStatus.SKIPPED.value, 0),
        disputed=int(against.sum()),
        disputed_pairs=disputes.num_rows,
        without_consequence=disagreements.num_rows - disputes.num_rows,
        services=services,
        families=present,
        agreement=pairs,
        confusions=pair_confusions(names, interpretations) if kind is AnswerKind.LABEL else (),
        splits=service_splits(resolutions, disputes, families, present),
        error_risk=histogram(
            "error_risk",
            numbers(resolutions["error_risk"]),
            marked=against,
            span=(0.0, 1.0),
        ),
        spread=histogram(
            "spread",
            numbers(together["spread"]),
            marked=is_disputed(together, disputes),
            span=(0.0, 1.0),
        ),
        unanswered=_unanswered(resolutions),
        answers=kind_figures(kind, names, interpretations, resolutions, disputes, families),
    )


def _services(interpretations: pa.Table, disputes: pa.Table) -> tuple[ServiceFigures, ...]:
    sides = Counter(
        service
        for _, service in {
            (item, service)
            for item, *pair in values(disputes, "item_id", "service_a", "service_b")
            for service in pair
        }
    )
    figures = []
    counted = interpretations.select(["service", "service_version", "status"])
    for service in sorted(pc.unique(counted["service"]).to_pylist()):
        rows = counted.filter(pc.equal(counted["service"], service))
        statuses = column_counts(rows["status"])
        figures.append(
            ServiceFigures(
                service=service,
                versions=tuple(sorted(pc.unique(rows["service_version"]).to_pylist())),
                asked=rows.num_rows,
                answered=statuses.get(Status.OK.value, 0),
                statuses=capped_counts(statuses, len(Status)).shown,
                disputed=sides[service],
            )
        )
    return tuple(figures)


def _agreement(
    services: tuple[str, ...],
    interpretations: pa.Table,
    disagreements: pa.Table,
    families: Mapping[str, str],
) -> tuple[tuple[str, ...], tuple[PairFigures, ...]]:
    """What each pair of services was compared on and is in dispute about, by family.

    What counts as a dispute is the disagreement floor's to say, for every kind of answer:
    its table is counted here, answers are not compared again.
    """
    answered = where(interpretations, pc.equal(interpretations["status"], Status.OK.value))
    items = answered["item_id"].combine_chunks().dictionary_encode()
    ids = items.dictionary.to_pylist()
    asked = pc.index_in(answered["service"], value_set=pa.array(services, pa.string()))
    took_part = np.zeros((len(ids), len(services)), dtype=np.float32)
    took_part[items.indices.to_numpy(), asked.to_numpy()] = 1.0
    family = np.array([families.get(item, NO_FAMILY) for item in ids], dtype=object)
    present = tuple(value_counts(family))
    both = {
        name: (part := took_part[family == name]).T @ part  # float32 is exact to 16 million
        for name in present
    }
    family_of, place = dict(zip(ids, family, strict=True)), {n: k for k, n in enumerate(services)}
    for item, a, b in built_on_each_other(answered):
        both[family_of[item]][place[a], place[b]] -= 1
    disagreed = _disagreed(disputes_of(disagreements), families)
    differing = Counter(values(disagreements, "service_a", "service_b"))
    pairs = []
    for i, a in enumerate(services):
        for j, b in enumerate(services[i + 1 :], i + 1):
            by_family = {
                name: PairAgreement(int(both[name][i, j]), *disagreed.get((a, b, name), (0, 0.0)))
                for name in present
            }
            overall = PairAgreement(
                sum(one.compared for one in by_family.values()),
                sum(one.disagreed for one in by_family.values()),
                sum(one.distance_sum for one in by_family.values()),
            )
            pairs.append(PairFigures(a, b, differing[a, b], overall, by_family))
    return present, tuple(pairs)


def _disagreed(
    disputes: pa.Table, families: Mapping[str, str]
) -> dict[tuple[str, str, str], tuple[int, float]]:
    """How many rows each pair of services has by family, and the sum of their distances."""
    keys = (
        (a, b, families.get(item, NO_FAMILY))
        for item, a, b in values(disputes, "item_id", "service_a", "service_b")
    )
    alike = dict(sorted(grouped(keys).items()))
    sums = sums_of(alike.values(), numbers(disputes["distance"])).tolist()
    return {
        key: (len(places), total) for (key, places), total in zip(alike.items(), sums, strict=True)
    }


def _unanswered(resolutions: pa.Table) -> CappedCounts[Example]:
    """Questions that failed, then deferred ones and those that every service abstained from."""
    # what was skipped needed no answer
    no_gap = [ResolutionStatus.RESOLVED.value, ResolutionStatus.SKIPPED.value]
    resolutions = resolutions.filter(pc.invert(pc.is_in(resolutions["status"], pa.array(no_gap))))
    keys = list(values(resolutions, "status", "path"))
    first = sorted(range(len(keys)), key=lambda row: keys[row][1])
    first.sort(key=lambda row: keys[row][0], reverse=True)
    examples = tuple(
        Example(path, f"{status}: {reason}")
        for path, status, reason in few(
            resolutions, first[:_UNANSWERED], "path", "status", "reason"
        )
    )
    return CappedCounts(examples, len(keys))
