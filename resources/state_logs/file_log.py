"""Versions of a state as files of the home, each made once; only what is forgotten is written over.

``<folder>/000000001.json`` and on. Numbers have no gaps, so that nothing but the files themselves
says which version is the last. In a home that belongs to an object store the files are made there
first, by conditional writes, so that the same holds between machines.
"""

from dataclasses import dataclass
from pathlib import Path

from resources.table_store import Files


@dataclass(frozen=True, slots=True)
class FileLog:
    """The versions below ``folder``; see :class:`StateLog`."""

    folder: Path
    files: Files

    def last(self, known: int) -> int:
        """Without gaps, doubling and halving finds it in a few looks."""
        low = known if self._is_here(known) else 0
        step = 1
        while self._is_here(low + step):
            low, step = low + step, step * 2
        while step > 1:
            step //= 2
            if self._is_here(low + step):
                low += step
        # others may have made more of them in the store
        while self._is_here(low + 1) or self.files.fetch(self.place(low + 1)):
            low += 1
        return low

    def read(self, number: int) -> bytes | None:
        path = self.place(number)
        if not path.exists() and not self.files.fetch(path):
            return None
        return path.read_bytes()

    def append(self, number: int, data: bytes) -> bool:
        return self.files.create(self.place(number), data)

    def replace(self, number: int, data: bytes) -> None:
        self.files.overwrite(self.place(number), data)

    def compact(self) -> None:
        """Nothing: a file that is written over is gone."""

    def place(self, number: int) -> Path:
        return self.folder / f"{number:09d}.json"

    def _is_here(self, number: int) -> bool:
        return self.place(number).exists()
