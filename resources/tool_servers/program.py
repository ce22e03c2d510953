"""A tool server that is a program: started with declared variables only, within limits, in a folder
of its own, and gone with whoever started it.

The SDK's own transport hands on variables of this process that nobody declared (HOME, PATH, USER),
and keeps a line that never ends in memory.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from orchestration_assets.schemas.tool_servers import ProgramLimits

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

LONGEST_MESSAGE: Final = 4 * 1024 * 1024
"""Bytes of one message of a server; with a longer one the connection ends."""
_MOST_OTHERS: Final = 10_000
"""Lines that are no messages; with more the connection ends."""
_LEAVING_S: Final = 1.0
"""How long a program may take to end by itself once its input is closed."""
_KILLED_S: Final = 5.0
_BETWEEN_LOOKS_S: Final = 0.01
_GUARD: Final = Path(__file__).with_name("guard.py")


@asynccontextmanager
async def program(
    command: Sequence[str],
    variables: Mapping[str, str],
    limits: ProgramLimits,
    folder: str | None = None,
    *,
    shows_errors: bool = False,
) -> "AsyncIterator[TransportStreams]":
    """The streams of messages from and to the program, which ends with the context, and with it
    every process that came of it; on other systems than Linux, those of its group.

    ``variables`` are all that it has; ``folder`` is where it runs, by default an empty one of its
    own. ``shows_errors``: what it writes beside messages is seen. Raises OSError for a program
    that cannot be started.
    """
    place = _own_folder() if folder is None else nullcontext(str(Path(folder).absolute()))
    with place as where:
        process = await _started(
            _run(command, limits, where, is_temporary=folder is None),
            variables,
            where,
            shows_errors=shows_errors,
        )
        async with _messages(process) as streams:
            yield streams


@asynccontextmanager
async def _messages(process: asyncio.subprocess.Process) -> "AsyncIterator[TransportStreams]":
    import anyio
    from mcp.shared.message import SessionMessage

    try:
        received, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outgoing, to_send = anyio.create_memory_object_stream[SessionMessage](0)
        async with received, incoming, outgoing, to_send, anyio.create_task_group() as tasks:
            tasks.start_soon(_read, process, received)
            tasks.start_soon(_write, process, to_send, received)
            try:
                yield incoming, outgoing
            finally:
                tasks.cancel_scope.cancel()
    finally:
        await _ended(process)


@contextmanager
def _own_folder() -> Iterator[str]:
    """An empty folder for the block; a guard that outlives this process removes it."""
    with TemporaryDirectory(prefix="orchestration-tool-", ignore_cleanup_errors=True) as folder:
        yield folder


def _run(
    command: Sequence[str], limits: ProgramLimits, folder: str, *, is_temporary: bool
) -> list[str]:
    """The command line of the program under its guard; elsewhere than on Linux of it alone."""
    found = shutil.which(command[0])
    if found is None:
        raise FileNotFoundError(f"there is no program {command[0]}")
    run = [os.path.abspath(found), *command[1:]]  # noqa: PTH100 -- a link to it is not followed
    if sys.platform != "linux":
        return run
    held_to = {
        "RLIMIT_CPU": limits.cpu_s,
        "RLIMIT_DATA": limits.memory_mb << 20,
        "RLIMIT_FSIZE": limits.file_mb << 20,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_NPROC": limits.processes,
        # what a crashed process held in memory may be a key
        "RLIMIT_CORE": 0,
    }
    told = ",".join(f"{name}={value}" for name, value in held_to.items())
    guard = [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid())]
    return [*guard, folder, str(int(is_temporary)), told, *run]


async def _started(
    run: Sequence[str], variables: Mapping[str, str], folder: str, *, shows_errors: bool
) -> asyncio.subprocess.Process:
    # files that this process has open are closed there
    return await asyncio.create_subprocess_exec(
        *run,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=None if shows_errors else asyncio.subprocess.DEVNULL,
        env=dict(variables),
        cwd=folder,
        start_new_session=True,
        limit=LONGEST_MESSAGE,
    )


async def _read(process: asyncio.subprocess.Process, received: Any) -> None:
    """Hands on each line that is a message; at the end of them the session knows of it."""
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    assert process.stdout is not None
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async with received:
            others = 0
            # a line that is too long is a ValueError
            with suppress(ValueError, OSError):
                while others < _MOST_OTHERS and (line := await process.stdout.readline()):
                    try:
                        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                    except ValueError:
                        # programs write other things, too; lines that are there wait for nobody
                        others += 1
                        await asyncio.sleep(0)
                    else:
                        await received.send(SessionMessage(message))


async def _write(process: asyncio.subprocess.Process, to_send: Any, received: Any) -> None:
    assert process.stdin is not None
    try:
        async for one in to_send:
            line = one.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(line.encode("utf-8", "replace") + b"\n")
            await process.stdin.drain()
    except OSError:
        # nobody reads any more: whoever waits for an answer learns it
        await received.aclose()


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Closes its input, and has all that is left of it killed, also when this is cancelled."""
    assert process.stdin is not None
    try:
        process.stdin.close()
        await _gone(process, _LEAVING_S)
    finally:
        # the guard ends what came of the program, and then itself
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await _gone(process, _KILLED_S)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            # a process outside the group may hold the pipes, and with them the connection
            process._transport.close()  # type: ignore[attr-defined]


async def _gone(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Returns once the process has ended, or after so long. Its own ``wait`` waits for the ends of
    pipes, too, which other processes may hold open, or which nobody reads any more."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while process.returncode is None and loop.time() < ends:
        await asyncio.sleep(_BETWEEN_LOOKS_S)
