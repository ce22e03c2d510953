"""A session with a tool server: what it offers, and calls of it, all bounded in time."""

import asyncio
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.tool_servers import ToolServer
from orchestration_assets.text.replies.key_echoes import KeyEchoes, key_echoes
from resources.ai_services.http.keys import secret_parts
from resources.tool_servers.address import address
from resources.tool_servers.program import program

if TYPE_CHECKING:
    from mcp.client._transport import Transport

INSTALL: Final = "pip install 'content-orchestration[mcp]'"
MOST_TOOLS: Final = 1_000
"""Tools of one server that are looked at."""
_CLOSED_S: Final = 8.0
_LONGEST_REASON: Final = 300
_LONGEST_SEARCHED: Final = 4_000
_NAMES_SECRET: Final = re.compile(r"key|token|secret|pass|credential|auth", re.IGNORECASE)


class ToolServerError(OrchestrationError):
    """A tool server cannot be reached, says nothing in time, or what it says is no answer."""


class SlowToolServerError(ToolServerError):
    """A tool server has not answered in time; the session goes on."""


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool as its server describes it; ``arguments`` is the JSON Schema of its arguments."""

    name: str
    description: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What a server said to a call: text, or a structure where it gave no text.

    ``failed``: the tool says that it could not do what was asked; ``passing``: the server says so
    for it, and not of the arguments.
    """

    said: Any
    failed: bool
    passing: bool = False


def is_installed() -> bool:
    """Whether the optional extra is there; nothing of it is imported."""
    return find_spec("mcp") is not None


class ToolSession:
    """One connection to a server, held by a task of its own from :meth:`open` to :meth:`aclose`.

    The server is told that nothing can be asked of this side: no sampling, no roots, no input.
    ``shows_errors``: what a program writes beside its messages is seen.
    """

    def __init__(self, server: ToolServer, *, shows_errors: bool = False) -> None:
        self._server = server
        self._shows_errors = shows_errors
        self._closing = asyncio.Event()
        self._held: asyncio.Task[None] | None = None
        self._session: Any = None
        self._is_open = False

    async def open(self) -> None:
        """Connects, and agrees on the protocol. Raises ToolServerError."""
        if not is_installed():
            raise ToolServerError(f"tool servers need the SDK of the protocol: {INSTALL}")
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held = asyncio.create_task(self._hold(opened))
        try:
            async with asyncio.timeout(self._server.start_s):
                await asyncio.shield(opened)
        except TimeoutError as error:
            await self.aclose()
            why = f"it did not say that it is there within {self._server.start_s:g} s"
            raise ToolServerError(why) from error
        except BaseException:
            await self.aclose()
            raise

    async def offered(self) -> Mapping[str, OfferedTool]:
        """The tools by name, as they are now: not every server says when they change.

        Raises ToolServerError.
        """
        found: Mapping[str, OfferedTool] = await self._within(self._listed(), self._server.start_s)
        return found

    async def call(self, tool: str, arguments: Mapping[str, Any], seconds: float) -> ServerAnswer:
        """What the tool says, or the server for it. Raises ToolServerError;
        SlowToolServerError after ``seconds``."""
        from mcp_types import CallToolRequest, CallToolRequestParams
        from pydantic import TypeAdapter

        request = CallToolRequest(
            params=CallToolRequestParams(name=tool, arguments=dict(arguments))
        )
        # as it is: the SDK would hold results to schemas that the server may have made to hang it
        plain = TypeAdapter(dict[str, Any])
        sent = self._session.send_request(request, plain)
        answer: ServerAnswer = await self._within(self._answer(sent), seconds)
        return answer

    async def _answer(self, sent: Any) -> ServerAnswer:
        from mcp import MCPError
        from mcp_types import INVALID_PARAMS, REQUEST_TIMEOUT

        try:
            return _answer_in(await sent)
        except MCPError as error:
            if _is_closed(error) or error.code == REQUEST_TIMEOUT:
                raise
            # a server that answers is there: arguments that it takes for wrong do not break it
            return ServerAnswer(
                f"error {error.code}: {error.message}",
                failed=True,
                passing=error.code != INVALID_PARAMS,
            )

    async def aclose(self) -> None:
        """Ends the connection, and a program with it."""
        self._closing.set()
        held, self._held = self._held, None
        if held is None:
            return
        if not self._is_open:
            # nobody waits for the end of a handshake
            held.cancel()
        if not (await asyncio.wait([held], timeout=_CLOSED_S))[0]:
            held.cancel()
            await asyncio.wait([held], timeout=_CLOSED_S)

    async def _hold(self, opened: "asyncio.Future[None]") -> None:
        from mcp import Client

        # it writes down what servers send, line by line, and nothing that is not known here
        for name in ("mcp", "client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            client = Client(
                self._transport(),
                read_timeout_seconds=self._server.start_s,
                cache=None,
            )
            async with client:
                self._session = client.session
                if not opened.done():
                    opened.set_result(None)
                self._is_open = True
                await self._closing.wait()
        except asyncio.CancelledError:
            if not opened.done():
                opened.set_exception(ToolServerError("it was not waited for any longer"))
        except BaseException as error:  # noqa: BLE001 -- whoever opened it is told
            if not opened.done():
                why = self._ended(error) or self._reason(error)
                opened.set_exception(ToolServerError(why))
        if not opened.cancelled():
            # read once, or nobody did: it is no error that was lost
            opened.exception()

    def _transport(self) -> "Transport":
        server = self._server
        if server.command is not None:
            given = _values(server.variable_env)
            if server.folder is not None and not Path(server.folder).is_dir():
                raise ToolServerError(f"there is no folder {server.folder}: make it, or change it")
            return program(
                server.command,
                given,
                server.limits,
                server.folder,
                shows_errors=self._shows_errors,
            )
        assert server.url is not None
        headers = _values(server.header_env)
        for name, value in headers.items():
            if value != value.strip() or not (value.isascii() and value.isprintable()):
                variable = server.header_env[name]
                why = "line breaks, spaces at its ends or letters beyond ASCII"
                raise ToolServerError(f"{variable} holds what no header may: take out {why}")
        return address(server.url, headers, server.call_s + server.start_s)

    def _reason(self, error: BaseException) -> str:
        said = reason_of(error)
        return echoes_of(self._server).redacted(said)[:_LONGEST_REASON]

    def _ended(self, error: BaseException) -> str | None:
        """Why a program may have ended instead of answering; None for any other error."""
        server = self._server
        if server.command is None or not _is_closed(_first_of(error)):
            return None
        name, *arguments = server.command
        said = f"the program {name} ended before it answered"
        if server.folder is not None:
            return f"{said}; it runs in the folder {server.folder}"[:_LONGEST_REASON]
        files = [one for one in arguments if not Path(one).is_absolute() and Path(one).exists()]
        what = files[0] if files else "a file that it needs"
        why = f"it runs in an empty folder: name {what} by its whole path, or set folder, such as ."
        return f"{said}; {why}"[:_LONGEST_REASON]

    async def _listed(self) -> Mapping[str, OfferedTool]:
        from mcp_types import PaginatedRequestParams

        found: dict[str, OfferedTool] = {}
        cursor: str | None = None
        while len(found) < MOST_TOOLS:
            asked = PaginatedRequestParams(cursor=cursor)
            page = await self._session.list_tools(params=asked)
            for one in page.tools:
                found[one.name] = OfferedTool(one.name, one.description or "", one.input_schema)
            cursor = page.next_cursor
            if cursor is None or not page.tools:
                break
        return found

    async def _within(self, work: Any, seconds: float) -> Any:
        import anyio

        try:
            with anyio.fail_after(seconds):
                return await work
        except TimeoutError as error:
            raise SlowToolServerError(f"it did not answer within {seconds:.3g} s") from error
        except Exception as error:  # noqa: BLE001 -- as a cause it could show a key
            raise ToolServerError(self._reason(error)) from None


