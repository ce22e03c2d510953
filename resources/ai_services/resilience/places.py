"""The places of a bulkhead, whose number may change while they are taken."""

import asyncio
from collections import deque


class Places:
    """Places for attempts under way; who comes first gets the next one.

    When there are fewer than are taken, the next ones that are given back are not given on.
    Belongs to the event loop that uses it.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def taken(self) -> int:
        """Places in use."""
        return self._taken

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    def take_free(self) -> bool:
        """Takes a place if one can be had without waiting; it must be given back."""
        if self._waiting or self._taken >= self.count:
            return False
        self._taken += 1
        return True

    async def take(self) -> None:
        """Returns once a place is taken; it must be given back."""
        if self.take_free():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # the place was given at the very moment that nobody wanted it any more
                self.give_back()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def give_back(self) -> None:
        self._taken -= 1
        if self._waiting:
            self._give_on()

    def resize(self, count: int) -> None:
        """From now on there are so many places."""
        self.count = count
        if self._waiting:
            self._give_on()

    def _give_on(self) -> None:
        while self._waiting and self._taken < self.count:
            turn = self._waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)
