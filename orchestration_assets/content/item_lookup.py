"""Which item a person means: by its id, its address, or its path."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.source_urls import file_address
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from resources.table_store import TableStore

_STAMP: Final = "%Y%m%dT%H%M%SZ"
_STAMP_CHARACTERS: Final = 16


LOOKUP_COLUMNS: Final = ("batch", "item_id", "address", "path", "content_hash")


@dataclass(slots=True)
class ManifestItem:
    """An item as the manifests know it.

    ``versions`` maps each batch in which its content was read to the content's hash, in the
    order of the batches.
    """

    item_id: str
    address: str
    path: str
    versions: dict[str, str] = field(default_factory=dict)

    def content_at(self, when: datetime) -> str | None:
        """The content that somebody who looked at that moment saw, if that is certain.

        That is the only content that the item ever had, or the one of the latest batch that had
        been listed by then.
        """
        hashes = set(self.versions.values())
        if len(hashes) <= 1:
            return next(iter(hashes), None)
        stamp = when.astimezone(UTC).strftime(_STAMP)
        seen = [key for key in self.versions if key[:_STAMP_CHARACTERS] <= stamp]
        return self.versions[seen[-1]] if seen else None


FindItems = Callable[[Collection[str]], Mapping[str, list[ManifestItem]]]


def finder(tables: TableStore) -> FindItems:
    """A function that looks names up in every manifest of a home."""
    name = CONTENT_MANIFEST.name

    def find(names: Collection[str]) -> Mapping[str, list[ManifestItem]]:
        return find_items(names, tables.intact(name, LOOKUP_COLUMNS))

    return find


def find_items(
    names: Collection[str], manifests: Iterable[pa.Table]
) -> Mapping[str, list[ManifestItem]]:
    """Name -> every item whose id, address or path it is; names of nothing are left out.

    ``manifests`` come oldest first and need only :data:`LOOKUP_COLUMNS`. An absolute path stands
    for the address of the file there. Memory is bounded by one manifest and the items found.
    """
    aliases = {name: file_address(name) for name in names if name.startswith("/")}
    wanted = pa.array(sorted({*names, *aliases.values()}), pa.string())
    found: dict[str, ManifestItem] = {}
    for manifest in manifests:
        hit = pc.or_(
            pc.is_in(manifest["path"], wanted),
            pc.or_(pc.is_in(manifest["item_id"], wanted), pc.is_in(manifest["address"], wanted)),
        )
        for batch, item_id, address, path, held in values(manifest.filter(hit), *LOOKUP_COLUMNS):
            item = found.setdefault(item_id, ManifestItem(item_id, address, path))
            if held is not None:
                item.versions[batch] = held
    by_name: dict[str, list[ManifestItem]] = {}
    for item in found.values():
        for name in {item.item_id, item.address, item.path}:
            by_name.setdefault(name, []).append(item)
    for name, address in aliases.items():
        known = by_name.setdefault(name, [])
        known += [item for item in by_name.get(address, ()) if item not in known]
    return {name: by_name[name] for name in names if by_name.get(name)}
