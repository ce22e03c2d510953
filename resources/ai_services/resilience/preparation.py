"""Requests are prepared where they are asked for, up to so much text in one round of an event loop.

What is beyond waits for the next round: answers that have arrived come first, also where thousands
of questions begin at once. A request that does not wait leaves before the next one is prepared, so
that answers come spread as well; those that waited are prepared in one go.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from orchestration_assets.schemas.items import Question
from resources.ai_services.http.service import Request

_INLINE_CHARS: Final = 32_768
"""Shorter questions are prepared in the event loop: a thread takes longer to start."""
_ROUND_CHARS: Final = 131_072
"""Characters that are prepared in one round of the event loop, and one question beyond them."""

Prepare = Callable[[Sequence[Question]], Request]


class _Wanted(NamedTuple):
    questions: Sequence[Question]
    chars: int
    made: "asyncio.Future[Request | Exception]"


class Preparation:
    """Requests of one service, made by ``prepare``, which may raise.

    Belongs to the event loop that uses it.
    """

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare
        self._wanted: deque[_Wanted] = deque()
        self._left = _ROUND_CHARS
        self._long = asyncio.Lock()

    async def request(self, questions: Sequence[Question]) -> Request:
        """The request about these questions, in the order of asking; a long one beside the event
        loop. Raises what ``prepare`` raises."""
        chars = _chars(questions)
        if chars > _INLINE_CHARS:
            # one at a time: they share the interpreter
            async with self._long:
                return await asyncio.to_thread(self._prepare, questions)
        if self._left > 0 and not self._wanted:
            is_first = self._left == _ROUND_CHARS
            self._left -= chars
            try:
                return self._prepare(questions)
            finally:
                if is_first:
                    asyncio.get_running_loop().call_soon(self._next_round)
        made: asyncio.Future[Request | Exception] = asyncio.get_running_loop().create_future()
        self._wanted.append(_Wanted(questions, chars, made))
        request = await made
        if isinstance(request, Exception):
            raise request
        return request

    def _next_round(self) -> None:
        """As much may be prepared again; who waits comes first."""
        self._left = _ROUND_CHARS
        while self._wanted and self._left > 0:
            questions, chars, made = self._wanted.popleft()
            if made.done():
                # cancelled: nobody waits for it any more
                continue
            self._left -= chars
            made.set_result(self._tried(questions))
        if self._left < _ROUND_CHARS:
            asyncio.get_running_loop().call_soon(self._next_round)

    def _tried(self, questions: Sequence[Question]) -> Request | Exception:
        try:
            return self._prepare(questions)
        except Exception as error:  # noqa: BLE001 -- whoever asked raises it
            return error


def _chars(questions: Sequence[Question]) -> int:
    """Characters that a prompt about the questions is made from, about; at least 1."""
    chars = 1
    for question in questions:
        chars += len(question.item.text)
        if question.near:
            chars += sum([len(near.text) for near in question.near])
    return chars
