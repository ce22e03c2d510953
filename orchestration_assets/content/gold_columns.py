"""Gold that content brings along: a metadata column of record files that holds the right answer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa

from orchestration_assets.content.verdicts import FieldError, VerdictContext, verdict_row
from orchestration_assets.schemas.decoding import column_names, decode
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, Metadatum
from orchestration_assets.schemas.verdicts import VERDICTS, VerdictRow
from resources.damage import leaving_out_damage
from resources.table_store import TableStore, parquet_bytes, write_atomically

_STAMP: Final = "%Y%m%dT%H%M%SZ"
_STAMP_CHARACTERS: Final = 16
_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class DeclaringRow:
    """The columns of a manifest that may declare verdicts about an item."""

    item_id: str
    path: str
    content_hash: str | None
    computed_as: str | None
    metadata: tuple[Metadatum, ...]


@dataclass(slots=True)
class DeclaredGold:
    """Verdicts that columns declare; how many values are no answer to their task, with examples."""

    verdicts: list[VerdictRow] = field(default_factory=list)
    unusable: int = 0
    examples: list[str] = field(default_factory=list)


def declared_verdicts(
    manifests: Iterable[tuple[str, pa.Table]], rules: VerdictContext
) -> DeclaredGold:
    """A verdict wherever the declared value of an item changes; manifests come oldest first.

    A value counts as said when its batch was listed, so that a person who judged the item later
    has the last word. Values that do not answer their task are counted, not taken.
    """
    columns = {name: task.gold for name, task in rules.tasks.items() if task.gold is not None}
    declared = DeclaredGold()
    latest: dict[tuple[str, str], str] = {}
    for batch, manifest in manifests if columns else ():
        said_at = datetime.strptime(batch[:_STAMP_CHARACTERS], _STAMP).replace(tzinfo=UTC)
        for number, row, task, value in _values(manifest, columns):
            if latest.get((row.item_id, task)) == value:
                continue
            latest[row.item_id, task] = value
            place = f"{batch}: column {columns[task]}"
            try:
                verdict = verdict_row(
                    place,
                    number,
                    row.item_id,
                    row.path,
                    row.content_hash,
                    task,
                    value,
                    said_at,
                    rules,
                )
            except Exception as error:  # noqa: BLE001 -- no value may keep the others from gold
                declared.unusable += 1
                if len(declared.examples) < _EXAMPLES:
                    declared.examples.append(_words(row.path, task, error))
            else:
                declared.verdicts.append(verdict)
    return declared


def _words(path: str, task: str, error: Exception) -> str:
    kind = "" if isinstance(error, FieldError) else f"{type(error).__name__}: "
    return f"{path}, task {task}: {kind}{error}"


def _values(
    manifest: pa.Table, columns: Mapping[str, str]
) -> Iterator[tuple[int, DeclaringRow, str, str]]:
    """Row number, row, task and value of each declared answer that is not empty."""
    for number, row in enumerate(decode(DeclaringRow, manifest), 1):
        if row.computed_as is None:
            continue
        held = {one.name: one.value for one in row.metadata}
        for task, column in columns.items():
            if held.get(column, "").strip():
                yield number, row, task, held[column]


def _manifests(tables: TableStore, batches: Iterable[str]) -> Iterator[tuple[str, pa.Table]]:
    for batch in batches:
        with leaving_out_damage():
            yield batch, tables.read(CONTENT_MANIFEST.name, batch, column_names(DeclaringRow))


def keep_declared(tables: TableStore, accepted: Path, rules: VerdictContext) -> DeclaredGold:
    """Reads every manifest, and keeps what is declared beside the accepted verdict files."""
    name = CONTENT_MANIFEST.name
    batches = tables.batches(name)
    declared = declared_verdicts(_manifests(tables, batches), rules)
    path = accepted / "declared" / "verdicts.parquet"
    if declared.verdicts or path.exists():
        write_atomically(path, parquet_bytes(rows_to_arrow(VERDICTS, declared.verdicts)))
    return declared
