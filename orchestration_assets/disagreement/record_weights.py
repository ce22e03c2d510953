"""What is known of how well services give the fields of records: from their agreement in a batch.

One model for each field over all items of the batch
(:mod:`~orchestration_assets.evidence.records.field_model`), once enough of its values were asked
of three services that answer by themselves; a field without one is settled by what services state.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

import numpy as np

from orchestration_assets.disagreement.readings import Key, ServiceReadings, ok_votes
from orchestration_assets.evidence.records.cells import cells_of
from orchestration_assets.evidence.records.consensus import (
    Models,
    codes_of,
    groups_of,
)
from orchestration_assets.evidence.records.field_model import fit_field
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_answers import RecordAnswer

_ENOUGH_SERVICES: Final = 3
_STATED: Final = "stated confidences, unchecked"


@dataclass(frozen=True, slots=True)
class RecordWeights:
    """What the values of a record task are settled by: models by pattern, and in words."""

    models: Models = field(default_factory=dict)
    basis: str = _STATED


def weigh_records(
    task: Task, readings: Mapping[Key, ServiceReadings], learn_from: int
) -> RecordWeights:
    """The models of the fields of a task, from its independent readings in a batch.

    A field is learned where ``learn_from`` of its values were asked of three services.
    """
    # many questions share their readings, and each counts for itself
    records = [
        {name: cast(RecordAnswer, reading.answer) for name, reading in ok_votes(votes)}
        for votes in readings.values()
    ]
    services = tuple(sorted({name for of_item in records for name in of_item}))
    if len(services) < _ENOUGH_SERVICES:
        return RecordWeights(basis=f"{_STATED}: {len(services)} services cannot judge each other")
    codes: defaultdict[str, list[list[int]]] = defaultdict(list)
    for of_item in records:
        for cell in cells_of(of_item, task.fields):
            codes[cell.pattern].append(codes_of(groups_of(cell), services))
    models = {}
    for pattern, rows in codes.items():
        told = np.array(rows, np.int64)
        if ((told >= 0).sum(axis=1) >= _ENOUGH_SERVICES).sum() >= learn_from:
            models[pattern] = (services, fit_field(told))
    if not models:
        return RecordWeights(
            basis=f"{_STATED}: {len(records)} items, {learn_from} with three answers would teach"
        )
    others = len(codes) - len(models)
    stated = f"; {others} fields by stated confidences" if others else ""
    return RecordWeights(
        models,
        f"how {len(services)} services agree on {len(models)} fields over {len(records)} items of "
        f"this batch, no verdicts{stated}",
    )
