"""Disputed questions as a person reads them: content, question, and all readings side by side."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.part_differences import PartDifference
from orchestration_assets.disagreement.readings import (
    ServiceReadings,
    Vote,
    grounds,
    group_readings,
)
from orchestration_assets.reporting.dispute_causes import DisputedPair
from orchestration_assets.reporting.disputed import QuestionKey
from orchestration_assets.reporting.record_forms import RecordForm, record_form
from orchestration_assets.reporting.text_differences import (
    TextPiece,
    mark_members,
    mark_unsupported,
)
from orchestration_assets.schemas.decoding import Record, decode, values
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.tables import (
    DecisionRow,
    DisagreementRow,
    InterpretationRow,
    ResolutionRow,
)
from orchestration_assets.text.content_excerpts import ContentExcerpt

_MEMBERS: Final = 12
_NEAR: Final = 5
_PARTS: Final = 5
_TABLES: Final = ("interpretations", "resolutions", "disagreements", "decision_log")
# from where on a severity has this name: by judgement
_SEVERITIES: Final = ((0.5, "high"), (0.2, "moderate"), (0.0, "low"))


class Contents(Protocol):
    """What is shown of items beside the answers about them."""

    def excerpt(self, item_id: str, votes: Sequence[Vote]) -> ContentExcerpt:
        """The part of the content that tells which of the answers is right."""
        ...

    def metadata(self, item_id: str) -> tuple[tuple[str, str], ...]:
        """Names and values that came with the item."""
        ...

    def description(self, item_id: str) -> str:
        """What sort of content it is."""
        ...


@dataclass(frozen=True, slots=True)
class TaskWording:
    """A task as a person is asked it: the question, and which answers are allowed."""

    question: str
    allowed: str


@dataclass(frozen=True, slots=True)
class CardSources:
    """What cards need beside the tables of the batch: the tasks in words, the content, and
    the metadata columns that are not to be shown (None where none is); ``differing`` gives the
    parts of a question, by item and task, on which services differ."""

    wordings: Mapping[str, TaskWording] = field(default_factory=dict)
    contents: Contents | None = None
    hidden_metadata: Collection[str] | None = ()
    differing: Callable[[str, str], Sequence[PartDifference]] = lambda item, task: ()

    @property
    def shows_content(self) -> bool:
        """Whether anything of the content is shown, such as what evidence quotes."""
        return self.hidden_metadata is not None


@dataclass(frozen=True, slots=True)
class ServiceGroup:
    """Services with the same answer, and whether it is the one that stands.

    One that neither stands nor dissents was overruled by a service that was shown it.
    ``pieces`` is the answer with what no other answer says apart: words of a text, members of
    a set. ``score`` is the answer to a score task. ``near_only`` lists what only this side of a
    dispute names. ``confidences`` are those that were stated. ``moved``: of a panel, who moved to
    it, and as who said.
    """

    services: tuple[str, ...]
    status: Status
    answer: str | None
    pieces: tuple[TextPiece, ...]
    score: float | None
    confidences: tuple[float, ...]
    explanation: str | None
    stands: bool
    dissents: bool
    near_only: tuple[str, ...]
    moved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CardStep:
    """One decision on the way to the answer."""

    action: str
    services: tuple[str, ...]
    reason: str
    certainty: float | None


@dataclass(frozen=True, slots=True)
class DisputeCard:
    """One disputed question.

    ``nearby``: by pair of services, in words, how the two stood on its nearest earlier items.
    ``form``: the values of records side by side. ``parts``: the first parts of the item on which
    services differ, ``parts_in_all`` how many there are.
    """

    item_id: str
    path: str
    task: str
    wording: TaskWording
    kind: AnswerKind
    metadata: tuple[tuple[str, str], ...]
    description: str
    excerpt: ContentExcerpt | None
    status: str
    answer: str | None
    error_risk: float | None
    severity: float
    sentence: str
    reason: str
    readings: tuple[ServiceGroup, ...]
    read: int
    steps: tuple[CardStep, ...]
    nearby: tuple[tuple[str, str], ...] = ()
    form: RecordForm | None = None
    parts: tuple[PartDifference, ...] = ()
    parts_in_all: int = 0

    @property
    def severity_word(self) -> str:
        """The severity as a word."""
        return severity_word(self.severity)


def severity_word(severity: float) -> str:
    """high, moderate or low."""
    return next(name for least, name in _SEVERITIES if severity >= least)


def dispute_cards(
    chosen: Iterable[DisputedPair], tables: Mapping[str, pa.Table], sources: CardSources
) -> dict[QuestionKey, DisputeCard]:
    """The card of each question that stands for a cause, by (item_id, task).

    ``tables``: interpretations (final ones), resolutions, disagreements, decision_log.
    """
    pairs = list(chosen)
    items = pa.array(sorted({pair.item_id for pair in pairs}), pa.string())
    few = {
        name: table.filter(pc.is_in(table.column("item_id"), value_set=items))
        for name, table in tables.items()
        if name in _TABLES
    }
    # the neighbours of a vector are named by the paths of their items
    paths = dict(values(tables["resolutions"], "item_id", "path"))
    votes = group_readings([few["interpretations"]])
    return {pair.question: _card(pair, few, paths, votes[pair.question], sources) for pair in pairs}


def _of_question(record: type[Record], table: pa.Table, question: QuestionKey) -> Iterator[Record]:
    item_id, task = question
    same = pc.and_(pc.equal(table.column("item_id"), item_id), pc.equal(table.column("task"), task))
    return decode(record, table.filter(same))


def _card(
    leading: DisputedPair,
    tables: Mapping[str, pa.Table],
    paths: Mapping[str, str],
    votes: ServiceReadings,
    sources: CardSources,
) -> DisputeCard:
    question = leading.question
    (resolution,) = _of_question(ResolutionRow, tables["resolutions"], question)
    readings = sorted(
        _of_question(InterpretationRow, tables["interpretations"], question),
        key=lambda row: (row.step, row.service),
    )
    if not sources.shows_content:
        readings = [replace(row, evidence=None) for row in readings]
    decisions = sorted(
        _of_question(DecisionRow, tables["decision_log"], question), key=lambda row: row.decision
    )
    pairs = sorted(
        _of_question(DisagreementRow, tables["disagreements"], question),
        key=lambda row: (row.service_a, row.service_b),
    )
    item, contents = leading.item_id, sources.contents
    differing = sources.differing(item, leading.task)
    return DisputeCard(
        item_id=item,
        path=resolution.path,
        task=leading.task,
        wording=sources.wordings.get(leading.task, TaskWording("", "")),
        kind=resolution.kind,
        metadata=contents.metadata(item) if contents else (),
        description=contents.description(item) if contents else "",
        excerpt=contents.excerpt(item, votes) if contents else None,
        status=resolution.status,
        answer=resolution.answer,
        error_risk=resolution.error_risk,
        severity=leading.severity,
        sentence=leading.sentence,
        reason=resolution.reason,
        readings=_folded(readings, resolution, leading.sentence, pairs, paths),
        read=len(readings),
        steps=tuple(
            CardStep(row.action, row.services, row.reason, row.certainty) for row in decisions
        ),
        nearby=tuple(
            (f"{row.service_a} and {row.service_b}", row.nearby)
            for row in pairs
            if row.nearby is not None
        ),
        form=_form(resolution, readings) if resolution.fields else None,
        parts=tuple(differing[:_PARTS]),
        parts_in_all=len(differing),
    )


def _form(resolution: ResolutionRow, readings: Sequence[InterpretationRow]) -> RecordForm:
    services = dict.fromkeys(row.service for row in readings if row.answer_record is not None)
    return record_form(resolution.fields or (), tuple(services))


def _folded(
    readings: Sequence[InterpretationRow],
    resolution: ResolutionRow,
    sentence: str,
    pairs: Sequence[DisagreementRow],
    paths: Mapping[str, str],
) -> tuple[ServiceGroup, ...]:
    """One group for each different answer: what stands first, what has no answer last."""

    def standing(row: InterpretationRow) -> tuple[bool, bool, str, str]:
        stands = row.service in resolution.supporters
        dissents = row.service in resolution.dissenters
        # two vectors are never the same answer, however they are written
        own = row.service if row.answer_vector is not None else row.answer or ""
        return row.answer is None, not stands, f"{row.status.value}{dissents}", own

    ordered = sorted(readings, key=lambda row: (*standing(row), row.step, row.service))
    groups = [tuple(rows) for _, rows in groupby(ordered, key=standing)]
    return tuple(
        _group(
            rows,
            [other[0] for other in groups if other is not rows],
            *(resolution, sentence, pairs, paths),
        )
        for rows in groups
    )


def _group(
    rows: Sequence[InterpretationRow],
    others: Sequence[InterpretationRow],
    resolution: ResolutionRow,
    sentence: str,
    pairs: Sequence[DisagreementRow],
    paths: Mapping[str, str],
) -> ServiceGroup:
    first = rows[0]
    services = tuple(row.service for row in rows)
    only = [
        paths.get(name, name)
        for pair in pairs
        for service, named in ((pair.service_a, pair.only_a), (pair.service_b, pair.only_b))
        if service in services
        for name in named
    ]
    return ServiceGroup(
        services=services,
        status=first.status,
        answer=first.answer,
        pieces=_pieces(first, others, resolution.kind),
        score=first.answer_score,
        confidences=tuple(row.confidence for row in rows if row.confidence is not None),
        explanation=next(
            (
                text
                for row in rows
                if (text := grounds(row.reason, row.evidence)) and text not in sentence
            ),
            None,
        ),
        stands=first.service in resolution.supporters,
        dissents=first.service in resolution.dissenters,
        near_only=tuple(dict.fromkeys(only))[:_NEAR],
        moved=tuple(
            f"{row.service} moved to it, as {' and '.join(row.follows)} said"
            for row in rows
            if row.follows
        ),
    )


def _pieces(
    row: InterpretationRow, others: Sequence[InterpretationRow], kind: AnswerKind
) -> tuple[TextPiece, ...]:
    answered = [other for other in others if other.answer is not None]
    if kind is AnswerKind.SET and row.answer_set is not None:
        return mark_members(row.answer_set, [o.answer_set or () for o in answered], _MEMBERS)
    if kind is AnswerKind.TEXT and row.answer is not None:
        return mark_unsupported(row.answer, [other.answer or "" for other in answered])
    return ()
