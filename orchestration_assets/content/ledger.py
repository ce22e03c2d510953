"""What is known of a source, rebuilt from the batch records alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from resources.table_store import BatchStore


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """The latest that was listed at an address."""

    batch: str
    path: str
    size_bytes: int
    modified_ns: int
    gone: bool


Ledger = Mapping[str, KnownEntry]


def build_ledger(records: Iterable[tuple[str, pa.Table]], source: str) -> Ledger:
    """Address -> latest known entry of ``source``, from batch records, oldest first."""
    known: dict[str, KnownEntry] = {}
    for batch, entries in records:
        mine = entries.filter(pc.equal(entries["source"], source))
        columns = ("address", "path", "size_bytes", "modified_ns", "gone")
        for address, *rest in zip(*(mine[name].to_pylist() for name in columns), strict=True):
            known[address] = KnownEntry(batch, *rest)
    return known


def read_ledger(store: BatchStore, source: str) -> Ledger:
    """The ledger of one source as the home records it now."""
    return build_ledger(((key, store.read(key)) for key in store.recorded()), source)


def known_sources(store: BatchStore) -> list[str]:
    """Every source that batches were made from, in order of first appearance."""
    found: dict[str, None] = {}
    for key in store.recorded():
        found.update(dict.fromkeys(pc.unique(store.read(key)["source"]).to_pylist()))
    return list(found)
