"""The root of the errors that people read: each message names what is wrong, and the remedy."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FULL: Final = "make room, and run the same command to go on"
_ALLOW: Final = "let this user read and write it, or choose another home with --home"
_REMEDIES: Final = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "allow larger files (ulimit -f), and run the same command to go on",
    errno.EROFS: "choose a home that can be written with --home",
    errno.EACCES: _ALLOW,
    errno.EPERM: _ALLOW,
    errno.EISDIR: "a folder stands where a file belongs: move it away",
    errno.ENOTDIR: "a file stands where a folder belongs: move it away",
    errno.EEXIST: "something else stands where a folder belongs: move it away",
    errno.EMFILE: "allow more open files: ulimit -n 1024",
    errno.ENFILE: "this machine has too many files open: close some",
    errno.ENOMEM: "give the process more memory (ulimit -v), or make batches smaller",
    errno.EIO: "the disk may be failing: look at it before anything else",
}


class OrchestrationError(Exception):
    """Something that a person can mend; the message is one line with the remedy.

    The command catches this class and prints the message alone, without a traceback; it then ends
    with ``exit_code``: 2 for what the caller must mend, 1 when items or steps failed.
    """

    exit_code: int = 2


class DamagedFileError(OrchestrationError):
    """A file below the home cannot be read: truncated, overwritten, or of another version."""

    def __init__(self, path: str | Path, problem: str, remedy: str) -> None:
        super().__init__(f"{path}: {' '.join(problem.split())}; {remedy}")
        self.path = Path(path)
        self.problem = problem
        self.remedy = remedy


class StoreAwayError(OrchestrationError):
    """The store of a home does not answer, or refuses; the message names it and the remedy."""


class SourceError(OrchestrationError):
    """The source cannot be listed at all; the message names it and the remedy."""


class UnwritableError(OrchestrationError, OSError):
    """A file below the home cannot be written: a full disk, no permission, a folder in its place.

    It is an OSError too, for those who go on without what they would have written.
    """


def unwritable(path: str | Path, error: OSError) -> UnwritableError:
    """The failed write of a file in one line, with what to do about it."""
    refused = UnwritableError(f"cannot write {path}: {os_problem(error)}")
    refused.errno = error.errno
    return refused


def os_problem(error: OSError) -> str:
    """What the system refused, with what to do about it; a file that it names is left out."""
    message = error.strerror or str(error)
    remedy = _REMEDIES.get(error.errno or 0, "mend it, and run the same command to go on")
    return f"{' '.join(message.split())}; {remedy}"


def error_names() -> dict[str, type[OrchestrationError]]:
    """Every error of the tree by the name of its class, as it stands in a serialised error."""
    return {kind.__name__: kind for kind in _family(OrchestrationError)}


def _family(kind: type[OrchestrationError]) -> Iterator[type[OrchestrationError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)
