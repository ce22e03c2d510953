"""The loop of one answer: a service calls tools until it answers, within bounds.

Every reply and the results of its calls are kept before the next one is paid for. What is kept is
gone through again without a call: the same replies, the same results, and so the same answer.
"""

import json
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final, Protocol

from orchestration_assets.processing.answer_cache import CACHED, AnswerCache
from orchestration_assets.processing.tools.server_calls import ServerAwayError
from orchestration_assets.processing.tools.toolbox import MOST_CALLS, Toolbox
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.schemas.tool_use import (
    TaskTools,
    ToolOutcome,
    ToolRequest,
    ToolResult,
    ToolTurn,
)
from orchestration_assets.text.prompts.tool_messages import requests_in
from orchestration_assets.text.replies.stored_answers import without_secrets
from resources.ai_services.resilience.attempts import Attempt, CallOutcome

STEPS: Final = ".tools"
"""Ends the key under which the steps to an answer are kept, beside the answer."""
_TURN: Final = ".turn"
_COST: Final = ".cost"


class Asking(Protocol):
    """One request about a question: what it may cost at most, and the reply."""

    def most(self, question: Question) -> tuple[int, float]:
        """Tokens and US dollars that it takes at most. Raises PromptError."""
        ...

    def call(self, question: Question, key: str, deadline: float) -> Awaitable[CallOutcome]: ...


@dataclass(slots=True)
class _Spent:
    """What the replies so far took; of kept ones what they took when they were asked for."""

    tokens: int = 0
    usd: float = 0.0

    def add(self, tokens: int, usd: float) -> None:
        self.tokens += tokens
        self.usd += usd


@dataclass(slots=True)
class ToolLoop:
    """One answer of a service that may call tools. ``clock`` is the event loop's time, in seconds;
    ``durable`` returns once everything kept so far is on disk."""

    asking: Asking
    toolbox: Toolbox
    cache: AnswerCache
    redacted: Collection[SensitiveKind]
    clock: Callable[[], float]
    durable: Callable[[], Awaitable[None]]

    async def answer(self, question: Question, key: str, deadline: float) -> CallOutcome:
        """The reading after all calls, with the attempts at all replies.

        The steps are kept under ``key`` with :data:`STEPS`, whatever comes of them. Where a server
        is away the answer is deferred: what was said so far is kept, and gone on with later. What
        rests on a passing result is not kept.
        """
        tools = question.task.tools
        assert tools is not None
        ends = min(deadline, self.clock() + tools.seconds)
        spent, counted = _Spent(), Counter[ToolRequest]()
        turns: tuple[ToolTurn, ...] = ()
        attempts: tuple[Attempt, ...] = ()
        passing = False
        while True:
            asked = replace(question, turns=turns)
            kept = self._kept(asked, key)
            if kept is None:
                asked = replace(asked, tools_open=self._may_go_on(asked, tools, spent, ends))
                called = await self._reply(asked, key, spent, tools, ends)
                attempts += called.attempts
                reading, cost = called.reading, _cost(called.attempts)
                if reading.status in CACHED and not passing:
                    self._keep(asked, key, reading, cost)
                    await self.durable()
            else:
                asked, reading, cost = kept
            spent.add(*cost)
            requests = requests_in(reading)
            if not requests:
                self._keep_steps(key, turns)
                return CallOutcome(reading, attempts, passing)
            if not asked.tools_open:
                self._keep_steps(key, turns)
                why = "it called tools again when it had to answer"
                return CallOutcome(Reading(Status.REJECTED_OUTPUT, reason=why), attempts)
            try:
                results = await self._results(requests, asked, key, counted, ends, passing)
            except ServerAwayError as error:
                self._keep_steps(key, turns)
                return CallOutcome(Reading(Status.DEFERRED, reason=str(error)), attempts)
            passing |= any(one.passing for one in results)
            counted.update(requests)
            turns += (ToolTurn(requests, results),)

    def _may_go_on(self, question: Question, tools: TaskTools, spent: _Spent, ends: float) -> bool:
        """Whether the next reply may call tools, so that another one after it is still allowed."""
        if len(question.turns) >= tools.steps or self.clock() >= ends:
            return False
        tokens, usd = self.asking.most(question)
        within = spent.tokens + 2 * tokens <= tools.tokens
        return within and (tools.usd is None or spent.usd + 2 * usd <= tools.usd)

    async def _reply(
        self, question: Question, key: str, spent: _Spent, tools: TaskTools, ends: float
    ) -> CallOutcome:
        """The next reply, unless it would go beyond what the answer may cost or take."""
        tokens, usd = self.asking.most(question)
        if spent.tokens + tokens > tools.tokens:
            why = f"one more reply could pass the {tools.tokens} tokens that an answer may take"
            return CallOutcome(Reading(Status.OVER_BUDGET, reason=why))
        if tools.usd is not None and spent.usd + usd > tools.usd:
            why = f"one more reply could pass the {tools.usd:g} USD that an answer may cost"
            return CallOutcome(Reading(Status.OVER_BUDGET, reason=why))
        if question.turns and self.clock() >= ends:
            why = f"no answer within {tools.seconds:g} s of calling tools"
            return CallOutcome(Reading(Status.TIMEOUT, reason=why))
        return await self.asking.call(question, _reply_key(question, key), ends)

    async def _results(
        self,
        requests: tuple[ToolRequest, ...],
        question: Question,
        key: str,
        counted: Counter[ToolRequest],
        ends: float,
        passing: bool,
    ) -> tuple[ToolResult, ...]:
        name = f"{_reply_key(question, key)}{_TURN}"
        held = self.cache.entries([name]).get(name)
        if held is not None:
            return tuple(_result(one) for one in json.loads(held))
        finished = None if passing else _KeptCalls(self.cache, name, self.durable)
        found = await self.toolbox.run(
            requests, question, self.redacted, counted, finished, lambda: ends - self.clock()
        )
        if not passing and not any(one.passing for one in found):
            plain = [_plain(one) for one in found]
            self.cache.put_entries({name: json.dumps(plain).encode()})
        return tuple(found)

    def _kept(
        self, question: Question, key: str
    ) -> tuple[Question, Reading, tuple[int, float]] | None:
        """The reply that was given before at this point, and whether it might call tools then."""
        for is_open in (True, False):
            asked = replace(question, tools_open=is_open)
            name = _reply_key(asked, key)
            reading = self.cache.get(name)
            cost = self.cache.entries([f"{name}{_COST}"]).get(f"{name}{_COST}")
            if reading is not None and cost is not None:
                tokens, usd = json.loads(cost)
                return asked, reading, (tokens, usd)
        return None

    def _keep(
        self, question: Question, key: str, reading: Reading, cost: tuple[int, float]
    ) -> None:
        name = _reply_key(question, key)
        # a reply that calls tools is given to them again as it was
        if not requests_in(reading):
            reading = without_secrets(reading, question.task)
        if self.cache.put(name, reading):
            self.cache.put_entries({f"{name}{_COST}": json.dumps(cost).encode()})

    def _keep_steps(self, key: str, turns: tuple[ToolTurn, ...]) -> None:
        self.cache.put_entries({f"{key}{STEPS}": json.dumps(steps_plain(turns)).encode()})


