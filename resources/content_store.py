"""Bytes that a home keeps of its content: accepted ones by hash, and plain copies of packed files.

Both lie below ``<home>/content``; names are hashes, so that nothing from outside becomes a path.
"""

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from orchestration_assets.schemas.errors import unwritable
from resources.table_store import LOCAL_FILES, Files


class ContentStore:
    """``<two characters>/<hash>`` and ``unpacked/<name>``."""

    def __init__(self, folder: Path, files: Files = LOCAL_FILES) -> None:
        self._folder = folder
        self._files = files

    def _kept(self, content_hash: str) -> Path:
        # two characters of the hash as a folder: file systems dislike millions of names in one
        return self._folder / bytes.fromhex(content_hash).hex()[:2] / content_hash

    def keep(self, content_hash: str, data: bytes) -> None:
        """Keeps content under its hash; kept once, it stays as it is."""
        path = self._kept(content_hash)
        if not path.exists():
            self._files.write(path, data)

    def kept(self, content_hash: str) -> bytes | None:
        """Kept content, or None when there is none."""
        path = self._kept(content_hash)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return path.read_bytes() if self._files.fetch(path) else None

    def path(self, content_hash: str) -> Path:
        """Where content is kept, or would be."""
        return self._kept(content_hash)

    def forget(self, content_hash: str) -> bool:
        """Removes kept content; whether there was any. Raises UnwritableError."""
        path = self._kept(content_hash)
        if not path.exists() and not self._files.fetch(path):
            return False
        self._files.remove(path)
        return True

    def blank(self, name: str, ranges: Iterable[tuple[int, int]]) -> None:
        """Overwrites ranges of bytes of a plain copy with blanks: all others keep their place.

        Raises UnwritableError.
        """
        path = self.unpacked(name)
        try:
            with path.open("r+b") as file:
                for start, stop in ranges:
                    file.seek(start)
                    held = file.read(stop - start)
                    file.seek(start)
                    file.write(bytes(sign if sign in b"\r\n" else 0x20 for sign in held))
                file.flush()
                os.fsync(file.fileno())
        except FileNotFoundError:
            return
        except OSError as error:
            raise unwritable(path, error) from error

    def unpacked(self, name: str) -> Path:
        """Where a plain copy is, or would be. Raises ValueError for what is no plain name."""
        if not name.replace("-", "").isalnum():
            raise ValueError(f"not the name of an unpacked file: {name!r}")
        return self._folder / "unpacked" / name

    def unpack(self, name: str, write: Callable[[BinaryIO], None]) -> Path:
        """The plain copy, made by ``write`` unless it is there already; whole or not at all."""
        path = self.unpacked(name)
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return path

    def forget_unpacked(self, prefix: str, current: str | None = None) -> None:
        """Removes the plain copies of a file's earlier versions."""
        for path in (self._folder / "unpacked").glob(f"{prefix}-*"):
            if path.name != current:
                path.unlink(missing_ok=True)
