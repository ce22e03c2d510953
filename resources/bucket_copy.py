"""A home's copy of what its store holds: written to the store first, read from the disk.

The store is the truth. What changed there is fetched when a command begins and when a claim is
taken; what changed here is stored at once (tables, batches, models, policies, states, kept
content), or when the claim is given back (pages, questions, verdicts).
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from orchestration_assets.schemas.errors import OrchestrationError, unwritable
from resources.bucket import Bucket, StoredObject
from resources.copy_index import CopyIndex, KnownFile
from resources.fact_packs import drop_stale_facts
from resources.locks import locked, make_folder
from resources.table_store import TableStore, write_atomically

_FOLDERS: Final[tuple[str, ...]] = (
    *("batches", "tables", "models", "policies", "state", "threads", "rollouts"),
    *("reports", "review", "forgotten"),
    # what people drop stays where they do until it is taken in
    "verdicts/accepted",
)
_PIECEWISE: Final = ("content", "knowledge")
"""Fetched piece by piece, when it is read."""
_LISTED: Final = (*_FOLDERS, "knowledge")
"""What is looked at with each pull: of kept content there may be too much."""
_PIECES: Final = tuple(f"{folder}/" for folder in _PIECEWISE)
# which version of a model or corpus is in force, and which parts a table has: files that are
# written over, and that name others
_IN_FORCE: Final = "/current"
_NAMES_OTHERS: Final = (_IN_FORCE, "/manifest.json", "/_parts.json")
_FORGOTTEN: Final = "forgotten/"
_REMOVALS: Final = "forgotten/removals"
"""Another one with each removal of pieces, so that other machines look which are gone."""
_UNDER_WAY: Final = b"under way "
# made by each machine for itself, out of what it has
_LOCAL: Final = ("content/unpacked/", "tables/derived/")
# made from the rest: of two machines' versions the later one stands
_DERIVED: Final = ("reports/", "review/", "verdicts/accepted/declared/")
_MARK: Final = "home"
_AT_ONCE: Final = 8
_ATTEMPTS: Final = 20
_LOOKS: Final = 3


class StoreConflictError(OrchestrationError):
    """Another machine wrote the same file meanwhile; what it wrote stands."""


class StrangeStoreError(OrchestrationError):
    """Home and store do not belong together, or the store does not know conditional writes."""


class BucketCopy:
    """The files of one home, and the bucket that they are copies from.

    Processes of one machine take turns. Methods raise StoreAwayError and UnwritableError.
    """

    def __init__(self, home: Path, bucket: Bucket, name: str) -> None:
        """``name`` tells this home from the others that use the store."""
        self.home = home
        self.bucket = bucket
        self._name = name
        # not in the cache, which may be deleted: what was removed from the store would be strange
        self._state = home / ".store"

    def write(self, path: Path, data: bytes) -> None:
        """Stores the file unless another machine did since it was fetched here.

        Raises StoreConflictError.
        """
        with self._index() as index:
            self._put(index, path, data)

    def overwrite(self, path: Path, data: bytes) -> None:
        """Stores the file over whatever version there is: for what is made from the rest."""
        with self._index() as index:
            self._put_over(index, path, data)

    def create(self, path: Path, data: bytes) -> bool:
        """Stores a file that is never written over; False when the store has one already."""
        with self._index() as index:
            etag = self.bucket.put_if_absent(self._key(path), data)
            if etag is not None:
                self._keep(index, self._key(path), StoredObject(data, etag))
        return etag is not None

    def remove(self, path: Path) -> None:
        """Removes the file here and in the store, unless another machine wrote it since.

        Raises StoreConflictError.
        """
        with self._index() as index:
            self._remove(index, self._key(path))

    def fetch(self, path: Path) -> bool:
        """Fetches one file that is not here; whether the store has it."""
        while True:
            removals = self._removals()
            stored = self.bucket.get(self._key(path))
            if stored is None:
                return False
            with self._index() as index:
                if self._removals() != removals:
                    # a pull that has removed what was forgotten may have come between: nothing
                    # would remove it again
                    continue
                # another process of this machine may have fetched it, and written it since
                if not path.exists():
                    self._keep(index, self._key(path), stored)
            return True

    def join(self, *, first: bool) -> None:
        """Makes home and store one: an empty store takes all of a home that is used with it for
        the ``first`` time, any other home must be a copy of the store already, or empty.

        Raises StrangeStoreError.
        """
        with self._index() as index:
            if index.joined():
                return
            is_ours = self.bucket.put_if_absent(_MARK, self._name.encode()) is not None
            if is_ours and first:
                self._push(index, whole=False)
            else:
                # without an index nobody knows what was removed from the store since
                self._check_stray()
            if self.bucket.put_if_absent(_MARK, b"written over") is not None:
                raise StrangeStoreError(
                    f"{self.bucket.url}: the store knows no conditional writes (If-None-Match), "
                    "so two machines would write over each other: use one that does"
                )
            index.join()

    def _check_stray(self) -> None:
        there = self._stored((*_FOLDERS, *_PIECEWISE))
        for key, _ in self._files():
            if key not in there and not key.startswith(_DERIVED):
                raise StrangeStoreError(
                    f"{self.home / key} is not from {self.bucket.url}, which holds another home: "
                    "give an empty --home, or an empty folder of the store"
                )

    def pull(self, *, whole: bool = False) -> None:
        """Fetches what is new in the store, and removes what is gone there.

        What names others is fetched after these, and what is gone is removed last: stopped at any
        moment, it leaves every table as it was before or as it is now. Kept content and knowledge
        are fetched only for the ``whole``; they are removed also when another machine removed
        some.
        """
        with self._index() as index:
            for left in reversed(range(_LOOKS)):
                known = index.all()
                looked_at, there = self._look(known, whole=whole)
                wanted = {
                    key: tag
                    for key, tag in there.items()
                    if whole or key.endswith(_IN_FORCE) or not key.startswith(_PIECES)
                }
                # what was replaced between list and fetch is told of by another list
                first = wanted.keys() - _forgotten(wanted).keys()
                if self._fetch(index, known, first, wanted) or not left:
                    break
            for key in sorted(known.keys() - there.keys(), key=_removed_after):
                if key.startswith(tuple(f"{folder}/" for folder in looked_at)):
                    _unlink(self.home / key)
                    index.forget(key)
            if looked_at != _LISTED:
                # what was derived here of what another machine removed
                drop_stale_facts(TableStore(self.home / "tables"))
            # known only when nothing of what was forgotten is here any more, and as it was then: a
            # later version tells of later removals
            self._fetch(index, known, _forgotten(there).keys(), there, as_listed=True)

    def _look(
        self, known: Mapping[str, KnownFile], *, whole: bool
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """The folders that are to be as they are in the store, and the objects there."""
        there = self._stored(_LISTED)
        tags = {key: of_file.etag for key, of_file in known.items()}
        if whole or self._removes() or _forgotten(tags) != _forgotten(there):
            return (*_FOLDERS, *_PIECEWISE), there | self._stored(_PIECEWISE)
        return _LISTED, there

    @contextmanager
    def removing(self) -> Iterator[None]:
        """All of the store is here for the block; what this removes leaves every other machine
        with its next pull, also where the block is stopped in the middle."""
        self.pull(whole=True)
        mark, name = self.home / _REMOVALS, uuid4().hex.encode()
        self.overwrite(mark, _UNDER_WAY + name)
        yield
        self.push(whole=True)
        self.overwrite(mark, name)

    def _removes(self) -> bool:
        """Whether a machine was removing pieces when this one looked last, and has not said that
        it is done."""
        return self._removals().startswith(_UNDER_WAY)

    def _removals(self) -> bytes:
        """What names the last removal of pieces that this machine knows of."""
        try:
            return (self.home / _REMOVALS).read_bytes()
        except OSError:
            return b""

    def _fetch(
        self,
        index: CopyIndex,
        known: Mapping[str, KnownFile],
        keys: Iterable[str],
        tags: Mapping[str, str],
        *,
        as_listed: bool = False,
    ) -> bool:
        """Fetches those of the objects that are not here in the same version, with ``as_listed``
        only in the version that ``tags`` has; whether all of them were still there."""
        is_all = True
        wanted = [
            key
            for key in sorted(keys, key=lambda key: (key.endswith(_NAMES_OTHERS), key))
            if key not in known or known[key].etag != tags[key] or not (self.home / key).exists()
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            # no more than these are in memory until they are written
            for start in range(0, len(wanted), _AT_ONCE):
                some = wanted[start : start + _AT_ONCE]
                for key, stored in zip(some, pool.map(self.bucket.get, some), strict=True):
                    if stored is None:
                        is_all = False
                    elif not as_listed or stored.etag == tags[key]:
                        self._keep(index, key, stored)
        return is_all

    def _stored(self, folders: Iterable[str]) -> dict[str, str]:
        """The tag of every object in the store that is a file of the home, by key."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            lists = [*pool.map(self.bucket.list, folders)]
        return {key: etag for found in lists for key, etag in found.items() if _is_copied(key)}

    def push(self, *, whole: bool = False) -> None:
        """Stores what was written or removed here by other ways than this class.

        Kept content and knowledge that are not here are removed only after the ``whole`` was
        fetched. Raises StoreConflictError.
        """
        with self._index() as index:
            self._push(index, whole=whole)

    def _push(self, index: CopyIndex, *, whole: bool) -> None:
        known = index.all()
        here = dict(self._files())
        for key in sorted(known.keys() - here.keys()):
            if whole or not key.startswith(_PIECES):
                self._remove(index, key)
        for key, state in here.items():
            before = known.get(key)
            if before is None or (before.size, before.modified_ns) != state:
                path = self.home / key
                put = self._put_over if key.startswith(_DERIVED) else self._put
                put(index, path, path.read_bytes())

    def _remove(self, index: CopyIndex, key: str) -> None:
        before = index.get(key)
        if before is not None and not self.bucket.delete_if_unchanged(key, before.etag):
            raise self._conflict(key)
        # unknown and still here, it would be taken for a new file of this machine
        _unlink(self.home / key)
        index.forget(key)

    def _conflict(self, key: str) -> StoreConflictError:
        return StoreConflictError(
            f"{key} was written to {self.bucket.url} by another machine meanwhile, and that "
            "stands: run the same command to go on from there"
        )

    def _put(self, index: CopyIndex, path: Path, data: bytes) -> None:
        key = self._key(path)
        before = index.get(key)
        if before is None:
            etag = self.bucket.put_if_absent(key, data)
        else:
            etag = self.bucket.put_if_unchanged(key, data, before.etag)
        if etag is None:
            raise self._conflict(key)
        self._keep(index, key, StoredObject(data, etag))

    def _put_over(self, index: CopyIndex, path: Path, data: bytes) -> None:
        key = self._key(path)
        before = index.get(key)
        etag = before.etag if before else None
        for _ in range(_ATTEMPTS):
            stored = (
                self.bucket.put_if_absent(key, data)
                if etag is None
                else self.bucket.put_if_unchanged(key, data, etag)
            )
            if stored is not None:
                self._keep(index, key, StoredObject(data, stored))
                return
            now = self.bucket.get(key)
            etag = now.etag if now else None
        raise StoreConflictError(
            f"{key} is written to {self.bucket.url} again and again by other machines: run the "
            "same command to go on"
        )

    def _keep(self, index: CopyIndex, key: str, stored: StoredObject) -> None:
        path = self.home / key
        if not path.is_file() or path.read_bytes() != stored.data:
            write_atomically(path, stored.data)
        status = path.stat()
        index.set(key, KnownFile(stored.etag, status.st_size, status.st_mtime_ns))

    def _files(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Every file that belongs into the store, by key, with size and time of change."""
        for folder in (*_FOLDERS, *_PIECEWISE):
            for path in sorted((self.home / folder).rglob("[!.]*")):
                key = self._key(path)
                if not _is_copied(key) or not path.is_file():
                    continue
                status = path.stat()
                yield key, (status.st_size, status.st_mtime_ns)

    def _key(self, path: Path) -> str:
        return path.relative_to(self.home).as_posix()

    @contextmanager
    def _index(self) -> Iterator[CopyIndex]:
        make_folder(self._state)
        with (
            locked(self._state / ".lock"),
            closing(sqlite3.connect(self._state / "index.db", isolation_level=None)) as connection,
        ):
            yield CopyIndex(connection)


def _is_copied(key: str) -> bool:
    """Whether an object of that key is a file of homes: others may write to the bucket too, and a
    key may be anything, such as a path out of the home or the mark of a folder."""
    plain = all(part and not part.startswith(".") for part in key.split("/"))
    return plain and not key.startswith(_LOCAL) and not key.endswith(".damaged")


def _removed_after(key: str) -> tuple[bool, bool, str]:
    """What names others goes before these; last what says that something was forgotten."""
    return key.startswith(_FORGOTTEN), not key.endswith(_NAMES_OTHERS), key


def _forgotten(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: etag for key, etag in tags.items() if key.startswith(_FORGOTTEN)}


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
