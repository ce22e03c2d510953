"""Scripted services that read generated documents, with the errors that real ones make.

A service takes what stands beside a value for it, swaps day and month, reads a digit wrong, leaves
values and lines out, invents some, and misspells names. Part of the luck is shared: what is hard
about a document is hard for all, and who falls into the same trap finds the same thing in it.
Everything follows from the service, the seed and the number of the document.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import prod
from typing import Final

from benchmarks._document_words import GOODS, LANGUAGES, company
from benchmarks._documents import CURRENCIES, FIELDS, KINDS, GeneratedDocument
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.record_answers import FieldValue, RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY, FieldType, RecordField

Leaf = str | float | bool


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """How often a service errs, as probabilities for one value.

    ``wrong`` it gives another value, ``left_out`` none, ``invented`` one where there is none;
    ``by_field`` multiplies ``wrong`` and ``invented``. ``lines_lost`` and ``lines_made_up`` are for
    an entry of a list, and for a list. ``knows`` in [0, 1] is how far its confidence tells right
    answers from wrong ones.
    """

    wrong: float
    left_out: float
    invented: float
    lines_lost: float
    lines_made_up: float
    knows: float
    by_field: Mapping[str, float] = field(default_factory=dict)


SKILLS: Final[Mapping[str, ErrorRates]] = {
    "large": ErrorRates(0.04, 0.01, 0.03, 0.02, 0.02, 0.6, {"people": 2.0, "due_date": 1.5}),
    "medium": ErrorRates(
        0.08, 0.03, 0.06, 0.05, 0.03, 0.4, {"date": 1.5, "supplier": 0.5, "paid": 1.5}
    ),
    "small": ErrorRates(0.15, 0.06, 0.12, 0.10, 0.06, 0.2, {"currency": 0.5, "people": 0.6}),
}
SHARED: Final = 0.35
"""How often the luck about a value is that of the document, not of the service."""
_TRAPPED: Final = 2.0
"""How much likelier a value is taken wrongly where something stands beside it; without, half."""
_INTO_TRAP: Final = 0.65
"""How often an error is what stands beside the value."""
_FIRST_TRAP: Final = 0.8


def reading(service: str, about: GeneratedDocument, seed: int, shared: float = SHARED) -> Reading:
    """What a service says of a document, always the same; ``shared`` in [0, 1] is how often its
    luck is that of the others."""
    reader = _Reader(service, SKILLS[service], about, seed, shared)
    values: list[tuple[str, FieldValue]] = []
    for one in FIELDS:
        value = reader.entries(one) if one.type is FieldType.LIST else reader.single(one)
        if value is not None and value != ():
            values.append((one.name, value))
    return Reading(Status.OK, RecordAnswer(tuple(values)), reader.confidence())


class _Reader:
    """One service before one document."""

    def __init__(
        self, service: str, skill: ErrorRates, about: GeneratedDocument, seed: int, shared: float
    ) -> None:
        self.skill = skill
        self.shared = shared
        self.about = about
        self._own = f"{service} {seed} {about.number}"
        self._shared = f"luck {seed} {about.number}"
        self._chances_right: list[float] = []
        self._right: list[bool] = []

    def chance(self, what: str) -> random.Random:
        return random.Random(f"{self._own} {what}")

    def luck(self, what: str) -> float:
        """In [0, 1]; below the probability of an error, it happens."""
        own = self.chance(f"luck {what}")
        if own.random() < self.shared:
            return random.Random(f"{self._shared} {what}").random()
        return own.random()

    def single(self, one: RecordField) -> Leaf | None:
        """The value of a field that is no list, as this service reads it."""
        truth = self.about.truth.get(one.name)
        beside = self.about.beside.get(one.name, ())
        if truth is None:
            return self._invented(one, beside)
        assert not isinstance(truth, tuple)
        return self.value(one, truth, beside, one.name)

    def value(
        self, one: RecordField, truth: Leaf, beside: Sequence[Leaf], path: str
    ) -> Leaf | None:
        factor = self.skill.by_field.get(path.partition("[")[0], 1.0)
        wrong = min(self.skill.wrong * factor * (_TRAPPED if beside else 0.5), 0.9)
        luck = self.luck(path)
        self._note(luck >= wrong + self.skill.left_out, 1.0 - wrong - self.skill.left_out)
        if luck >= wrong + self.skill.left_out:
            return truth
        if luck >= wrong:
            return None
        return self._wrong(one, truth, beside, path)

    def _wrong(self, one: RecordField, truth: Leaf, beside: Sequence[Leaf], path: str) -> Leaf:
        chance = self.chance(f"wrong {path}")
        others = [value for value in beside if value != truth]
        if others and chance.random() < _INTO_TRAP:
            return others[0] if chance.random() < _FIRST_TRAP else chance.choice(others)
        if one.name in ("kind", "currency"):
            labels = KINDS if one.name == "kind" else CURRENCIES
            return chance.choice([label for label in labels if label != truth])
        if isinstance(truth, bool):
            return not truth
        if isinstance(truth, float):
            return _another_number(truth, chance)
        if one.type is FieldType.DATE:
            return _another_day(truth, chance, swap=self.about.numeric_dates)
        return _another_text(truth, chance)

    def _invented(self, one: RecordField, beside: Sequence[Leaf]) -> Leaf | None:
        """A value where there is none: where nothing stands beside it, an error is rare."""
        factor = self.skill.by_field.get(one.name, 1.0) * (_TRAPPED if beside else 0.3)
        share = self.skill.invented * factor
        invents = self.luck(f"none {one.name}") < share
        self._note(not invents, 1.0 - share)
        if not invents:
            return None
        chance = self.chance(f"invented {one.name}")
        if beside:
            return beside[0]
        return _MADE_UP[one.name](chance) if one.name in _MADE_UP else None

    def entries(self, one: RecordField) -> tuple[RecordAnswer, ...]:
        """The entries of a list: some lost, some made up, the others with errors of their own."""
        given = self.about.truth.get(one.name)
        found: list[RecordAnswer] = []
        for number, entry in enumerate(given if isinstance(given, tuple) else ()):
            path = f"{one.name}[{number}]"
            kept = self.luck(f"lost {path}") >= self.skill.lines_lost
            self._note(kept, 1.0 - self.skill.lines_lost)
            if kept and (read := self._entry(one, entry, path)):
                found.append(read)
        share = self.skill.lines_made_up * (1.0 if found else 0.3)
        adds = self.luck(f"more {one.name}") < share
        self._note(not adds, 1.0 - share)
        if adds:
            found.append(self._made_up(one))
        chance = self.chance(f"order {one.name}")
        if len(found) > 1 and chance.random() < 0.05:
            place = chance.randrange(len(found) - 1)
            found[place : place + 2] = reversed(found[place : place + 2])
        return tuple(found)

    def _entry(self, one: RecordField, entry: RecordAnswer, path: str) -> RecordAnswer:
        values: list[tuple[str, FieldValue]] = []
        for inside in one.fields:
            truth = entry.get(inside.name)
            if truth is None or isinstance(truth, tuple):
                continue
            place = path if one.plain else f"{path}.{inside.name}"
            read = self.value(inside, truth, (), place)
            if read is not None:
                values.append((inside.name, read))
        return RecordAnswer(tuple(values))

    def _made_up(self, one: RecordField) -> RecordAnswer:
        """A person who is none, or a sum that is no line."""
        # who takes something for an entry takes the same thing as others do, more often than not
        chance = self.chance(f"made up {one.name}")
        if chance.random() < _INTO_TRAP:
            chance = random.Random(f"{self._shared} made up {one.name}")
        if one.plain:
            return RecordAnswer(((ENTRY, str(chance.choice(self.about.beside["people"]))),))
        goods = GOODS[self.about.language]
        amount = chance.randrange(500, 90_000) / 100
        return RecordAnswer((("item", chance.choice(goods)), ("quantity", 1.0), ("amount", amount)))

    def _note(self, right: bool, likely: float) -> None:
        self._right.append(right)
        self._chances_right.append(likely)

    def confidence(self) -> float:
        """What it states of the whole record: too high, and higher where more is right."""
        chance = self.chance("confidence")
        share = sum(self._right) / len(self._right)
        felt = self.skill.knows * share + (1.0 - self.skill.knows) * chance.uniform(0.7, 1.0)
        likely = prod(self._chances_right) ** (1.0 / len(self._chances_right))
        return round(min(0.99, 0.5 * felt + 0.5 * likely + 0.03), 2)


def _another_number(truth: float, chance: random.Random) -> float:
    """A digit read wrongly, or the point lost."""
    cents = round(truth * 100)
    if chance.random() < 0.25:
        return float(cents)
    digits = list(str(cents))
    place = chance.randrange(len(digits))
    digits[place] = chance.choice([digit for digit in "123456789" if digit != digits[place]])
    return int("".join(digits)) / 100


def _another_day(truth: str, chance: random.Random, *, swap: bool) -> str:
    """Day and month swapped, where that can happen; else another day or year."""
    day = date.fromisoformat(truth)
    if swap and day.day <= 12 and day.day != day.month and chance.random() < 0.7:
        return day.replace(month=day.day, day=day.month).isoformat()
    if chance.random() < 0.4:
        return day.replace(year=day.year - 1, day=min(day.day, 28)).isoformat()
    return day.replace(day=chance.choice([n for n in range(1, 29) if n != day.day])).isoformat()


def _another_text(truth: str, chance: random.Random) -> str:
    """Letters swapped or doubled, a digit read wrongly, a word lost."""
    letters = list(truth)
    places = [place for place, sign in enumerate(letters) if sign.isdigit()]
    if places and chance.random() < 0.7:
        place = chance.choice(places)
        letters[place] = chance.choice([one for one in "0123456789" if one != letters[place]])
        return "".join(letters)
    words = truth.split()
    if len(words) > 2 and chance.random() < 0.3:
        return " ".join(words[:-1])
    place = chance.randrange(len(letters) - 1)
    if chance.random() < 0.5 and letters[place] != letters[place + 1]:
        letters[place : place + 2] = letters[place + 1], letters[place]
    else:
        letters.insert(place, chance.choice("aeinrst"))
    return "".join(letters)


_ENGLISH: Final = LANGUAGES["en"]
_MADE_UP: Final[Mapping[str, Callable[[random.Random], Leaf]]] = {
    "number": lambda chance: f"{chance.randrange(10_000, 99_999)}",
    "currency": lambda chance: "EUR",
    "paid": lambda chance: chance.random() < 0.5,
    "supplier": lambda chance: company(chance, _ENGLISH),
}
