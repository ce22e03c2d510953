"""Progress on a terminal."""

import io
import sys
from typing import IO, TextIO, cast

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from resources.taken_output import is_taken


class _TakenStream(io.TextIOBase):
    """Passes on what is taken at once and drops the rest: a bar that nobody looks at, since the
    terminal was stopped, must not stop the work that it tells of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._held: list[str] = []

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def write(self, text: str, /) -> int:
        self._held.append(text)
        return len(text)

    def flush(self) -> None:
        told = "".join(self._held)
        self._held.clear()
        if told and is_taken(self._stream.fileno()):
            self._stream.write(told)
            self._stream.flush()


class BarProgress:
    """A bar for the stage under way; finished stages stay as lines above it.

    Of batches side by side each has one bar, which goes from stage to stage.
    """

    def __init__(self) -> None:
        self._of: dict[str, _BatchBar] = {}
        self._bars = Progress(
            TextColumn("{task.description:<18}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(file=cast(IO[str], _TakenStream(sys.stderr))),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> "BarProgress":
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def stage(self, name: str, total: int) -> None:
        self._task = self._bars.add_task(name, total=total)

    def advance(self, pieces: int) -> None:
        if self._task is not None:
            self._bars.advance(self._task, pieces)

    def of(self, batch: str) -> "_BatchBar":
        """The bar of one of several batches side by side."""
        if batch not in self._of:
            self._of[batch] = _BatchBar(self._bars, batch)
        return self._of[batch]


class _BatchBar:
    """The bar of one batch."""

    def __init__(self, bars: Progress, batch: str) -> None:
        self._bars = bars
        self._batch = batch
        self._task = bars.add_task(batch, total=None)

    def stage(self, name: str, total: int) -> None:
        described = f"{self._batch} {name}"
        self._bars.reset(self._task, total=total, description=described)

    def advance(self, pieces: int) -> None:
        self._bars.advance(self._task, pieces)
