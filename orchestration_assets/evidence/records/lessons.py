"""What verdicts teach of services, field by field: counts that the next consensus starts from.

Of each value that a verdict judges and that any service gave, each service that was asked either
gave the right one, left it out, gave a wrong one, made one up, or rightly gave none. These are
counted with the weight of the verdict, and all counts are then multiplied by sum(w) / sum(w^2) over
the verdicts of the task, so that they add up to as many verdicts as an even sample that tells as
much would have (Kish 1965). They are the pseudo-counts of the priors of
:mod:`~orchestration_assets.evidence.records.field_model`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.distances.record_values import Leaf
from orchestration_assets.evidence.records.consensus import groups_of
from orchestration_assets.evidence.records.field_model import (
    ABSENT,
    FieldPrior,
    Floats,
    judged_model,
)
from orchestration_assets.evidence.records.judged_cells import JudgedCell
from orchestration_assets.evidence.records.stated_confidence import (
    ConfidenceScale,
    GivenValues,
    Scales,
    confidence_scale,
)

FORMAT: Final = 1
ENOUGH_JUDGED: Final = 5.0
"""Values of a service and field that verdicts must have judged for them to be a model alone."""

_SHARED: Final = 4
_OF_SERVICE: Final = 5


def artefact_name(task: str) -> str:
    """The name under which what was learned of the fields of a task is kept."""
    return f"field_lessons.{task}"


@dataclass(frozen=True)
class FieldLessons:
    """What verdicts of a task have taught.

    ``services`` with their ``versions``. ``counts``: pattern -> (K, 5), of each service the values
    that were right, left out, wrong, made up, and rightly not given. ``shared``: pattern -> (4,),
    further wrong values that met another and those that did not, values that items have and have
    not. ``scales``: how the confidences of services are read. ``verdicts`` tell as much as
    ``effective`` of an even sample.
    """

    services: tuple[str, ...]
    versions: tuple[str, ...]
    counts: Mapping[str, Floats]
    shared: Mapping[str, Floats]
    scales: Scales
    verdicts: int
    effective: float

    def prior(
        self, pattern: str, services: Sequence[str], versions: Mapping[str, str]
    ) -> FieldPrior | None:
        """What is known of these services and a field; of one that has changed since, nothing.

        None where nothing is known of any of them.
        """
        if pattern not in self.counts:
            return None
        place = {name: self.services.index(name) for name in self._unchanged(versions)}
        of_service = np.zeros((len(services), _OF_SERVICE))
        for row, name in enumerate(services):
            if name in place:
                of_service[row] = self.counts[pattern][place[name]]
        if not of_service.any():
            return None
        shared = self.shared[pattern]
        return FieldPrior(of_service[:, :3], of_service[:, 3:], shared[:2], shared[2:])

    def scales_of(self, versions: Mapping[str, str]) -> Scales:
        """How the confidences of services are read that have not changed since."""
        return {
            name: self.scales[name] for name in self._unchanged(versions) if name in self.scales
        }

    def _unchanged(self, versions: Mapping[str, str]) -> list[str]:
        return [
            name
            for name, version in zip(self.services, self.versions, strict=True)
            if versions.get(name, version) == version
        ]


@dataclass(frozen=True, slots=True)
class JudgedItem:
    """An item: the cells that its verdict judges, the weight of the verdict, and service -> its
    confidence in its record."""

    cells: Sequence[JudgedCell]
    weight: float
    confidences: Mapping[str, float | None]


def learn(items: Sequence[JudgedItem], versions: Mapping[str, str]) -> FieldLessons:
    """The lessons of items.

    ``versions``: service -> the identity under which it gave its values.
    """
    services = tuple(sorted(versions))
    judged = [item for item in items if item.cells]
    total = sum(item.weight for item in judged)
    squares = sum(item.weight**2 for item in judged)
    scale = total / squares if squares else 0.0
    counts: dict[str, Floats] = {}
    shared: dict[str, Floats] = {}
    for item in judged:
        for one in item.cells:
            pattern, weight = one.cell.pattern, scale * item.weight
            of_service = counts.setdefault(pattern, np.zeros((len(services), _OF_SERVICE)))
            of_all = shared.setdefault(pattern, np.zeros(_SHARED))
            for row, name in enumerate(services):
                if name in one.cell.values:
                    of_service[row, _outcome(one, one.cell.values[name])] += weight
            of_all += weight * _of_all(one)
    lessons = FieldLessons(
        services,
        tuple(versions[name] for name in services),
        {pattern: counts[pattern] for pattern in sorted(counts)},
        {pattern: shared[pattern] for pattern in sorted(shared)},
        {},
        len(judged),
        total * scale,
    )
    return replace(lessons, scales=_scales(lessons, judged, scale))


def _scales(lessons: FieldLessons, judged: Sequence[JudgedItem], scale: float) -> Scales:
    usual: dict[str, Floats] = {}
    for pattern in lessons.counts:
        prior = lessons.prior(pattern, lessons.services, {})
        if prior is not None:
            usual[pattern] = judged_model(prior).usual
    found: dict[str, ConfidenceScale] = {}
    for row, name in enumerate(lessons.services):
        given = [
            (usual[one.cell.pattern][row], sure, one.is_right(value), scale * item.weight)
            for item in judged
            if (sure := item.confidences.get(name)) is not None
            for one in item.cells
            if (value := one.cell.values.get(name)) is not None
        ]
        columns = np.array(given, np.float64).reshape(-1, 4).T
        if (of_service := confidence_scale(GivenValues(*columns))) is not None:
            found[name] = of_service
    return found


def _outcome(one: JudgedCell, value: Leaf | None) -> int:
    """The column of :data:`FieldLessons.counts` that a service's value counts in."""
    if one.truth is None:
        return 4 if value is None else 3
    if value is None:
        return 1
    return 0 if one.is_right(value) else 2


