"""What a process of the tests lives under; each function is called in it before its command."""

import resource
import socket

from resources import claims


def machine(name: str) -> None:
    """The process is on another machine: kernels are told apart by name and boot."""
    socket.gethostname = lambda: name  # type: ignore[assignment]
    claims._machine = lambda: name  # noqa: SLF001


def largest_file(size: int) -> None:
    """No file may be larger, in bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
