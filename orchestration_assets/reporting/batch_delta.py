"""Two batches, or a batch under two policies: which answers change, at what cost, time and risk."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orchestration_assets.disagreement.replay import PairedDifference, change
from orchestration_assets.reporting.question_outcomes import QuestionOutcome
from orchestration_assets.reporting.question_rows import (
    NOT_KNOWN,
    Movement,
    QuestionRow,
    SaidAnswer,
    folded,
)
from orchestration_assets.schemas.enums import ResolutionStatus, Status

BEFORE: Final = "before"
AFTER: Final = "after"


_ORDER: Final = {movement: place for place, movement in enumerate(Movement)}


@dataclass(frozen=True, slots=True)
class QuestionDelta:
    """A question before and after; None on the side that does not have it."""

    before: QuestionOutcome | None
    after: QuestionOutcome | None

    @property
    def movement(self) -> Movement:
        """Whether the answer changed, or which side alone has it."""
        if self.before is None:
            return Movement.AFTER
        if self.after is None:
            return Movement.BEFORE
        return Movement.SAME if self.before.same_answer(self.after) else Movement.CHANGED

    @property
    def known(self) -> QuestionOutcome:
        """The later side that has it."""
        found = self.after or self.before
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class TaskDelta:
    """One task over the ``questions`` that both sides have.

    Means are over questions, with the 95 % interval of their difference. ``risk``: over those
    whose risk is known on both sides, None where there are none; disputes are None where a side
    cannot say.
    """

    task: str
    questions: int
    changed: int
    calls: PairedDifference
    usd: PairedDifference
    ms: PairedDifference
    risk: PairedDifference | None
    disputed_before: int | None
    disputed_after: int | None


@dataclass(frozen=True, slots=True)
class BatchDelta:
    """``before`` and ``after`` in words; ``by_content``: questions were matched by the content of
    their items, as the two have no item in common. ``untold``: why some questions cannot be
    compared, and how many."""

    before: str
    after: str
    by_content: bool
    tasks: tuple[TaskDelta, ...]
    questions: tuple[QuestionDelta, ...]
    untold: tuple[tuple[str, int], ...] = ()

    def count(self, movement: Movement) -> int:
        """How many questions moved so."""
        # templates give its word
        return sum(one.movement == movement for one in self.questions)

    @property
    def compared(self) -> int:
        """How many questions both sides have."""
        return sum(one.questions for one in self.tasks)

    @property
    def changed(self) -> list[QuestionDelta]:
        """Those whose answers changed."""
        return [one for one in self.questions if one.movement is Movement.CHANGED]


def batch_delta(
    before: tuple[str, Iterable[QuestionOutcome]],
    after: tuple[str, Iterable[QuestionOutcome]],
    untold: Counter[str] | None = None,
) -> BatchDelta:
    """The difference of two sides, each with its name in words; questions whose answers changed
    come first, then those of one side, each by path and task.

    Questions are the same by item and task; where the sides share no item, by content and task.
    """
    old, new = list(before[1]), list(after[1])
    by_content = not {one.item_id for one in old} & {one.item_id for one in new}
    pairs = list(_matched(old, new, by_content=by_content))
    pairs.sort(key=lambda one: (_ORDER[one.movement], one.known.path, one.known.task))
    names = sorted({one.known.task for one in pairs})
    found = (_task(name, [one for one in pairs if one.known.task == name]) for name in names)
    return BatchDelta(
        before[0],
        after[0],
        by_content and any(one.before and one.after for one in pairs),
        tuple(one for one in found if one.questions),
        tuple(pairs),
        tuple(untold.most_common(3)) if untold else (),
    )


def _matched(
    old: Sequence[QuestionOutcome], new: Sequence[QuestionOutcome], *, by_content: bool
) -> Iterator[QuestionDelta]:
    def key(one: QuestionOutcome) -> tuple[str, str]:
        return (one.content_hash, one.task) if by_content else one.key

    # of several items with one content each finds a partner of its own, in the order of paths
    waiting: dict[tuple[str, str], list[QuestionOutcome]] = {}
    for one in sorted(new, key=lambda one: one.path, reverse=True):
        waiting.setdefault(key(one), []).append(one)
    for one in sorted(old, key=lambda one: one.path):
        partners = waiting.get(key(one))
        yield QuestionDelta(one, partners.pop() if partners else None)
    for rest in waiting.values():
        for one in rest:
            yield QuestionDelta(None, one)


def _task(name: str, questions: Sequence[QuestionDelta]) -> TaskDelta:
    both = [(one.before, one.after) for one in questions if one.before and one.after]
    risks = [
        (old.error_risk, new.error_risk)
        for old, new in both
        if old.error_risk is not None and new.error_risk is not None
    ]
    return TaskDelta(
        name,
        len(both),
        sum(not old.same_answer(new) for old, new in both),
        calls=change([old.calls for old, _ in both], [new.calls for _, new in both]),
        usd=change([old.usd for old, _ in both], [new.usd for _, new in both]),
        ms=change([old.ms for old, _ in both], [new.ms for _, new in both]),
        risk=change([old for old, _ in risks], [new for _, new in risks]) if risks else None,
        disputed_before=_disputed([old for old, _ in both]),
        disputed_after=_disputed([new for _, new in both]),
    )


def _disputed(outcomes: Sequence[QuestionOutcome]) -> int | None:
    if any(one.disputed is None for one in outcomes):
        return None
    return sum(bool(one.disputed) for one in outcomes)


def delta_rows(delta: BatchDelta) -> Iterator[QuestionRow]:
    """The questions as rows of a list: both answers as readings of ``before`` and ``after``, equal
    ones as one."""
    for one in delta.questions:
        sides = [(BEFORE, one.before), (AFTER, one.after)]
        given = [_said(name, side) for name, side in sides if side is not None]
        known = one.known
        yield QuestionRow(
            path=known.path,
            task=known.task,
            family=known.family,
            standing=one.movement,
            severity=0.0,
            error_risk=known.error_risk,
            kinds=tuple(_kinds(one)),
            said=_in_order(folded(known.kind, given, (), ())),
            disputes=(),
            differences=(),
            change=_change(one),
        )


def _said(name: str, side: QuestionOutcome) -> dict[str, Any]:
    return {
        "service": name,
        "status": Status.OK if side.answer is not None else side.status,
        "answer": side.answer,
        "answer_set": side.answer_set,
        "reason": None,
    }


def _in_order(said: Sequence[SaidAnswer]) -> tuple[SaidAnswer, ...]:
    return tuple(sorted(said, key=lambda one: BEFORE not in one.services))


def _kinds(one: QuestionDelta) -> Iterator[str]:
    """What else happened to a question, as words of the list."""
    if one.before is None or one.after is None:
        yield f"only {one.movement}"
        return
    before, after = one.before, one.after
    resolved = ResolutionStatus.RESOLVED
    if one.movement is Movement.CHANGED and before.answer is not None and after.answer is not None:
        yield "other answer"
    if before.status != after.status:
        words = {before.status == resolved: "answer lost", after.status == resolved: "now answered"}
        yield words.get(True, f"{before.status}, now {after.status}")
    if before.disputed is not None and after.disputed is not None:
        if after.disputed and not before.disputed:
            yield "newly disputed"
        if before.disputed and not after.disputed:
            yield "no longer disputed"
    if before.content_hash != after.content_hash:
        yield "other content"


def _change(one: QuestionDelta) -> tuple[float, ...]:
    """Cost, time and risk, each before and after; -1 where it is not known. Of a question of one
    side these are that side's, for nothing moved."""
    before, after = (_figures(side or one.known) for side in (one.before, one.after))
    return tuple(value for pair in zip(before, after, strict=True) for value in pair)


def _figures(side: QuestionOutcome) -> tuple[float, float, float]:
    return side.usd, side.ms, NOT_KNOWN if side.error_risk is None else side.error_risk
