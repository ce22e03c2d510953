"""Facts derived from a batch's tables, kept beside them until one of these tables changes.

What is counted over many batches need not read those again that stand as they were. What is kept
can always be derived anew: it is no part of a backup, and whoever deletes it loses time only.
"""

import contextlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from orchestration_assets.schemas.errors import UnwritableError
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
    path = store.derived / name / f"{batch}.json"
    versions = {table: store.version(table, batch) for table in tables}
    try:
        found = json.loads(path.read_bytes())
        if found["versions"] == versions:
            facts: dict[str, Any] = found["facts"]
            return facts
    except (OSError, ValueError, KeyError, TypeError):
        pass  # missing, or not whole: derived again
    facts = derive()
    # what has changed meanwhile is derived again by the next reader
    if versions == {table: store.version(table, batch) for table in tables}:
        with contextlib.suppress(UnwritableError):
            write_atomically(path, json.dumps({"versions": versions, "facts": facts}).encode())
    return facts