def reason_of(error: BaseException) -> str:
    """What went wrong, in one line: of several at once, the first; as the error says it."""
    error = _first_of(error)
    if isinstance(error, ToolServerError):
        return str(error)
    said = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST_SEARCHED]
    # it is shown where signs could steer a terminal
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in said)


def _first_of(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _is_closed(error: BaseException) -> bool:
    """Whether the connection is over; in the SDK's own words, the code alone is any server's."""
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED

    return isinstance(error, MCPError) and (error.code, error.message) == (
        CONNECTION_CLOSED,
        "Connection closed",
    )


def echoes_of(server: ToolServer) -> KeyEchoes:
    """Finds the keys that the server was given in what it says: headers, and variables that are
    named as keys are."""
    named = [
        variable
        for name, variable in server.variable_env.items()
        if _NAMES_SECRET.search(f"{name} {variable}")
    ]
    values = [os.environ.get(one, "").strip() for one in (*server.header_env.values(), *named)]
    return key_echoes(tuple(part for value in values if value for part in secret_parts(value)))


def _values(variables: Mapping[str, str]) -> dict[str, str]:
    """The values of the named variables of this process. Raises ToolServerError."""
    found = {}
    for name, variable in variables.items():
        value = os.environ.get(variable)
        if value is None:
            raise ToolServerError(f"the environment variable {variable} is not set: export it")
        found[name] = value
    return found


def _answer_in(raw: Mapping[str, Any]) -> ServerAnswer:
    if raw.get("resultType", "complete") != "complete":
        raise ToolServerError("it asks for more before it answers, and nobody is there to say it")
    texts = [_block(one) for one in raw.get("content") or () if isinstance(one, Mapping)]
    structured = raw.get("structuredContent")
    said: Any = "\n".join(texts) if texts or structured is None else structured
    return ServerAnswer(said, raw.get("isError") is True)


def _block(block: Mapping[str, Any]) -> str:
    inner = block.get("resource")
    for text in (block.get("text"), inner.get("text") if isinstance(inner, Mapping) else None):
        if isinstance(text, str):
            return text
    return f"[{block.get('type')}: not shown]"
