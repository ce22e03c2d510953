"""A tool server that is a program: started with declared variables only, and gone with whoever
started it.

The SDK's own transport hands on variables of this process that nobody declared (HOME, PATH, USER),
and keeps a line that never ends in memory.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

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
# a line of its own that begins with an import would be taken for one of this module
_DIES_WITH_PARENT: Final = """import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]): sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Also a process that is killed leaves no server behind (Linux): PR_SET_PDEATHSIG is 1."""


@asynccontextmanager
async def program(
    command: Sequence[str], variables: Mapping[str, str], *, shows_errors: bool = False
) -> "AsyncIterator[TransportStreams]":
    """The streams of messages from and to the program, which ends with the context, and with it
    every process that it has started in its group.

    ``variables`` are all that it has. ``shows_errors``: what it writes beside messages is seen.
    Raises OSError for a program that cannot be started.
    """
    import anyio
    from mcp.shared.message import SessionMessage

    process = await _started(command, variables, shows_errors=shows_errors)
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


async def _started(
    command: Sequence[str], variables: Mapping[str, str], *, shows_errors: bool
) -> asyncio.subprocess.Process:
    found = shutil.which(command[0])
    if found is None:
        raise FileNotFoundError(f"there is no program {command[0]}")
    run = [os.path.abspath(found), *command[1:]]  # noqa: PTH100 -- a link to it is not followed
    if sys.platform == "linux":
        run = [sys.executable, "-I", "-S", "-c", _DIES_WITH_PARENT, str(os.getpid()), *run]
    return await asyncio.create_subprocess_exec(
        *run,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=None if shows_errors else asyncio.subprocess.DEVNULL,
        env=dict(variables),
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
    """Closes its input, and kills what is left of its group, also when this is cancelled."""
    assert process.stdin is not None
    try:
        process.stdin.close()
        await _gone(process, _LEAVING_S)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        try:
            await _gone(process, _KILLED_S)
        finally:
            # a process outside the group may hold the pipes, and with them the connection
            process._transport.close()  # type: ignore[attr-defined]


async def _gone(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Returns once the process has ended, or after so long. Its own ``wait`` waits for the ends of
    pipes, too, which other processes may hold open, or which nobody reads any more."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while process.returncode is None and loop.time() < ends:
        await asyncio.sleep(_BETWEEN_LOOKS_S)
