"""Where records stand now that stood elsewhere in their file when a batch accepted them.

An edit moves all records behind it. Their files were read again since: a later batch has each as
unchanged, with its new place.
"""

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.ledger import Ledger, read_ledger
from orchestration_assets.schemas.decoding import column_names, decode
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, AcceptedItem, RecordPlace
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableMissingError


@dataclass(frozen=True, slots=True)
class _Row:
    """The columns of a manifest that tell where a record stands; all are null of what has none."""

    item_id: str
    entry_id: str
    content_hash: str | None
    encoding: str | None
    kept: bool
    record: RecordPlace | None


class MovedRecords:
    """The records of one source in the latest versions of their files, looked up when needed."""

    def __init__(self, home: Home, source: str) -> None:
        self._home = home
        self._source = source
        self._files: dict[str, dict[tuple[str, str], _Row]] = {}

    def find(self, row: AcceptedItem) -> AcceptedItem | None:
        """The same record with the same content at its present place; None for none, or where it
        is there still. Of what is damaged nothing is known, and it is said."""
        if row.record is None:
            return None
        found: _Row | None = None
        with leaving_out_damage():
            found = self._records(row.record.file).get((row.item_id, row.content_hash))
        if found is None or found.record is None or found.encoding is None:
            return None
        if found.record == row.record:
            return None
        return AcceptedItem(
            row.item_id,
            row.address,
            row.path,
            row.content_hash,
            row.size_bytes,
            found.encoding,
            found.kept,
            found.record,
        )

    @cached_property
    def _ledger(self) -> Ledger:
        return read_ledger(self._home, self._source)

    def _records(self, file: str) -> dict[tuple[str, str], _Row]:
        if file not in self._files:
            entries: dict[str, set[str]] = {}
            for piece in self._ledger.pieces([file]).get(file, ()):
                if piece.standing:
                    entries.setdefault(piece.batch, set()).add(piece.entry_id)
            self._files[file] = {
                (row.item_id, row.content_hash): row
                for batch in sorted(entries)
                for row in self._rows(batch, entries[batch])
                if row.content_hash is not None
            }
        return self._files[file]

    def _rows(self, batch: str, entries: set[str]) -> list[_Row]:
        with leaving_out_damage():
            try:
                data = self._home.tables.read(CONTENT_MANIFEST.name, batch, column_names(_Row))
            except TableMissingError:
                return []
            of_file = pc.is_in(data["entry_id"], pa.array(sorted(entries), pa.string()))
            return list(decode(_Row, data.filter(of_file)))
        return []
