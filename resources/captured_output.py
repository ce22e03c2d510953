"""What steps print, kept in files and shown as ever, by one thread.

Dagster's own manager starts two programs for each stream of each run, one of them a Python: for a
run of some seconds that is a good part of what it takes. The files and their places are the same.
"""

import os
import sys
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

_BETWEEN_S: Final = 0.25
_PIECE_BYTES: Final = 1 << 16


class MirroredLogManager(LocalComputeLogManager):
    """The output of steps, in files below ``base_dir``."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "MirroredLogManager":
        """As Dagster makes a manager from the configuration of its instance."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Generator[CapturedLogContext, None, None]:
        """What this process and those that it starts print goes to files, and from there to where
        it went before."""
        streams = {ComputeIOType.STDOUT: sys.stdout, ComputeIOType.STDERR: sys.stderr}
        with ExitStack() as stack:
            shown: dict[Path, int] = {}
            for kind, stream in streams.items():
                path = self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[kind])
                ensure_file(path)
                if (place := _copied_place(stream)) is not None:
                    stack.callback(os.close, place)
                    shown[Path(path)] = place
            # left after the streams go to their places again: nothing is printed any more
            stack.enter_context(_mirrored(shown))
            for kind, stream in streams.items():
                path = self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[kind])
                stack.enter_context(redirect_to_file(stream, path))
            yield CapturedLogContext(log_key)
        touch_file(self.complete_artifact_path(log_key))  # type: ignore[no-untyped-call]


def _copied_place(stream: IO[str]) -> int | None:
    """A descriptor of where the stream goes; None for one that is no file, which stays as it is."""
    with suppress(AttributeError, OSError, ValueError):
        return os.dup(stream.fileno())
    return None


@contextmanager
def _mirrored(shown: Mapping[Path, int]) -> Generator[None, None, None]:
    """Passes on what is written to the files, until the end of the block, with all that is left."""
    over = Event()
    mirror = Thread(target=_pass_on, args=(shown, over), name="captured output", daemon=True)
    mirror.start()
    try:
        yield
    finally:
        over.set()
        mirror.join()


def _pass_on(shown: Mapping[Path, int], over: Event) -> None:
    with ExitStack() as stack:
        open_files = [(stack.enter_context(path.open("rb")), to) for path, to in shown.items()]
        is_over = False
        while not is_over:
            # what was written before the end is still read after it
            is_over = over.wait(_BETWEEN_S)
            for file, to in open_files:
                _pass_on_rest(file, to)


def _pass_on_rest(file: BinaryIO, to: int) -> None:
    while piece := file.read(_PIECE_BYTES):
        # whoever looked on may have gone; the file has it
        with suppress(OSError):
            while piece:
                piece = piece[os.write(to, piece) :]


def mirrored_output(instance: Path, configured: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that captures output so, where an instance keeps it; nothing where an
    owner configured another way."""
    if "compute_logs" in configured:
        return {}
    manager = {"module": __name__, "class": MirroredLogManager.__name__}
    return {"compute_logs": {**manager, "config": {"base_dir": str(instance / "storage")}}}
