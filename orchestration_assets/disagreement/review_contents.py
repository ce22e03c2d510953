"""What people need beside a question: the content that decides it, and what services' answers
rest on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.conversations.earlier import EarlierMessages
from orchestration_assets.conversations.messages_before import messages_before
from orchestration_assets.disagreement.item_contents import ItemContents
from orchestration_assets.disagreement.readings import (
    Key,
    ServiceReadings,
    grounds,
    group_readings,
)
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.disagreement import ReviewRow
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.text.content_excerpts import ContentExcerpt, redacted
from resources.damage import leaving_out_damage

MOST_SHOWN: Final = 2_000
"""Questions whose content is shown, in the order of asking: a sheet stays as small as a file of
verdicts may be."""

_LONGEST_REASON: Final = 300
_LONGEST_PASSAGE: Final = 600
_BEYOND: Final = ContentExcerpt(
    note=f"not shown: this is none of the first {MOST_SHOWN:,} questions; answer these first"
)


@dataclass(frozen=True, slots=True)
class QuestionContent:
    """The content of a question's item: an excerpt, the names and values of a record's metadata,
    and what sort of content it is, in words; the passages that services were shown, in words and in
    the order by which answers cite them; and of a message where it stands in its conversation, with
    the last messages before it."""

    excerpt: ContentExcerpt
    metadata: tuple[tuple[str, str], ...] = ()
    description: str = ""
    passages: tuple[str, ...] = ()
    conversation: tuple[str, ...] = ()


def votes_about(
    rows: Sequence[ReviewRow], interpretations: Iterable[pa.Table]
) -> dict[Key, ServiceReadings]:
    """The final readings about the items of these questions."""
    items = pa.array(sorted({row.item_id for row in rows}), pa.string())
    return group_readings(
        table.filter(pc.is_in(table["item_id"], value_set=items)) for table in interpretations
    )


def with_reasons(
    rows: Iterable[ReviewRow], votes: Mapping[Key, ServiceReadings], quotes: bool
) -> list[ReviewRow]:
    """The questions with what each answer rests on, or why there is none.

    What answers rest on may quote the content: it is left out without ``quotes``.
    """
    return [
        _with_reasons(row, dict(votes.get((row.item_id, row.task), ())), quotes) for row in rows
    ]


def _with_reasons(row: ReviewRow, readings: Mapping[str, Reading], quotes: bool) -> ReviewRow:
    reasoned = tuple(
        replace(said, reason=_reason(readings[said.service], quotes))
        if said.service in readings
        else said
        for said in row.readings
    )
    return replace(row, readings=reasoned)


def _reason(reading: Reading, quotes: bool) -> str | None:
    words = grounds(reading.reason, reading.evidence if quotes else None)
    return words[:_LONGEST_REASON] if words else None


def question_contents(
    rows: Iterable[ReviewRow],
    contents: ItemContents,
    votes: Mapping[Key, ServiceReadings],
    plans: pa.Table | None = None,
    earlier: EarlierMessages | None = None,
) -> dict[Key, QuestionContent]:
    """Item and task of every question -> what is shown of its content; nothing beyond the first
    2,000 questions. ``plans`` tell the passages that services were shown, ``earlier`` the messages
    before an item in its conversation."""
    ordered = sorted(rows, key=attrgetter("place"))
    passages = _passages(ordered[:MOST_SHOWN], plans, hidden=contents.hidden)
    contents.look_up(row.item_id for row in ordered[:MOST_SHOWN])
    beyond = {(row.item_id, row.task): QuestionContent(_BEYOND) for row in ordered[MOST_SHOWN:]}
    return beyond | {
        (row.item_id, row.task): QuestionContent(
            contents.excerpt(row.item_id, votes.get((row.item_id, row.task), ())),
            contents.metadata(row.item_id),
            contents.description(row.item_id),
            passages.get((row.item_id, row.task), ()),
            _conversation(earlier, row.item_id, hidden=contents.hidden),
        )
        # questions about one item follow each other: it is read once
        for row in sorted(ordered[:MOST_SHOWN], key=attrgetter("item_id", "task"))
    }


def _conversation(
    earlier: EarlierMessages | None, item_id: str, *, hidden: bool
) -> tuple[str, ...]:
    with leaving_out_damage():
        before = messages_before(earlier, item_id, hidden=hidden) if earlier else None
        return before.told if before else ()
    return ()


def _passages(
    rows: Sequence[ReviewRow], plans: pa.Table | None, *, hidden: bool
) -> dict[Key, tuple[str, ...]]:
    """Item and task -> the passages of its plan in words; where content is ``hidden``, no more than
    where they are from."""
    if plans is None or "passages" not in plans.column_names:
        return {}
    items = pa.array(sorted({row.item_id for row in rows}), pa.string())
    about = pc.and_(pc.is_in(plans["item_id"], value_set=items), pc.is_valid(plans["passages"]))
    return {
        (one.item_id, one.task): tuple(
            _passage(number, each, hidden=hidden) for number, each in enumerate(one.passages, 1)
        )
        for one in decode(_PlanPassages, plans.filter(about))
    }


def _passage(number: int, one: RetrievedPassage, *, hidden: bool) -> str:
    if hidden:
        return f"[{number}] {one.document}"
    place = f"{one.document}, {redacted(one.heading)}" if one.heading else one.document
    text = " ".join(redacted(one.text).split())
    text = text if len(text) <= _LONGEST_PASSAGE else f"{text[: _LONGEST_PASSAGE - 1]}…"
    return f"[{number}] {place}: {text}"


@dataclass(frozen=True, slots=True)
class _PlanPassages:
    item_id: str
    task: str
    passages: tuple[RetrievedPassage, ...]
