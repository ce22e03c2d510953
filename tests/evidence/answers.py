"""Tasks, answers and readings of every kind, drawn by hypothesis."""

from hypothesis import strategies as st

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Reading, Task
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, PLAIN_ENTRY, FieldType, RecordField

FIELDS = (
    RecordField("name", FieldType.TEXT),
    RecordField("kind", FieldType.LABEL, labels=("a", "b")),
    RecordField("total", FieldType.NUMBER, tolerance=0.5),
    RecordField("day", FieldType.DATE),
    RecordField("paid", FieldType.BOOLEAN),
    RecordField(
        "lines",
        FieldType.LIST,
        fields=(RecordField("item", FieldType.TEXT), RecordField("amount", FieldType.NUMBER)),
    ),
    RecordField("people", FieldType.LIST, fields=PLAIN_ENTRY, plain=True),
)

TASKS = {
    AnswerKind.LABEL: Task("label", "1", AnswerKind.LABEL),
    AnswerKind.SET: Task("set", "1", AnswerKind.SET, disagree_at=0.6),
    AnswerKind.TEXT: Task("text", "1", AnswerKind.TEXT, disagree_at=0.6),
    AnswerKind.SCORE: Task("score", "1", AnswerKind.SCORE, scale=(-2.0, 3.0), disagree_at=0.3),
    AnswerKind.VECTOR: Task("vector", "1", AnswerKind.VECTOR, disagree_at=0.5),
    AnswerKind.RECORD: Task("record", "1", AnswerKind.RECORD, disagree_at=0.0, fields=FIELDS),
}
KINDS = sorted(TASKS)

words = st.sampled_from("cat cats Dog dogs tree Paris 5 May not never the bus".split())
ANSWERS = {
    AnswerKind.LABEL: st.sampled_from("abc"),
    AnswerKind.SET: st.lists(words, min_size=1, max_size=6).map(tuple),
    AnswerKind.TEXT: st.lists(words, min_size=1, max_size=9).map(" ".join)
    | st.text(min_size=1, max_size=40),
    AnswerKind.SCORE: st.floats(-2.0, 3.0),
    AnswerKind.VECTOR: st.lists(
        st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=3, max_size=3
    ).map(tuple),
}


def _record(fields, values) -> RecordAnswer:
    given = zip((field.name for field in fields), values, strict=True)
    return RecordAnswer(tuple((name, value) for name, value in given if value is not None))


_names = st.lists(words, min_size=1, max_size=3).map(" ".join)
_numbers = st.integers(-3, 3).map(float) | st.floats(-1e6, 1e6)
_days = st.sampled_from(["2026", "2026-05", "2026-05-05", "2025-05-05"])
_lines = st.tuples(_names, st.none() | _numbers).map(
    lambda values: _record(FIELDS[5].fields, values)
)
_entries = _names.map(lambda name: RecordAnswer(((ENTRY, name),)))
ANSWERS[AnswerKind.RECORD] = (
    st.tuples(
        st.none() | _names,
        st.none() | st.sampled_from("ab"),
        st.none() | _numbers,
        st.none() | _days,
        st.none() | st.booleans(),
        st.none() | st.lists(_lines, min_size=1, max_size=4).map(tuple),
        st.none() | st.lists(_entries, min_size=1, max_size=4).map(tuple),
    )
    .map(lambda values: _record(FIELDS, values))
    .filter(bool)
)
kinds = st.sampled_from(KINDS)


# hypothesis would fail a test for a slow machine


def ok(answer, confidence: float | None = 0.9, evidence: str | None = None) -> Reading:
    return Reading(Status.OK, answer, confidence, evidence=evidence)


ABSTAINED = Reading(Status.ABSTAINED, reason="cannot tell")
FAILED = Reading(Status.FAILED, reason="broken")


def answers(kind: AnswerKind, count: int):
    return st.tuples(*[ANSWERS[kind]] * count)


def votes(kind: AnswerKind):
    readings = st.builds(ok, ANSWERS[kind], st.none() | st.floats(0, 1))
    return st.lists(readings | st.just(ABSTAINED) | st.just(FAILED), max_size=5).map(
        lambda heard: [(f"s{position}", reading) for position, reading in enumerate(heard)]
    )
