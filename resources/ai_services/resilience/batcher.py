"""Collects single questions into batches, one request each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestration_assets.schemas.items import Question
from resources.ai_services.resilience.attempts import CallOutcome
from resources.ai_services.resilience.caller import Caller


@dataclass
class _QueuedQuestion:
    question: Question
    key: str
    deadline: float
    answer: "asyncio.Future[CallOutcome]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Batcher:
    """Queues questions until there are ``batch_size``.

    An incomplete batch is sent once no request of this service is in flight and no question
    came for ``linger_s``. While at least one batch of questions is on its way, the number of
    requests is ceil(questions / batch size).
    """

    def __init__(self, caller: Caller, batch_size: int, linger_s: float) -> None:
        self._caller = caller
        self._size = batch_size
        self._linger_s = linger_s
        self._queue: list[_QueuedQuestion] = []
        self._in_flight: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def call(self, question: Question, key: str, deadline: float) -> CallOutcome:
        """The outcome of this question, asked together with others."""
        queued = _QueuedQuestion(question, key, deadline)
        self._queue.append(queued)
        if len(self._queue) >= self._size:
            self._send_batch()
        else:
            self._start_timer()
        return await queued.answer

    def _start_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._queue and not self._in_flight:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._linger_s, self._send_batch)

    def _send_batch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._queue = self._queue[: self._size], self._queue[self._size :]
        if batch:
            task = asyncio.ensure_future(self._ask(batch))
            self._in_flight.add(task)
            task.add_done_callback(self._batch_done)

    def _batch_done(self, task: "asyncio.Task[None]") -> None:
        self._in_flight.discard(task)
        self._start_timer()

    async def _ask(self, batch: Sequence[_QueuedQuestion]) -> None:
        deadline = min(queued.deadline for queued in batch)
        questions, keys = [queued.question for queued in batch], [queued.key for queued in batch]
        try:
            answers = await self._caller.call(questions, keys, deadline)
        except Exception as error:  # noqa: BLE001 -- those who asked raise it
            for queued in batch:
                if not queued.answer.done():
                    queued.answer.set_exception(error)
            return
        for queued, answer in zip(batch, answers, strict=True):
            if not queued.answer.done():
                queued.answer.set_result(answer)