def _of_all(one: JudgedCell) -> Floats:
    groups = groups_of(one.cell)
    wrong = [
        groups[name]
        for name, value in one.cell.values.items()
        if groups[name] != ABSENT and not one.is_right(value)
    ]
    further, apart = max(len(wrong) - 1, 0), max(len(set(wrong)) - 1, 0)
    there = one.truth is not None
    return np.array([further - apart, apart, there, not there], dtype=np.float64)


def pack(lessons: FieldLessons) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays by name, and facts that JSON can hold; :func:`unpack` turns them back."""
    patterns = list(lessons.counts)
    k = len(lessons.services)
    arrays = {
        "counts": np.array([lessons.counts[one] for one in patterns]).reshape(-1, k, _OF_SERVICE),
        "shared": np.array([lessons.shared[one] for one in patterns]).reshape(-1, _SHARED),
        "scales": np.array([[one.slope, one.centre] for one in lessons.scales.values()]),
    }
    facts: dict[str, Any] = {
        "format": FORMAT,
        "services": list(lessons.services),
        "versions": list(lessons.versions),
        "patterns": patterns,
        "scaled": list(lessons.scales),
        "verdicts": lessons.verdicts,
        "effective": lessons.effective,
    }
    return arrays, facts


def unpack(arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> FieldLessons:
    """The lessons that :func:`pack` took apart. Raises ValueError for another format."""
    if facts.get("format") != FORMAT:
        raise ValueError(f"format {facts.get('format')} of field lessons, expected {FORMAT}")
    patterns = facts["patterns"]
    return FieldLessons(
        tuple(facts["services"]),
        tuple(facts["versions"]),
        dict(zip(patterns, arrays["counts"], strict=True)),
        dict(zip(patterns, arrays["shared"], strict=True)),
        {
            name: ConfidenceScale(*row)
            for name, row in zip(facts["scaled"], arrays["scales"].tolist(), strict=True)
        },
        facts["verdicts"],
        facts["effective"],
    )
