"""Progress as people see it: bars on a terminal, plain lines elsewhere, nothing for JSON."""

import sys
from typing import TYPE_CHECKING, TextIO, Union

if TYPE_CHECKING:
    from orchestration_assets.command.progress_bar import BarProgress


class LineProgress:
    """One line when a stage begins, for logs and pipes; ``batch`` is named where there is one."""

    def __init__(self, stream: TextIO, batch: str = "") -> None:
        self._stream = stream
        self._about = f"batch {batch}: " if batch else ""

    def __enter__(self) -> "LineProgress":
        return self

    def __exit__(self, *error: object) -> None: ...

    def stage(self, name: str, total: int) -> None:
        print(f"{self._about}{name}: {total} items", file=self._stream, flush=True)

    def advance(self, pieces: int) -> None: ...

    def of(self, batch: str) -> "LineProgress":
        """The progress of one of several batches side by side."""
        return LineProgress(self._stream, batch)


Display = Union[LineProgress, "BarProgress"]


def open_display() -> Display:
    """What fits standard error; progress never mixes with the result on standard output."""
    if not sys.stderr.isatty():
        return LineProgress(sys.stderr)
    from orchestration_assets.command.progress_bar import BarProgress

    return BarProgress()
