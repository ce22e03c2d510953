"""LMDB databases of a home: shared by threads, safe across forks, begun anew when damaged.

What is kept in them is derived, or may be asked for again: a damaged file makes room for an
empty one.
"""

import errno
import os
import shutil
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import lmdb

from orchestration_assets.schemas.errors import DamagedFileError, UnwritableError, unwritable
from resources.damage import notice

FILE_NAME: Final = "data.mdb"
_LOCK_NAME: Final = "lock.mdb"
_FRESH: Final = "rewritten"
_READERS: Final = 512
# one home has three; a process that goes through many homes must not run out of files
_MOST_OPEN: Final = 12

# what LMDB, or the reader of a value, says of a file that is no database any more in some part
_DAMAGE: Final = (
    lmdb.InvalidError,
    lmdb.CorruptedError,
    lmdb.VersionMismatchError,
    lmdb.PageNotFoundError,
    lmdb.PanicError,
    lmdb.BadTxnError,
    lmdb.IncompatibleError,
    struct.error,
    UnicodeDecodeError,
)
_SYSTEM: Final = (
    errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO,
    errno.EFBIG, errno.EDQUOT, errno.ENOTDIR, errno.EISDIR, errno.EPERM,
)  # fmt: skip

Result = TypeVar("Result")


class Transaction:
    """One consistent view of a database; ``trees`` are LMDB's handles by name."""

    __slots__ = ("lmdb", "trees")

    def __init__(self, transaction: Any, trees: Mapping[str, Any]) -> None:
        self.lmdb = transaction
        self.trees = trees

    def get(self, tree: str, key: bytes) -> bytes | None:
        value: bytes | None = self.lmdb.get(key, db=self.trees[tree])
        return value

    def put(self, tree: str, key: bytes, value: bytes) -> None:
        self.lmdb.put(key, value, db=self.trees[tree])

    def delete(self, tree: str, key: bytes, value: bytes = b"") -> None:
        """Deletes the value under a key, all values unless one is named."""
        self.lmdb.delete(key, value, db=self.trees[tree])

    def cursor(self, tree: str) -> Any:
        return self.lmdb.cursor(self.trees[tree])

    def values(self, tree: str, key: bytes) -> list[bytes]:
        """Everything under one key of a tree that keeps several values, in their order."""
        cursor = self.cursor(tree)
        return list(cursor.iternext_dup()) if cursor.set_key(key) else []


class LmdbDatabase:
    """Named trees in one LMDB file, for several threads and processes.

    ``trees`` gives the LMDB options of each tree by its name. A damaged file is set aside as
    ``data.mdb.broken``, and an empty one takes its place; ``on_damage`` is told so in words when
    it is found on opening. Never put it on a network file system.
    """

    def __init__(
        self,
        folder: str | Path,
        trees: Mapping[str, Mapping[str, Any]],
        map_bytes: int,
        on_damage: Callable[[str], None] = notice,
    ) -> None:
        self.folder = Path(folder).expanduser().absolute()
        self._trees = trees
        self._map_bytes = map_bytes
        self._on_damage = on_damage

    def exists(self) -> bool:
        """Whether anything was ever written. Raises OSError."""
        return self.folder in _open or (self.folder / FILE_NAME).exists()

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[Transaction]:
        """A transaction for the block; what it writes is durable when the block has ended.

        Raises DamagedFileError when the file turns out to be damaged, which is then set aside, and
        UnwritableError when the system, or LMDB, refuses.
        """
        environment = self._acquire()
        try:
            with environment.begin(write=write) as begun:
                yield Transaction(begun, environment.trees)
        except _DAMAGE as error:
            self._give_up(environment)
            raise DamagedFileError(
                self.folder / FILE_NAME,
                str(error),
                "it was set aside; run the same command to make it again",
            ) from error
        except lmdb.Error as error:
            raise unwritable(self.folder / FILE_NAME, as_os_error(error)) from error
        finally:
            with _lock:
                environment.users -= 1

    def write(self, body: Callable[[Transaction], Result]) -> Result:
        """What ``body`` does, in one transaction; done again when the map is too small for it."""
        while True:
            try:
                with self.transaction(write=True) as transaction:
                    return body(transaction)
            except UnwritableError as error:
                if not isinstance(error.__cause__, lmdb.MapFullError):
                    raise
                with _lock:
                    # another thread may have closed it since; the next transaction opens it anew
                    if (environment := _open.get(self.folder)) is not None:
                        environment.grow()

    def rewrite(self) -> None:
        """Writes everything that is there into a new file, which takes the place of this one.

        Nothing that was deleted is left in it. No other process, and no other thread, may use the
        database meanwhile. Raises DamagedFileError and UnwritableError.
        """
        fresh = self.folder / _FRESH
        shutil.rmtree(fresh, ignore_errors=True)
        with self.transaction() as transaction:
            map_bytes = (self.folder / FILE_NAME).stat().st_size * 2 + self._map_bytes
            try:
                fresh.mkdir()
                copy = _Environment(fresh, self._trees, map_bytes)
                try:
                    with copy.begin(write=True) as writing:
                        for name in self._trees:
                            # in the order of the tree: each pair is appended
                            for key, value in transaction.cursor(name):
                                writing.put(key, value, db=copy.trees[name])
                finally:
                    copy.lmdb.close()
            except (OSError, lmdb.Error) as error:
                shutil.rmtree(fresh, ignore_errors=True)
                raise unwritable(fresh, as_os_error(error)) from error
        with _lock:
            # another thread may have closed it since, as one that nobody uses
            if (environment := _open.pop(self.folder, None)) is not None:
                environment.lmdb.close()
            (fresh / FILE_NAME).replace(self.folder / FILE_NAME)
            (self.folder / _LOCK_NAME).unlink(missing_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)

    def _acquire(self) -> "_Environment":
        """The environment, with one more user. Raises UnwritableError."""
        with _lock:
            environment = _open.get(self.folder)
            if environment is not None and not environment.users and environment.is_replaced():
                # another process has rewritten it
                _open.pop(self.folder).lmdb.close()
                environment = None
            if environment is None:
                environment = self._opened()
            # the one used last stands last
            _open.pop(self.folder, None)
            _open[self.folder] = environment
            environment.users += 1
            _close_idle()
            return environment

    def _opened(self) -> "_Environment":
        file = self.folder / FILE_NAME
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                return _Environment(self.folder, self._trees, self._map_bytes)
            except _DAMAGE as error:
                aside = _set_aside(self.folder)
                self._on_damage(f"{file}: {error}; set aside as {aside.name}, begun anew")
                return _Environment(self.folder, self._trees, self._map_bytes)
        except (OSError, lmdb.Error) as error:
            raise unwritable(file, as_os_error(error)) from error

    def _give_up(self, environment: "_Environment") -> None:
        with _lock:
            if _open.get(self.folder) is not environment:
                return
            # never closed: other threads may be reading it
            _abandoned.append(_open.pop(self.folder))
        try:
            _set_aside(self.folder)
        except OSError as error:
            raise unwritable(self.folder / FILE_NAME, error) from error


