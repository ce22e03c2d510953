"""Where a record stands in a conversation: what its columns say of thread, position and speaker."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.record_values import CellError, in_words
from orchestration_assets.schemas.conversations import MessagePlace
from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.policy import Records
from orchestration_assets.schemas.storable_values import whole_text

_LONGEST: Final = 1000
_SHOWN: Final = 60
_HASH_BYTES: Final = 16
_WANTED: Final = "give a number, or a date and time as in 2026-05-01T12:30:00Z"


class PlaceError(Exception):
    """A column does not say where a message stands; the message names the column's problem."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.reason = RejectReason.MALFORMED


def message_place(found: Mapping[str, Any], declared: Records) -> MessagePlace | None:
    """The place of a record in its conversation, from its columns; None for one that names none.

    Where a position is declared every message must have one. Raises PlaceError.
    """
    if declared.thread is None:
        return None
    thread = _name(found, declared.thread)
    if thread is None:
        return None
    position = None
    if declared.position is not None:
        position = _position(found.get(declared.position), declared.position)
    speaker = _name(found, declared.speaker) if declared.speaker is not None else None
    return MessagePlace(thread, position, speaker)


def _name(found: Mapping[str, Any], column: str) -> str | None:
    value = found.get(column)
    if isinstance(value, CellError):
        raise PlaceError(column, str(value))
    if isinstance(value, list | dict | bool):
        raise PlaceError(column, f"is no name but {type(value).__name__}: give text or a number")
    try:
        name = None if value is None else in_words(value)
    except CellError as error:
        raise PlaceError(column, str(error)) from error
    if not name or not name.strip():
        return None
    if len(name) > _LONGEST:
        raise PlaceError(column, f"has {len(name)} characters, the limit is {_LONGEST}")
    return name


def _position(value: Any, column: str) -> float:
    """A number as it is, a date or time as seconds since 1970, UTC. Raises PlaceError."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise PlaceError(column, f"is missing: {_WANTED}")
    if isinstance(value, CellError):
        raise PlaceError(column, str(value))
    position = _number(value)
    if position is None:
        position = _moment(value)
    if position is None or not math.isfinite(position):
        shown = whole_text(str(value))[:_SHOWN]
        raise PlaceError(column, f"is neither a number nor a date and time ({shown!r}): {_WANTED}")
    return position


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        return float(value)
    except (ValueError, ArithmeticError):
        return None


def _moment(value: Any) -> float | None:
    """Seconds since 1970; what names no zone is UTC."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.strip())
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        if not isinstance(value, datetime):
            return None
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    except (ValueError, ArithmeticError):
        return None


def named_by(text_hash: str, message: MessagePlace | None) -> str:
    """What a record without an id is known by: the hash of its text; of a message also thread and
    position, as people say the same more than once."""
    if message is None:
        return text_hash
    return _hash(text_hash, message.thread, message.position)


def held_content(content_hash: str, item_id: str, message: MessagePlace | None) -> str:
    """By what it is known whether content was there before: its hash. Of a message it is the hash
    of the whole message: equal texts of a conversation are different ones."""
    if message is None:
        return content_hash
    return _hash(content_hash, item_id, message.thread, message.position, message.speaker)


def held_contents(manifest: pa.Table) -> list[str]:
    """:func:`held_content` of every row of a manifest that has content, in their order."""
    rows = manifest.filter(pc.is_valid(manifest["content_hash"]))
    if "message" not in rows.column_names or rows["message"].null_count == rows.num_rows:
        held: list[str] = rows["content_hash"].to_pylist()
        return held
    return [held_content(row.content_hash, row.item_id, row.message) for row in decode(_Held, rows)]


@dataclass(frozen=True, slots=True)
class _Held:
    item_id: str
    content_hash: str
    message: MessagePlace | None


def _hash(*facts: object) -> str:
    return blake2b(json.dumps(facts).encode(), digest_size=_HASH_BYTES).hexdigest()
