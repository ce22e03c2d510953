"""Tasks, answers and readings of every kind, drawn by hypothesis."""

from hypothesis import strategies as st

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Reading, Task

TASKS = {
    AnswerKind.LABEL: Task("label", "1", AnswerKind.LABEL),
    AnswerKind.SET: Task("set", "1", AnswerKind.SET, disagree_at=0.6),
    AnswerKind.TEXT: Task("text", "1", AnswerKind.TEXT, disagree_at=0.6),
    AnswerKind.SCORE: Task("score", "1", AnswerKind.SCORE, scale=(-2.0, 3.0), disagree_at=0.3),
    AnswerKind.VECTOR: Task("vector", "1", AnswerKind.VECTOR, disagree_at=0.5),
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
