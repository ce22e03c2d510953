"""What a source returns: listings and what they cover, contents of files, and versions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pyarrow as pa

from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.enums import RejectReason

# one row a listed file, sorted by address: columns, because a listing may have millions
LISTED: Final = pa.schema(
    [
        pa.field("address", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("size_bytes", pa.int64(), nullable=False),
        pa.field("modified_ns", pa.int64(), nullable=False),
        pa.field("changed_ns", pa.int64(), nullable=False),
        pa.field("etag", pa.string()),
        pa.field("problem", pa.string()),
    ]
)
_ROWS_A_CHUNK: Final = 65_536

# what a listing says it left out when the home lies inside the source
OWN_HOME: Final = "(the home)"


class ContentError(Exception):
    """One entry cannot be read; ``reason`` is its reject reason."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """One file of a listing; ``problem`` is set when it cannot be read."""

    address: str
    path: str
    size_bytes: int
    modified_ns: int
    changed_ns: int = 0
    etag: str | None = None
    problem: RejectReason | None = None


# a half-open range of relative paths in walk order; a stop of None is the end
PathRange = tuple[str, str | None]
EVERYTHING: Final[tuple[PathRange, ...]] = (("", None),)


@dataclass(frozen=True)
class Listing:
    """The entries of a source at one time, and the part of the source that they cover.

    ``began`` is when the listing began. ``entries`` has the schema LISTED. ``covered`` are the
    spans of relative paths that were walked to the end, in walk order (the plain order of the
    relative paths); ``holes`` are relative folders, with a final slash, that could not be listed.
    Absence proves something only inside the spans and outside the holes. ``resume_at`` is where
    the next listing should start when the budget ran out. ``excluded_by`` counts the files and
    folders that each pattern left out.
    """

    source: str
    began: datetime
    entries: pa.Table
    covered: tuple[PathRange, ...] = EVERYTHING
    holes: tuple[str, ...] = ()
    resume_at: str | None = None
    excluded_by: tuple[tuple[str, int], ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything was seen: then what is absent is gone."""
        return not self.holes and self.resume_at is None

    def rows(self) -> Iterator[ListedEntry]:
        """The entries one by one, for small listings."""
        return decode(ListedEntry, self.entries)

    def proves_absence(self, relative: str) -> bool:
        """Whether a relative path that is not listed is known not to be there."""
        if any(relative.startswith(hole) or relative == hole[:-1] for hole in self.holes):
            return False
        return any(
            start <= relative and (stop is None or relative < stop) for start, stop in self.covered
        )


@dataclass(frozen=True, slots=True)
class ListingTotals:
    """What is kept of a listing: how many ``entries`` it had, and what it left out.

    ``version`` is a data version: equal exactly when every entry is as it was; None where the
    listing is not complete, for a part says nothing about the version of the whole.
    """

    source: str
    entries: int
    excluded_by: tuple[tuple[str, int], ...] = ()
    resume_at: str | None = None
    version: str | None = None

    @property
    def complete(self) -> bool:
        return self.version is not None

    @property
    def excluded(self) -> int:
        return sum(count for _, count in self.excluded_by)


def listing_totals(listing: Listing) -> ListingTotals:
    """The totals of a listing."""
    version = _listing_version(listing) if listing.complete else None
    return ListingTotals(
        listing.source,
        listing.entries.num_rows,
        listing.excluded_by,
        listing.resume_at,
        version,
    )


def _listing_version(listing: Listing) -> str:
    digest = blake2b(digest_size=8)
    for name in ("address", "size_bytes", "modified_ns", "etag", "problem"):
        # not the column's buffers: what stands under a null there is left to chance
        digest.update(repr(listing.entries[name].to_pylist()).encode())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class FileContent:
    """The bytes of one file with the size and version that they were read under."""

    data: bytes
    size_bytes: int
    modified_ns: int
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """What a store says of a file without reading it."""

    size_bytes: int
    modified_ns: int
    etag: str | None = None


def refuse_too_large(size_bytes: int, max_bytes: int) -> None:
    """Raises ContentError for a file of more than ``max_bytes``."""
    if size_bytes > max_bytes:
        raise ContentError(RejectReason.TOO_LARGE, f"{size_bytes} bytes, the limit is {max_bytes}")


def make_address(source: str, relative: str) -> str:
    """The URL of a path in a source; any name, however encoded, survives the round trip."""
    if not relative:
        return source
    quoted = quote_from_bytes(relative.encode("utf-8", "surrogateescape"), safe=b"/")
    return f"{source.rstrip('/')}/{quoted}"


def relative_path(source: str, address: str) -> str:
    """The path of an address below its source, as walk order compares it; "" for the source."""
    inside = address.removeprefix(source.rstrip("/")).split("#", 1)[0].removeprefix("/")
    return unquote_to_bytes(inside).decode("utf-8", "surrogateescape")


class EntryTable:
    """Collects listed entries as columns, a chunk at a time."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, int, int, int, str | None, str | None]] = []
        self._chunks: list[pa.RecordBatch] = []

    def add(
        self,
        address: str,
        relative: str,
        version: Version,
        problem: RejectReason | None = None,
        changed_ns: int | None = None,
    ) -> None:
        """Adds a row; where a store does not tell ``changed_ns``, it is the version's time."""
        displayed_path = relative
        if not relative.isascii():
            displayed_path = relative.encode("utf-8", "surrogateescape").decode(
                "utf-8", "backslashreplace"
            )
        size_bytes, modified_ns, etag = version.size_bytes, version.modified_ns, version.etag
        changed = modified_ns if changed_ns is None else changed_ns
        self._rows.append(
            (address, displayed_path, size_bytes, modified_ns, changed, etag, problem)
        )
        if len(self._rows) >= _ROWS_A_CHUNK:
            self._flush()

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(LISTED)
        arrays = [pa.array(c, field.type) for c, field in zip(columns, LISTED, strict=True)]
        self._chunks.append(pa.RecordBatch.from_arrays(arrays, schema=LISTED))
        self._rows = []

    def table(self) -> pa.Table:
        """The collected rows, with the schema LISTED, sorted by address."""
        self._flush()
        return pa.Table.from_batches(self._chunks, LISTED).sort_by("address").combine_chunks()
