"""The limits of a service, shared by all processes of a home on this machine.

Places for attempts under way are leased: a process holds some, uses them without asking, and gives
back what others need. Rates are taken from one account. Whether the circuit is open, and how long
the service asked to wait, is known to all. What a process held that died is free at once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from orchestration_assets.schemas.services import HttpConfig
from resources.ai_services.resilience.limit_file import LimitFile
from resources.ai_services.resilience.rates import RateAccount
from resources.ai_services.resilience.shared_breaker import SharedBreaker, without_probe
from resources.ai_services.resilience.shares import shares
from resources.claims import machine

REFRESH_S: Final = 0.02
"""So often a process looks what others need: as long one waits at most that wants a first place."""
_TURN_S: Final = 0.25
"""Where there are fewer places than processes, they go round: so long each keeps them."""
_LIFE_EVERY_S: Final = 0.25


class SharedLimits:
    """What one process may use of a service's limits. ``clock`` is the machine's monotonic time."""

    def __init__(
        self, folder: Path, name: str, config: HttpConfig, clock: Callable[[], float]
    ) -> None:
        """Takes part until it is closed. Raises UnwritableError."""
        self._most = config.concurrency
        self._clock = clock
        # a home may be on a file system of several machines, whose clocks and locks differ
        self._file = LimitFile(machine_folder(folder), name)
        self._member = uuid4().hex
        self._descriptor = self._file.enter(self._member)
        self._looked = -_LIFE_EVERY_S
        self.places = 0
        self.paused_until = 0.0

    def close(self) -> None:
        """Gives back everything that is held."""
        with self._file.changing() as state:
            members = _current(state)
            members.pop(self._member, None)
            self._end_probe(state, self._member)
        self._file.leave(self._member, self._descriptor)
        self._file.close()

    def refresh(self, taken: int, waiting: int, breaker: SharedBreaker) -> None:
        """Tells others what this process needs, and learns what it may use from now on.

        ``taken`` places are in use, ``waiting`` attempts want another.
        """
        with self._file.changing() as state:
            members, now = _current(state), self._clock()
            if now - self._looked >= _LIFE_EVERY_S:
                self._looked = now
                self._bury(state, members)
            self._learn(state, breaker)
            self._tell(state, breaker)
            self.paused_until = state.get("not_before", 0.0)
            own = members[self._member]
            own["wants"] = min(max(taken + waiting, 1), self._most)
            names = sorted(members)
            turn = int(now / _TURN_S) % len(names)
            fair = shares(self._most, [members[one]["wants"] for one in names], turn)
            due = fair[names.index(self._member)]
            held = own["held"]
            free = max(self._most - sum(one["held"] for one in members.values()), 0)
            own["held"] = min(max(due, taken), held + free)
            # places in use that others are due are given back as their attempts end: were another
            # attempt to begin there, others would wait for as long as this process has questions
            self.places = min(due, own["held"])

    @contextmanager
    def changing(self, breaker: SharedBreaker) -> Iterator[None]:
        """A block in which the breaker is that of all processes, and after which all know it."""
        with self._file.changing() as state:
            members = _current(state)
            if state.get("prober") not in (None, self._member):
                # should it have died, another process may probe
                self._bury(state, members)
            self._learn(state, breaker)
            try:
                yield
            finally:
                self._tell(state, breaker)

    def pause(self, until: float) -> None:
        """No process may send before, in seconds of the clock."""
        with self._file.changing() as state:
            _current(state)
            state["not_before"] = max(state.get("not_before", 0.0), until)

    def take(self, wanted: Sequence[tuple[str, RateAccount, float]]) -> float:
        """Takes an amount of each named account, all or none, and gives 0; else seconds until
        it may succeed."""
        with self._file.changing() as state:
            _current(state)
            now = self._clock()
            levels = {name: _level(state.get(name), bucket, now) for name, bucket, _ in wanted}
            wait = max(bucket.wait_s(levels[name], amount) for name, bucket, amount in wanted)
            if wait <= 0.0:
                state.update({name: [levels[name] + amount, now] for name, _, amount in wanted})
        return wait

    def _bury(self, state: dict[str, Any], members: dict[str, Any]) -> None:
        """Takes back what dead processes held."""
        for name in [one for one in members if one != self._member and not self._file.lives(one)]:
            del members[name]
            self._end_probe(state, name)

    def _end_probe(self, state: dict[str, Any], member: str) -> None:
        """Lets another process probe, where this member would have."""
        if state.get("prober") == member:
            state["prober"] = None
            state["breaker"] = without_probe(state["breaker"])

    def _learn(self, state: dict[str, Any], breaker: SharedBreaker) -> None:
        members = state["members"]
        if self._member not in members and not members:
            # what was known when nobody was there any more says nothing of now
            state.pop("breaker", None)
        members.setdefault(self._member, {"held": 0, "wants": 0})
        facts = state.get("breaker")
        era = facts["era"] if facts else None
        flights = [
            one.get("flight", 0)
            for name, one in members.items()
            if name != self._member and one.get("era") == era
        ]
        breaker.learn(facts, sum(flights))

    def _tell(self, state: dict[str, Any], breaker: SharedBreaker) -> None:
        state["breaker"] = breaker.facts()
        if breaker.is_probing:
            state["prober"] = self._member
        elif state.get("prober") == self._member:
            state["prober"] = None
        state["members"][self._member].update(flight=breaker.in_flight, era=breaker.era)


def machine_folder(folder: Path) -> Path:
    """Where the limits of this machine's processes are kept."""
    return folder / blake2b(machine().encode(), digest_size=8).hexdigest()


def _level(known: tuple[float, float] | None, bucket: RateAccount, now: float) -> float:
    return bucket.level(known[0], known[1], now) if known else 0.0


def _current(state: dict[str, Any]) -> dict[str, Any]:
    """The members; nothing is left of what was written before the machine was started."""
    here = machine()
    if state.get("machine") != here:
        state.clear()
        state["machine"] = here
    members: dict[str, Any] = state.setdefault("members", {})
    return members
