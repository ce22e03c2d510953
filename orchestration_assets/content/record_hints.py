"""Files that were taken as one item each and surely hold records, and the policy lines for them."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader, SupersededError
from orchestration_assets.policy.hidden_content import hides_content
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, accepted_items
from orchestration_assets.text.visible_text import visible_text
from resources.damage import leaving_out_damage
from resources.home import Home

_NAMES: Final = r"(?i)\.(csv|tsv|jsonl|ndjson)$"
_LEAST_ROWS: Final = 20
"""Fewer rows alike may be a table within a text; set by judgement."""
_MOST_COLUMNS: Final = 200
_MOST_FILES: Final = 3
_MOST_BYTES: Final = 32 << 20
"""A larger file is not looked at."""
_COLUMNS_SHOWN: Final = 12
_LONGEST_NAME: Final = 60
_NO_GLOB: Final = re.compile(r"[\w .()-]+")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_YAML_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, slots=True)
class RecordHint:
    """A file of ``rows`` records with the same ``columns``, that was taken as one item; ``text`` is
    the column with most to read, ``id`` the one that names a record, if any does."""

    path: str
    rows: int
    columns: tuple[str, ...]
    text: str
    id: str | None

    @property
    def policy_lines(self) -> tuple[str, ...]:
        """The lines of a policy that make an item of each record."""
        name = self.path.rpartition("/")[2]
        if not _NO_GLOB.fullmatch(name):
            name = f"*.{name.rpartition('.')[2]}"
        named = [f"      id: {_scalar(self.id)}"] if self.id is not None else []
        return (
            "content:",
            "  records:",
            f'    - files: "{name}"',
            f"      text: {_scalar(self.text)}",
            *named,
        )


def hint_lines(hints: Sequence[RecordHint]) -> Iterator[str]:
    """What to say of such files, and what to do."""
    for hint in hints:
        shown = ", ".join(_scalar(one) for one in hint.columns[:_COLUMNS_SHOWN])
        more = ", …" if len(hint.columns) > _COLUMNS_SHOWN else ""
        path = " ".join(visible_text(hint.path).split())
        yield (
            f"  records?      {path} is one item, and holds {hint.rows:,} rows of "
            f"{shown}{more}: with these lines in the policy each row is an item"
        )
        yield from (f"    {line}" for line in hint.policy_lines)


def record_hints(
    home: Home, manifests: Sequence[tuple[str, pa.Table]], policy: Policy
) -> tuple[RecordHint, ...]:
    """Of the first files that were accepted whole, by the sources and manifests given; none where
    the policy lets nobody see content. Files are read again; what cannot be read is left out."""
    if hides_content([policy]):
        return ()
    hints: list[RecordHint] = []
    for source, manifest in manifests:
        named = manifest.filter(
            pc.and_(
                pc.equal(manifest["outcome"], EntryOutcome.ACCEPTED),
                pc.match_substring_regex(manifest["path"], _NAMES),
            )
        )
        rows = [row for row in accepted_items(named) if row.record is None]
        rows = [row for row in rows if row.size_bytes <= _MOST_BYTES][: _MOST_FILES - len(hints)]
        if not rows:
            continue
        with ContentReader(home, source, policy.content.read_s) as reader:
            for row in rows:
                try:
                    hint = record_hint(row.path, reader.text(row))
                except (ContentError, SupersededError):
                    continue  # it changed since, which is told elsewhere
                hints += [hint] if hint else []
    return tuple(hints)


def hints_of_batches(home: Home, batches: Sequence[str], policy: Policy) -> tuple[RecordHint, ...]:
    """As :func:`record_hints`, of batches of the home."""
    manifests: list[tuple[str, pa.Table]] = []
    for batch in batches:
        with leaving_out_damage():
            manifest = home.tables.read(CONTENT_MANIFEST.name, batch)
            manifests.append((home.batches.source(batch), manifest))
    return record_hints(home, manifests, policy)


def record_hint(path: str, text: str) -> RecordHint | None:
    """What a file holds whose text this is, where that is surely records: a header over rows of as
    many fields, or a JSON object on each line, 20 or more with columns in common."""
    lowered = path.lower()
    if lowered.endswith((".jsonl", ".ndjson")):
        rows = _objects(text)
    else:
        rows = _delimited(text, "\t" if lowered.endswith(".tsv") else ",")
    if rows is None or len(rows) < _LEAST_ROWS:
        return None
    columns = tuple(name for name in rows[0] if all(name in row for row in rows))
    words = {
        name: fmean(len(row[name]) for row in rows)
        for name in columns
        if all(isinstance(row[name], str) for row in rows)
    }
    if not words or not all(map(_is_name, columns)):
        return None
    text_column = max(words, key=lambda name: words[name])
    return RecordHint(path, len(rows), columns, text_column, _naming(rows, columns, text_column))


def _delimited(text: str, delimiter: str) -> list[Mapping[str, Any]] | None:
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)
    try:
        header = next(rows, [])
        if not _is_header(header):
            return None
        found: list[Mapping[str, Any]] = []
        for fields in rows:
            if not fields:
                continue
            if len(fields) != len(header):
                return None
            found.append(dict(zip(header, fields, strict=True)))
    except csv.Error:
        return None
    return found


def _is_header(fields: Sequence[str]) -> bool:
    """Whether these are names: two or more, none empty, none a number, none twice."""
    return (
        2 <= len(fields) <= _MOST_COLUMNS
        and len(set(fields)) == len(fields)
        and all(field.strip() and any(sign.isalpha() for sign in field) for field in fields)
    )


def _objects(text: str) -> list[Mapping[str, Any]] | None:
    found: list[Mapping[str, Any]] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        found.append(value)
    return found


def _is_name(name: str) -> bool:
    return bool(name) and len(name) <= _LONGEST_NAME and name.isprintable()


def _naming(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], text: str) -> str | None:
    """The column that is called an id and has another value in each row."""
    for name in columns:
        if name != text and re.search(r"(?i)(^|[_ .-])(id|key|uuid|number)$|[a-z]I[Dd]$", name):
            values = {str(row[name]) for row in rows}
            if len(values) == len(rows) and "" not in values:
                return name
    return None


def _scalar(name: str) -> str:
    """A name as YAML reads it back, on one line."""
    if _PLAIN.fullmatch(name) and name.lower() not in _YAML_WORDS:
        return name
    return json.dumps(name, ensure_ascii=False)
