"""Making the manifest of a batch against all that is known: the shell around ``settle``."""

from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

import pyarrow as pa

from orchestration_assets.content.batches import item_id
from orchestration_assets.content.content_reader import open_unpacked
from orchestration_assets.content.forgotten import forgotten_marks, mark_of
from orchestration_assets.content.known_pieces import StandingRecords
from orchestration_assets.content.ledger import read_ledger
from orchestration_assets.content.manifest import ExaminedEntry, examine, file_version, settle
from orchestration_assets.content.message_places import held_content
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.listings import FileContent, Version
from orchestration_assets.schemas.policy import Content
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    BATCH_ENTRIES,
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    DISAGREEMENT_REPORT,
    EntryRow,
    ManifestRow,
)
from resources.content_index import ContentIndex, Holding
from resources.content_source import Source, open_source
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableMissingError


class BatchReading:
    """How the entries of one batch are read: from their source, within the policy's limits."""

    def __init__(self, home: Home, source: Source, *, keeps: bool) -> None:
        self._store = home.content
        self._source = source
        self._keeps = keeps
        self._forgotten = forgotten_marks(home)

    def read(self, address: str, max_bytes: int) -> FileContent:
        return self._source.read(address, max_bytes)

    def version(self, address: str) -> Version:
        return self._source.version(address)

    def records(self, entry: EntryRow) -> BinaryIO:
        if entry.unpacked_as is not None:
            return open_unpacked(self._store, entry.unpacked_as)
        return self._source.open(entry.file)

    def keep(self, content_hash: str, data: bytes) -> bool:
        if self._keeps:
            self._store.keep(content_hash, data)
        return self._keeps

    def is_forgotten(self, content_hash: str) -> bool:
        return bool(self._forgotten) and mark_of(content_hash) in self._forgotten


def make_manifest(home: Home, batch: str, content: Content, progress: Progress) -> pa.Table:
    """The manifest of a recorded batch.

    Batches are settled one at a time, across processes: content that two of them hold is accepted
    once. Raises SourceError when the source cannot be reached, TableMissingError when the batch
    was never recorded.
    """
    entries = entries_of(home, batch)
    source_url = entries[0].source
    source = open_source(source_url, read_seconds=content.read_s, measured_bytes=content.max_bytes)
    reading = BatchReading(home, source, keeps=content.keep)
    progress.stage("reading", len(entries))
    examined: list[ExaminedEntry] = []
    for entry in entries:
        examined += examine(entry, reading, content.max_bytes)
        progress.advance(1)
    home.series.await_earlier(batch, CONTENT_MANIFEST.name)
    index = complete_index(home, batch)
    ledger = read_ledger(home, source_url)
    gone = ledger.gone_files()
    standing = StandingRecords(ledger.pieces(entry.file for entry in entries if entry.records))
    rows = index.settle(
        batch,
        lambda known: settle(batch, examined, known, lambda file: file in gone, standing.holds),
    )
    return rows_to_arrow(CONTENT_MANIFEST, rows)


def entries_of(home: Home, batch: str) -> list[EntryRow]:
    """The entries of a recorded batch. Raises TableMissingError when it was never recorded."""
    return list(BATCH_ENTRIES.rows(home.batches.read(batch)))


def complete_index(home: Home, batch: str | None = None) -> ContentIndex:
    """The content index, with every manifest but that of ``batch`` in it.

    Manifests are there and not in the index when the cache was deleted.
    """
    index = home.content_index
    included = index.included()
    for earlier in home.tables.batches(CONTENT_MANIFEST.name):
        if earlier not in included and earlier != batch:
            # what is damaged is not known: its content is computed again when it comes again
            with leaving_out_damage(), suppress(TableMissingError):
                index.include(earlier, list(holdings_of(home, earlier)))
    return index


def holdings_of(home: Home, batch: str) -> Iterator[Holding]:
    """What a stored manifest says its items held.

    Raises DamagedFileError when the batch record is not the one that the manifest was made of.
    """
    entries = {entry.item_id: entry for entry in entries_of(home, batch)}
    # of a finished batch that was tidied nothing is left but its manifest and its totals
    has_results = home.tables.exists(CONTENT_PROFILES.name, batch) or not home.tables.exists(
        DISAGREEMENT_REPORT.name, batch
    )
    manifest = home.tables.read(CONTENT_MANIFEST.name, batch)
    for row in CONTENT_MANIFEST.rows(manifest):
        entry = entries.get(row.entry_id)
        if entry is None:
            raise home.batches.foreign(batch)
        if row.record_count is not None:
            continue
        yield Holding(
            row.item_id,
            item_id(entry.file),
            file_version(entry),
            row.record.start if row.record else 0,
            _held(row),
            row.outcome is EntryOutcome.ACCEPTED and has_results,
        )


def _held(row: ManifestRow) -> str | None:
    if row.computed_as is None or row.content_hash is None:
        return None
    return held_content(row.content_hash, row.item_id, row.message)
