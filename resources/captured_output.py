"""What steps print, kept in files and shown as ever, by one thread.

Dagster's own manager starts two programs for each stream of each run, one of them a Python: for a
run of some seconds that is a good part of what it takes. The files and their places are the same.
"""

import os
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import IO, Any, BinaryIO, Final

from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
from dagster._core.storage.local_compute_log_manager import (
    IO_TYPE_EXTENSION,
    LocalComputeLogManager,
)
from dagster._serdes import ConfigurableClassData
from dagster._utils import ensure_file, touch_file

from resources.taken_output import is_taken

_BETWEEN_S: Final = 0.25
_PIECE_BYTES: Final = 4096
"""A pipe that takes anything takes as much at once."""
_NOT_TAKEN_S: Final = 5.0
"""How long the end waits for a terminal that was stopped, or a pipe that nobody reads."""
_STILL_NOT_S: Final = 0.1
"""And once more had not been taken at an earlier end."""


class MirroredLogManager(LocalComputeLogManager):
    """The output of steps, in files below ``base_dir``."""

    _is_stuck = False
    """Whether something was not taken at the last end."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "MirroredLogManager":
        """As Dagster makes a manager from the configuration of its instance."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Generator[CapturedLogContext, None, None]:
        """What this process and those that it starts print goes to files, and from there to where
        it went before.

        Whoever takes nothing of it holds up the end for some seconds at most; the file has all of
        it, and says so.
        """
        streams = {ComputeIOType.STDOUT: sys.stdout, ComputeIOType.STDERR: sys.stderr}
        with ExitStack() as stack:
            shown: list[_Shown] = []
            for kind, stream in streams.items():
                path = self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[kind])
                ensure_file(path)
                if (place := _copied_place(stream)) is not None:
                    shown.append(_Shown(Path(path), place))
            # left after the streams go to their places again: nothing is printed any more
            stack.enter_context(self._mirrored(shown))
            for kind, stream in streams.items():
                path = self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[kind])
                stack.enter_context(redirect_to_file(stream, path))
            yield CapturedLogContext(log_key)
        touch_file(self.complete_artifact_path(log_key))  # type: ignore[no-untyped-call]

    @contextmanager
    def _mirrored(self, shown: Sequence["_Shown"]) -> Generator[None, None, None]:
        """Passes on what is written to the files, until the end of the block, with all that is
        left, unless nobody takes it."""
        mirror = _Mirror(shown)
        thread = Thread(target=mirror.run, name="captured output", daemon=True)
        thread.start()
        try:
            yield
        finally:
            mirror.over.set()
            waited_s = _STILL_NOT_S if self._is_stuck else _NOT_TAKEN_S
            self._is_stuck = not _ended(thread, mirror, waited_s)
            if self._is_stuck:
                mirror.given_up.set()
                for one in shown:
                    one.note()


class _Shown:
    """A file, and the descriptor that what is written to it is passed on to."""

    def __init__(self, path: Path, to: int) -> None:
        self._path, self._to = path, to
        self._file: BinaryIO | None = None
        self._rest = b""
        self._passed = 0

    def pass_on(self) -> int:
        """Passes on what there is, as far as it is taken at once; how many bytes went."""
        before = self._passed
        if self._file is None:
            self._file = self._path.open("rb")
        while self._rest or (piece := self._file.read(_PIECE_BYTES)):
            self._rest = self._rest or piece
            try:
                if not is_taken(self._to):
                    break
                written = os.write(self._to, self._rest)
            except BlockingIOError:
                break
            except OSError:
                # whoever looked on may have gone; the file has it
                written = len(self._rest)
            self._rest = self._rest[written:]
            self._passed += written
        return self._passed - before

    @property
    def left(self) -> int:
        """Bytes of the file that were not passed on."""
        return self._path.stat().st_size - self._passed

    def note(self) -> None:
        """Says at the end of the file what of it was not taken, if anything."""
        if left := self.left:
            with self._path.open("ab") as file:
                file.write(
                    f"orchestrate: the last {left} bytes of this output were not taken where it "
                    "was to be shown; the run went on without\n".encode()
                )

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        os.close(self._to)


class _Mirror:
    """Passes on what is written to files. ``moved`` is when something went last, by the clock that
    never goes back."""

    def __init__(self, shown: Sequence[_Shown]) -> None:
        self._shown = shown
        self.over = Event()
        self.given_up = Event()
        self.moved = time.monotonic()

    def run(self) -> None:
        try:
            is_over = False
            while not self.given_up.is_set():
                # what was written before the end is still read after it
                is_over = self.over.wait(_BETWEEN_S)
                if sum(one.pass_on() for one in self._shown):
                    self.moved = time.monotonic()
                if is_over and not any(one.left for one in self._shown):
                    return
                if is_over:
                    self.given_up.wait(_STILL_NOT_S / 2)
        finally:
            # whoever closed a descriptor that is written to might close another's of its number
            for one in self._shown:
                one.close()


def _ended(thread: Thread, mirror: _Mirror, waited_s: float) -> bool:
    """Whether the thread passed everything on; not once nothing moved for so long."""
    begun = time.monotonic()
    while thread.is_alive():
        thread.join(_STILL_NOT_S / 2)
        if time.monotonic() - max(begun, mirror.moved) > waited_s:
            return not thread.is_alive()
    return True


def _copied_place(stream: IO[str]) -> int | None:
    """A descriptor of where the stream goes; None for one that is no file, which stays as it is."""
    with suppress(AttributeError, OSError, ValueError):
        return os.dup(stream.fileno())
    return None


def mirrored_output(instance: Path, configured: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that captures output so, where an instance keeps it; nothing where an
    owner configured another way."""
    if "compute_logs" in configured:
        return {}
    manager = {"module": __name__, "class": MirroredLogManager.__name__}
    return {"compute_logs": {**manager, "config": {"base_dir": str(instance / "storage")}}}
