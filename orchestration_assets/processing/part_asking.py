"""Asking a service of each part of an item, and making one reading of what it says."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Final

from orchestration_assets.processing.answer_cache import answer_key
from orchestration_assets.processing.asker import (
    CACHE,
    CALLED,
    NOT_CALLED,
    AskResult,
    PartResult,
)
from orchestration_assets.processing.concurrent_calls import all_of
from orchestration_assets.processing.part_joins import (
    failure_of,
    joined_reading,
    with_parts_told,
)
from orchestration_assets.processing.part_questions import (
    group_answer,
    join_groups,
    join_question,
    part_question,
    split_question,
    text_hash,
)
from orchestration_assets.processing.part_said import PartSaid
from orchestration_assets.schemas.answers import is_answer
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question, Reading, Task
from orchestration_assets.schemas.parts import ItemPart, MissingParts, PartAnswer, TaskParts
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.services.contract import Service
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.taught.taught_service import TaughtService
from orchestration_assets.text.grounding import grounded
from resources.ai_services.http.service import HttpService

Ask = Callable[[str, Question], Awaitable[AskResult]]
_ROOM: Final = 0.9
"""Of what a service is sent, for answers: those that are redacted are estimated otherwise."""
_ANSWERED: Final = frozenset({Status.OK, Status.FALLBACK})


def asks_of_parts(tasks: Mapping[str, Task]) -> bool:
    """Whether any task is asked of parts: else nothing has to stand between plans and services."""
    return any(task.parts is not None for task in tasks.values())


class PartAsking:
    """Asks the services of one plan of the parts of its item, where the task has parts.

    A service that is shown the answers of others is shown, with each part, what they said of that
    part: then a change of one part asks of that part again, judges too. Taught services read whole
    items, as they learned from answers about whole items.
    """

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services
        self._said: dict[str, list[tuple[Reading, tuple[PartResult, ...]]]] = {}
        self._parts: dict[tuple[TaskParts, str], tuple[ItemPart, ...]] = {}

    def asking(self, ask: Ask) -> Ask:
        """``ask``; a question of a task with parts is asked of each of them."""

        async def asked(name: str, question: Question) -> AskResult:
            declared = question.task.parts
            if declared is None or isinstance(self._services.get(name), TaughtService):
                return await ask(name, question)
            return await self._of_parts(name, question, declared, ask)

        return asked

    def noting(self, ask: Ask) -> Ask:
        """``ask``, as plans do; remembers what was said of parts, for those who are shown it."""

        async def asked(name: str, question: Question) -> AskResult:
            result = await ask(name, question)
            if result.parts:
                self._said.setdefault(name, []).append((result.reading, result.parts))
            return result

        return asked

    async def _of_parts(
        self, name: str, question: Question, declared: TaskParts, ask: Ask
    ) -> AskResult:
        parts = self._split(question, declared)
        beyond = parts[declared.at_most :]
        # where one part missing fails the whole, nothing is paid for in vain
        asked_of = () if beyond and declared.missing is MissingParts.FAIL else parts
        asked_of = asked_of[: declared.at_most]
        questions = [self._shown(part_question(question, part), part) for part in asked_of]
        # no more at once than the service takes: so, before the next one is asked, what was
        # answered is on disk, and a kill loses what is under way
        places = asyncio.Semaphore(self._services[name].concurrency)

        async def in_its_turn(one: Question) -> AskResult:
            async with places:
                return await ask(name, one)

        results = await all_of(*map(in_its_turn, questions))
        told = [
            _part_result(part, one.item.content_hash, result)
            for part, one, result in zip(asked_of, questions, results, strict=True)
        ]
        said = [
            PartSaid(part.number, part.heading, _size(part), result.reading)
            for part, result in zip(asked_of, results, strict=True)
        ]
        for part in parts[len(asked_of) :]:
            why = f"not asked: the item has {len(parts)} parts, at_most is {declared.at_most}"
            missing = _not_asked(part, Reading(Status.FAILED, reason=why))
            told.append(missing)
            said.append(PartSaid(part.number, part.heading, _size(part), missing.reading))
        joins: list[AskResult] = []
        if declared.joiner is None or not _has_answers(said, declared):
            reading = joined_reading(said, question.task)
        else:
            answers = [
                PartAnswer(one.number, one.of, one.heading, one.reading.status, one.reading.answer)
                for one in told
            ]
            joins = await self._joins(declared.joiner, question, answers, ask)
            reading = with_parts_told(_by_joiner(joins[-1], declared.joiner, len(said)), said)
        return self._joined(name, question, _grounded(reading, question), told, joins)

    async def _joins(
        self, joiner: str, question: Question, answers: Sequence[PartAnswer], ask: Ask
    ) -> list[AskResult]:
        """What the service that joins said, the joined answer last.

        Answers that are too long to be shown at once are joined in groups, and these again. Where
        one of the groups gets no answer, neither does the whole.
        """
        service = self._services[joiner]
        room = math.inf
        if isinstance(service, HttpService):
            room = service.config.context.content_tokens * _ROOM
        groups = join_groups(answers, int(room)) if room < math.inf else [list(answers)]
        if not 1 < len(groups) < len(answers):
            return [await ask(joiner, join_question(question, answers))]
        asked = [join_question(question, group) for group in groups]
        joined = list(await all_of(*(ask(joiner, one) for one in asked)))
        failed = [one for one in joined if not is_answer(one.reading.answer)]
        if failed:
            return [*(one for one in joined if one is not failed[0]), failed[0]]
        again = [
            group_answer(group, number, len(groups), one.reading)
            for number, (group, one) in enumerate(zip(groups, joined, strict=True), start=1)
        ]
        return [*joined, *await self._joins(joiner, question, again, ask)]

    def _split(self, question: Question, declared: TaskParts) -> tuple[ItemPart, ...]:
        # all services of a plan are asked of the same parts, unless they were shown others
        about = declared, question.item.content_hash
        if about not in self._parts or question.answers:
            self._parts[about] = split_question(question)
        return self._parts[about]

    def _shown(self, question: Question, part: ItemPart) -> Question:
        """The question with what other services said of this very part, where that is known."""
        if not question.earlier:
            return question
        earlier = tuple(
            (name, self._said_of(name, reading, part)) for name, reading in question.earlier
        )
        return replace(question, earlier=earlier)

    def _said_of(self, name: str, whole: Reading, part: ItemPart) -> Reading:
        for reading, parts in reversed(self._said.get(name, ())):
            if reading == whole and part.number <= len(parts):
                return parts[part.number - 1].reading
        return whole

    def _joined(
        self,
        name: str,
        question: Question,
        reading: Reading,
        told: Sequence[PartResult],
        joins: Sequence[AskResult],
    ) -> AskResult:
        service = self._services[name]
        steps: list[PartResult | AskResult] = [*told, *joins]
        attempts = tuple(chain.from_iterable(one.attempts for one in steps))
        origins = {one.origin for one in steps}
        origin = CALLED if attempts else CACHE if origins == {CACHE} else NOT_CALLED
        return AskResult(
            name,
            service_identity(service, question.task),
            # nothing is kept under it: it names the question, as others are named
            answer_key(question, service),
            reading,
            origin,
            sum(attempt.cost_usd for attempt in attempts),
            min((one.started_at for one in told), default=datetime.now(UTC)),
            sum(one.elapsed_ms for one in steps),
            attempts=attempts,
            parts=tuple(told),
        )


def _part_result(part: ItemPart, content_hash: str, result: AskResult) -> PartResult:
    return PartResult(
        part.number,
        part.of,
        part.heading,
        part.start,
        part.end,
        content_hash,
        result.reading,
        result.answer_key,
        result.origin,
        result.attempts,
        result.started_at,
        result.elapsed_ms,
    )


def _not_asked(part: ItemPart, reading: Reading) -> PartResult:
    """The row of a part beyond those that may be asked about."""
    return PartResult(
        part.number,
        part.of,
        part.heading,
        part.start,
        part.end,
        text_hash(part.text),
        reading,
        "",
        NOT_CALLED,
        (),
        datetime.now(UTC),
        0.0,
    )


def _size(part: ItemPart) -> int:
    if part.own_start is None or part.end is None:
        return len(part.text)
    return part.end - part.own_start


def _has_answers(said: Sequence[PartSaid], declared: TaskParts) -> bool:
    """Whether there is anything to show to a service that joins."""
    return failure_of(said, declared) is None and any(is_answer(one.reading.answer) for one in said)


def _by_joiner(joiner: AskResult, name: str, of: int) -> Reading:
    """What the service that joins said, as the reading of the one that was asked."""
    reading = joiner.reading
    if reading.status in _ANSWERED:
        words = f"{name} joins {of} parts"
        evidence = f"{words}: {reading.evidence}" if reading.evidence else words
        return replace(reading, evidence=evidence)
    why = f"{name}, which joins {of} parts, gives no answer: {reading.reason or reading.status}"
    return replace(reading, reason=why)


def _grounded(reading: Reading, question: Question) -> Reading:
    """A service that joins may quote words that it was shown of the content: looked for there."""
    record = reading.answer
    if question.task.parts is None or question.task.parts.joiner is None:
        return reading
    if not isinstance(record, RecordAnswer) or not record.quotes:
        return reading
    loose = replace(reading, answer=replace(record, ungrounded=()))
    return grounded(loose, question.item.text)
