"""Requests are prepared side by side: those asked for in one round of the event loop in one go.

A prompt takes several hundred steps of code and touches little memory. Prepared between the sending
of one request and the answer to another, each takes twice the processor time, since nothing of what
it needs is still in the processor's caches.
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
"""Once so many characters are prepared, answers that have arrived come first."""

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
        self._long = asyncio.Lock()

    async def request(self, questions: Sequence[Question]) -> Request:
        """The request about these questions, in the order of asking; a long one beside the event
        loop. Raises what ``prepare`` raises."""
        chars = _chars(questions)
        if chars > _INLINE_CHARS:
            # one at a time: they share the interpreter
            async with self._long:
                return await asyncio.to_thread(self._prepare, questions)
        loop = asyncio.get_running_loop()
        if not self._wanted:
            loop.call_soon(self._round)
        made: asyncio.Future[Request | Exception] = loop.create_future()
        self._wanted.append(_Wanted(questions, chars, made))
        request = await made
        if isinstance(request, Exception):
            raise request
        return request

    def _round(self) -> None:
        left = _ROUND_CHARS
        while self._wanted and left > 0:
            questions, chars, made = self._wanted.popleft()
            if made.done():
                # cancelled: nobody waits for it any more
                continue
            left -= chars
            made.set_result(self._tried(questions))
        if self._wanted:
            asyncio.get_running_loop().call_soon(self._round)

    def _tried(self, questions: Sequence[Question]) -> Request | Exception:
        try:
            return self._prepare(questions)
        except Exception as error:  # noqa: BLE001 -- whoever asked raises it
            return error


def _chars(questions: Sequence[Question]) -> int:
    """Characters that a prompt about the questions is made from, about."""
    chars = 0
    for question in questions:
        chars += len(question.item.text)
        if question.near:
            chars += sum([len(near.text) for near in question.near])
    return chars
