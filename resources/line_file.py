"""A file of lines that a process adds to as its work goes on: what was added survives its kill."""

from collections.abc import Iterable
from contextlib import suppress
from io import SEEK_END, FileIO
from pathlib import Path

from orchestration_assets.schemas.errors import unwritable
from resources.table_store import Files


class LineFile:
    """Lines of text at ``path``. Methods raise UnwritableError, and StoreAwayError where the home
    belongs to a store."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        self._files = files

    def lines(self) -> list[str]:
        """Every whole line; one that was cut short when its process ended is none, and is cut off.

        Raises OSError and UnicodeDecodeError for a file that cannot be read.
        """
        if not self._path.exists() and not self._files.fetch(self._path):
            return []
        data = self._path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:
            self._files.overwrite(self._path, whole)
        return whole.decode().splitlines()

    def add(self, line: str) -> None:
        """Adds a line, which holds no line break; it is with the system when this returns."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as file:
                _append_whole(file, f"{line}\n".encode())
        except OSError as error:
            raise unwritable(self._path, error) from error

    def write(self, lines: Iterable[str]) -> None:
        """Puts these lines in the place of all others."""
        self._files.overwrite(self._path, "".join(f"{line}\n" for line in lines).encode())

    def share(self) -> None:
        """Stores the file where the home belongs to a store, which lines are added to without."""
        if self._path.exists():
            self._files.overwrite(self._path, self._path.read_bytes())


def _append_whole(file: FileIO, data: bytes) -> None:
    """Adds all of the data at the end of the file, or none of it: half a line would spoil the next
    one. Raises OSError."""
    size = file.seek(0, SEEK_END)
    written = 0
    try:
        while written < len(data):
            written += file.write(data[written:])
    except OSError:
        with suppress(OSError):
            file.truncate(size)
        raise
