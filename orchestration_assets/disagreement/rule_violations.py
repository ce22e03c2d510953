"""Which rules the answer that stands violates: by expressions, and by what services said of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.readings import Key
from orchestration_assets.policy.task_graph import in_order
from orchestration_assets.processing.answer_checks import CheckEnd
from orchestration_assets.processing.validation import REFUSE
from orchestration_assets.schemas.answers import ANSWER_COLUMNS, Answer, answer_of, shown
from orchestration_assets.schemas.decoding import decode, values
from orchestration_assets.schemas.enums import ResolutionStatus
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.task_inputs import Inputs
from orchestration_assets.text.answer_rules import (
    OtherAnswers,
    in_words,
    reads_others,
    violated_rules,
)

_ENDS: Final = (CheckEnd.OBJECT, CheckEnd.UNCHECKED, REFUSE)


@dataclass(frozen=True, slots=True)
class SaidOfAnswer:
    """What validation came to about the answer that was shown as ``answer``: the step, in words."""

    end: str
    words: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class RuleEvidence:
    """What rules go by beside the answer itself: what was said of it, and the answers to other
    tasks that expressions may read."""

    said: tuple[SaidOfAnswer, ...] = ()
    others: tuple[tuple[str, Answer | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Violations:
    """What is violated in words; those of it with which no answer stands; and what could not be
    validated."""

    words: tuple[str, ...] = ()
    refusing: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


def violations_of(answer: Answer | None, task: Task, evidence: RuleEvidence) -> Violations:
    """The rules of the task that the answer violates; what services said of another answer than
    the one that stands says nothing about this one."""
    if answer is None or not task.value_rules:
        return Violations()
    broken = [
        (rule, in_words(rule, answer, task, evidence.others))
        for rule in violated_rules(answer, task, evidence.others)
    ]
    about = shown(answer)
    said = [one for one in evidence.said if one.answer == about]
    objections = [one.words for one in said if one.end == CheckEnd.OBJECT]
    refusing = [words for rule, words in broken if rule.otherwise == "fail"]
    fails = {rule.asks for rule in task.value_rules if rule.asks and rule.otherwise == "fail"}
    if fails and any(one.end == REFUSE for one in said):
        refusing += [words for words in objections if words.partition(" ")[0] in fails]
    return Violations(
        (*(words for _, words in broken), *dict.fromkeys(objections)),
        tuple(dict.fromkeys(refusing)),
        tuple(one.words for one in said if one.end == CheckEnd.UNCHECKED),
    )


def said_of_answers(
    decisions: pa.Table, tasks: Mapping[str, Task]
) -> dict[Key, tuple[SaidOfAnswer, ...]]:
    """By item and task, what the validation of answers came to, by a decision log."""
    asking = [name for name, task in tasks.items() if any(one.asks for one in task.value_rules)]
    if not asking:
        return {}
    told = decisions.filter(
        pc.and_(
            pc.is_in(decisions["action"], pa.array(list(map(str, _ENDS)))),
            pc.is_in(decisions["task"], pa.array(asking, pa.string())),
        )
    )
    found: dict[Key, tuple[SaidOfAnswer, ...]] = {}
    for item, task, *step in values(told, "item_id", "task", "action", "reason", "answer"):
        found[item, task] = (*found.get((item, task), ()), SaidOfAnswer(*step))
    return found


Evidence = Mapping[Key, RuleEvidence]
Resolve = Callable[[pa.Table, Evidence], pa.Table]


def resolve_in_order(
    plans: pa.Table,
    tasks: Mapping[str, Task],
    inputs: Inputs,
    said: Mapping[Key, tuple[SaidOfAnswer, ...]],
    resolve: Resolve,
) -> pa.Table:
    """The resolutions of the plans, in their order, by ``resolve``.

    A task whose rules read the answers to others is resolved after these, and told what stands.
    Questions that go by the same evidence share one object.
    """
    shared: dict[RuleEvidence, RuleEvidence] = {}

    def evidence(keys: Iterable[Key], others: Callable[[str, str], OtherAnswers]) -> Evidence:
        found = {}
        for item, task in keys:
            one = RuleEvidence(said.get((item, task), ()), tuple(others(item, task)))
            if one.said or one.others:
                found[item, task] = shared.setdefault(one, one)
        return found

    late = [name for name, task in tasks.items() if name in inputs and reads_others(task)]
    if not late:
        return resolve(plans, evidence(said, lambda item, task: ()))
    waited_for = {one for name in late for one in inputs[name].shown}
    answers: dict[Key, Answer | None] = {}

    def known(item: str, task: str) -> OtherAnswers:
        return [(one, answers.get((item, one))) for one in inputs[task].shown]

    order = pa.chunked_array([pa.array(range(plans.num_rows), pa.int64())])
    numbered = plans.append_column("__place", order)
    parts, places = [], []
    for group in _stages(list(tasks), late, inputs):
        part = numbered.filter(pc.is_in(numbered["task"], pa.array(group, pa.string())))
        keys = list(values(part, "item_id", "task"))
        of_part = part.drop_columns(["__place"])
        is_late = group[0] in late
        table = resolve(of_part, evidence(keys, known if is_late else lambda item, task: ()))
        answers |= _answers(table, waited_for)
        parts.append(table)
        places.append(part["__place"])
    whole = pa.concat_tables(parts)
    back = pa.chunked_array([chunk for place in places for chunk in place.chunks], pa.int64())
    return whole.take(pc.sort_indices(back))


def _stages(tasks: Sequence[str], late: Sequence[str], inputs: Inputs) -> list[list[str]]:
    """All that hangs on nothing late at once, then each late task after those that it reads."""
    first = [name for name in tasks if name not in late]
    ordered = [name for name in in_order(tasks, inputs) if name in late]
    return [*([first] if first else []), *([name] for name in ordered)]


@dataclass(frozen=True, slots=True)
class _Standing:
    item_id: str
    task: str
    status: ResolutionStatus
    answer: str | None
    answer_set: tuple[str, ...] | None
    answer_score: float | None
    answer_vector: tuple[float, ...] | None
    answer_record: str | None


def _answers(resolutions: pa.Table, tasks: set[str]) -> dict[Key, Answer | None]:
    of_tasks = resolutions.filter(pc.is_in(resolutions["task"], pa.array(sorted(tasks))))
    table = of_tasks.select(["item_id", "task", "status", *ANSWER_COLUMNS])
    return {
        (row.item_id, row.task): answer_of(row)
        for row in decode(_Standing, table)
        if row.status is ResolutionStatus.RESOLVED
    }
