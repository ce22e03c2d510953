"""Facts derived from a batch's tables, kept beside them until one of these tables changes.

What is counted over many batches need not read those again that stand as they were. What is kept
can always be derived anew: it is no part of a backup, and whoever deletes it loses time only.
A fact is a file of its own until it is put together with others (``resources/fact_packs.py``).
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from orchestration_assets.schemas.errors import UnwritableError
from resources.fact_packs import as_fact, is_whole, packed_facts
from resources.table_store import TableStore, write_atomically


def kept_facts(
    store: TableStore,
    batch: str,
    name: str,
    tables: Sequence[str],
    derive: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """What ``derive`` makes of the ``tables`` of a batch: facts that JSON can hold.

    They are kept under ``name``, which says with its number what they are and how they are made.
    Of a store of some rows alone nothing is kept. Where one of the tables is damaged ``derive``
    raises DamagedFileError, and nothing is kept.
    """
    if not store.has_all_rows:
        return derive()
    folder = store.derived / name
    versions = {table: store.version(table, batch) for table in tables}
    for told in _kept(folder, batch):
        try:
            found = json.loads(told)
            if found["versions"] == versions and is_whole(found):
                kept: dict[str, Any] = found["facts"]
                return kept
        except (ValueError, KeyError, TypeError, RecursionError):
            pass  # not whole: derived again
    facts = derive()
    # what has changed meanwhile is derived again by the next reader
    if versions == {table: store.version(table, batch) for table in tables}:
        with contextlib.suppress(UnwritableError):
            write_atomically(folder / f"{batch}.json", as_fact(versions, facts))
    return facts


def _kept(folder: Path, batch: str) -> Iterator[str | bytes]:
    """What is kept about a batch, as JSON, which says of what its tables were then."""
    yield from packed_facts(folder, batch)
    with contextlib.suppress(OSError):
        yield (folder / f"{batch}.json").read_bytes()
