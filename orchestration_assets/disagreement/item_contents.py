"""What is shown of the items of a batch beside the answers: excerpts and metadata."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader, SupersededError
from orchestration_assets.disagreement.readings import Vote, ok_votes
from orchestration_assets.policy.hidden_content import NOT_SHOWN, hides_content
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.decoding import decode, values
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.record_answers import (
    RecordAnswer,
    leaves,
    pattern_of,
    value_text,
)
from orchestration_assets.schemas.tables import (
    AcceptedItem,
    Metadatum,
    accepted_items,
)
from orchestration_assets.text.content_excerpts import (
    EXCERPT_CHARS,
    ContentExcerpt,
    ShownContent,
    excerpt_of,
    quotes_in,
    redacted,
    shown_content,
)

_MAX_METADATA: Final = 12
_MAX_VALUE_CHARS: Final = 200
_KEPT_CONTENTS: Final = 64
"""Contents that are held for further questions about the same item."""
_MAX_FAILURES: Final = 5
"""A source that failed so often in a row is not asked again: each time may take long."""


def gold_columns(policies: Iterable[Policy]) -> frozenset[str]:
    """The metadata columns that hold gold under one of the policies."""
    tasks = (task for policy in policies for task in policy.tasks.values())
    return frozenset(task.gold for task in tasks if task.gold)


class ItemContents:
    """Reads the items of one batch again, and takes out what people need to judge answers.

    ``policies``: the one that the batch was processed under and, where it is another, the one in
    force. What one of them hides is hidden.

    Content is verified against the manifest; what cannot be read as it was is not shown, and the
    excerpt's note says why. A source that fails five times in a row is not asked again. Under
    ``report.content: none`` nothing is read.
    """

    def __init__(
        self,
        policies: Sequence[Policy],
        manifest: pa.Table,
        profiles: pa.Table,
        reader: ContentReader,
    ) -> None:
        self._failures = 0
        self._hidden = hides_content(policies)
        self._gold = gold_columns(policies)
        self._reader = reader
        self._manifest, self._profiles = manifest, profiles
        self._rows: dict[str, AcceptedItem] = {}
        self._metadata: dict[str, tuple[Metadatum, ...]] = {}
        self._facts: dict[str, tuple[Any, ...]] = {}
        self._looked_up: set[str] = set()
        # several questions about one item follow each other, if not at once
        self._content = lru_cache(maxsize=_KEPT_CONTENTS)(self._read)

    @property
    def hidden(self) -> bool:
        """Whether nothing of content may be shown."""
        return self._hidden

    def look_up(self, items: Iterable[str]) -> None:
        """Takes what the tables hold of these items out of them: quicker for many at once."""
        new = set(items) - self._looked_up
        if not new:
            return
        self._looked_up |= new
        wanted = pa.array(sorted(new), pa.string())
        manifest, profiles = (
            table.filter(pc.is_in(table["item_id"], wanted))
            for table in (self._manifest, self._profiles)
        )
        self._rows |= {row.item_id: row for row in accepted_items(manifest)}
        self._metadata |= {row.item_id: row.metadata for row in decode(_Described, manifest)}
        facts = values(profiles, "item_id", "family", "byte_count", "language_guess")
        self._facts |= {item_id: tuple(rest) for item_id, *rest in facts}

    def excerpt(self, item_id: str, votes: Sequence[Vote]) -> ContentExcerpt:
        """The part of the item's content that tells which of the answers is right.

        The words that are marked are those of the answers, but not what all of them say of a set or
        of a field of a record, and what the services quote: a record that quotes words for its
        values by those on which not all agree, any other answer by its evidence.
        """
        if self._hidden:
            return ContentExcerpt(note=NOT_SHOWN)
        content = self._content(item_id)
        if isinstance(content, str):
            return ContentExcerpt(note=content)
        given = ok_votes(tuple(votes))
        quotes = [
            quote
            for _, reading in given
            if not (isinstance(reading.answer, RecordAnswer) and reading.answer.quotes)
            for quote in quotes_in(reading.evidence)
        ]
        quotes += _quotes_of([reading.answer for _, reading in given])
        answers = list(_telling([reading.answer for _, reading in given]))
        return excerpt_of(content, answers, quotes, EXCERPT_CHARS)

    def metadata(self, item_id: str) -> tuple[tuple[str, str], ...]:
        """Names and values of a record's metadata columns, redacted and cut; without gold.

        At most 12 pairs, values of at most 200 characters. Empty for a whole file.
        """
        self.look_up([item_id])
        pairs = () if self._hidden else self._metadata.get(item_id, ())
        shown = [(one.name, _short(one.value)) for one in pairs if one.name not in self._gold]
        return tuple(shown[:_MAX_METADATA])

    def description(self, item_id: str) -> str:
        """What sort of content it is by its profile, such as ``markup (markdown), 5,120 bytes``."""
        self.look_up([item_id])
        family, size, language = self._facts.get(item_id, (None, None, None))
        sort = f"{family} ({language})" if family and language else family
        return ", ".join(part for part in (sort, size and f"{int(size):,} bytes") if part)

    def _read(self, item_id: str) -> ShownContent | str:
        """The content, or why there is none to be shown."""
        self.look_up([item_id])
        row = self._rows.get(item_id)
        if row is None:
            return "not shown: the batch has no such item"
        if self._failures == _MAX_FAILURES:
            return f"not shown: the source failed {_MAX_FAILURES} times in a row before"
        try:
            text = self._reader.text(row)
        except (ContentError, SupersededError, SourceError) as error:
            # what has changed was read, and shows that the source is there
            self._failures = 0 if isinstance(error, SupersededError) else self._failures + 1
            return f"not shown: {_place(row)} cannot be read as it was: {error}"
        self._failures = 0
        return shown_content(text)


@dataclass(frozen=True, slots=True)
class _Described:
    """The columns of a manifest row that describe a record."""

    item_id: str
    metadata: tuple[Metadatum, ...]


def _place(row: AcceptedItem) -> str:
    return row.record.file if row.record else row.address


def _short(value: str) -> str:
    text = redacted(value)
    return text if len(text) <= _MAX_VALUE_CHARS else text[: _MAX_VALUE_CHARS - 1] + "…"


def _telling(answers: Sequence[Answer | None]) -> Iterator[str]:
    """What of the answers may stand in the content, and which of them it may tell."""
    sets = [set(answer) for answer in answers if isinstance(answer, tuple)]
    shared = set.intersection(*sets) if len(sets) > 1 else set()
    for answer in answers:
        if isinstance(answer, str):
            yield answer
        elif isinstance(answer, RecordAnswer):
            yield from _differing(answer, answers)
        elif isinstance(answer, tuple):
            yield from (m for m in answer if isinstance(m, str) and m not in shared)


def _differing(record: RecordAnswer, answers: Sequence[Answer | None]) -> Iterator[str]:
    """The values of a record that not all records have in that field; yes and no stand nowhere."""
    shared = _shared(answers)
    for path, value in leaves(record):
        if not isinstance(value, bool) and (pattern_of(path), value) not in shared:
            yield value_text(value)


def _quotes_of(answers: Sequence[Answer | None]) -> Iterator[str]:
    """What the values rest on that not all records have."""
    shared = _shared(answers)
    for one in answers:
        if not isinstance(one, RecordAnswer):
            continue
        differing = [path for path, value in leaves(one) if (pattern_of(path), value) not in shared]
        for path, words in one.quotes:
            if any(leaf == path or leaf.startswith((f"{path}.", f"{path}[")) for leaf in differing):
                yield words


def _shared(answers: Sequence[Answer | None]) -> set[tuple[str, str | float | bool]]:
    """Field and value of what all records have, in whichever entry of a list.

    Nothing where there is one record, or where they are all the same: then each value is looked at.
    """
    records = [
        {(pattern_of(path), value) for path, value in leaves(one)}
        for one in answers
        if isinstance(one, RecordAnswer)
    ]
    shared = set.intersection(*records) if records else set()
    return set() if all(one == shared for one in records) else shared
