"""Whether what several processes did to a state with versions can be told as one order of events.

Versions are numbered, so that the order is given: a write that made version n comes n-th, a look
that saw n between it and the next, and a write that was refused since n was not the last any more
after the write of n + 1. Such an order exists exactly when nothing that has to come first began
after something that has to come later had ended (Herlihy and Wing 1990, for a register whose
values are all different).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    MADE = "made"
    SAW = "saw"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Event:
    """What one process did, from ``begun`` to ``ended`` of a clock that all share; ``number`` is
    the version that was made or seen, or that a refused write took for the last."""

    kind: Kind
    number: int
    begun: int
    ended: int


def contradictions(events: Iterable[Event]) -> list[str]:
    """Why there is no such order, in words; empty where there is one."""
    events = [*events]
    made = sorted(one.number for one in events if one.kind is Kind.MADE)
    found = []
    if made != list(range(1, len(made) + 1)):
        found.append(f"versions were made twice, or have gaps: {made}")
    wrote = {one.number: one for one in events if one.kind is Kind.MADE}
    for one in events:
        if one.kind is Kind.REFUSED and (
            one.number + 1 not in wrote or wrote[one.number + 1].begun > one.ended
        ):
            found.append(f"{one} was refused though nobody came between")
        if one.kind is Kind.SAW and one.number and one.number not in wrote:
            found.append(f"{one} saw what nobody made")
    ranked = sorted(
        (one for one in events if one.kind is not Kind.REFUSED),
        key=lambda one: (one.number, one.kind is Kind.SAW),
    )
    latest: Event | None = None
    waiting: list[Event] = []
    for before, one in zip([None, *ranked], ranked, strict=False):
        if before is not None and _rank(before) != _rank(one):
            latest = max([*waiting, *([latest] if latest else [])], key=lambda a: a.begun)
            waiting = []
        if latest is not None and latest.begun > one.ended:
            found.append(f"{latest} began after {one} had ended")
        waiting.append(one)
    return found


def _rank(event: Event) -> tuple[int, bool]:
    return event.number, event.kind is Kind.SAW
