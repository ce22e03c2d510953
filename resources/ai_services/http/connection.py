"""One HTTP/1.1 connection: a request is one write, its response is parsed as it arrives (llhttp).

A client library's session takes several times as long for a request: it is made for cookies,
redirects, uploads and middleware, and parses into streams and queues of its own.
"""

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple, cast

from orchestration_assets.text.replies.call_errors import (
    CallError,
    ConnectionBroken,
    MalformedResponse,
)

_MAX_HEADERS: Final = 256 * 1024
"""Bytes that may come in a row that are no part of a body."""
_MAX_HELD: Final = 512 * 1024
"""Bytes of a body that may wait to be read; until they are, no more is taken from the network."""
_SWITCHING: Final = 101


class Head(NamedTuple):
    """Status and headers of a response; names in lower case, of several values the first."""

    status: int
    headers: Mapping[str, str]


class Connection(asyncio.Protocol):
    """One exchange at a time: :meth:`ask`, then :meth:`head`, then :meth:`read` to the end."""

    def __init__(self) -> None:
        import httptools

        self._broken_input = httptools.HttpParserError
        self._parser = httptools.HttpResponseParser(self)
        # what servers in use get wrong, and no request can be smuggled by
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._asked = False
        self._keeps_alive = False
        self._is_lost = False
        self._begin()

    def _begin(self) -> None:
        self._fields: dict[str, str] = {}
        self._head: Head | None = None
        self._header_bytes = 0
        self._parts: list[bytes] = []
        self._held = 0
        self._is_paused = False
        self._is_over = False
        self._failure: CallError | None = None

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent on it."""
        return self._transport is not None and not self._is_lost and not self._asked

    def ask(self, request: bytes) -> None:
        """Sends a whole request. Raises ConnectionBroken."""
        if not self.is_open:
            raise ConnectionBroken("the connection was closed")
        self._begin()
        self._asked = True
        cast("asyncio.Transport", self._transport).write(request)

    async def head(self) -> Head:
        """The head of the response; announcements (1xx) are passed over. Raises CallError."""
        while self._head is None:
            await self._change()
        return self._head

    async def read(self) -> bytes:
        """The next part of the body; empty at its end. Raises CallError."""
        while not self._parts:
            if self._is_over:
                return b""
            await self._change()
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts, self._held = [], 0
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    def end(self) -> bool:
        """Ends the exchange; whether the connection can be used again. Else it is closed.

        It cannot where the response was not read to its end, where more came than was asked for,
        and where the response came before the request was out.
        """
        transport = self._transport
        if (
            transport is None
            or self._is_lost
            or not (self._is_over and self._keeps_alive)
            or self._parts
            or transport.get_write_buffer_size() > 0
        ):
            self.close()
            return False
        self._asked = False
        return True

    def close(self) -> None:
        """At once where an exchange is under way: nobody waits for its response any more."""
        self._is_lost = True
        if self._transport is not None:
            end = self._transport.abort if self._asked else self._transport.close
            end()

    async def _change(self) -> None:
        """Returns once something came. Raises the failure of the exchange."""
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _fail(self, what: str) -> None:
        """Ends an exchange whose response is not complete."""
        if self._failure is None and not self._is_over:
            broken = self._head is not None
            self._failure = (
                MalformedResponse(f"the answer breaks off: {what}")
                if broken
                else ConnectionBroken(what)
            )
        self.close()
        self._wake()

    # of the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # those of other event loops are none by their class
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._asked:
            # what nobody asked for is no answer to the next request
            self.close()
            return
        self._header_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except self._broken_input as error:
            if self._head is not None and self._head.status == _SWITCHING:
                self._is_over = True
                self._wake()
            elif self._is_over:
                self._keeps_alive = False
            else:
                self._fail(f"no HTTP: {error}")
            return
        if self._header_bytes > _MAX_HEADERS and not self._is_over:
            self._fail(f"headers of more than {_MAX_HEADERS} bytes")
        elif self._held > _MAX_HELD and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._transport = None
        if self._head is not None and exc is None and self._ends_with_connection():
            self._is_over = True
        if self._asked:
            self._fail(str(exc or "") or "the server closed the connection")

    def _ends_with_connection(self) -> bool:
        return not ("content-length" in self._fields or "transfer-encoding" in self._fields)

    # of the parser

    def on_message_begin(self) -> None:
        if self._is_over:
            # more than was asked for
            self._keeps_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is None:
            given = value.decode("utf-8", "surrogateescape")
            self._fields.setdefault(name.decode("latin-1").lower(), given)

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._head is not None:
            return
        if 100 <= status < 200 and status != _SWITCHING:
            self._fields = {}
            return
        self._head = Head(status, self._fields)
        self._wake()

    def on_body(self, data: bytes) -> None:
        if not self._is_over:
            self._parts.append(data)
            self._held += len(data)
            self._header_bytes = 0
            self._wake()

    def on_message_complete(self) -> None:
        if self._head is not None and not self._is_over:
            self._is_over = True
            self._keeps_alive = self._parser.should_keep_alive()
            self._wake()
