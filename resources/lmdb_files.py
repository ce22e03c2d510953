"""LMDB files of a home: opened only when they are whole, set aside when they are not.

What is kept in them is derived, or may be asked for again: a damaged file makes room for an
empty one.
"""

import errno
import os
from pathlib import Path
from typing import Any, Final

import lmdb

_FILE: Final = "data.mdb"
_LOCK: Final = "lock.mdb"

# what LMDB says of a file that is no database any more, or not in every part
DAMAGE: Final = (
    lmdb.InvalidError,
    lmdb.CorruptedError,
    lmdb.VersionMismatchError,
    lmdb.PageNotFoundError,
    lmdb.PanicError,
    lmdb.BadTxnError,
    lmdb.IncompatibleError,
)

_SYSTEM: Final = (
    errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO,
    errno.EFBIG, errno.EDQUOT, errno.ENOTDIR, errno.EISDIR, errno.EPERM,
)  # fmt: skip


def as_os_error(error: Exception) -> OSError:
    """What the system refused, of an error by which LMDB says so in words."""
    if isinstance(error, OSError):
        return error
    said = str(error)
    number = next((one for one in _SYSTEM if said.endswith(os.strerror(one))), None)
    return OSError(number, os.strerror(number)) if number else OSError(said)


def open_whole(folder: Path, **options: Any) -> Any:
    """The environment in the folder.

    Raises lmdb.Error, lmdb.CorruptedError also for a file that is shorter than it says: touching
    a page beyond its end would kill the process. Raises OSError when the folder cannot be used.
    """
    file = folder / _FILE
    if file.exists() and not file.is_file():
        raise lmdb.InvalidError(f"{file} is no file")
    environment = lmdb.open(str(folder), **options)
    pages = environment.info()["last_pgno"] + 1
    if file.stat().st_size < pages * environment.stat()["psize"]:
        environment.close()
        raise lmdb.CorruptedError("the file is shorter than it says")
    return environment


def set_aside(folder: Path) -> Path:
    """Takes the database out of the way, under a name that is free; returns where it is now.

    Processes that have it open keep what they have. Raises OSError.
    """
    number = 0
    while (aside := folder / f"{_FILE}.broken{number or ''}").exists():
        number += 1
    (folder / _FILE).rename(aside)
    (folder / _LOCK).unlink(missing_ok=True)
    return aside
