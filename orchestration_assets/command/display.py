"""Progress as people see it: a bar on a terminal, plain lines elsewhere, nothing for JSON."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from orchestration_assets.command.progress_bar import BarProgress


class LineProgress:
    """One line when a stage begins, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> "LineProgress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def stage(self, name: str, total: int) -> None:
        print(f"{name}: {total} items", file=self._stream, flush=True)

    def advance(self, pieces: int) -> None: ...


def open_display() -> "BarProgress | LineProgress":
    """What fits standard error; progress never mixes with the result on standard output."""
    if not sys.stderr.isatty():
        return LineProgress(sys.stderr)
    from orchestration_assets.command.progress_bar import BarProgress

    return BarProgress()
