"""Progress on a terminal."""

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)


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
            console=Console(stderr=True),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> "BarProgress":
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
