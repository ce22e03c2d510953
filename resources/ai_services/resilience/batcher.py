"""Many single questions become few requests: full batches, and one more when nobody else comes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestration_assets.schemas.items import Question
from resources.ai_services.resilience.attempts import CallOutcome
from resources.ai_services.resilience.caller import Caller


@dataclass
class _Waiting:
    question: Question
    key: str
    deadline: float
    answer: "asyncio.Future[CallOutcome]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Batcher:
    """Holds questions until ``batch_size`` are there.

    An incomplete batch leaves once nothing of this service is under way and no further question
    came for ``linger_s``. While the work before it keeps at least one batch of questions coming,
    the number of requests is ceil(questions / batch size).
    """

    def __init__(self, caller: Caller, batch_size: int, linger_s: float) -> None:
        self._caller = caller
        self._size = batch_size
        self._linger_s = linger_s
        self._held: list[_Waiting] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def call(self, question: Question, key: str, deadline: float) -> CallOutcome:
        """What came of this question, asked together with others."""
        waiting = _Waiting(question, key, deadline)
        self._held.append(waiting)
        if len(self._held) >= self._size:
            self._leave()
        else:
            self._linger()
        return await waiting.answer

    def _linger(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._held and not self._under_way:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._linger_s, self._leave)

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._held = self._held[: self._size], self._held[self._size :]
        if batch:
            task = asyncio.ensure_future(self._ask(batch))
            self._under_way.add(task)
            task.add_done_callback(self._returned)

    def _returned(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._linger()

    async def _ask(self, batch: Sequence[_Waiting]) -> None:
        deadline = min(one.deadline for one in batch)
        questions, keys = [one.question for one in batch], [one.key for one in batch]
        try:
            answers = await self._caller.call(questions, keys, deadline)
        except Exception as error:  # noqa: BLE001 -- those who asked raise it
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(error)
            return
        for one, answer in zip(batch, answers, strict=True):
            if not one.answer.done():
                one.answer.set_result(answer)
