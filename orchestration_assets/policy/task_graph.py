"""The graph of tasks: which are answered before which, what is taken from them, and its checks."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Final

from orchestration_assets.policy.problems import Problem, closest_name, describe_value, safe_key
from orchestration_assets.schemas.answers import Answer, is_answer
from orchestration_assets.schemas.comparisons import (
    ANSWERS,
    AnswerCondition,
    Comparison,
    on_answers,
)
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.policy import DeclaredAnswer, Policy, TaskConfig
from orchestration_assets.schemas.record_fields import FieldType
from orchestration_assets.schemas.task_inputs import AnswerTest, Inputs, Otherwise, TaskInputs
from orchestration_assets.text.replies.record_values import FieldValueError, read_record

_ORDER: Final = ("lt", "le", "gt", "ge")
_EQUALITY: Final = ("eq", "ne", "in", "not_in")
_ALWAYS: Final = ("missing", "risk")
# what the answer of a kind, or a field of a type, can be compared by
_OPERATORS: Final[Mapping[AnswerKind | FieldType, tuple[str, ...]]] = {
    AnswerKind.LABEL: _EQUALITY,
    AnswerKind.TEXT: _EQUALITY,
    AnswerKind.SCORE: (*_EQUALITY, *_ORDER),
    AnswerKind.SET: ("contains",),
    AnswerKind.RECORD: (),
    FieldType.LABEL: _EQUALITY,
    FieldType.TEXT: _EQUALITY,
    FieldType.DATE: _EQUALITY,
    FieldType.NUMBER: (*_EQUALITY, *_ORDER),
    FieldType.BOOLEAN: _EQUALITY,
    FieldType.LIST: (),
}
_HOLDS: Final[Mapping[AnswerKind | FieldType, type]] = {
    AnswerKind.SCORE: float,
    FieldType.NUMBER: float,
    FieldType.BOOLEAN: bool,
}


class DeclaredAnswerError(ValueError):
    """A declared answer is none that the task could have; the message says what would be."""


def task_inputs(policy: Policy | None) -> Inputs:
    """What each task of a valid policy takes from others."""
    return {
        name: TaskInputs(
            task.inputs,
            task.shown_tasks,
            tuple(AnswerTest(*of, test) for of, test in on_answers(task.applies_to).items()),
            Otherwise.ANSWER
            if isinstance(task.otherwise, DeclaredAnswer)
            else Otherwise(task.otherwise),
            declared_answer(task) if isinstance(task.otherwise, DeclaredAnswer) else None,
        )
        for name, task in (policy.tasks.items() if policy else ())
        if task.inputs
    }


def in_order(tasks: Sequence[str], inputs: Inputs) -> list[str]:
    """The tasks, each after those that it waits for; else in their order."""
    if not any(task in inputs for task in tasks):
        return list(tasks)
    place = {task: number for number, task in enumerate(tasks)}
    graph = TopologicalSorter(
        {
            task: [one for one in inputs[task].waits_for if one in place] if task in inputs else ()
            for task in tasks
        }
    )
    graph.prepare()
    found: list[str] = []
    while graph.is_active():
        ready = sorted(graph.get_ready(), key=place.__getitem__)
        found += ready
        graph.done(*ready)
    return found


def connected(tasks: Sequence[str], inputs: Inputs) -> dict[str, frozenset[str]]:
    """Task -> the tasks that it hangs together with, itself among them."""
    group = {task: {task} for task in tasks}
    for task in tasks:
        for other in inputs[task].waits_for if task in inputs else ():
            if other in group and group[other] is not group[task]:
                group[task] |= group[other]
                for member in group[task]:
                    group[member] = group[task]
    return {task: frozenset(members) for task, members in group.items()}


def declared_answer(task: TaskConfig) -> Answer:
    """The answer that ``otherwise`` declares. Raises DeclaredAnswerError where it does not fit."""
    assert isinstance(task.otherwise, DeclaredAnswer)
    given = task.otherwise.answer
    answer = _as_answer(given, task)
    if answer is None or not is_answer(answer):
        raise DeclaredAnswerError(f"is no answer of kind {task.kind}")
    if isinstance(answer, str) and task.kind is AnswerKind.LABEL:
        _in_labels([answer], task)
    if isinstance(answer, tuple):
        _in_labels([str(member) for member in answer], task)
    if isinstance(answer, float) and not task.scale[0] <= answer <= task.scale[1]:
        raise DeclaredAnswerError(f"lies outside the scale, {task.scale[0]:g} to {task.scale[1]:g}")
    return answer


def _as_answer(given: object, task: TaskConfig) -> Answer | None:
    match task.kind:
        case AnswerKind.LABEL | AnswerKind.TEXT:
            return given if isinstance(given, str) else None
        case AnswerKind.SCORE:
            is_number = isinstance(given, int | float) and not isinstance(given, bool)
            return float(given) if is_number else None  # type: ignore[arg-type]
        case AnswerKind.SET:
            return given if isinstance(given, tuple) else None
        case AnswerKind.RECORD:
            return _as_record(given, task)
        case AnswerKind.VECTOR:
            raise DeclaredAnswerError("cannot be declared: nobody writes vectors")


def _as_record(given: object, task: TaskConfig) -> Answer | None:
    if not isinstance(given, dict):
        return None
    names = [field.name for field in task.record_fields]
    if strangers := [name for name in given if name not in names]:
        near = closest_name(strangers[0], names)
        hint = f"; did you mean {near!r}?" if near else ""
        raise DeclaredAnswerError(f"names {safe_key(str(strangers[0]))}, which is no field{hint}")
    try:
        return read_record(given, task.record_fields)
    except FieldValueError as error:
        raise DeclaredAnswerError(str(error)) from error


def _in_labels(given: Sequence[str], task: TaskConfig) -> None:
    strangers = [one for one in given if task.labels and one not in task.labels]
    if strangers:
        near = closest_name(strangers[0], task.labels)
        hint = f"; did you mean {near!r}?" if near else ""
        raise DeclaredAnswerError(f"is not in labels{hint}")


def graph_problems(policy: Policy) -> Iterator[Problem]:
    """Tasks that are named and are none, circles, and comparisons that fit no answer."""
    known = list(policy.tasks)
    for name, task in policy.tasks.items():
        path = f"tasks.{safe_key(name)}"
        for number, other in enumerate(task.after):
            if other not in policy.tasks:
                yield _no_task(f"{path}.after[{number}]", other, known)
            elif policy.tasks[other].kind is AnswerKind.VECTOR:
                message = "has vectors, which no prompt can show"
                yield Problem(f"{path}.after[{number}]", describe_value(other, known), message)
        for (other, field), test in on_answers(task.applies_to).items():
            key = f"{ANSWERS}{other}.{field}" if field else f"{ANSWERS}{other}"
            where = f"{path}.applies_to.{safe_key(key)}"
            if other not in policy.tasks:
                yield _no_task(where, other, known)
            else:
                yield from _test_problems(where, policy.tasks[other], field, test)
        if isinstance(task.otherwise, DeclaredAnswer):
            try:
                declared_answer(task)
            except DeclaredAnswerError as error:
                yield Problem(f"{path}.otherwise.answer", "", str(error))
    yield from _circles(policy)


def _no_task(path: str, name: str, known: Sequence[str]) -> Problem:
    return Problem(path, describe_value(name, known), "no such task", closest_name(name, known))


def _circles(policy: Policy) -> Iterator[Problem]:
    graph = {
        name: [one for one in task.inputs if one in policy.tasks]
        for name, task in policy.tasks.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        round_ = error.args[1]
        # each is in the list before what waits for it
        message = f"waits for itself: {' -> '.join(map(safe_key, round_))}"
        yield Problem(f"tasks.{safe_key(round_[-1])}", "", message)


def _test_problems(
    path: str, task: TaskConfig, field: str, test: AnswerCondition
) -> Iterator[Problem]:
    kind: AnswerKind | FieldType = task.kind
    labels = task.labels
    if kind is AnswerKind.VECTOR:
        yield Problem(path, "", "its answers are vectors, which nothing can be compared with")
        return
    if field:
        fields = {one.name: one for one in task.record_fields}
        if field not in fields:
            message = "no such field" if fields else f"a {task.kind} has no fields"
            shown = describe_value(field, list(fields))
            yield Problem(path, shown, message, closest_name(field, list(fields)))
            return
        kind, labels = fields[field].type, fields[field].labels
    what = f"the field {field} is a {kind}" if field else f"its answers are of kind {kind}"
    for operator in given_operators(test):
        if operator == "risk" and field:
            message = f"is said of whole answers: put it under answers.{path.split('.')[-2]}"
            yield Problem(f"{path}.risk", "", message)
        elif operator not in (*_OPERATORS[kind], *_ALWAYS):
            fitting = ", ".join((*_OPERATORS[kind], *(_ALWAYS[:1] if field else _ALWAYS)))
            yield Problem(f"{path}.{operator}", "", f"{what}: compare it by {fitting}")
    values = [value for value in (test.eq, test.ne, test.contains) if value is not None]
    values += [*(test.in_ or ()), *(test.not_in or ())]
    for value in values:
        if not _fits(value, kind):
            yield Problem(path, describe_value(value), f"{what}, which this value is not")
        elif labels and isinstance(value, str) and value not in labels:
            shown = describe_value(value, labels)
            yield Problem(path, shown, "no such label", closest_name(value, labels))
    if test.risk is not None:
        yield from _risk_problems(f"{path}.risk", test.risk)


def _risk_problems(path: str, test: Comparison) -> Iterator[Problem]:
    for operator in given_operators(test):
        if operator not in _ORDER:
            yield Problem(f"{path}.{operator}", "", "a risk is a number: lt, le, gt or ge")
        elif not 0.0 <= getattr(test, operator) <= 1.0:
            shown = describe_value(getattr(test, operator))
            yield Problem(f"{path}.{operator}", shown, "a risk lies between 0 and 1")


def given_operators(test: Comparison) -> list[str]:
    """The operators that a comparison gives, as they are written."""
    fields = type(test).model_fields.items()
    return [field.alias or name for name, field in fields if getattr(test, name) is not None]


def _fits(value: object, kind: AnswerKind | FieldType) -> bool:
    holds = _HOLDS.get(kind, str)
    if holds is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, holds)
