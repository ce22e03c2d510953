"""A home's copy of what its store holds: written to the store first, read from the disk.

The store is the truth. What changed there is fetched when a command begins and when a claim is
taken; what changed here is stored at once (tables, batches, models, policies, states, kept
content), or when the claim is given back (pages, questions, verdicts).
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestration_assets.schemas.errors import OrchestrationError, unwritable
from resources.bucket import Bucket, StoredObject
from resources.locks import locked, make_folder
from resources.table_store import write_atomically

_FOLDERS: Final[tuple[str, ...]] = (
    *("batches", "tables", "models", "policies", "state", "threads", "rollouts"),
    *("reports", "review", "forgotten"),
    # what people drop stays where they do until it is taken in
    "verdicts/accepted",
)
_PIECEWISE: Final = ("content", "knowledge")
"""Fetched piece by piece, when it is read."""
_PIECES: Final = tuple(f"{folder}/" for folder in _PIECEWISE)
_IN_FORCE: Final = "/current"
_FORGOTTEN: Final = "forgotten/"
# made by each machine for itself, out of what it has
_LOCAL: Final = ("content/unpacked/", "tables/derived/")
# made from the rest: of two machines' versions the later one stands
_DERIVED: Final = ("reports/", "review/", "verdicts/accepted/declared/")
_MARK: Final = "home"
_AT_ONCE: Final = 8
_ATTEMPTS: Final = 20


class StoreConflictError(OrchestrationError):
    """Another machine wrote the same file meanwhile; what it wrote stands."""


class StrangeStoreError(OrchestrationError):
    """Home and store do not belong together, or the store does not know conditional writes."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The version in the store that a file here is a copy of, and how the file looked then."""

    etag: str
    size: int
    modified_ns: int


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
            _unlink(path)

    def fetch(self, path: Path) -> bool:
        """Fetches one file that is not here; whether the store has it."""
        stored = self.bucket.get(self._key(path))
        if stored is None:
            return False
        with self._index() as index:
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

        Kept content and knowledge are fetched only for the ``whole``; they are removed also when
        another machine forgot an item.
        """
        with self._index() as index:
            known, there = index.all(), self._stored(_FOLDERS)
            tags = {key: of_file.etag for key, of_file in known.items()}
            folders: tuple[str, ...] = _FOLDERS
            pieces: dict[str, str] = {}
            if whole or _forgotten(tags) != _forgotten(there):
                folders, pieces = (*_FOLDERS, *_PIECEWISE), self._stored(_PIECEWISE)
            for key in known.keys() - there.keys() - pieces.keys():
                if key.startswith(tuple(f"{folder}/" for folder in folders)):
                    _unlink(self.home / key)
                    index.forget(key)
            # which version of a corpus is in force is a file that is written over
            wanted = {key: tag for key, tag in pieces.items() if whole or key.endswith(_IN_FORCE)}
            self._fetch(index, known, there | wanted)

    def _fetch(
        self, index: "_Index", known: Mapping[str, "_Known"], there: Mapping[str, str]
    ) -> None:
        """Fetches those of the objects that are not here in the same version."""
        wanted = [
            key
            for key, etag in there.items()
            if key not in known or known[key].etag != etag or not (self.home / key).exists()
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            # a few at a time: they are held in memory until they are written
            for start in range(0, len(wanted), _AT_ONCE):
                keys = wanted[start : start + _AT_ONCE]
                for key, stored in zip(keys, pool.map(self.bucket.get, keys), strict=True):
                    if stored is not None:
                        self._keep(index, key, stored)

    def _stored(self, folders: Iterable[str]) -> dict[str, str]:
        """The tag of every object in the store that is a file of the home, by key."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            lists = [*pool.map(self.bucket.list, folders)]
        return {key: etag for found in lists for key, etag in found.items() if _is_copied(key)}

    def push(self, *, whole: bool = False) -> None:
        """Stores what was written or removed here by other ways than this class.

        Kept content and knowledge that are not here are removed only after the ``whole`` was
        fetched. Raises
        StoreConflictError.
        """
        with self._index() as index:
            self._push(index, whole=whole)

    def _push(self, index: "_Index", *, whole: bool) -> None:
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

    def _remove(self, index: "_Index", key: str) -> None:
        before = index.get(key)
        if before is not None and not self.bucket.delete_if_unchanged(key, before.etag):
            raise self._conflict(key)
        index.forget(key)

    def _conflict(self, key: str) -> StoreConflictError:
        return StoreConflictError(
            f"{key} was written to {self.bucket.url} by another machine meanwhile, and that "
            "stands: run the same command to go on from there"
        )

    def _put(self, index: "_Index", path: Path, data: bytes) -> None:
        key = self._key(path)
        before = index.get(key)
        if before is None:
            etag = self.bucket.put_if_absent(key, data)
        else:
            etag = self.bucket.put_if_unchanged(key, data, before.etag)
        if etag is None:
            raise self._conflict(key)
        self._keep(index, key, StoredObject(data, etag))

    def _put_over(self, index: "_Index", path: Path, data: bytes) -> None:
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

    def _keep(self, index: "_Index", key: str, stored: StoredObject) -> None:
        path = self.home / key
        if not path.is_file() or path.read_bytes() != stored.data:
            write_atomically(path, stored.data)
        status = path.stat()
        index.set(key, _Known(stored.etag, status.st_size, status.st_mtime_ns))

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
    def _index(self) -> Iterator["_Index"]:
        make_folder(self._state)
        with (
            locked(self._state / ".lock"),
            closing(sqlite3.connect(self._state / "index.db", isolation_level=None)) as connection,
        ):
            yield _Index(connection)


class _Index:
    """What of the store is here. Deleted, it is found out anew, unless something that is here was
    removed from the store meanwhile: then the home is refused."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(
            "CREATE TABLE IF NOT EXISTS copies"
            " (key TEXT PRIMARY KEY, etag TEXT, size INTEGER, modified_ns INTEGER)"
        )
        connection.execute("CREATE TABLE IF NOT EXISTS joined (yes INTEGER)")

    def get(self, key: str) -> _Known | None:
        row = self._connection.execute(
            "SELECT etag, size, modified_ns FROM copies WHERE key = ?", (key,)
        ).fetchone()
        return None if row is None else _Known(*row)

    def all(self) -> Mapping[str, _Known]:
        rows: Iterable[tuple[str, str, int, int]] = self._connection.execute("SELECT * FROM copies")
        return {key: _Known(etag, size, modified_ns) for key, etag, size, modified_ns in rows}

    def set(self, key: str, known: _Known) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO copies VALUES (?, ?, ?, ?)",
            (key, known.etag, known.size, known.modified_ns),
        )

    def forget(self, key: str) -> None:
        self._connection.execute("DELETE FROM copies WHERE key = ?", (key,))

    def joined(self) -> bool:
        return self._connection.execute("SELECT 1 FROM joined").fetchone() is not None

    def join(self) -> None:
        self._connection.execute("INSERT INTO joined VALUES (1)")


def _is_copied(key: str) -> bool:
    """Whether an object of that key is a file of homes: others may write to the bucket too, and a
    key may be anything, such as a path out of the home or the mark of a folder."""
    plain = all(part and not part.startswith(".") for part in key.split("/"))
    return plain and not key.startswith(_LOCAL) and not key.endswith(".damaged")


def _forgotten(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: etag for key, etag in tags.items() if key.startswith(_FORGOTTEN)}


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
