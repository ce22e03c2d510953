"""Whether a task is asked of an item, by what stands of the tasks that are answered before it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.comparisons import Comparison
from orchestration_assets.schemas.record_answers import RecordAnswer, value_text
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.task_inputs import (
    AnswerTest,
    InputAnswer,
    InputState,
    Otherwise,
    TaskInputs,
)
from orchestration_assets.selection.conditions import satisfies

_STANDS = frozenset({InputState.ANSWERED, InputState.DECLARED, InputState.JUDGED})
_WORDS: Mapping[InputState, str] = {
    InputState.ABSTAINED: "no service would answer it",
    InputState.FAILED: "it failed",
    InputState.OVER_BUDGET: "there was no money for it",
    InputState.DEFERRED: "it is deferred",
    InputState.SKIPPED: "it was skipped",
    InputState.ABSENT: "it is not asked of this item",
}
_BY: Mapping[InputState, str] = {
    InputState.DECLARED: "declaration",
    InputState.JUDGED: "verdict",
}
_LONGEST = 120


class Admission(StrEnum):
    """What becomes of a task once those before it are answered.

    ``admit``: it is asked. ``skip``: it is not asked. ``otherwise``: its declared answer stands.
    ``wait``: it is deferred, as one before it is.
    """

    ADMIT = "admit"
    SKIP = "skip"
    OTHERWISE = "otherwise"
    WAIT = "wait"


TURNED_AWAY: Final = frozenset({Admission.SKIP, Admission.OTHERWISE, Admission.WAIT})
"""The decisions with which a plan ends that nobody is asked for."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What becomes of a task, and why in words."""

    admission: Admission
    reason: str


@dataclass(frozen=True, slots=True)
class _Unfit:
    """Why an answer cannot be gone by."""

    task: str
    state: InputState
    words: str


def admitted(inputs: TaskInputs, answers: Mapping[str, InputAnswer]) -> Admitted:
    """What becomes of the task; ``answers`` has each task that it waits for.

    A comparison that does not hold of an answer that can be gone by skips the task, whatever the
    others are. Else one that is deferred defers it; else one that cannot be gone by (no answer, or
    too risky) leads to what ``otherwise`` says. ``missing: true`` is satisfied by no answer.
    """
    unfit: dict[str, _Unfit] = {}
    asked_for_absence: set[str] = set()
    for test in inputs.tests:
        given, comparison = answers[test.task], test.comparison
        if given.state not in _STANDS:
            if comparison.missing is not None and not test.field:
                asked_for_absence.add(test.task)
                if given.state is not InputState.DEFERRED and not comparison.missing:
                    return Admitted(Admission.SKIP, _without(test.task, given))
            continue
        if comparison.risk is not None and not satisfies(given.risk, comparison.risk):
            words = f"{test.task} is too risky: {_with_risk(given)}, {in_words(comparison.risk)}"
            unfit[test.task] = _Unfit(test.task, given.state, f"{words} is asked")
            continue
        if not _holds(test, given.answer):
            words = f"{test.name} is {_value_words(_value(given.answer, test.field))}"
            risk = "" if given.risk is None else f" (risk {given.risk:.3f})"
            wanted = in_words(comparison)
            return Admitted(Admission.SKIP, f"{words}{risk}, asked is {wanted}")
    for task in inputs.waits_for:
        given = answers[task]
        if given.state not in _STANDS and (
            task not in asked_for_absence or given.state is InputState.DEFERRED
        ):
            unfit[task] = _Unfit(task, given.state, _without(task, given))
    if not unfit:
        return Admitted(Admission.ADMIT, _led_by(inputs, answers))
    return _otherwise(inputs, list(unfit.values()))


def _otherwise(inputs: TaskInputs, unfit: list[_Unfit]) -> Admitted:
    reason = "; ".join(one.words for one in unfit)
    if any(one.state is InputState.DEFERRED for one in unfit):
        return Admitted(Admission.WAIT, reason)
    if inputs.otherwise is Otherwise.ANSWER:
        return Admitted(Admission.OTHERWISE, f"{reason}: the declared answer stands")
    if inputs.otherwise is Otherwise.SKIP:
        return Admitted(Admission.SKIP, reason)
    if any(one.state is InputState.OVER_BUDGET for one in unfit):
        # what would be asked without it would be paid for again once there is money for it
        return Admitted(Admission.SKIP, reason)
    return Admitted(Admission.ADMIT, f"{reason}: asked all the same")


def _led_by(inputs: TaskInputs, answers: Mapping[str, InputAnswer]) -> str:
    parts = []
    for task in inputs.waits_for:
        given = answers[task]
        held = [test for test in inputs.tests if test.task == task]
        fields = [test for test in held if test.field]
        if given.state not in _STANDS:
            parts.append(_without(task, given))
        elif fields:
            parts += [
                f"{test.name} is {_value_words(_value(given.answer, test.field))}"
                for test in fields
            ]
        else:
            parts.append(f"{task} is {_with_risk(given)}")
    return "; ".join(parts)


def _without(task: str, given: InputAnswer) -> str:
    why = f" ({_short(given.reason)})" if given.reason else ""
    return f"{task} has no answer, {_WORDS[given.state]}{why}"


def _with_risk(given: InputAnswer) -> str:
    if given.state in _BY:
        return f"{_value_words(given.answer)} by {_BY[given.state]}"
    risk = "of unknown risk" if given.risk is None else f"risk {given.risk:.3f}"
    return f"{_value_words(given.answer)} ({risk})"


def _value_words(value: Any) -> str:
    if value is None:
        return "missing"
    words = value_text(value) if isinstance(value, bool) else shown(value)
    return _short(words or "none")


def _short(words: str) -> str:
    words = " ".join(whole_text(words).split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


def _value(answer: Answer | None, field: str) -> Any:
    if not field:
        return answer
    return answer.get(field) if isinstance(answer, RecordAnswer) else None


def _holds(test: AnswerTest, answer: Answer | None) -> bool:
    value, comparison = _value(answer, test.field), test.comparison
    if comparison.contains is not None and not (
        isinstance(value, tuple) and comparison.contains in value
    ):
        return False
    return satisfies(value, comparison)


def in_words(test: Comparison) -> str:
    """A comparison as people read it: ``eq invoice, risk lt 0.1``."""
    return ", ".join(_operators(test))


def _operators(test: Comparison) -> Iterator[str]:
    for name, field in type(test).model_fields.items():
        given = getattr(test, name)
        if given is None:
            continue
        operator = field.alias or name
        if isinstance(given, Comparison):
            yield f"{operator} {in_words(given)}"
        elif isinstance(given, tuple):
            yield f"{operator} {', '.join(map(str, given))}"
        elif isinstance(given, bool):
            yield f"{operator} {str(given).lower()}"
        else:
            yield f"{operator} {given:g}" if isinstance(given, float) else f"{operator} {given}"


def condition_in_words(inputs: TaskInputs) -> str | None:
    """What must hold of the answers, as people read it; None where nothing must."""
    parts = [f"{test.name} {in_words(test.comparison)}" for test in inputs.tests]
    return "; ".join(parts) or None
