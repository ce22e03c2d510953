"""What a service says of an answer that it is shown with the content: yes, or no with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.plan_result import Ask, Decision, gave_answer
from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Question, Reading, Task, ValueRule
from orchestration_assets.text.replies.answers import reason_in

_LABELS: Final = ("yes", "no")


class CheckEnd(StrEnum):
    """How a check ended: the answer is as it should be, is not, or nobody could say."""

    CONFIRM = "confirm"
    OBJECT = "object"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class AnswerCheck:
    """What came of asking about an answer, in words, and the reading that says so."""

    end: CheckEnd
    words: str
    result: AskResult

    def decision(self, answer: Answer) -> Decision:
        """The step as the log has it; ``answer`` is the one that was asked about."""
        return Decision(self.end.value, (self.result.service,), self.words, answer)


def asked_task(task: Task, service: str, *, final: bool) -> Task:
    """What a service was asked whose reading belongs to the task: the task, or about its answer."""
    checks = (rule for rule in task.value_rules if rule.asks == service and not final)
    return next((checking_task(rule, task) for rule in checks), task)


def checking_task(rule: ValueRule, task: Task) -> Task:
    """The question about an answer to the task."""
    name = f"{task.name}.{rule.asks}"
    return Task(
        *(name, task.version, AnswerKind.LABEL, _LABELS), question=rule.rule, checks=task.name
    )


async def checked(
    rule: ValueRule, answer: Answer, question: Question, saw: Sequence[str], ask: Ask
) -> AnswerCheck:
    """Asks the service of the rule; ``saw`` are the services that gave the answer.

    The reading takes no part in the answer: it is one to another question.
    """
    given = (question.task.name, Reading(Status.OK, answer))
    about = replace(question, task=checking_task(rule, question.task), earlier=(given,))
    result = await ask(rule.asks, about)
    result = replace(result, takes_part=False, final=False, decides=False, saw=tuple(saw))
    end, words = _end(rule, result)
    return AnswerCheck(end, words, result)


def _end(rule: ValueRule, result: AskResult) -> tuple[CheckEnd, str]:
    reading, who = result.reading, rule.asks
    if not gave_answer(result):
        why = f": {reading.reason}" if reading.reason else ""
        return CheckEnd.UNCHECKED, f"not validated, {who} is {reading.status}{why}"
    said = (shown(reading.answer) or "").casefold()
    why = f": {reason}" if (reason := reason_in(reading.evidence)) else ""
    if said == "yes":
        return CheckEnd.CONFIRM, f"{who} says yes to “{rule.rule}”{why}"
    if said == "no":
        because = f" ({rule.because})" if rule.because else ""
        return CheckEnd.OBJECT, f"{who} says no to “{rule.rule}”{because}{why}"
    return CheckEnd.UNCHECKED, f"not validated, {who} says {said}, which is neither yes nor no"
