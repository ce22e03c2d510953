"""Which values of a record are right, by a verdict about some of its fields, and the record as it
should be."""

from collections import Counter
from collections.abc import Sequence

from orchestration_assets.evidence.distances.entry_alignment import aligned
from orchestration_assets.evidence.distances.record_values import same_value
from orchestration_assets.schemas.record_answers import (
    EntryVerdict,
    FieldValue,
    RecordAnswer,
    overridden,
)
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField

Judged = Counter[tuple[str, bool]]
"""(pattern, whether it is right) -> how many values."""


def judged_as_a_whole(verdict: RecordAnswer, name: str) -> bool:
    """Whether a verdict says what the whole of a field is, and not only of some entries."""
    return verdict.get(name) is not None or name in verdict.absent


def entry_verdicts(verdict: RecordAnswer, name: str) -> tuple[EntryVerdict, ...]:
    """What a verdict says of single entries of a list that it does not judge as a whole."""
    if judged_as_a_whole(verdict, name):
        return ()
    return tuple(one for one in verdict.entries if one.name == name)


def judged_fields(verdict: RecordAnswer, fields: Sequence[RecordField]) -> tuple[RecordField, ...]:
    """The fields of which a verdict says anything."""
    return tuple(
        field
        for field in fields
        if judged_as_a_whole(verdict, field.name) or entry_verdicts(verdict, field.name)
    )


def judged_values(
    record: RecordAnswer, verdict: RecordAnswer, fields: Sequence[RecordField]
) -> Judged:
    """How many values of each field are right and wrong, of the fields that the verdict judges.

    A value that is missing is wrong where the verdict has one. Entries of a list are compared with
    those of the verdict that they are aligned with; an entry that only one of the two has is one
    wrong value of the pattern of the list, ``lines[]``. Of a list of which the verdict judges
    single entries, the others count neither way.
    """
    judged: Judged = Counter()
    for field in judged_fields(verdict, fields):
        said = entry_verdicts(verdict, field.name)
        if said:
            _judge_entries(record.get(field.name), said, field, judged)
        else:
            _judge(record.get(field.name), verdict.get(field.name), field, field.name, judged)
    return judged


def right_share(
    record: RecordAnswer, verdict: RecordAnswer, fields: Sequence[RecordField]
) -> float | None:
    """The share of values that are right, in [0, 1], of those that a verdict judges: a value of
    the record counts one, an entry of a list one, and each value in it one. None where it judges
    none of the fields."""
    judged = judged_values(record, verdict, fields)
    total = judged.total()
    right = sum(count for (_, is_right), count in judged.items() if is_right)
    return right / total if total else None


def corrected_record(
    record: RecordAnswer, verdict: RecordAnswer, fields: Sequence[RecordField]
) -> RecordAnswer:
    """The record with what the verdict says of its fields and of single entries of its lists; what
    it does not judge stays, without quotes.

    Entries are found by their content. One that is said to be there and is not found is added at
    the end; one that is said not to be there, and is not, changes nothing.
    """
    said = dict(verdict.values)
    values = dict(record.values) | said
    for field in fields:
        if of_entries := entry_verdicts(verdict, field.name):
            values[field.name] = _corrected_list(values.get(field.name), of_entries, field)
    return RecordAnswer(
        tuple((name, value) for name, value in values.items() if name not in verdict.absent)
    )


def _corrected_list(
    given: FieldValue | None, said: Sequence[EntryVerdict], field: RecordField
) -> tuple[RecordAnswer, ...]:
    entries = given if isinstance(given, tuple) else ()
    pairs = dict(aligned(entries, [one.anchor for one in said], field.fields))
    verdicts = {number: said[place] for number, place in pairs.items()}
    kept = [
        overridden(entry, verdicts[number].said) if number in verdicts else entry
        for number, entry in enumerate(entries)
        if number not in verdicts or verdicts[number].there
    ]
    found = set(pairs.values())
    missing = [one for place, one in enumerate(said) if one.there and place not in found]
    return (*kept, *(one.corrected for one in missing))


def _judge_entries(
    given: FieldValue | None, said: Sequence[EntryVerdict], field: RecordField, judged: Judged
) -> None:
    entries = given if isinstance(given, tuple) else ()
    pairs = {b: a for a, b in aligned(entries, [one.anchor for one in said], field.fields)}
    pattern = f"{field.name}[]"
    for number, one in enumerate(said):
        held = entries[pairs[number]] if number in pairs else None
        if not one.there or held is None:
            judged[pattern, (held is not None) == one.there] += 1
        elif field.plain:
            _judge(held.get(ENTRY), one.corrected.get(ENTRY), field.fields[0], pattern, judged)
        else:
            judged[pattern, True] += 1
            for part in judged_fields(one.said, field.fields):
                right = one.said.get(part.name)
                _judge(held.get(part.name), right, part, f"{pattern}.{part.name}", judged)


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
