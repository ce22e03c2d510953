"""Runs a program within limits, in a folder, and ends all that came of it: by itself a program.

    python -I -S guard.py PARENT FOLDER IS_TEMPORARY LIMITS PROGRAM [ARGUMENT ...]

It is the parent of whatever the program leaves behind, also of what has left its session
(PR_SET_CHILD_SUBREAPER). All of it is killed when the program ends, when this is told to end
(SIGTERM), and when the process PARENT ends, however that does (PR_SET_PDEATHSIG). Linux alone
knows these. LIMITS are values of the resource module, such as ``RLIMIT_CPU=60,RLIMIT_NOFILE=256``;
``RLIMIT_NPROC`` counts beyond what the user has now. It imports nothing but the standard library.
"""

import ctypes
import os
import resource
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Final, NoReturn

# of sys/prctl.h
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_CANNOT_RUN: Final = 127
_OF_SIGNAL: Final = 128
"""Exit codes of shells."""
_ENDING_S: Final = 4.0
_BETWEEN_LOOKS_S: Final = 0.005
_CHARACTERS: Final = 200
_MOST_TASKS: Final = 1 << 22
"""No system of today has more."""
_WAITED_FOR: Final = frozenset({signal.SIGTERM, signal.SIGCHLD})


def main(arguments: list[str]) -> NoReturn:
    """Carries out the command line above; ends with the exit code of the program."""
    parent, folder, is_temporary, limits, *run = arguments
    # both are waited for: wherever this is told to end, it ends what came of it first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    code = _OF_SIGNAL + signal.SIGTERM
    try:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        if os.getppid() == int(parent):
            guard, program = os.getpid(), os.fork()
            if not program:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                _become(guard, folder, limits, run)
            code = _ended(program)
    except OSError as error:
        _say(run[0], error)
    finally:
        _end_children()
        if is_temporary == "1":
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(code)


def _ended(program: int) -> int:
    """The exit code of the program once it has ended, or that of this when it is told to end."""
    # who reads what it says sees the end of it when the program has ended
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nothing, stream)
    while signal.sigwait(_WAITED_FOR) != signal.SIGTERM:
        # those that it has left behind end here, too; of several that end, one signal may tell
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if found[0] == program:
                code = os.waitstatus_to_exitcode(found[1])
                return code if code >= 0 else _OF_SIGNAL - code
    return _OF_SIGNAL + signal.SIGTERM


def _become(guard: int, folder: str, limits: str, run: list[str]) -> NoReturn:
    """What the copy does: it is the program from here on."""
    try:
        # which Python ignores
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == guard:
            os.chdir(folder)
            _limit(limits)
            os.execv(run[0], run)  # noqa: S606 -- what the policy names
    except BaseException as error:  # noqa: BLE001 -- the last that it can do is to say what broke
        _say(run[0], error)
    finally:
        os._exit(_CANNOT_RUN)


def _say(program: str, error: BaseException) -> None:
    said = f"{program} cannot be run: {error}"[:_CHARACTERS]
    os.write(2, f"{said}\n".encode("utf-8", "backslashreplace"))


def _limit(limits: str) -> None:
    """Holds this process, and what it starts, to the limits; none is higher than it was."""
    for one in limits.split(","):
        name, _, value = one.partition("=")
        kind = getattr(resource, name)
        most = resource.getrlimit(kind)[1]
        wanted = int(value) + (_tasks_of_user(most) if name == "RLIMIT_NPROC" else 0)
        least = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(kind, (least, least))


def _tasks_of_user(most: int) -> int:
    """The threads that the system holds against the limit of the user, or up to twice as many
    where not all can be seen from here: those of the same user in other containers count, too.

    ``most`` is the highest limit that may be set.
    """
    highest = _MOST_TASKS if most == resource.RLIM_INFINITY else min(most, _MOST_TASKS)
    found = max(1, _tasks_seen())
    while found < highest and not _may_begin_another(found + 1, most):
        found *= 2
    return found


def _may_begin_another(limit: int, most: int) -> bool:
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, most))
    try:
        another = os.fork()
    except BlockingIOError:
        return False
    if not another:
        os._exit(0)
    os.waitpid(another, 0)
    return True


def _tasks_seen() -> int:
    found, user = 0, os.getuid()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid == user:
                found += sum(1 for _ in (folder / "task").iterdir())
        except OSError:
            continue  # it has ended meanwhile
    return found


def _end_children() -> None:
    """Kills every child; the children of one that has ended are ours then, and come next."""
    until = time.monotonic() + _ENDING_S
    while time.monotonic() < until:
        for pid in _children():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue  # it runs under another user, or has ended
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_BETWEEN_LOOKS_S)


def _children() -> list[int]:
    found, here = [], str(os.getpid())
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # a name in brackets stands before, which may hold anything
            fields = path.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if fields[1] == here:
            found.append(int(path.parent.name))
    return found


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value)


if __name__ == "__main__":
    main(sys.argv[1:])
