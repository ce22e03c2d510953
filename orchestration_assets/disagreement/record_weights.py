"""What is known of how well services give the fields of records: from their agreement in a batch,
and from verdicts about earlier ones.

One model for each field over all items of the batch
(:mod:`~orchestration_assets.evidence.records.field_model`), once enough of its values were asked
of three services that answer by themselves. What verdicts have taught of the field is the prior of
that model; where the batch is too small, or has two services only, it is the model, once each of
them was judged often enough. A field without one is settled by what services state.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from orchestration_assets.disagreement.given_shares import MOSTLY, given_shares
from orchestration_assets.disagreement.readings import Key, ServiceReadings, ok_votes
from orchestration_assets.evidence.recorded_answers import Bools
from orchestration_assets.evidence.records.cells import cells_of
from orchestration_assets.evidence.records.consensus import (
    NO_MODELS,
    Models,
    codes_of,
    groups_of,
)
from orchestration_assets.evidence.records.field_model import (
    ABSENT,
    FieldModel,
    FieldPrior,
    Floats,
    Ints,
    fit_field,
    judged_model,
)
from orchestration_assets.evidence.records.lessons import (
    ENOUGH_JUDGED,
    FieldLessons,
)
from orchestration_assets.evidence.records.stated_confidence import (
    GivenValues,
    Scales,
    confidence_scale,
)
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_answers import RecordAnswer

_ENOUGH_SERVICES: Final = 3
_STATED: Final = "stated confidences, unchecked"


@dataclass(frozen=True, slots=True)
class RecordWeights:
    """What the values of a record task are settled by: models by pattern, and in words; and the
    version of what verdicts have taught, where that was used."""

    models: Models = NO_MODELS
    basis: str = _STATED
    version: str | None = None


@dataclass(frozen=True, slots=True)
class PromotedLessons:
    """What verdicts have taught, and the version that it is known by."""

    lessons: FieldLessons
    version: str


def weigh_records(
    task: Task,
    readings: Mapping[Key, ServiceReadings],
    learn_from: int,
    promoted: PromotedLessons | None = None,
    versions: Mapping[str, str] | None = None,
) -> RecordWeights:
    """The models of the fields of a task, from its independent readings in a batch.

    A field is learned from agreement where ``learn_from`` of its values were asked of three
    services. ``promoted``: what verdicts have taught; it holds of the services whose ``versions``
    (service -> identity) are those that were judged.
    """
    # many questions share their readings, and each counts for itself
    records = [
        {name: cast(RecordAnswer, reading.answer) for name, reading in ok_votes(votes)}
        for votes in readings.values()
    ]
    confidences = [
        {name: reading.confidence for name, reading in ok_votes(votes)}
        for votes in readings.values()
    ]
    services = tuple(sorted({name for of_item in records for name in of_item}))
    codes: defaultdict[str, list[list[int]]] = defaultdict(list)
    items: defaultdict[str, list[int]] = defaultdict(list)
    if promoted is not None or len(services) >= _ENOUGH_SERVICES:
        for number, of_item in enumerate(records):
            for cell in cells_of(of_item, task.fields):
                codes[cell.pattern].append(codes_of(groups_of(cell), services))
                items[cell.pattern].append(number)
    models: dict[str, tuple[tuple[str, ...], FieldModel]] = {}
    agreed: dict[str, Ints] = {}
    judged = 0
    for pattern, rows in codes.items():
        told = np.array(rows, np.int64)
        prior = None
        if promoted is not None:
            prior = promoted.lessons.prior(pattern, services, versions or {})
        enough = ((told >= 0).sum(axis=1) >= _ENOUGH_SERVICES).sum() >= learn_from
        if enough and len(services) >= _ENOUGH_SERVICES:
            models[pattern] = (services, fit_field(told, prior))
            agreed[pattern] = told
        elif prior is not None and (alone := _judged_alone(prior, services)) is not None:
            models[pattern] = alone
        judged += prior is not None and pattern in models
    if agreed:
        scales = _scales(services, models, agreed, items, confidences)
    else:
        scales = promoted.lessons.scales_of(versions or {}) if promoted is not None else {}
    given = given_shares(map(ok_votes, readings.values()), task)
    seldom = frozenset(key for key, share in given.items() if share < MOSTLY)
    known = Models(models, scales, seldom)
    basis = _in_words(services, len(records), learn_from, len(models), len(agreed), len(codes))
    if not judged or promoted is None:
        return RecordWeights(known, f"{basis}, no verdicts" if models else basis)
    basis += f"; {_of_verdicts(promoted, judged)}"
    return RecordWeights(known, basis, promoted.version)


def _scales(
    services: Sequence[str],
    models: Mapping[str, tuple[tuple[str, ...], FieldModel]],
    agreed: Mapping[str, Ints],
    items: Mapping[str, Sequence[int]],
    confidences: Sequence[Mapping[str, float | None]],
) -> Scales:
    """How the confidences of services are read, by where the others bear them out: each value is
    right as probably as agreement alone makes it."""
    stated = np.array(
        [[_or_nan(of_item.get(name)) for name in services] for of_item in confidences]
    )
    given: list[tuple[Floats, Floats, Floats, Bools]] = []
    for pattern, codes in agreed.items():
        model = models[pattern][1]
        right = np.take_along_axis(model.posterior(codes), np.maximum(codes, 0), axis=1)
        usual = np.broadcast_to(model.usual, codes.shape)
        sure = stated[items[pattern]]
        given.append((usual, sure, right, (codes > ABSENT) & ~np.isnan(sure)))
    usual, sure, right, counts = map(np.concatenate, zip(*given, strict=True))
    scales = {}
    for k, name in enumerate(services):
        own = counts[:, k]
        weight = np.ones(int(own.sum()))
        scale = confidence_scale(GivenValues(usual[own, k], sure[own, k], right[own, k], weight))
        if scale is not None:
            scales[name] = scale
    return scales


def _or_nan(confidence: float | None) -> float:
    return np.nan if confidence is None else confidence


def _judged_alone(
    prior: FieldPrior, services: Sequence[str]
) -> tuple[tuple[str, ...], FieldModel] | None:
    """The model of the services that verdicts have judged often enough; None where they are not
    two."""
    known = np.flatnonzero(prior.known >= ENOUGH_JUDGED).tolist()
    if len(known) < 2:
        return None
    return tuple(services[one] for one in known), judged_model(prior.take(known))


def _in_words(
    services: Sequence[Any], items: int, learn_from: int, models: int, agreed: int, fields: int
) -> str:
    if models:
        by = []
        if agreed:
            by.append(
                f"how {len(services)} services agree on {agreed} fields over {items} items of "
                "this batch"
            )
        if models > agreed:
            by.append(f"verdicts alone on {models - agreed} fields")
        stated = f"; {fields - models} fields by stated confidences" if fields > models else ""
        return f"{', '.join(by)}{stated}"
    if len(services) < _ENOUGH_SERVICES:
        return f"{_STATED}: {len(services)} services cannot judge each other"
    return f"{_STATED}: {items} items, {learn_from} with three answers would teach"


def _of_verdicts(promoted: PromotedLessons, judged: int) -> str:
    lessons = promoted.lessons
    return (
        f"{lessons.verdicts} verdicts judge {judged} fields of these, and tell as much as "
        f"{lessons.effective:.0f} of an even sample (lessons {promoted.version})"
    )
