"""The order of questions within threads: a message waits for what is remembered of those before.

Threads go side by side. A message waits only for the answers that its memory holds, and not longer
than until those are over: where one failed, was deferred or was not asked, it goes on without it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Final

from orchestration_assets.processing.judged_inputs import Judged, with_verdict
from orchestration_assets.processing.plan_result import PlanResult
from orchestration_assets.processing.standing_inputs import standing_of
from orchestration_assets.processing.thread_memories import ThreadMemories
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.tables import PlanRow

Numbered = tuple[int, list[PlanRow]]
"""The plans of an item, and their place among those of all items."""


class MessageTurns:
    """Whose turn it is among the messages of a batch, in one event loop.

    ``places`` tells of each item its thread and its number there; other items wait for nobody.
    ``remembered`` are the tasks whose answers later messages are shown, ``shown`` those that are
    asked with what is remembered. ``waiting`` is told how many questions begin to wait, and, with a
    minus, how many wait no longer.
    """

    def __init__(
        self,
        plans: Iterable[PlanRow],
        places: Mapping[str, tuple[str, int]],
        remembered: frozenset[str],
        shown: frozenset[str],
        waiting: Callable[[int], None] = lambda questions: None,
    ) -> None:
        self._shown = shown
        self._waiting = waiting
        self._left: dict[str, set[str]] = {}
        for plan in plans:
            if plan.item_id in places and plan.task in remembered:
                self._left.setdefault(plan.item_id, set()).add(plan.task)
        in_order = sorted((places[item], item) for item in self._left)
        self._threads = {
            thread: [item for _, item in own]
            for thread, own in groupby(in_order, key=lambda one: one[0][0])
        }
        self._places = places
        # of each thread, how many of its messages are over without a gap
        self._over = dict.fromkeys(self._threads, 0)
        self._waiters: dict[str, list[tuple[int, asyncio.Future[None]]]] = {}

    async def take(self, item_id: str, task: str) -> bool:
        """Returns once the answers that the memory of this item rests on are over; whether it rests
        on any."""
        place = self._places.get(item_id)
        if task not in self._shown or place is None:
            return False
        if self._is_turn(*place):
            return place[0] in self._threads
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(place[0], []).append((place[1], turn))
        self._waiting(1)
        try:
            await turn
        finally:
            self._waiting(-1)
        return True

    def over(self, item_id: str, task: str | None = None) -> None:
        """The item was asked this task, or, without one, all that it is to be asked."""
        if item_id not in self._left:
            return
        self._left[item_id] -= self._left[item_id] if task is None else {task}
        thread = self._places[item_id][0]
        messages, before = self._threads[thread], self._over[thread]
        while self._over[thread] < len(messages) and not self._left[messages[self._over[thread]]]:
            self._over[thread] += 1
        if self._over[thread] > before:
            self._wake(thread)

    def _is_turn(self, thread: str, number: int) -> bool:
        messages, over = self._threads.get(thread, []), self._over.get(thread, 0)
        return over >= len(messages) or self._places[messages[over]][1] >= number

    def _wake(self, thread: str) -> None:
        still = []
        for number, turn in self._waiters.pop(thread, []):
            if self._is_turn(thread, number):
                if not turn.done():
                    turn.set_result(None)
            else:
                still.append((number, turn))
        if still:
            self._waiters[thread] = still


NOBODY_WAITS: Final = MessageTurns((), {}, frozenset(), frozenset())


def message_turns(
    groups: list[Numbered], memories: ThreadMemories | None, waiting: Callable[[int], None]
) -> tuple[list[Numbered], MessageTurns]:
    """The plans of items in the order of their messages; and who waits for whom, where answers to
    earlier messages are remembered.

    The first messages of all threads come first, then the second ones: no message that others wait
    for is begun after them, and what is folded along a thread is folded once.
    """
    if memories is None:
        return groups, NOBODY_WAITS
    places = memories.places([group[0].item_id for _, group in groups])

    def place(of: Numbered) -> tuple[int, int]:
        number, group = of
        return places.get(group[0].item_id, ("", 0))[1], number

    in_order = sorted(groups, key=place)
    if not memories.remembered:
        return in_order, NOBODY_WAITS
    plans = [plan for _, group in in_order for plan in group]
    return in_order, MessageTurns(plans, places, memories.remembered, memories.shown, waiting)


def note_answers(
    done: Iterable[tuple[PlanRow, PlanResult]],
    memories: ThreadMemories,
    tasks: Mapping[str, Task],
    judged: Judged,
) -> None:
    """Takes up what stands of plans that are over; of a verdict about one, the verdict."""
    for plan, result in done:
        if plan.task in memories.remembered:
            task, pair = tasks[plan.task], (plan.item_id, plan.task)
            stands = with_verdict(standing_of(result, task), judged.get(pair), task)
            memories.note(*pair, stands.answer)