class _Environment:
    """An open file; ``users`` counts the transactions that have begun and not ended."""

    def __init__(
        self, folder: Path, trees: Mapping[str, Mapping[str, Any]], map_bytes: int
    ) -> None:
        """Raises lmdb.Error, and OSError when the folder cannot be used.

        A file that may not be written can be read all the same, as in a home that is mounted
        read-only: then there are no writers to keep apart, and no lock is taken.

        Raises CorruptedError also for a file that is shorter than it says: touching a page beyond
        its end would kill the process.
        """
        self.users = 0
        file = folder / FILE_NAME
        if file.exists() and not file.is_file():
            raise lmdb.InvalidError(f"{file} is no file")
        self._refusal = _refusal(file)
        alone = {"readonly": True, "lock": False, "create": False} if self._refusal else {}
        self.lmdb = lmdb.open(
            str(folder), map_size=map_bytes, max_dbs=len(trees), max_readers=_READERS, **alone
        )
        try:
            pages = self.lmdb.info()["last_pgno"] + 1
            if file.stat().st_size < pages * self.lmdb.stat()["psize"]:
                raise lmdb.CorruptedError("the file is shorter than it says")
            self.trees = {
                name: self.lmdb.open_db(name.encode(), **options) for name, options in trees.items()
            }
        except BaseException:
            self.lmdb.close()
            raise
        self._file = file
        self._inode = file.stat().st_ino

    def is_replaced(self) -> bool:
        """Whether another file stands now where this one was opened."""
        try:
            return self._file.stat().st_ino != self._inode
        except FileNotFoundError:
            return False

    def begin(self, *, write: bool) -> Any:
        if write and self._refusal is not None:
            raise unwritable(self._file, self._refusal)
        try:
            return self.lmdb.begin(write=write)
        except lmdb.MapResizedError:
            # another process has made it larger
            self.lmdb.set_mapsize(0)
            return self.lmdb.begin(write=write)

    def grow(self) -> None:
        self.lmdb.set_mapsize(self.lmdb.info()["map_size"] * 2)


def _refusal(file: Path) -> OSError | None:
    """Why a file that is there may not be written; None where it may."""
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return error if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else None
    return None


# LMDB forbids opening one environment twice in a process
_open: Final[dict[Path, _Environment]] = {}
_abandoned: Final[list[_Environment]] = []
_lock: Final = threading.Lock()


def _close_idle() -> None:
    """Closes those that were used least recently, and by nobody now, beyond the most."""
    idle = [folder for folder, environment in _open.items() if not environment.users]
    for folder in idle[: max(len(_open) - _MOST_OPEN, 0)]:
        _open.pop(folder).lmdb.close()


def close_unused() -> None:
    """Closes what is not in use; it is opened anew when it is next needed.

    Pages that were read stay in memory for as long as their file is open. Keys are hashes: who has
    gone through those of a batch has touched pages all over files that grow with the home.
    """
    with _lock:
        _close_all_unused()


def _close_all_unused() -> None:
    for folder in [folder for folder, environment in _open.items() if not environment.users]:
        _open.pop(folder).lmdb.close()


def _before_fork() -> None:
    """Closes what is not in use: a child can neither use nor close what its parent has open.

    Both open it anew when they next need it. What another thread is using at this moment stays
    open, and its folder is refused to the child.
    """
    _lock.acquire()
    _close_all_unused()


def _after_fork_in_child() -> None:
    _abandoned.extend(_open.values())
    _open.clear()
    _lock.release()


os.register_at_fork(
    before=_before_fork, after_in_parent=_lock.release, after_in_child=_after_fork_in_child
)


def _set_aside(folder: Path) -> Path:
    """Takes the file out of the way, under a name that is free; returns where it is now.

    Processes that have it open keep what they have. Raises OSError.
    """
    number = 0
    while (aside := folder / f"{FILE_NAME}.broken{number or ''}").exists():
        number += 1
    (folder / FILE_NAME).rename(aside)
    (folder / _LOCK_NAME).unlink(missing_ok=True)
    return aside


def as_os_error(error: BaseException) -> OSError:
    """What the system refused, of an error by which LMDB says so in words."""
    if isinstance(error, OSError):
        return error
    message = str(error)
    number = next((code for code in _SYSTEM if message.endswith(os.strerror(code))), None)
    return OSError(number, os.strerror(number)) if number else OSError(message)
