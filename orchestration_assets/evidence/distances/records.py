"""How far two records lie apart."""

from collections.abc import Sequence
from math import fsum

from orchestration_assets.evidence.distances.entry_alignment import aligned
from orchestration_assets.evidence.distances.record_values import value_distance
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import FieldType, RecordField


def record_distance(
    first: RecordAnswer, second: RecordAnswer, fields: Sequence[RecordField]
) -> float:
    """The mean distance of the fields that either has, in [0, 1], symmetric.

    A value that only one has is as far as can be. A list's distance is the mean over its things:
    the distance of two aligned entries, 1 for an entry that only one list has.
    """
    apart: list[float] = []
    for field in fields:
        a, b = first.get(field.name), second.get(field.name)
        if a is not None or b is not None:
            apart.append(1.0 if a is None or b is None else _apart(a, b, field))
    return fsum(apart) / len(apart) if apart else 0.0


def _apart(first: FieldValue, second: FieldValue, field: RecordField) -> float:
    if field.type is not FieldType.LIST:
        return value_distance(first, second, field)  # type: ignore[arg-type]
    if not isinstance(first, tuple) or not isinstance(second, tuple):
        return 1.0
    # the same matching whichever comes first, also among equally good ones
    first, second = sorted((first, second), key=repr)
    pairs = aligned(first, second, field.fields)
    things = len(first) + len(second) - len(pairs)
    within = fsum(record_distance(first[a], second[b], field.fields) for a, b in pairs)
    return (within + things - len(pairs)) / things if things else 0.0
