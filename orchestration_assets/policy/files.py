"""Reading a policy file: only regular files of a bounded size, in a Unicode encoding."""

import codecs
import os
import stat
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 1024 * 1024
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# a pipe without a writer would be waited for
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class UnreadableError(ValueError):
    """The file cannot be read as text; the message says why and what to do."""


def read_text(path: str | Path, max_bytes: int = MAX_BYTES) -> str:
    """The text of a file of at most ``max_bytes`` bytes. Raises UnreadableError; never waits."""
    try:
        # looked at first: opening a device may do something
        _require_regular(os.stat(path).st_mode)  # noqa: PTH116 -- Path refuses some late
        with open(os.open(path, _FLAGS), "rb") as stream:  # noqa: PTH123 -- from a descriptor
            _require_regular(os.fstat(stream.fileno()).st_mode)
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError("cannot be read: its name holds a NUL") from error
    if len(data) > max_bytes:
        raise UnreadableError(
            f"is larger than {max_bytes} bytes: a policy is a short text, and content does not "
            "belong into it"
        )
    return decode_text(data)


def _require_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise UnreadableError("cannot be read: it is a folder; name a file in it")
    if not stat.S_ISREG(mode):
        raise UnreadableError(
            "cannot be read: it is a pipe or device, and a policy is read more than once; save it "
            "as a file"
        )


def decode_text(data: bytes) -> str:
    """UTF-8, or UTF-16 and UTF-32 with a byte order mark. Raises UnreadableError."""
    mark, encoding = next((m for m in _MARKS if data.startswith(m[0])), (b"", "utf-8"))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        words = f"byte {error.start + len(mark)} is not {encoding.upper()}: save it as UTF-8"
        raise UnreadableError(f"cannot be read: {words}") from error
    if "\0" in text:
        raise UnreadableError(
            "cannot be read: it holds NUL bytes, as UTF-16 without a byte order mark does; save "
            "it as UTF-8"
        )
    return text
