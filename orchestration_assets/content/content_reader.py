"""Reading accepted items again, verified against the hash that the manifest recorded."""

import csv
from functools import lru_cache
from typing import Any, BinaryIO, Final

from orchestration_assets.content.csv_records import csv_fields, field_text
from orchestration_assets.content.json_records import RepeatedKeyError, json_columns
from orchestration_assets.content.manifest import content_hash
from orchestration_assets.content.moved_records import MovedRecords
from orchestration_assets.content.parquet_records import ParquetTexts
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import AcceptedItem, RecordPlace
from orchestration_assets.text.encodings.detection import decode_text
from resources.content_source import Source, open_source
from resources.content_source.source import READ_SECONDS
from resources.content_store import ContentStore
from resources.home import Home

# records of a batch lie close together in their file, and are asked for in another order
_BLOCK_BYTES: Final = 1 << 16
_BLOCKS_HELD: Final = 64
# a batch may hold records of more files than a process may have open, and several readers read it
_FILES_HELD: Final = 32


class SupersededError(OrchestrationError):
    """The content is no longer what the manifest recorded; it comes again in a later batch."""


class ContentReader:
    """Reads the items of one batch again, from their source or from what the home keeps.

    Made from plain values, so that a worker on another machine can make its own. Use it as a
    context manager: it keeps record files open.
    """

    def __init__(self, home: Home, source: str, read_seconds: float = READ_SECONDS) -> None:
        self._store = home.content
        self._address = source
        self._read_seconds = read_seconds
        self._moved = MovedRecords(home, source)
        self._opened: Source | None = None
        self._streams: dict[tuple[str, str | None], BinaryIO] = {}
        self._parquet: dict[tuple[str, str], ParquetTexts] = {}
        self._block = lru_cache(maxsize=_BLOCKS_HELD)(self._read_block)

    def __enter__(self) -> "ContentReader":
        return self

    def __exit__(self, *error: object) -> None:
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()
        self._block.cache_clear()
        self._parquet.clear()
        if self._opened is not None:
            self._opened.close()

    def text(self, row: AcceptedItem) -> str:
        """The decoded content of an accepted manifest row.

        A record that an edit of its file has moved since is read from where it is now. Raises
        SupersededError when it has changed or vanished since the manifest, and ContentError when it
        cannot be read.
        """
        try:
            return self._text(row)
        except SupersededError:
            moved = self._moved.find(row)
            if moved is None:
                raise
            return self._text(moved)

    def _text(self, row: AcceptedItem) -> str:
        try:
            data = self._bytes(row)
        except ContentError as error:
            if error.reason in (RejectReason.VANISHED, RejectReason.TOO_LARGE):
                raise SupersededError("changed or removed after the manifest was made") from error
            raise
        if data is None or content_hash(data) != row.content_hash:
            raise SupersededError("changed after the manifest was made")
        return decode_text(data, "utf-8" if row.record else row.encoding)

    @property
    def _source(self) -> Source:
        # opened at the first need: what is kept is read even when the source is gone
        if self._opened is None:
            self._opened = open_source(self._address, read_seconds=self._read_seconds)
        return self._opened

    def _bytes(self, row: AcceptedItem) -> bytes | None:
        """The bytes that the hash is over: of a record, its text as UTF-8."""
        if row.kept:
            kept = self._store.kept(row.content_hash)
            if kept is not None:
                return kept
        place = row.record
        if place is None:
            return self._source.read(row.address, row.size_bytes).data
        if place.format == "parquet":
            texts = self._texts(place.file, place.field)
            text = texts.text(place.start, row.size_bytes)
            return None if text is None else whole_text(text).encode()
        return _record_text(self._range(place), place, row.encoding)

    def _range(self, place: RecordPlace) -> bytes:
        """The bytes of a record; fewer where its file is shorter now."""
        if place.stop - place.start > _BLOCK_BYTES:
            stream = self._stream(place.file, place.unpacked_as)
            stream.seek(place.start)
            return stream.read(place.stop - place.start)
        first, last = place.start // _BLOCK_BYTES, (place.stop - 1) // _BLOCK_BYTES
        data = self._block(place.file, place.unpacked_as, first)
        if last > first:
            data += self._block(place.file, place.unpacked_as, last)
        begin = place.start - first * _BLOCK_BYTES
        return data[begin : begin + place.stop - place.start]

    def _read_block(self, file: str, unpacked_as: str | None, number: int) -> bytes:
        stream = self._stream(file, unpacked_as)
        stream.seek(number * _BLOCK_BYTES)
        return stream.read(_BLOCK_BYTES)

    def _stream(self, file: str, unpacked_as: str | None) -> BinaryIO:
        key = file, unpacked_as
        stream = self._streams.pop(key, None)
        if stream is None:
            while len(self._streams) >= _FILES_HELD:
                self._let_go(next(iter(self._streams)))
            stream = (
                open_unpacked(self._store, unpacked_as) if unpacked_as else self._source.open(file)
            )
        # the one that was not asked for the longest comes first
        self._streams[key] = stream
        return stream

    def _let_go(self, key: tuple[str, str | None]) -> None:
        file, _ = key
        for one in [one for one in self._parquet if one[0] == file]:
            del self._parquet[one]
        self._streams.pop(key).close()

    def _texts(self, file: str, column: str) -> ParquetTexts:
        stream, key = self._stream(file, None), (file, column)
        if key not in self._parquet:
            self._parquet[key] = ParquetTexts(stream, column)
        return self._parquet[key]


def open_unpacked(store: ContentStore, name: str) -> BinaryIO:
    """The plain copy of a packed file. Raises ContentError when it is no longer kept."""
    try:
        return store.unpacked(name).open("rb")
    except FileNotFoundError as error:
        raise ContentError(RejectReason.VANISHED, "its plain copy is gone from the home") from error


def _record_text(data: bytes, place: RecordPlace, encoding: str) -> bytes | None:
    """The text in the bytes of a record as UTF-8; None when they are no such record any more.

    It is read as it was read for the manifest, by the same functions.
    """
    text: Any = None
    try:
        if place.format == "jsonl":
            found = json_columns(data, (place.field,))
            text = None if found is None else found.get(place.field)
        else:
            fields = csv_fields(data, place.delimiter)
            column = int(place.field)
            text = field_text(fields[column], encoding)[0] if column < len(fields) else None
    except (ValueError, RecursionError, RepeatedKeyError, csv.Error):
        return None
    return whole_text(text).encode() if isinstance(text, str) else None
