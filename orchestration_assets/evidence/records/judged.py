"""Which values of a record are right, by a verdict about some of its fields."""

from collections import Counter
from collections.abc import Sequence

from orchestration_assets.evidence.distances.entry_alignment import aligned
from orchestration_assets.evidence.distances.record_values import same_value
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField

Judged = Counter[tuple[str, bool]]
"""(pattern, whether it is right) -> how many values."""


def judged_values(
    record: RecordAnswer, verdict: RecordAnswer, fields: Sequence[RecordField]
) -> Judged:
    """How many values of each field are right and wrong, of the fields that the verdict judges.

    A value that is missing is wrong where the verdict has one. Entries of a list are compared with
    those of the verdict that they are aligned with; an entry that only one of the two has is one
    wrong value of the pattern of the list, ``lines[]``.
    """
    judged: Judged = Counter()
    for field in fields:
        right = verdict.get(field.name)
        if right is not None or field.name in verdict.absent:
            _judge(record.get(field.name), right, field, field.name, judged)
    return judged


def _judge(
    given: FieldValue | None,
    right: FieldValue | None,
    field: RecordField,
    pattern: str,
    judged: Judged,
) -> None:
    if field.type is not FieldType.LIST:
        both = given is not None and right is not None
        same = same_value(given, right, field) if both else given is right  # type: ignore[arg-type]
        judged[pattern, same] += 1
        return
    entries, wanted = (one if isinstance(one, tuple) else () for one in (given, right))
    pairs = aligned(entries, wanted, field.fields)
    judged[f"{pattern}[]", False] += len(entries) + len(wanted) - 2 * len(pairs)
    for a, b in pairs:
        if field.plain:
            _judge(
                entries[a].get(ENTRY), wanted[b].get(ENTRY), field.fields[0], f"{pattern}[]", judged
            )
            continue
        judged[f"{pattern}[]", True] += 1
        for part in field.fields:
            if wanted[b].get(part.name) is not None or entries[a].get(part.name) is not None:
                _judge(
                    entries[a].get(part.name),
                    wanted[b].get(part.name),
                    part,
                    f"{pattern}[].{part.name}",
                    judged,
                )
