"""The disputes that lead a page: grouped by cause, ten to read, and where they gather."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import CappedCounts, where
from orchestration_assets.reporting.dispute_cards import CardSources, DisputeCard, dispute_cards
from orchestration_assets.reporting.dispute_causes import (
    DisputeCause,
    DisputedPair,
    Features,
    TaskFeatures,
    causes,
    worth_reading,
)
from orchestration_assets.reporting.dispute_regions import Region, regions
from orchestration_assets.reporting.disputed import QuestionKey
from orchestration_assets.reporting.name_readers import name_readers
from orchestration_assets.schemas.decoding import decode, values
from orchestration_assets.schemas.enums import DisagreementKind, Status
from orchestration_assets.schemas.tables import DisagreementRow

READ_FIRST: Final = 10
_LISTED: Final = 25
_CAUSES: Final = 25


@dataclass(frozen=True, slots=True)
class CauseFigures:
    """A cause on the page: cards of the questions that stand for it, and the others by name.

    ``place`` counts from 1. ``stands_a`` and ``stands_b``: on how many of its questions the answer
    of that service stands. ``misnamed``: whether these files are likely misnamed.
    """

    place: int
    cause: DisputeCause
    cards: tuple[DisputeCard, ...]
    others: CappedCounts[DisputedPair]
    stands_a: int
    stands_b: int
    misnamed: bool


@dataclass(frozen=True, slots=True)
class LeadingDisputes:
    """``first``: the causes with the questions to read first; ``rest``: further causes, the widest
    first; ``misnamed``: files that are likely misnamed."""

    first: tuple[CauseFigures, ...]
    rest: CappedCounts[DisputeCause]
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
    if not disputes.num_rows:
        return LeadingDisputes((), CappedCounts((), 0), 0)
    resolved = tables["resolutions"]
    concerned = where(resolved, pc.is_in(resolved["task"], pc.unique(disputes["task"])))
    asked: defaultdict[str, list[str]] = defaultdict(list)
    for item, task in values(concerned, "item_id", "task"):
        asked[task].append(item)
    counted = {task: TaskFeatures(items, features) for task, items in asked.items()}
    found = causes(_pairs(disputes), counted)
    chosen, rest = worth_reading(found, counted, READ_FIRST)
    cards = dispute_cards((pair for one in chosen for pair in one.representatives), tables, sources)
    names = _Names(tables["interpretations"], tables["resolutions"], features)
    first = []
    for place, one in enumerate(chosen, 1):
        shown = {pair.question for pair in one.representatives}
        others = [pair for pair in one.cause.pairs if pair.question not in shown]
        stands = names.standing
        first.append(
            CauseFigures(
                place,
                one.cause,
                tuple(cards[pair.question] for pair in one.representatives),
                CappedCounts(tuple(others[:_LISTED]), len(others)),
                sum(stands.get(pair.question) == pair.answer_a for pair in one.cause.pairs),
                sum(stands.get(pair.question) == pair.answer_b for pair in one.cause.pairs),
                names.misnamed(one.cause),
            )
        )
    misnamed = {
        pair.item_id
        for cause in (*(one.cause for one in chosen), *rest)
        if names.misnamed(cause)
        for pair in cause.pairs
    }
    return LeadingDisputes(tuple(first), CappedCounts(rest[:_CAUSES], len(rest)), len(misnamed))


def region_figures(
    interpretations: pa.Table, disputed: Collection[QuestionKey], features: Features
) -> tuple[Region, ...]:
    """Where services differ most, over the questions that at least two of them answered."""
    said = interpretations.select(["task", "item_id", "status"])
    answered = said.filter(pc.equal(said["status"], Status.OK.value))
    voices = Counter(values(answered, "task", "item_id"))
    compared: defaultdict[str, list[str]] = defaultdict(list)
    for (task, item), count in sorted(voices.items()):
        if count > 1:
            compared[task].append(item)
    return regions(compared, disputed, features)


def _pairs(disputes: pa.Table) -> Iterator[DisputedPair]:
    for row in decode(DisagreementRow, disputes):
        yield DisputedPair(
            row.item_id,
            row.path,
            row.task,
            row.kind,
            row.service_a,
            row.answer_a,
            row.service_b,
            row.answer_b,
            row.severity,
            row.sentence,
            row.only_a,
            row.only_b,
            row.fields or (),
        )


class _Names:
    """Which services answer by the name of a file alone, and where the name is likely wrong."""

    def __init__(
        self, interpretations: pa.Table, resolutions: pa.Table, features: Features
    ) -> None:
        self.standing: dict[QuestionKey, str | None] = {
            (item, task): answer
            for item, task, answer in values(resolutions, "item_id", "task", "answer")
        }
        labels = interpretations.filter(
            pc.and_(
                pc.equal(interpretations.column("status"), Status.OK.value),
                pc.and_(
                    pc.is_null(interpretations.column("answer_set")),
                    pc.is_null(interpretations.column("answer_score")),
                ),
            )
        )
        answers: defaultdict[str, list[tuple[str, str, str]]] = defaultdict(list)
        self._said: defaultdict[QuestionKey, dict[str, str]] = defaultdict(dict)
        for task, item, service, answer in values(labels, "task", "item_id", "service", "answer"):
            extension = features.get(item, {}).get("extension", "")
            answers[task].append((service, extension, answer or ""))
            self._said[item, task][service] = answer or ""
        self._readers = {task: name_readers(given) for task, given in answers.items()}

    def misnamed(self, cause: DisputeCause) -> bool:
        """Whether one side answers by the name, the other by the content, and the name is likely
        wrong: its answer does not stand on most of the questions; or nobody else backs it and the
        content has one answer on most of the files of an extension."""
        way, readers = cause.way, self._readers.get(cause.task, frozenset())
        by_name = {way.service_a, way.service_b} & readers
        if way.kind is not DisagreementKind.LABEL_CONFLICT or len(by_name) != 1:
            return False
        (reader,) = by_name
        standing = [
            self.standing.get(pair.question) == self._said[pair.question].get(reader)
            for pair in cause.pairs
        ]
        if sum(standing) < len(standing) / 2:
            return True
        backed = any(
            answer == self._said[pair.question].get(reader) and service not in readers
            for pair in cause.pairs
            for service, answer in self._said[pair.question].items()
        )
        why = cause.explanation
        single = way.answer_a is not None and way.answer_b is not None
        return (
            not backed
            and single
            and why is not None
            and why.feature == "extension"
            and why.disputed >= why.asked / 2
        )
