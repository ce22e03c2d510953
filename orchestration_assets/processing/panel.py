"""Services that answer without each other first, and then look again at what the others answered.

Whoever moves to an answer that it was shown adds no voice to it: the answer is chosen by those that
hold theirs, or found one that nobody had shown them, and is as sure as the first answers make it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, cast

from orchestration_assets.evidence.distances import distance, is_disagreement
from orchestration_assets.processing.asker import AskResult
from orchestration_assets.processing.concurrent_calls import all_of
from orchestration_assets.processing.plan_result import (
    Ask,
    Decision,
    PlanResult,
    gave_answer,
    lead,
    marked,
    stop,
)
from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Question, Reading, Task
from orchestration_assets.schemas.policy import Choice, Panel

OWN: Final = "you"
OTHER: Final = "another"
"""What members are called where names are hidden."""

Said = tuple[str, Reading]


async def run_panel(choice: Choice, question: Question, ask: Ask) -> PlanResult:
    """Asks all members, and again with what the others answered, as long as they differ.

    Ends when no two answers differ, when a round moved nobody, after ``max_rounds``, or where the
    money does. All rounds are kept; what a member answered last is its final reading.
    """
    panel = choice.panel or Panel()
    talk = _Talk(choice.services, question.task)
    talk.heard(await all_of(*(ask(name, question) for name in choice.services)))
    decisions = [_decision(talk, question, "all answer without each other")]
    while (reason := _stop_reason(talk, panel)) is None:
        asked = {name: talk.shown_to(name, panel) for name in choice.services}
        about = {n: replace(question, earlier=seen) for n, seen in asked.items() if seen}
        talk.heard(await all_of(*(ask(name, one) for name, one in about.items())))
        decisions.append(_decision(talk, question, _moves_in_words(talk)))
    answered = talk.marked()
    leading = lead(answered, question)
    return PlanResult(answered, (*decisions, stop(reason, leading)), leading=leading)


@dataclass
class _Talk:
    """What was said so far. ``rounds`` holds every answer by round and member."""

    members: tuple[str, ...]
    task: Task
    rounds: list[dict[str, AskResult]] = field(default_factory=list)

    def heard(self, results: Sequence[AskResult]) -> None:
        """Adds a round: whose answers each was shown, and to whose it moved."""
        number, before = len(self.rounds), self.latest()
        said: dict[str, AskResult] = {}
        for result in results:
            name = result.service
            others = tuple(other for other in before if other != name)
            is_voice = number == 0 and gave_answer(result)
            said[name] = replace(
                result,
                round=number,
                voice=is_voice,
                saw=others,
                follows=self._followed(result, before) or None,
            )
        self.rounds.append(said)

    def latest(self) -> dict[str, AskResult]:
        """The last answer of each member that gave one, in the order of the plan."""
        last = {
            name: result
            for said in self.rounds
            for name, result in said.items()
            if gave_answer(result)
        }
        return {name: last[name] for name in self.members if name in last}

    def shown_to(self, name: str, panel: Panel) -> tuple[Said, ...]:
        """The member's own last answer, then the others'; nothing where nobody else answered.

        Where names are hidden the order is that of the answers: who gave which changes neither
        what is asked nor under which key it is kept.
        """
        latest = self.latest()
        others = {one: _told(latest[one].reading, panel) for one in latest if one != name}
        if not others:
            return ()
        if panel.names == "shown":
            told = sorted(others.items())
        else:
            ordered = sorted(
                others.values(), key=lambda one: (shown(one.answer) or "", one.confidence or -1.0)
            )
            told = [(OTHER, one) for one in ordered]
        own = [(OWN, _told(latest[name].reading, panel))] if name in latest else []
        return (*own, *told)

    def movers(self) -> dict[str, tuple[AskResult | None, AskResult]]:
        """Who moved in the last round: member -> what it had answered, and what it answers."""
        said = self.rounds[-1]
        before = _Talk(self.members, self.task, self.rounds[:-1]).latest()
        return {
            name: (before.get(name), said[name])
            for name in self.members
            if name in said and gave_answer(said[name]) and self._moved(name, said[name], before)
        }

    def is_back(self, name: str) -> bool:
        """Whether a member answers what it answered first."""
        return self._holds_first(name, self.rounds[-1][name])

    def differ(self) -> bool:
        """Whether any two of the last answers disagree."""
        answers = [one.reading for one in self.latest().values()]
        return any(not self._same(a, b) for n, a in enumerate(answers) for b in answers[:n])

    def marked(self) -> tuple[AskResult, ...]:
        """All answers, round by round, with those that decide."""
        results = [result for said in self.rounds for result in said.values()]
        # a taught service and its teacher have one voice
        takes_part = {one.service for one in marked(results, ()) if one.final}
        latest = {name: one for name, one in self.latest().items() if name in takes_part}
        own = {name: one for name, one in latest.items() if self._is_own(name, one)} or latest
        right = [name for name, one in own.items() if one.reading.status is Status.OK]
        decides = right or list(own)[:1]
        places = {id(latest[name]) for name in decides}
        return marked(results, [n for n, result in enumerate(results) if id(result) in places])

    def _followed(
        self, result: AskResult, before: Mapping[str, AskResult]
    ) -> tuple[str, ...] | None:
        """To whose answer it moved, in this round or in one before whose answer it holds."""
        name = result.service
        if not gave_answer(result) or not self.rounds or self._holds_first(name, result):
            return None
        if not self._moved(name, result, before):
            return before[name].follows
        return tuple(o for o in before if o != name and self._agree(result, before[o]))

    def _holds_first(self, name: str, last: AskResult) -> bool:
        first = self.rounds[0][name]
        return gave_answer(first) and self._agree(first, last)

    def _is_own(self, name: str, last: AskResult) -> bool:
        """Whether it came to its last answer before it was shown it."""
        if self._holds_first(name, last):
            return True
        seen = [
            said[other]
            for said in self.rounds[: last.round]
            for other in said
            if other != name and gave_answer(said[other])
        ]
        return not any(self._agree(last, one) for one in seen)

    def _moved(self, name: str, result: AskResult, before: Mapping[str, AskResult]) -> bool:
        if not self.rounds:
            return False
        return name not in before or not self._agree(result, before[name])

    def _agree(self, one: AskResult, other: AskResult) -> bool:
        return self._same(one.reading, other.reading)

    def _same(self, one: Reading, other: Reading) -> bool:
        if self.task.kind is AnswerKind.VECTOR:
            # those of different services are in spaces of their own
            return True
        apart = distance(cast(Answer, one.answer), cast(Answer, other.answer), self.task)
        return not is_disagreement(apart, self.task)


def _told(reading: Reading, panel: Panel) -> Reading:
    """What others are told of a reading: how sure it is only where the policy says so."""
    sure = reading.confidence if panel.confidences == "shown" else None
    return Reading(Status.OK, reading.answer, sure)


def _stop_reason(talk: _Talk, panel: Panel) -> str | None:
    number, said = len(talk.rounds), talk.rounds[-1]
    if any(result.reading.status is Status.OVER_BUDGET for result in said.values()):
        return f"the money ended in round {number}"
    if len(talk.latest()) < 2:
        return "fewer than two members answered: there is nothing to show"
    if not talk.differ():
        return "no two members differ"
    if number > 1 and not talk.movers():
        return "nobody moved"
    if number >= panel.max_rounds:
        return f"maximum of {panel.max_rounds} rounds"
    return None


def _decision(talk: _Talk, question: Question, words: str) -> Decision:
    number, said = len(talk.rounds), talk.rounds[-1]
    leading = lead(talk.marked(), question)
    gain = None
    if number > 1 and question.task.kind is not AnswerKind.VECTOR:
        before = _Talk(talk.members, talk.task, talk.rounds[:-1]).marked()
        earlier = lead(before, question).answer
        if earlier is not None and leading.answer is not None:
            gain = distance(earlier, leading.answer, question.task)
    certainty = leading.certainty if leading.answer is not None else None
    reason = f"round {number}: {words}"
    return Decision(
        "round", tuple(said), reason, leading.answer, certainty, question.coverage, gain
    )


def _moves_in_words(talk: _Talk) -> str:
    """Who moved in the last round, from what to what, and to whose answer."""
    moved = []
    for name, (before, after) in talk.movers().items():
        was = shown(before.reading.answer) if before else None
        whose = f"that of {' and '.join(after.follows)}" if after.follows else "which nobody gave"
        if talk.is_back(name):
            whose = "its first answer"
        start = f"from {was}" if was is not None else "from no answer"
        moved.append(f"{name} moves {start} to {shown(after.reading.answer)}, {whose}")
    silent = [n for n, one in talk.rounds[-1].items() if not gave_answer(one)]
    moved += [f"{name} gives no answer again" for name in silent if name in talk.latest()]
    return "; ".join(moved) or "nobody moves"
