"""What a process of the tests lives under; each function is called in it before its command."""

import os
import socket
from pathlib import Path

from resources import claims


def machine(name: str) -> None:
    """The process is on another machine: only files are shared, no lock of the kernel."""

    def without_lock(path: Path, how: int) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    socket.gethostname = lambda: name
    claims.machine = lambda: name
    claims.open_locked = without_lock  # type: ignore[attr-defined]
    # as fast as tests are
    claims._BEAT_S, claims._LEASE_S = 0.3, 6.0  # type: ignore[misc]
