"""Fields and records, drawn by hypothesis."""

from hypothesis import strategies as st

from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, PLAIN_ENTRY, FieldType, RecordField

LINE = (
    RecordField("item", FieldType.TEXT),
    RecordField("amount", FieldType.NUMBER, tolerance=0.005),
    RecordField("day", FieldType.DATE),
)
FIELDS = (
    RecordField("number", FieldType.TEXT),
    RecordField("day", FieldType.DATE),
    RecordField("total", FieldType.NUMBER, tolerance=0.005),
    RecordField("kind", FieldType.LABEL, labels=("invoice", "letter")),
    RecordField("paid", FieldType.BOOLEAN),
    RecordField("lines", FieldType.LIST, fields=LINE),
    RecordField("people", FieldType.LIST, fields=PLAIN_ENTRY, plain=True),
)

texts = st.sampled_from(
    ["blue ink", "black ink", "A4 paper", "Ann Miller", "A. Miller", "Bob", "oak shelf 80 cm"]
) | st.text(min_size=1, max_size=12)
days = st.dates().map(lambda day: day.isoformat()) | st.sampled_from(["2026", "2026-03"])
numbers = st.sampled_from([1.0, 2.0, 19.99, -3.5]) | st.floats(-1e6, 1e6)
_LEAVES = {
    FieldType.TEXT: texts,
    FieldType.DATE: days,
    FieldType.NUMBER: numbers,
    FieldType.LABEL: st.sampled_from(["invoice", "letter"]),
    FieldType.BOOLEAN: st.booleans(),
}


def _values(field: RecordField):
    if field.plain:
        return st.lists(texts, min_size=1, max_size=4).map(plain)
    if field.type is FieldType.LIST:
        return st.lists(records(field.fields), min_size=1, max_size=4).map(tuple)
    return _LEAVES[field.type]


def plain(members) -> tuple[RecordAnswer, ...]:
    """A list of plain texts."""
    return tuple(RecordAnswer(((ENTRY, member),)) for member in members)


def records(fields=FIELDS):
    """Records that have at least one of the fields, in their order."""
    some = st.lists(st.sampled_from(fields), min_size=1, unique=True)
    ordered = some.map(lambda chosen: [field for field in fields if field in chosen])
    return ordered.flatmap(
        lambda chosen: st.tuples(
            *(_values(field).map(lambda value, name=field.name: (name, value)) for field in chosen)
        ).map(RecordAnswer)
    )


def entry(item=None, amount=None, day=None) -> RecordAnswer:
    """One line; what is None is left out."""
    given = (("item", item), ("amount", amount), ("day", day))
    return RecordAnswer(tuple((name, value) for name, value in given if value is not None))
