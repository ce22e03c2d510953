"""What stands of record tasks, as people saw it when they judged single entries of it."""

from collections.abc import Callable
from typing import Final

import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.record_answers import RecordAnswer, record_of
from orchestration_assets.schemas.tables import RESOLUTIONS
from resources.damage import leaving_out_damage
from resources.table_store import TableStore

FindStanding = Callable[[str, str, str | None, str | None], RecordAnswer | None]
"""From item, task, content hash and sheet (None where not known) to the record that stands."""

_COLUMNS: Final = ("item_id", "task", "content_hash", "answer_record")


def standing_finder(tables: TableStore) -> FindStanding:
    """A function that looks into the resolutions of a home: first those of the batch whose sheet
    is named, then the latest about this content."""
    read: dict[str, dict[tuple[str, str], tuple[str, str]]] = {}

    def of_batch(batch: str) -> dict[tuple[str, str], tuple[str, str]]:
        if batch not in read:
            read[batch] = _records(tables, batch)
        return read[batch]

    def find(
        item_id: str, task: str, content_hash: str | None, sheet: str | None
    ) -> RecordAnswer | None:
        asked_in = sheet.rpartition("/")[0] if sheet else None
        stored = tables.batches(RESOLUTIONS.name)
        for batch in sorted(stored, key=lambda one: (one == asked_in, one), reverse=True):
            held = of_batch(batch).get((item_id, task))
            if held is not None and content_hash in (None, held[0]):
                return record_of(held[1])
        return None

    return find


def _records(tables: TableStore, batch: str) -> dict[tuple[str, str], tuple[str, str]]:
    """(item, task) -> content hash, and the record that stands as JSON."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    with leaving_out_damage():
        rows = tables.read(RESOLUTIONS.name, batch, list(_COLUMNS))
        for item, task, content, record in values(
            rows.filter(pc.is_valid(rows["answer_record"])), *_COLUMNS
        ):
            found[item, task] = content, record
    return found
