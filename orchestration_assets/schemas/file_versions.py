"""Versions of files: a store's metadata as size, time and etag, the way a listing keeps them."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from orchestration_assets.schemas.listings import Version
from orchestration_assets.schemas.storable_values import INT64_MAX, INT64_MIN, fits_int64

# the smallest integer of 64 bits means "no time" to libraries that read tables
EARLIEST_NS: Final = INT64_MIN + 1
LATEST_NS: Final = INT64_MAX

# stores name the same fact differently; when it was made says least
_TIMES: Final = (
    "LastModified",
    "last_modified",
    "Last-Modified",
    "mtime",
    "modified",
    "modify",
    "modifiedTime",
    "modificationTime",
    "updated",
    "updated_at",
    "date_time",
    "created",
    "creation_time",
)
_MILLISECONDS: Final = frozenset({"modificationTime"})
_ETAGS: Final = (
    "ETag",
    "etag",
    "e_tag",
    "md5Hash",
    "md5",
    "content_md5",
    "Content-MD5",
    "Digest",
    "checksum",
    "CRC",
    "crc32c",
    "crc32",
    "sha256",
    "sha",
    "blob_id",
    "hash",
    "generation",
    "version_id",
    "VersionId",
)
# as FTP's MLSD and MDTM write a time, UTC
_DIGITS: Final = re.compile(r"(\d{14})(?:\.(\d{1,9}))?")
_ODD: Final = "modified_ns="


def version(size: Any, modified_ns: int, etag: str | None = None) -> Version:
    """A version whose numbers a table can hold.

    A time beyond 1677-2262 is clamped to the nearest that fits, and stands in the etag as it is,
    so that a change from one such time to another is still a change.
    """
    kept = min(max(modified_ns, EARLIEST_NS), LATEST_NS)
    if kept != modified_ns:
        etag = f"{_ODD}{modified_ns}" if etag is None else f"{etag} {_ODD}{modified_ns}"
    return Version(_bytes(size), kept, etag)


def odd_time(modified_ns: int, etag: str | None) -> str | None:
    """In words, that a file's time lies outside 1970-2262, and what is recorded; else None."""
    if 0 <= modified_ns < LATEST_NS:
        return None
    if EARLIEST_NS < modified_ns < 0:
        return f"its time, {_date(modified_ns)}, lies before 1970"
    recorded = re.search(f"{_ODD}(-?\\d+)$", etag or "")
    real = f", {_date(int(recorded[1]))}," if recorded else ""
    return f"its time{real} lies outside 1677-2262: recorded as {_date(modified_ns)}"


def version_of(metadata: Mapping[str, Any]) -> Version:
    """Size, modification time and etag from the metadata that a store returns for a file."""
    modified_ns, first_time = 0, ""
    for name in _TIMES:
        moment = metadata.get(name)
        if moment is None:
            continue
        first_time = first_time or f"{name}={moment}"
        modified_ns = nanoseconds(moment, 1e3 if name in _MILLISECONDS else 1.0)
        if modified_ns:
            break
    etag = next(
        (str(metadata[name]) for name in _ETAGS if metadata.get(name) not in (None, "")), None
    )
    if etag is None and not modified_ns and first_time:
        etag = first_time  # a time in a form of the store's own: when it changes, the file did
    return version(metadata.get("size"), modified_ns, etag)


def nanoseconds(moment: Any, per_second: float = 1.0) -> int:
    """Nanoseconds since 1970 of a time in any form that stores use; 0 for what is no time.

    Numbers count seconds, or parts of them of which ``per_second`` are one. Times without a zone
    are UTC.
    """
    if isinstance(moment, bytes):
        moment = moment.decode("ascii", "replace")
    if isinstance(moment, str):
        moment = _parsed(moment.strip())
    if isinstance(moment, tuple | list):
        moment = _from_parts(moment)
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        # exact to the microsecond, which a float would not be for every date
        return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    if isinstance(moment, bool) or not isinstance(moment, int | float) or not math.isfinite(moment):
        return 0
    if isinstance(moment, int):
        return int(moment * 1_000_000_000 // int(per_second))
    seconds = moment / per_second
    # a float holds no more than microseconds of a date
    return int(seconds) * 1_000_000_000 if abs(seconds) > 1e12 else round(seconds * 1e6) * 1000


def _parsed(text: str) -> datetime | float | None:
    digits = _DIGITS.fullmatch(text)
    try:
        if digits:
            fraction = timedelta(seconds=float(f"0.{digits[2] or 0}"))
            return datetime.strptime(digits[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC) + fraction
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        pass
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        pass
    try:
        return float(text)
    except ValueError:
        return None


def _from_parts(parts: Any) -> datetime | None:
    try:
        return datetime(*(int(part) for part in parts[:6]), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except (ValueError, TypeError, OverflowError):
        return None


def _bytes(size: Any) -> int:
    try:
        count = int(size or 0)
    except (ValueError, TypeError, OverflowError):
        return 0
    return count if count >= 0 and fits_int64(count) else 0


def _date(nanoseconds_: int) -> str:
    try:
        day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds_ // 1000)
    except OverflowError:
        return f"{nanoseconds_ // 1_000_000_000} s from 1970"
    return day.date().isoformat()
