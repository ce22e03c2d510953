"""In which batches a name may stand, be it an item's id, its path or its address.

Kept beside each manifest is a Bloom filter (B. Bloom, Space/time trade-offs in hash coding with
allowable errors, 1970) over the names in it: one that it does not hold stands there for certain
not, and one in a hundred that it does hold stands there all the same not.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from resources.damage import leaving_out_damage
from resources.derived_facts import kept_facts
from resources.table_store import TableMissingError, TableStore

# another number where names are told in another way
_FACTS: Final = "item_names_1"
_COLUMNS: Final = ("item_id", "path", "address")
_BITS_PER_NAME: Final = 10
_PROBES: Final = 7
_FEWEST_BITS: Final = 512
"""Fewer would say of too many names that they may be there."""


def name_filter(names: Iterable[str]) -> dict[str, Any]:
    """A filter over the names, as JSON holds it."""
    hashes = np.array([_hashes(name) for name in set(names)], dtype=np.uint64).reshape(-1, 2)
    size = max(_FEWEST_BITS, _BITS_PER_NAME * len(hashes))
    bits = np.zeros(size, dtype=np.bool_)
    for probe in range(_PROBES):
        bits[(hashes[:, 0] + np.uint64(probe) * hashes[:, 1]) % np.uint64(size)] = True
    return {"size": size, "bits": b64encode(np.packbits(bits).tobytes()).decode()}


def may_hold(found: dict[str, Any], name: str) -> bool:
    """Whether the name may be one of those that the filter was made of; of what is no filter,
    whatever a file held, it may."""
    begin, step = _hashes(name)
    try:
        size, bits = int(found["size"]), b64decode(found["bits"])
        places = ((begin + probe * step) % size for probe in range(_PROBES))
        return all(bits[place // 8] & (128 >> place % 8) for place in places)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return True


def _hashes(name: str) -> tuple[int, int]:
    # half of 64 bits each: their sums stay within 64
    whole = int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())
    return whole >> 32, whole & 0xFFFFFFFF


def batches_naming(tables: TableStore, name: str, table: str) -> Iterator[str]:
    """The batches with such a table whose manifest may name an item so, the newest first; also
    those whose manifest cannot be read."""
    for batch in reversed(tables.batches(table)):
        try:
            found = _of_batch(tables, batch)
        except (DamagedFileError, TableMissingError):
            yield batch
        else:
            if may_hold(found, name):
                yield batch


def keep_name_filters(tables: TableStore) -> None:
    """Makes the filters of manifests that are new or were made again."""
    for batch in tables.batches(CONTENT_MANIFEST.name):
        with leaving_out_damage():
            _of_batch(tables, batch)


def _of_batch(tables: TableStore, batch: str) -> dict[str, Any]:
    def derive() -> dict[str, Any]:
        manifest = tables.read(CONTENT_MANIFEST.name, batch, _COLUMNS)
        return name_filter(name for column in _COLUMNS for name in manifest[column].to_pylist())

    return kept_facts(tables, batch, _FACTS, (CONTENT_MANIFEST.name,), derive)
