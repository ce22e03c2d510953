"""Validation of the answer that a plan comes to, before anything builds on it.

Expressions first, they cost nothing; then the services that are asked about the answer. What is
violated is mended as its rule says: those who gave the answer look again, another service is asked
instead, people decide, or no answer stands. Each change is validated again; what cannot be mended
is left to people.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from orchestration_assets.evidence.consensus import Consensus
from orchestration_assets.processing.answer_checks import AnswerCheck, CheckEnd, checked
from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.concurrent_calls import all_of
from orchestration_assets.processing.plan_result import (
    Ask,
    Decision,
    PlanResult,
    gave_answer,
    joined,
    lead,
    marked,
    positions_of_decisive,
)
from orchestration_assets.processing.repairs import (
    REPAIR,
    Repairs,
    can_look_again,
    with_looks,
    with_repairs,
)
from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Objection, Question, ValueRule
from orchestration_assets.schemas.policy import Choice
from orchestration_assets.schemas.task_inputs import InputAnswer, InputState
from orchestration_assets.services.contract import Service
from orchestration_assets.text.answer_rules import in_words, violated_rules

REFUSE: Final = "refuse"
"""The step after which no answer stands, since the one that was found violates a rule."""

_Broken = tuple[ValueRule, str]
"""A rule that an answer violates, and how in words."""


async def validated(
    done: PlanResult,
    question: Question,
    ask: Ask,
    services: Mapping[str, Service],
    choice: Choice,
    repairs: Repairs,
) -> PlanResult:
    """The plan with its answer validated; unchanged where nothing is wrong and nobody is asked.

    ``repairs`` are those of the answers that the plan was told already; ``choice`` says who may be
    asked besides.
    """
    if not question.task.value_rules:
        return done
    run = _Run(question, repairs.asking(ask), services, choice, done.answered)
    stands = await run.to_the_end(done.leading)
    before = len(done.decisions)
    decisions = with_repairs((*done.decisions, *run.decisions), repairs.decisions)
    if len(decisions) == before and run.answered is done.answered:
        return done
    return PlanResult(with_looks(run.answered), decisions, stands)


@dataclass
class _Run:
    """One answer on its way through its rules."""

    question: Question
    ask: Ask
    services: Mapping[str, Service]
    choice: Choice
    answered: tuple[AskResult, ...]
    decisions: list[Decision] = field(default_factory=list)
    _attempts: Counter[ValueRule] = field(default_factory=Counter)
    _checks: dict[tuple[ValueRule, str], AnswerCheck] = field(default_factory=dict)

    async def to_the_end(self, leading: Consensus | None) -> InputAnswer | None:
        """Mends what can be mended; what stands instead of the answer where it is refused."""
        while True:
            leading = leading or lead(self.answered, self.question)
            answer = leading.answer
            if answer is None:
                return None
            broken = self._violated(answer)
            if not _refusing(broken) and not await self._escalated(broken, leading):
                broken += await self._objections(answer)
                if not _refusing(broken) and not (
                    await self._repaired(broken, leading) or await self._escalated(broken, leading)
                ):
                    if broken:
                        words = f"left to people: {_words(broken)}"
                        self.decisions.append(Decision("review", (), words, answer))
                    return None
            if refusing := _refusing(broken):
                words = f"it violates {_words(refusing)}"
                self.decisions.append(Decision(REFUSE, (), words, answer))
                return InputAnswer(InputState.FAILED, reason=words)
            leading = None

    def _violated(self, answer: Answer) -> list[_Broken]:
        task, others = self.question.task, self.question.answers
        return [
            (rule, in_words(rule, answer, task, others))
            for rule in violated_rules(answer, task, others)
        ]

    async def _objections(self, answer: Answer) -> list[_Broken]:
        """What the services say that are asked about the answer; none is asked twice about it."""
        broken: list[_Broken] = []
        for rule in self.question.task.value_rules:
            if not rule.asks:
                continue
            key = rule, shown(answer) or ""
            if key not in self._checks:
                saw = [one.service for one in self.answered if one.decides]
                found = await checked(rule, answer, self.question, saw, self.ask)
                self._checks[key] = found
                self.answered = joined(self.answered, [found.result])
                self.decisions.append(found.decision(answer))
            if self._checks[key].end is CheckEnd.OBJECT:
                broken.append((rule, self._checks[key].words))
        return broken

    async def _repaired(self, broken: Sequence[_Broken], leading: Consensus) -> bool:
        """Whether those who gave the answer looked again, since a service objects to it.

        What violates expressions they were asked about before.
        """
        due = [
            (rule, words)
            for rule, words in broken
            if rule.asks and rule.otherwise == REPAIR and self._attempts[rule] < rule.attempts
        ]
        places = [
            n
            for n in positions_of_decisive(self.answered)
            if self.answered[n].reading.status is Status.OK
            and can_look_again(self.services, self.answered[n].service, self.question.task)
        ]
        agreeing = [n for n in places if self.answered[n].service in leading.supporters]
        if not due or not places:
            return False
        self._attempts.update(rule for rule, _ in due)
        words = _words(due)
        places = agreeing or places
        fresh = await all_of(*(self._asked_again(self.answered[n], words) for n in places))
        decides = set(positions_of_decisive(self.answered))
        for old, result in zip(places, fresh, strict=True):
            self.answered = joined(self.answered, [result])
            if gave_answer(result):
                decides = decides - {old} | {len(self.answered) - 1}
        self.answered = marked(self.answered, decides)
        names = tuple(self.answered[n].service for n in places)
        now = lead(self.answered, self.question).answer
        reason = f"asked again, since {words}; {_change(leading.answer, now)}"
        self.decisions.append(Decision(REPAIR, names, reason, now))
        return True

    async def _asked_again(self, result: AskResult, words: str) -> AskResult:
        assert result.reading.answer is not None
        objection = Objection(result.reading.answer, words)
        return await self.ask(result.service, replace(self.question, objection=objection))

    async def _escalated(self, broken: Sequence[_Broken], leading: Consensus) -> bool:
        """Whether another service was asked, whose answer now stands if it gave one."""
        due = [(rule, words) for rule, words in broken if rule.otherwise == "escalate"]
        asked = {result.service for result in self.answered if result.takes_part}
        name = next(
            (one for rule, _ in due for one in self._others(rule) if one not in asked), None
        )
        if name is None:
            return False
        question = self.question
        if self.choice.judge is not None and name == self.choice.judge.service:
            finals = [one for one in self.answered if one.final]
            earlier = tuple((one.service, one.reading) for one in finals)
            question = replace(question, earlier=earlier)
        result = await self.ask(name, question)
        saw = tuple(service for service, _ in question.earlier)
        self.answered = joined(self.answered, [replace(result, saw=saw)])
        if gave_answer(result):
            decides = [len(self.answered) - 1]
        else:
            decides = positions_of_decisive(self.answered)
        self.answered = marked(self.answered, decides)
        now = lead(self.answered, self.question).answer
        came = _change(leading.answer, now)
        if not gave_answer(result):
            came = f"it gave no answer ({result.reading.status}), so {came}"
        reason = f"on to {name}, since this is violated: {_words(due)}; {came}"
        self.decisions.append(Decision("escalate", (name,), reason, now))
        return True

    def _others(self, rule: ValueRule) -> Sequence[str]:
        """Who may be asked instead, in the order of asking."""
        if rule.escalate_to:
            return (rule.escalate_to,)
        judge = (self.choice.judge.service,) if self.choice.judge else ()
        kind = self.question.task.kind
        return [
            name
            for name in dict.fromkeys((*judge, *self.choice.admissible))
            if name in self.services and kind in self.services[name].kinds
        ]


def _refusing(broken: Sequence[_Broken]) -> list[_Broken]:
    return [(rule, words) for rule, words in broken if rule.otherwise == "fail"]


def _words(broken: Sequence[_Broken]) -> str:
    return "; ".join(words for _, words in broken)


def _change(before: Answer | None, now: Answer | None) -> str:
    if before == now:
        return f"{shown(now)} is kept"
    return f"{shown(before)} becomes {shown(now)}"


def asked_besides(rules: Sequence[ValueRule]) -> frozenset[str]:
    """The services that the rules name, beside those of a plan."""
    return frozenset(name for rule in rules for name in (rule.asks, rule.escalate_to) if name)
