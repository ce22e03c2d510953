"""How long it takes to align lists of entries, 100 against 100, beside the limit of 50 ms.

``python -m benchmarks record_alignment [--entries N] [--repetitions N] [--json FILE]``: processor
time of one thread for lists of invoice lines in several relations to each other. ``first`` is for
texts that were never seen, ``again`` for the same lists once more; the assignment alone stands
beside them.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from benchmarks._output import table, write_json
from orchestration_assets.evidence.distances.entry_alignment import aligned
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import FieldType, RecordField

LIMIT_MS: Final = 50.0
_FIELDS: Final = (
    RecordField("item", FieldType.TEXT, required=True),
    RecordField("quantity", FieldType.NUMBER),
    RecordField("amount", FieldType.NUMBER, tolerance=0.005),
    RecordField("delivered", FieldType.DATE),
    RecordField("unit", FieldType.LABEL),
)
_WORDS: Final = (
    "oak steel blue black paper shelf lamp chair cable switch ink yearly monthly spare small large "
    "printer licence packing cleaning hours desk window server board left right outer inner"
).split()
Entries = list[RecordAnswer]


def main(arguments: Sequence[str]) -> int:
    """``[--entries N] [--repetitions N] [--json FILE]``."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks record_alignment", description=__doc__
    )
    parser.add_argument("--entries", type=int, default=100)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    figures = measure(given.entries, given.repetitions)
    header = ("lists", "first ms", "again ms", "assignment ms", "paired", "limit ms")
    rows = [
        (name, one["first_ms"], one["again_ms"], one["assignment_ms"], one["paired"], LIMIT_MS)
        for name, one in figures["relations"].items()
    ]
    print(table(f"Aligning {given.entries} entries with as many, processor time", header, rows))
    write_json(given.json, figures)
    return 0


def measure(entries: int, repetitions: int) -> dict[str, Any]:
    """The median of each relation over the repetitions, each with lists of its own."""
    # what is loaded once is no part of an alignment
    aligned([_entry(random.Random(0), 0)], [_entry(random.Random(1), 1)], _FIELDS)
    relations = {}
    for name, other in _RELATIONS.items():
        first, again, paired = [], [], 0
        for repetition in range(repetitions):
            chance = random.Random(f"{name} {repetition}")
            one = [_entry(chance, number) for number in range(entries)]
            two = other(one, chance)
            align = partial(aligned, one, two, _FIELDS)
            first.append(_ms(align))
            again.append(_ms(align))
            paired = len(align())
        relations[name] = {
            "first_ms": median(first),
            "again_ms": median(again),
            "assignment_ms": median(_assignment_ms(entries, seed) for seed in range(repetitions)),
            "paired": paired,
        }
    return {"entries": entries, "limit_ms": LIMIT_MS, "relations": relations}


def _ms(do: Callable[[], Any]) -> float:
    begin = time.thread_time()
    do()
    return (time.thread_time() - begin) * 1000.0


def _assignment_ms(entries: int, seed: int) -> float:
    from scipy.optimize import linear_sum_assignment

    worth = np.random.default_rng(seed).random((entries, entries))
    return _ms(lambda: linear_sum_assignment(worth, maximize=True))


def _entry(chance: random.Random, number: int) -> RecordAnswer:
    words = " ".join(chance.sample(_WORDS, 3))
    day = f"2026-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
    return RecordAnswer(
        (
            ("item", f"{words} {chance.randrange(10_000)}-{number}"),
            ("quantity", float(chance.randrange(1, 12))),
            ("amount", chance.randrange(100, 90_000) / 100.0),
            ("delivered", day),
            ("unit", chance.choice(("piece", "hour", "month"))),
        )
    )


def _shuffled(entries: Entries, chance: random.Random) -> Entries:
    return chance.sample(entries, len(entries))


def _misread(entries: Entries, chance: random.Random) -> Entries:
    """A third has another amount, a tenth is left out, a tenth is made up."""
    read = [_with_amount(one, chance) if chance.random() < 0.33 else one for one in entries]
    kept = [one for one in read if chance.random() >= 0.1]
    made_up = [_entry(chance, 10_000 + n) for n in range(len(entries) - len(kept))]
    return _shuffled([*kept, *made_up], chance)


def _with_amount(entry: RecordAnswer, chance: random.Random) -> RecordAnswer:
    changed = {**dict(entry.values), "amount": chance.randrange(100, 90_000) / 100.0}
    return RecordAnswer(tuple(changed.items()))


def _unlike(entries: Entries, chance: random.Random) -> Entries:
    return [_entry(chance, 20_000 + number) for number in range(len(entries))]


def _equal(entries: Entries, chance: random.Random) -> Entries:
    """Lists of one entry over and over."""
    entries[:] = [entries[0]] * len(entries)
    return list(entries)


_RELATIONS: Final[Mapping[str, Callable[[Entries, random.Random], Entries]]] = {
    "in another order": _shuffled,
    "misread": _misread,
    "unlike": _unlike,
    "one entry, repeated": _equal,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
