"""What was removed from a home on request: how it is remembered without its content.

Below ``<home>/forgotten``: ``<item>.json`` has a mark for each content that was removed, so that
the same bytes are not taken in again; ``<item>.pending.json`` is there while the removal is not
over, with all that a process needs to go on with it.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Final

from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.tables import ManifestRow
from resources.home import Home
from resources.table_store import write_atomically

FORGOTTEN: Final = "its content was removed on request"
_MARK_BYTES: Final = 16
_BY_TEXT: Final = "#text="
_PENDING: Final = ".pending.json"


@dataclass(frozen=True, slots=True)
class PendingRemoval:
    """A removal that has begun: which contents, where their rows are, and how they are found.

    ``contents`` are hashes, ``rows`` pairs of batch and item, ``keys`` those of caches; ``pieces``
    of the content, and ``vectors`` as hex digits, are what the home is searched for at the end.
    The pieces that are ``said`` stand in answers alone, not in the content itself. By what is
    ``marked`` the contents are known when they come again. Contents that are ``shared`` are those
    of other messages, too, which stay. ``threads`` are the conversations that it was said in.
    """

    item_id: str
    contents: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    keys: tuple[str, ...]
    pieces: tuple[str, ...]
    said: tuple[str, ...]
    vectors: tuple[str, ...]
    marked: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    threads: tuple[str, ...] = ()

    @property
    def items(self) -> frozenset[str]:
        """Every item that ever held one of the contents."""
        return frozenset(item for _, item in self.rows)

    @property
    def is_message(self) -> bool:
        """Whether what goes was said in a conversation, where lines about others may show it."""
        return not set(self.marked) <= set(self.contents)


def mark_of(content_hash: str) -> str:
    """What a removed content is known by afterwards: a one-way hash of its hash, 128 bits, hex."""
    return blake2b(content_hash.encode(), digest_size=_MARK_BYTES, person=b"forgotten").hexdigest()


def forgotten_marks(home: Home) -> frozenset[str]:
    """The marks of all contents that were removed, or are about to be. Raises DamagedFileError."""
    marks: set[str] = set()
    for path in sorted(home.forgotten.glob("[!.]*.json")):
        if path.name.endswith(_PENDING):
            marks.update(map(mark_of, _read_pending(path).marked))
        else:
            marks.update(_read_marks(path))
    return frozenset(marks)


def forgotten_documents(home: Home) -> frozenset[str]:
    """The marks of all contents that no document of knowledge may have. Raises DamagedFileError.

    Beside those of :func:`forgotten_marks` these are what messages said that were forgotten.
    """
    marks = set(forgotten_marks(home))
    for path in sorted(home.forgotten.glob("[!.]*.json")):
        if path.name.endswith(_PENDING):
            marks.update(map(mark_of, _own_contents(_read_pending(path))))
        else:
            marks.update(_read_marks(path, "documents"))
    return frozenset(marks)


def _own_contents(removal: PendingRemoval) -> set[str]:
    return set(removal.contents) - set(removal.shared)


def pending_removals(home: Home) -> list[PendingRemoval]:
    """Removals that began and did not end. Raises DamagedFileError."""
    return [_read_pending(path) for path in sorted(home.forgotten.glob(f"[!.]*{_PENDING}"))]


def begin(home: Home, removal: PendingRemoval) -> Path:
    """Notes what is about to be removed: from here on a process can go on with it."""
    path = home.forgotten / f"{removal.item_id}{_PENDING}"
    write_atomically(path, json.dumps(asdict(removal)).encode())
    path.chmod(0o600)
    return path


def end(home: Home, removal: PendingRemoval) -> None:
    """Keeps the marks of what was removed, and nothing else."""
    path = home.forgotten / f"{removal.item_id}.json"
    before = _read_marks(path) if path.exists() else []
    marks = {*before, *map(mark_of, removal.marked)}
    told = {*_read_marks(path, "documents")} if path.exists() else set()
    told |= set(map(mark_of, _own_contents(removal)))
    stated = {"contents": sorted(marks), "documents": sorted(told - marks)}
    write_atomically(path, json.dumps(stated).encode())
    (home.forgotten / f"{removal.item_id}{_PENDING}").unlink(missing_ok=True)


def is_forgotten_item(home: Home, item_ids: Iterable[str]) -> bool:
    """Whether contents of one of the items were removed before."""
    return any((home.forgotten / f"{item_id}.json").exists() for item_id in item_ids)


def forgotten_row(row: ManifestRow) -> ManifestRow:
    """The row of an entry whose content is removed: it stays in the count, with nothing of it."""
    address, path = nameless(row.item_id, row.address, row.path)
    return replace(
        row,
        address=address,
        path=path,
        outcome=EntryOutcome.FORGOTTEN,
        reason=None,
        detail=FORGOTTEN,
        computed_as=None,
        content_hash=None,
        encoding=None,
        encoding_from=None,
        kept=False,
        metadata=(),
        message=None,
    )


def nameless(item_id: str, address: str, path: str) -> tuple[str, str]:
    """Address and path without what a record says: its text's hash, and the name that it gives.

    A file keeps both: they say where it is, and a record keeps the id that it is known by.
    """
    file, mark, _ = address.partition("#")
    if not mark:
        return address, path
    kept = f"{file}#item={item_id}" if _BY_TEXT in address else address
    return kept, f"{file.rpartition('/')[2]}#item={item_id}"


def _read_marks(path: Path, of: str = "contents") -> list[str]:
    try:
        stated = json.loads(path.read_bytes())
        # what was forgotten with an earlier version says nothing of documents
        return list(map(str, stated["contents"] if of == "contents" else stated.get(of, ())))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(
            path, f"cannot be read ({error})", "restore it: removed content would come back"
        ) from error


def _read_pending(path: Path) -> PendingRemoval:
    try:
        stored = json.loads(path.read_bytes())
        return PendingRemoval(
            item_id=str(stored["item_id"]),
            contents=tuple(map(str, stored["contents"])),
            rows=tuple((str(batch), str(item)) for batch, item in stored["rows"]),
            names=tuple(map(str, stored["names"])),
            keys=tuple(map(str, stored["keys"])),
            pieces=tuple(map(str, stored["pieces"])),
            said=tuple(map(str, stored["said"])),
            vectors=tuple(map(str, stored["vectors"])),
            # removals that began with an earlier version know of no messages
            marked=tuple(map(str, stored.get("marked", stored["contents"]))),
            shared=tuple(map(str, stored.get("shared", ()))),
            threads=tuple(map(str, stored.get("threads", ()))),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(
            path, f"cannot be read ({error})", "delete it, and forget the item again"
        ) from error
