"""Asking a service again whose answer violates a rule, with what should hold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.plan_result import Ask, Decision
from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import OBJECTION, Objection, Question, Task, ValueRule
from orchestration_assets.services.contract import Service
from orchestration_assets.text.answer_rules import OtherAnswers, in_words, violated_rules

REPAIR = "repair"


class Repairs:
    """Has services look again whose answers violate expressions, and remembers what came of it.

    Each service is asked again before anybody else sees its answer: what it says in the end is its
    reading, what it said before is told by the decisions.
    """

    def __init__(self, task: Task, services: Mapping[str, Service]) -> None:
        self._task = task
        self._services = services
        self.decisions: list[Decision] = []

    def asking(self, ask: Ask) -> Ask:
        """``ask``, and again where a rule wants it, as often as it allows."""
        if not self._task.value_rules:
            return ask

        async def asked(name: str, question: Question) -> AskResult:
            result = await ask(name, question)
            if question.task.name != self._task.name or not can_look_again(
                self._services, name, question.task
            ):
                return result
            times = 0
            while (words := self._wrong(result, question.answers, times)) is not None:
                times += 1
                assert result.reading.answer is not None
                objection = Objection(result.reading.answer, words)
                fresh = await ask(name, replace(question, objection=objection))
                result = _now(result, fresh)
                self.decisions.append(_repaired(name, words, result, fresh))
                if fresh.reading.status is not Status.OK:
                    break
            return result

        return asked

    def _wrong(self, result: AskResult, others: OtherAnswers, times: int) -> str | None:
        """What should hold of the answer, by the rules that let it be asked about once more."""
        answer = result.reading.answer
        if result.reading.status is not Status.OK or answer is None:
            return None
        broken = [
            rule
            for rule in violated_rules(answer, self._task, others)
            if rule.otherwise == REPAIR and times < rule.attempts
        ]
        return violations_in_words(broken, answer, self._task, others) or None


def can_look_again(services: Mapping[str, Service], name: str, task: Task) -> bool:
    """Whether asking the service again, with what is wrong, may help.

    Of a joined answer no part knows what is wrong with the whole.
    """
    service = services.get(name)
    return task.parts is None and service is not None and OBJECTION in service.reads


def _now(before: AskResult, fresh: AskResult) -> AskResult:
    """What counts of the service: its fresh answer, or the one before where it gave none."""
    if fresh.reading.status is Status.OK:
        return replace(fresh, looks=(*before.looks, replace(before, looks=())))
    return replace(before, looks=(*before.looks, fresh))


def with_looks(answered: Sequence[AskResult]) -> tuple[AskResult, ...]:
    """The answers, each with what its service said besides around it, which decides nothing."""
    rows: list[AskResult] = []
    rounds: Counter[str] = Counter()
    for result in answered:
        # a fresh answer that is none comes after the one that it was to replace
        before = [look for look in result.looks if look.reading.status is Status.OK]
        after = [look for look in result.looks if look.reading.status is not Status.OK]
        for one in (*before, result, *after):
            is_look = one is not result
            final, decides = (False, False) if is_look else (result.final, result.decides)
            told = replace(
                one,
                round=rounds[one.service],
                final=final,
                decides=decides,
                saw=result.saw,
                looks=(),
            )
            rows.append(told)
            rounds[one.service] += 1
    return tuple(rows)


def violations_in_words(
    rules: Sequence[ValueRule], answer: Answer, task: Task, others: OtherAnswers
) -> str:
    """Violated expressions as people and services read them."""
    return "; ".join(in_words(rule, answer, task, others) for rule in rules)


def _repaired(name: str, words: str, result: AskResult, fresh: AskResult) -> Decision:
    now = shown(result.reading.answer)
    if fresh.reading.status is not Status.OK:
        came = f"it gave no other answer ({fresh.reading.status}): {fresh.reading.reason}"
    else:
        came = f"it says {now}"
    return Decision(
        REPAIR, (name,), f"{name} is asked again, since this should hold: {words}; {came}"
    )


def with_repairs(
    decisions: Sequence[Decision], repairs: Sequence[Decision]
) -> tuple[Decision, ...]:
    """The decisions of a plan with each repair behind the first one that asked its service."""
    found = list(decisions)
    # whichever service was quicker: the order in which they were asked is that of the decisions
    for repair in sorted(repairs, key=lambda one: one.services)[::-1]:
        names = (set(one.services) >= set(repair.services) for one in found)
        place = next((n for n, asked in enumerate(names) if asked), -1)
        found.insert(place + 1, repair)
    return tuple(found)
