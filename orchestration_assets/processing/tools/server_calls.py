"""Calls of tools that servers offer: held to what was accepted of them, and each server bounded."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.tool_servers import ServerTool, ToolServer, canonical
from orchestration_assets.schemas.tool_use import ToolOutcome
from resources.tool_servers.session import (
    OfferedTool,
    SlowToolServerError,
    ToolServerError,
    ToolSession,
)

MOST_FAILURES: Final = 3
"""How often in a row a server may fail; then it is left alone for the rest of the run."""


class ServerAwayError(OrchestrationError):
    """A tool server cannot be reached, or is left alone: its calls wait for a later run."""


@dataclass(frozen=True, slots=True)
class CameOf:
    """What came of a call: text or a structure; ``passing``: a later call may well come to
    something else."""

    outcome: ToolOutcome
    said: Any
    passing: bool = False


def change_of(accepted: ServerTool, offered: OfferedTool | None) -> str:
    """In which way a tool is not what was accepted any more; empty where it is."""
    if offered is None:
        return "is not offered any more"
    if offered.description != accepted.description:
        return "is described otherwise than when it was accepted"
    if canonical(offered.arguments) != canonical(accepted.arguments):
        return "takes other arguments than when it was accepted"
    return ""


@dataclass
class _Line:
    """The way to one server: a session, once there is one, and places on it."""

    server: ToolServer
    places: asyncio.Semaphore
    connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: ToolSession | None = None


class ServerCalls:
    """Calls of tool servers. A server is connected to with the first call of it, and again where
    it went away; what fails too often in a row is left alone for the rest of the run.

    All sessions are those of one event loop; :meth:`aclose` ends them, and others may begin then.
    """

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._failures: dict[str, int] = {}

    async def call(
        self,
        name: str,
        tool: ServerTool,
        server: ToolServer,
        arguments: Mapping[str, Any],
        seconds: float,
    ) -> CameOf:
        """What came of a call of the tool that services call by ``name``, with arguments that fit.

        It is broken where the server goes away during the call, says nothing within ``seconds`` or
        the server's own bound, or where the tool itself says that it failed; refused where it is
        not the tool that was accepted any more. All but what the tool says, or the server of the
        arguments, is passing. Raises ServerAwayError where the server could not be asked.
        """
        reached = server.reached
        if reached not in self._lines:
            self._lines[reached] = _Line(server, asyncio.Semaphore(server.concurrency))
        line = self._lines[reached]
        at_server = tool.tool or name
        session: ToolSession | None = None
        try:
            async with asyncio.timeout(seconds), line.places:
                session, offered = await self._offering(line)
                if why := change_of(tool, offered.get(at_server)):
                    refused = f"the tool {why}: it is not called until that is accepted"
                    return CameOf(ToolOutcome.REFUSED, refused, passing=True)
                answer = await session.call(at_server, arguments, server.call_s)
        except TimeoutError:
            why = f"no answer within the {seconds:.3g} s that are left"
            return CameOf(ToolOutcome.BROKEN, why, passing=True)
        except ToolServerError as error:
            await self._failed(line, session, is_slow=isinstance(error, SlowToolServerError))
            return CameOf(ToolOutcome.BROKEN, f"the tool's server: {error}", passing=True)
        self._failures[reached] = 0
        outcome = ToolOutcome.BROKEN if answer.failed else ToolOutcome.ANSWERED
        return CameOf(outcome, answer.said, answer.passing)

    async def aclose(self) -> None:
        """Ends all sessions, and the programs with them."""
        lines, self._lines = list(self._lines.values()), {}
        sessions = [line.session for line in lines if line.session is not None]
        await asyncio.gather(*(one.aclose() for one in sessions))

    async def _offering(self, line: _Line) -> tuple[ToolSession, Mapping[str, OfferedTool]]:
        """A session and what the server offers in it; in another one where the session that there
        was broke meanwhile: nothing was sent yet. Raises ServerAwayError."""
        while True:
            session: ToolSession | None = None
            try:
                session = await self._connected(line)
                return session, await session.offered()
            except ToolServerError as error:
                await self._failed(line, session, is_slow=isinstance(error, SlowToolServerError))
                if session is None:
                    raise ServerAwayError(f"the tool's server: {error}") from error

    async def _connected(self, line: _Line) -> ToolSession:
        async with line.connecting:
            if self._failures.get(line.server.reached, 0) >= MOST_FAILURES:
                why = f"failed {MOST_FAILURES} times in a row, and is left alone in this run"
                raise ToolServerError(why)
            if line.session is None:
                session = ToolSession(line.server)
                await session.open()
                line.session = session
            return line.session

    async def _failed(self, line: _Line, used: ToolSession | None, *, is_slow: bool) -> None:
        """Counts a failure: of all calls under way in a session that broke, one. A session with a
        slow server goes on, for the other calls, until it was slow too often."""
        if used is not line.session:
            return
        reached = line.server.reached
        self._failures[reached] = self._failures.get(reached, 0) + 1
        if used is not None and (not is_slow or self._failures[reached] >= MOST_FAILURES):
            line.session = None
            await used.aclose()
