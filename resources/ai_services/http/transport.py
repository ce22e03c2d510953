"""One service's connection pool, and a request through it, on aiohttp's connections and parser.

aiohttp's own session takes three times as long for a request as its connections do: it is made for
cookies, redirects, uploads and middleware. A request here is one write and one read.

Redirects, cookies, proxies and credentials of the environment, which an API client must not
follow, stay out of the way; certificates are checked as httpx checks them.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard

from orchestration_assets.schemas.services import HttpConfig
from orchestration_assets.text.replies.call_errors import (
    CallError,
    ConnectionBroken,
    EndpointNotFound,
    MalformedResponse,
    Unreachable,
    error_from_status,
    error_in_body,
    json_object,
)
from orchestration_assets.text.replies.compression import Decompressor, EncodingError
from orchestration_assets.text.replies.event_stream import LineDecoder
from resources.ai_services.http.address import base_url
from resources.ai_services.http.connections import Connections, HeldConnection
from resources.ai_services.http.request_head import RequestHead

if TYPE_CHECKING:
    import aiohttp

_MAX_BODY: Final = 64 * 1024 * 1024
_MAX_ERROR_BODY: Final = 1024 * 1024
_CHUNK: Final = 16 * 1024


class Body(NamedTuple):
    """The body of a 200 response, and its Retry-After."""

    data: bytes
    retry_after: str | None = None

    def json(self) -> Mapping[str, Any]:
        """The body as an object. Raises MalformedResponse, and the CallError that it reports."""
        body = json_object(self.data)
        if (error := error_in_body(body, self.retry_after, time.time())) is not None:
            raise error
        return body


class Lines(NamedTuple):
    """The lines of a streamed 200 response as they arrive, and its Retry-After."""

    lines: AsyncIterator[str]
    retry_after: str | None = None


class _Response(NamedTuple):
    """The head of a response, and its body as it arrives."""

    status: int
    headers: Mapping[str, str]
    content: "aiohttp.StreamReader"


class Transport:
    """Requests to one service. Opens when first used; close it in the loop that used it."""

    def __init__(self, config: HttpConfig) -> None:
        self._config = config
        self._connections: Connections | None = None
        # the address may come from the environment: it is read for every request then
        self._is_fixed = config.base_url is not None
        self._heads: dict[str, RequestHead] = {}

    def open(self) -> None:
        """Loads what a request needs, so that no request's clock runs while it does."""
        self._opened()

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Body:
        """The body of a 200 response. Raises CallError."""
        async with self._response("POST", path, body, headers) as response:
            return Body(await _read(response), response.headers.get("retry-after"))

    async def get(self, path: str, headers: Mapping[str, str]) -> int:
        """The status of any response. Raises CallError when there is none."""
        async with self._response("GET", path, None, headers) as response:
            return response.status

    @asynccontextmanager
    async def lines(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> AsyncIterator[Lines]:
        """The lines of a streamed 200 response as they arrive. Raises CallError."""
        async with self._response("POST", path, body, headers) as response:
            yield Lines(_lines(response), response.headers.get("retry-after"))

    async def aclose(self) -> None:
        if self._connections is not None:
            await self._connections.aclose()
            self._connections = None
            self._heads.clear()

    def _response(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> "_Exchange":
        """The response to one request; to a POST, one of status 200. Raises CallError."""
        return _Exchange(self, method, path, body, headers)

    def head(self, path: str) -> RequestHead:
        """What requests to this path begin with. Raises CallError and ValueError."""
        url = path if self._is_fixed else base_url(self._config) + path
        head = self._heads.get(url)
        if head is None:
            head = self._heads[url] = RequestHead(base_url(self._config) + path)
        return head

    async def taken(self, head: RequestHead) -> HeldConnection:
        """A connection to send the request on. Raises aiohttp.ClientError, OSError, ValueError."""
        connections = self._opened()
        return connections.idle(head) or await connections.connected(head)

    def give_back(self, head: RequestHead, held: HeldConnection) -> None:
        """The response has been read to its end."""
        transport = held.protocol.transport
        # where the response came before the request was out, nothing may follow it
        is_sending = transport is not None and transport.get_write_buffer_size() > 0
        if self._connections is None or is_sending:
            held.close()
        else:
            self._connections.give_back(head, held)

    def _opened(self) -> Connections:
        if self._connections is None:
            import httpx

            config = self._config
            secure = httpx.create_ssl_context() if self._secure() else None
            self._connections = Connections(config.concurrency, config.timeouts.connect_s, secure)
        return self._connections

    def _secure(self) -> bool:
        try:
            return base_url(self._config).startswith("https:")
        except CallError:
            # no request will be made
            return False


class _Exchange:
    """One request and its response, as a context; a generator would cost more than its parser."""

    def __init__(
        self,
        transport: Transport,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> None:
        self._transport = transport
        self._asked = method, path, body, headers
        self._head: RequestHead | None = None
        self._held: HeldConnection | None = None
        self._response: _Response | None = None

    async def __aenter__(self) -> _Response:
        method, path, body, headers = self._asked
        try:
            self._head = self._transport.head(path)
            request = self._head.request(method, headers, body)
            self._held = await self._transport.taken(self._head)
            self._response = await _exchanged(self._held, request)
            if method == "POST" and self._response.status != 200:
                raise await _status_error(self._response)
            return self._response
        except BaseException as error:
            self._end(is_over=False)
            if _is_transport_error(error):
                raise _as_call_error(error) from error
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._response is not None
        self._end(is_over=error is None and self._response.content.is_eof())
        if error is not None and _is_transport_error(error):
            raise _as_call_error(error) from error

    def _end(self, *, is_over: bool) -> None:
        if self._held is None or self._head is None:
            return
        if is_over:
            self._transport.give_back(self._head, self._held)
        else:
            self._held.close()


async def _exchanged(held: HeldConnection, request: bytes) -> _Response:
    """Sends a request, and reads the head of its response."""
    protocol = held.protocol
    transport = protocol.transport
    if transport is None:
        raise ConnectionResetError("the connection was closed")
    # a parser of its own for each response: the beginning of one that nobody asked for, which no
    # property of the connection shows, would be read on as this one's; decompressed within a limit
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    transport.write(request)
    while True:
        head, content = await protocol.read()
        # 1xx announces a response; no protocol is switched here
        if head.code < 100 or head.code >= 200 or head.code == 101:
            return _Response(head.code, head.headers, content)


async def _status_error(response: _Response) -> CallError:
    """The error of a response whose status is not 200, even where its body cannot be read."""
    import aiohttp

    try:
        data = await response.content.read(_CHUNK)
        body = _decompressor(response, _MAX_ERROR_BODY).feed(data)
    except (aiohttp.ClientError, OSError, EncodingError):
        body = b""
    return error_from_status(
        response.status, response.headers.get("retry-after"), body, time.time()
    )


def _is_transport_error(error: BaseException) -> TypeGuard[Exception]:
    import aiohttp

    transport = (aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError, ValueError)
    return isinstance(error, transport)


def _as_call_error(error: Exception) -> CallError:
    import aiohttp

    message = str(error) or type(error).__name__
    if isinstance(error, ValueError):
        return EndpointNotFound(f"no request can be made to this address: {message}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return MalformedResponse(f"the answer breaks off: {message}")
    unconnected = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    return Unreachable(message) if isinstance(error, unconnected) else ConnectionBroken(message)


async def _chunks(response: _Response) -> AsyncIterator[bytes]:
    """The decompressed body, chunk by chunk. Raises MalformedResponse."""
    size = 0
    try:
        decompressor = _decompressor(response)
        async for chunk in response.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > _MAX_BODY:
                raise _too_large()
            if data := decompressor.feed(chunk):
                yield data
        decompressor.finish()
    except EncodingError as error:
        raise MalformedResponse(str(error)) from error


def _decompressor(response: _Response, limit: int = _MAX_BODY) -> Decompressor:
    return Decompressor(response.headers.get("content-encoding", ""), limit)


def _too_large() -> MalformedResponse:
    return MalformedResponse(f"the answer is larger than {_MAX_BODY} bytes")


async def _read(response: _Response) -> bytes:
    content = response.content
    if content.is_eof():
        # mostly all of it came with the head
        data = b"" if content.at_eof() else content.read_nowait()
        if len(data) > _MAX_BODY:
            raise _too_large()
    else:
        stated = response.headers.get("content-length")
        if stated is None or not stated.isdecimal():
            return b"".join([chunk async for chunk in _chunks(response)])
        if int(stated) > _MAX_BODY:
            raise _too_large()
        data = await content.read()
    if data.startswith(b"{") and "content-encoding" not in response.headers:
        # some servers compress without saying so
        return data
    try:
        decompressor = _decompressor(response)
        data = decompressor.feed(data)
        decompressor.finish()
    except EncodingError as error:
        raise MalformedResponse(str(error)) from error
    return data


async def _lines(response: _Response) -> AsyncIterator[str]:
    decoder = LineDecoder()
    async for chunk in _chunks(response):
        for line in decoder.feed(chunk):
            yield line
    for line in decoder.finish():
        yield line
