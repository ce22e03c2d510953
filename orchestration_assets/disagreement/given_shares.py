"""How much of each field of a record a service gives over a batch.

Silence of a service that seldom gives a field says nothing: neither is it a dispute, nor does it
make a value that others give any less probable.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from orchestration_assets.disagreement.readings import ServiceReadings
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_answers import RecordAnswer

MOSTLY: Final = 0.75
"""Share of a field below which leaving it out is usual."""
# items in which a service is taken to have given a field before any is seen
_BEFORE: Final = 4.0


def given_shares(votes: Iterable[ServiceReadings], task: Task) -> dict[tuple[str, str], float]:
    """(service, field) -> the share of the field that it gives, in [0, 1].

    Of each item in which any service gives the field, what it gives of the most that any gives;
    over these items, and four more in which it is taken to have given all: so one item tells
    nothing yet. ``votes`` are the readings of each item.
    """
    items: Counter[tuple[str, str]] = Counter()
    shares: dict[tuple[str, str], float] = {}
    for of_item in votes:
        for one in task.fields:
            counts = {name: _count(reading.answer, one.name) for name, reading in of_item}
            most = max(counts.values(), default=0)
            for name, count in counts.items() if most else ():
                key = name, one.name
                items[key] += 1
                shares[key] = shares.get(key, 0.0) + count / most
    return {key: (shares[key] + _BEFORE) / (n + _BEFORE) for key, n in items.items()}


def _count(answer: object, name: str) -> int:
    value = answer.get(name) if isinstance(answer, RecordAnswer) else None
    return len(value) if isinstance(value, tuple) else int(value is not None)
