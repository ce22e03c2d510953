"""Which items each manifest names, as numbers that are kept beside it.

What is asked of all manifests (how many items there are, whether one was there before) is answered
without reading them again.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from resources.derived_facts import kept_facts
from resources.table_store import TableStore

# another number where items are told in another way
_FACTS: Final = "manifest_items_1"
_FILES: Final = "manifest_files_1"
_COLUMNS: Final = ("item_id", "address", "outcome", "record_count")
_DIGITS: Final = 16
_NUMBERS: Final = np.dtype("<u8")

Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class ManifestItems:
    """The items of a manifest: ``numbers`` (n,) of their ids, ascending, each once; ``files``, the
    addresses of those files that some of them are records of, ascending."""

    numbers: Numbers
    files: tuple[str, ...]


def items_of(rows: pa.Table) -> pa.ChunkedArray:
    """Which rows of manifests are of one item, not of a record file or a part of it."""
    is_file = pc.equal(rows["outcome"], EntryOutcome.UNPACKED)
    return pc.invert(pc.or_(is_file, pc.is_valid(rows["record_count"])))


def item_numbers(ids: pa.Array | pa.ChunkedArray) -> Numbers:
    """(n,) the ids as the numbers that they are, in the same order: 64 bits in hexadecimal digits,
    so that numbers are ordered as ids are. Raises ValueError where one is no such id."""
    chunks = ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]
    numbers = np.concatenate([np.zeros(0, np.uint64), *map(_numbers_of, chunks)])
    if len(numbers) != len(ids):
        raise ValueError("not every id has hexadecimal digits only")
    return numbers


def _numbers_of(ids: pa.Array) -> Numbers:
    lengths = pc.min_max(pc.binary_length(ids)).as_py()
    if len(ids) and (ids.null_count or lengths != {"min": _DIGITS, "max": _DIGITS}):
        raise ValueError(f"not every id has {_DIGITS} digits")
    if not len(ids):
        return np.zeros(0, np.uint64)
    # the digits of all of them lie together
    _, offsets, characters = ids.buffers()
    begin = int(np.frombuffer(offsets, np.int32)[ids.offset])
    digits = characters.slice(begin, len(ids) * _DIGITS)
    return np.frombuffer(bytes.fromhex(str(memoryview(digits), "ascii")), ">u8").astype(np.uint64)


def distinct(numbers: Sequence[Numbers]) -> int:
    """How many different numbers there are in all of these."""
    # most of them come in order, which a stable sort makes use of
    together = np.sort(np.concatenate([np.zeros(0, np.uint64), *numbers]), kind="stable")
    return int(np.count_nonzero(np.diff(together))) + bool(len(together))


def manifest_items(tables: TableStore, batch: str) -> ManifestItems:
    """The items of the batch's manifest. Raises TableMissingError and DamagedFileError."""

    def derive() -> dict[str, Any]:
        manifest = tables.read(CONTENT_MANIFEST.name, batch, _COLUMNS)
        rows = manifest.filter(items_of(manifest))
        numbers = np.sort(_any_numbers(rows["item_id"]))
        packed = numbers[np.diff(numbers, prepend=~numbers[:1]) != 0].astype(_NUMBERS).tobytes()
        records = rows.filter(pc.match_substring(rows["address"], "#"))["address"]
        # the part after # names a record of the file
        files = pc.unique(pc.list_element(pc.split_pattern(records, "#"), 0)).to_pylist()
        return {"numbers": b64encode(packed).decode(), "files": sorted(files)}

    found = kept_facts(tables, batch, _FACTS, (CONTENT_MANIFEST.name,), derive)
    numbers = np.frombuffer(b64decode(found["numbers"]), _NUMBERS).astype(np.uint64)
    return ManifestItems(numbers, tuple(found["files"]))


def manifest_files(tables: TableStore, batch: str) -> tuple[str, ...]:
    """The files of :func:`manifest_items` alone. Raises TableMissingError and DamagedFileError."""

    def derive() -> dict[str, Any]:
        return {"files": list(manifest_items(tables, batch).files)}

    found = kept_facts(tables, batch, _FILES, (CONTENT_MANIFEST.name,), derive)
    return tuple(found["files"])


def _any_numbers(ids: pa.ChunkedArray) -> Numbers:
    """A number for each id, also for one of another kind: 64 bits of its hash."""
    try:
        return item_numbers(ids)
    except ValueError:
        hashes = [blake2b(one.encode(), digest_size=8).digest() for one in ids.to_pylist()]
        return np.frombuffer(b"".join(hashes), _NUMBERS).astype(np.uint64)
