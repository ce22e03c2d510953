"""The disputes that lead a page: grouped by cause, ten to read, and where they gather."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import CappedCounts
from orchestration_assets.reporting.dispute_cards import CardSources, DisputeCard, dispute_cards
from orchestration_assets.reporting.dispute_causes import (
    Cause,
    DisputedPair,
    Features,
    TaskFeatures,
    causes,
    worth_reading,
)
from orchestration_assets.reporting.dispute_regions import Region, regions
from orchestration_assets.reporting.disputed import QuestionKey
from orchestration_assets.reporting.name_readers import name_readers
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import DisagreementKind, Status

READ_FIRST: Final = 10
_LISTED: Final = 25
_CAUSES: Final = 25


@dataclass(frozen=True, slots=True)
class CauseFigures:
    """A cause on the page: cards of the questions that stand for it, and the others by name.

    ``place`` counts from 1; ``misnamed``: whether one service answers by the name of the file and
    the other by its content.
    """

    place: int
    cause: Cause
    cards: tuple[DisputeCard, ...]
    others: CappedCounts[DisputedPair]
    misnamed: bool


@dataclass(frozen=True, slots=True)
class LeadingDisputes:
    """``first``: the causes with the questions to read first; ``rest``: further causes, the widest
    first; ``misnamed``: files whose name and content say different things."""

    first: tuple[CauseFigures, ...]
    rest: CappedCounts[Cause]
    misnamed: int

    @property
    def cards(self) -> int:
        """How many questions are shown in full."""
        return sum(len(one.cards) for one in self.first)

    def place_of(self, task: str) -> int | None:
        """The place of the first cause of a task, None where none is shown."""
        return next((one.place for one in self.first if one.cause.task == task), None)


def leading_disputes(
    tables: Mapping[str, pa.Table], disputes: pa.Table, features: Features, sources: CardSources
) -> LeadingDisputes:
    """What to read first; ``tables`` as :func:`dispute_cards` takes them."""
    asked: defaultdict[str, list[str]] = defaultdict(list)
    for item, task in values(tables["resolutions"], "item_id", "task"):
        asked[task].append(item)
    counted = {task: TaskFeatures(items, features) for task, items in asked.items()}
    found = causes(_pairs(disputes), counted)
    chosen = worth_reading(found, READ_FIRST)
    cards = dispute_cards((pair for one in chosen for pair in one.representatives), tables, sources)
    by_name = _name_readers(tables["interpretations"], features)
    first = []
    for place, one in enumerate(chosen, 1):
        shown = {pair.question for pair in one.representatives}
        others = [pair for pair in one.cause.pairs if pair.question not in shown]
        first.append(
            CauseFigures(
                place,
                one.cause,
                tuple(cards[pair.question] for pair in one.representatives),
                CappedCounts(tuple(others[:_LISTED]), len(others)),
                _misnamed(one.cause, by_name),
            )
        )
    taken = {id(one.cause) for one in first}
    rest = [cause for cause in found if id(cause) not in taken]
    misnamed = {
        pair.item_id for cause in found if _misnamed(cause, by_name) for pair in cause.pairs
    }
    return LeadingDisputes(
        tuple(first), CappedCounts(tuple(rest[:_CAUSES]), len(rest)), len(misnamed)
    )


def region_figures(
    interpretations: pa.Table, disputed: Collection[QuestionKey], features: Features
) -> tuple[Region, ...]:
    """Where services differ most, over the questions that at least two of them answered."""
    answered = interpretations.filter(pc.equal(interpretations.column("status"), Status.OK.value))
    voices = Counter(values(answered, "task", "item_id"))
    compared: defaultdict[str, list[str]] = defaultdict(list)
    for (task, item), count in sorted(voices.items()):
        if count > 1:
            compared[task].append(item)
    return regions(compared, disputed, features)


_COLUMNS: Final = (
    *("item_id", "path", "task", "kind", "service_a", "answer_a", "service_b", "answer_b"),
    *("severity", "sentence", "only_a", "only_b"),
)


def _pairs(disputes: pa.Table) -> Iterator[DisputedPair]:
    for item, path, task, kind, *rest, only_a, only_b in values(disputes, *_COLUMNS):
        yield DisputedPair(
            item, path, task, DisagreementKind(kind), *rest, tuple(only_a), tuple(only_b)
        )


def _name_readers(
    interpretations: pa.Table, features: Features
) -> Mapping[str, frozenset[str]]:
    """By task that is answered with labels, the services that answer by the name alone."""
    answers: defaultdict[str, list[tuple[str, str, str]]] = defaultdict(list)
    columns = ("task", "item_id", "service", "status", "answer")
    wordless = pc.and_(
        pc.is_null(interpretations.column("answer_set")),
        pc.is_null(interpretations.column("answer_score")),
    )
    for task, item, service, status, answer in values(interpretations.filter(wordless), *columns):
        if status == Status.OK:
            extension = features.get(item, {}).get("extension", "")
            answers[task].append((service, extension, answer or ""))
    return {task: name_readers(given) for task, given in answers.items()}


def _misnamed(cause: Cause, by_name: Mapping[str, frozenset[str]]) -> bool:
    if cause.kind is not DisagreementKind.LABEL_CONFLICT:
        return False
    readers = by_name.get(cause.task, frozenset())
    return (cause.service_a in readers) != (cause.service_b in readers)