@dataclass(frozen=True, slots=True)
class _KeptCalls:
    """The calls of one reply that reached the outside, kept one by one: none is made again when
    the run ends between two of them. ``turn`` is the key of the results of the whole reply."""

    cache: AnswerCache
    turn: str
    durable: Callable[[], Awaitable[None]]

    def held(self, number: int) -> ToolResult | None:
        name = _key_of_call(self.turn, number)
        found = self.cache.entries([name]).get(name)
        return None if found is None else _result(json.loads(found))

    async def keep(self, number: int, result: ToolResult) -> None:
        name = _key_of_call(self.turn, number)
        self.cache.put_entries({name: json.dumps(_plain(result)).encode()})
        await self.durable()


class KeptEntries(Protocol):
    """The store of answers."""

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]: ...


def keys_beside(store: KeptEntries, answer_keys: Iterable[str]) -> set[str]:
    """The keys of all that is kept of the loops that led to these answers: their steps, and every
    reply with its cost and its results, those of calls that went outside one by one, too. None of
    answers that no tools were declared for."""
    names = {f"{key}{STEPS}": key for key in answer_keys if key}
    found: set[str] = set()
    for name, held in store.get_many(names).items():
        found.add(name)
        steps = json.loads(held)
        for said in range(len(steps) + 1):
            for is_open in (True, False):
                reply = _key_of_reply(names[name], steps[:said], is_open=is_open)
                turn = f"{reply}{_TURN}"
                found |= {reply, turn, f"{reply}{_COST}"}
                # what was called behind the last step was kept before the answer was deferred
                calls = range(len(steps[said]) if said < len(steps) else MOST_CALLS)
                found |= {_key_of_call(turn, number) for number in calls}
    return found


def steps_plain(turns: tuple[ToolTurn, ...]) -> list[list[list[Any]]]:
    """The steps as JSON holds them: reply by reply, call by call."""
    return [
        [
            [asked.name, asked.arguments, told.outcome.value, told.text, told.cut]
            for asked, told in zip(turn.requests, turn.results, strict=True)
        ]
        for turn in turns
    ]


def _plain(result: ToolResult) -> list[Any]:
    return [result.outcome.value, result.text, result.cut]


def _key_of_call(turn: str, number: int) -> str:
    return f"{turn}.{number}"


def _result(plain: list[Any]) -> ToolResult:
    outcome, text, cut = plain
    return ToolResult(ToolOutcome(outcome), text, cut)


def _cost(attempts: tuple[Attempt, ...]) -> tuple[int, float]:
    tokens = sum(
        (one.tokens_estimated or 0 if one.tokens_in is None else one.tokens_in)
        + (one.tokens_out or 0)
        for one in attempts
    )
    return tokens, math.fsum(one.cost_usd for one in attempts)


def _reply_key(question: Question, key: str) -> str:
    """The key of the next reply: of the answer, of all that was said so far, and of whether more
    may be asked for."""
    return _key_of_reply(key, steps_plain(question.turns), is_open=question.tools_open)


def _key_of_reply(key: str, steps: list[list[list[Any]]], *, is_open: bool) -> str:
    said = json.dumps([key, steps, is_open])
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
