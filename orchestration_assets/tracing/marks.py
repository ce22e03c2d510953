"""What was sent of each batch, and what is still to be sent: one small file a batch.

A batch is marked before its run begins and again once its trace has arrived. A process that dies in
between leaves the first mark, and the next one sends the trace.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from resources.home import Home

_BATCH: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]*")


@dataclass(frozen=True, slots=True)
class TraceMark:
    """``due``: a run over the batch began whose trace is not sent. ``run_id`` and ``trace`` (hex)
    are those of the last trace that was sent, empty before; ``share`` is the one it was made
    with; ``verdicts`` name those that were told with it or since."""

    due: bool = False
    run_id: str = ""
    trace: str = ""
    share: float = 0.0
    verdicts: tuple[str, ...] = ()


class TraceMarks:
    """The marks of a home."""

    def __init__(self, home: Home) -> None:
        self._folder = home.folder / "traces"
        self._files = home.files

    def of(self, batch: str) -> TraceMark:
        """The mark of a batch; a missing or damaged one says that nothing was sent."""
        try:
            stated = json.loads(self._path(batch).read_text("utf-8"))
            return TraceMark(
                bool(stated["due"]),
                str(stated["run_id"]),
                str(stated["trace"]),
                float(stated["share"]),
                tuple(map(str, stated["verdicts"])),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return TraceMark()

    def begin(self, batch: str) -> None:
        """A run over the batch begins. Raises UnwritableError."""
        self.keep(batch, replace(self.of(batch), due=True))

    def keep(self, batch: str, mark: TraceMark) -> None:
        """Replaces the mark. Raises UnwritableError."""
        self._files.overwrite(self._path(batch), json.dumps(asdict(mark), indent=1).encode())

    def all(self) -> Iterator[tuple[str, TraceMark]]:
        """Batch and mark, oldest first."""
        if self._folder.is_dir():
            for path in sorted(self._folder.glob("*.json")):
                yield path.stem, self.of(path.stem)

    def _path(self, batch: str) -> Path:
        if not _BATCH.fullmatch(batch):
            raise ValueError(f"{batch!r} is no batch")
        return self._folder / f"{batch}.json"
