"""What the offline rules find of the facts of dialogues, and which they take for replaced."""

from collections import Counter
from collections.abc import Iterable

from benchmarks._dialogues import Dialogue, Planted
from orchestration_assets.conversations.fact_ledger import FactLedger
from orchestration_assets.conversations.thread_log import Taken, ThreadLog

COUNTED = (
    *("stated", "found", "named"),
    *("changes", "superseding", "perhaps", "hidden", "told beside another"),
)
"""Values that messages state, those that are held, and held with a name; values that replace
another, those that are held to, and those that are told with what they may replace; values that
are held to be superseded by a message that says nothing of the same, and values in whose place one
may stand that says nothing of the same."""


def found_facts(dialogues: Iterable[Dialogue]) -> dict[str, int]:
    """The figures of :data:`COUNTED`, summed over dialogues."""
    counts: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
    for talk in dialogues:
        log = ThreadLog()
        for message in talk.messages:
            log.add(Taken(message, None, None))
        places: dict[int, list[int]] = {}
        for place in range(len(log.facts)):
            places.setdefault(log.facts[place].fact.number, []).append(place)
        for fact in talk.planted:
            _count(counts, fact, log.facts, places)
    return dict(counts)


def _count(
    counts: Counter[str], fact: Planted, ledger: FactLedger, places: dict[int, list[int]]
) -> None:
    numbers = {one.number for one in fact.said}
    for order, said in enumerate(fact.said):
        held = [p for p in places.get(said.number, ()) if _is_of(ledger, p, said.value)]
        counts["stated"] += 1
        counts["found"] += bool(held)
        counts["named"] += any(not ledger[place].fact.sentence for place in held)
        before = [_number(ledger, ledger[place].replaces) for place in held]
        perhaps = [_number(ledger, ledger[place].perhaps) for place in held]
        earlier = {one.number for one in fact.said[:order]}
        if order:
            counts["changes"] += 1
            counts["superseding"] += bool(earlier.intersection(before))
            counts["perhaps"] += not earlier.intersection(before) and bool(
                earlier.intersection(perhaps)
            )
        by = {ledger.superseded_by(place, said.number + 1_000_000) for place in held} - {None}
        counts["hidden"] += bool(by) and not by & numbers
        counts["told beside another"] += any(
            one is not None and one not in earlier for one in perhaps
        )


def _number(ledger: FactLedger, place: int | None) -> int | None:
    return ledger[place].fact.number if place is not None else None


def _is_of(ledger: FactLedger, place: int, value: str) -> bool:
    """Whether a fact is the value, or the part of it that shows by its form, as "42" of
    "teal 42"."""
    fact = ledger[place].fact
    own, given = fact.value.casefold(), value.casefold()
    if not fact.sentence:
        return given in own
    return given in fact.sentence.casefold() and (given in own or own in given)
