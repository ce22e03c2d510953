"""One service's connection pool, and a request through it, on aiohttp's connections and parser.

aiohttp's own session takes three times as long for a request as its connections do: it is made for
cookies, redirects, uploads and middleware. A request here is one write and one read.

Redirects, cookies, proxies and credentials of the environment, which an API client must not
follow, stay out of the way; certificates are checked as httpx checks them.
"""

import asyncio
import re
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

if TYPE_CHECKING:
    import aiohttp

_HEADERS: Final = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    # answers are small and read as they come
    "accept-encoding": "identity",
    "user-agent": "content-orchestration",
}
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MAX_BODY: Final = 64 * 1024 * 1024
_IDLE_S: Final = 30.0
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
        self._connector: aiohttp.TCPConnector | None = None
        self._connect_limit: aiohttp.ClientTimeout | None = None
        self._targets: dict[str, _Target] = {}

    def open(self) -> None:
        """Loads what a request needs, so that no request's clock runs while it does."""
        if self._connector is None:
            self._connector = self._open()

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
        if self._connector is not None:
            await self._connector.close()
            self._connector = None
            self._targets.clear()

    def _response(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> "_Exchange":
        """The response to one request; to a POST, one of status 200. Raises CallError."""
        return _Exchange(self, method, path, body, headers)

    async def connected(self, target: "_Target") -> "aiohttp.connector.Connection":
        """A connection of the pool, or a new one; the caller's own limit ends the waiting.

        Raises aiohttp.ClientError, OSError and ValueError.
        """
        import aiohttp

        assert self._connector is not None and self._connect_limit is not None
        limit = self._connect_limit
        # those that wait in the pool, and a new one
        for _ in range(self._config.concurrency + 1):
            try:
                connection = await self._connector.connect(target.key, [], limit)
            except TimeoutError as error:
                raise aiohttp.ConnectionTimeoutError(f"no connection to {target.host}") from error
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            # what came meanwhile, which nobody asked for, is no answer to the next request
            connection.close()
        raise aiohttp.ClientConnectionError(f"{target.host} answers what nobody asked")

    def target(self, path: str) -> "_Target":
        """What requests to this path go to. Raises CallError and ValueError."""
        # the address may come from the environment: it is read for every request
        url = base_url(self._config) + path
        target = self._targets.get(url)
        if target is None:
            self.open()
            target = self._targets[url] = _Target(url)
        return target

    def _open(self) -> "aiohttp.TCPConnector":
        import aiohttp
        import httpx

        connect_s = self._config.timeouts.connect_s
        self._connect_limit = aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
        return aiohttp.TCPConnector(
            limit=self._config.concurrency,
            keepalive_timeout=_IDLE_S,
            ssl=httpx.create_ssl_context() if self._secure() else True,
        )

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
        self._connection: aiohttp.connector.Connection | None = None
        self._response: _Response | None = None

    async def __aenter__(self) -> _Response:
        method, path, body, headers = self._asked
        try:
            target = self._transport.target(path)
            request = target.request(method, headers, body)
            self._connection = await self._transport.connected(target)
            self._response = await _exchanged(self._connection, request)
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
        if self._connection is None:
            return
        if is_over and not _is_sending(self._connection):
            self._connection.release()
        else:
            self._connection.close()


class _Target:
    """One address: what its connections go by, and the bytes of a request to it."""

    def __init__(self, url: str) -> None:
        """Raises ValueError for what is no address that a request can be made to."""
        import aiohttp
        from yarl import URL

        address = URL(url)
        if address.user is not None or address.password is not None:
            raise ValueError("it holds a name or a password, which belong in header_env")
        # its connections are told apart by this request; another one is written
        self.key = aiohttp.ClientRequest("GET", address, loop=asyncio.get_running_loop())
        self.host = self.key.headers["host"]
        self._path = address.raw_path_qs

    def request(self, method: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        """A whole request. Raises ValueError where a header would break out of its line."""
        fields = {"host": self.host, **_HEADERS}
        fields.update((name.lower(), value) for name, value in headers.items())
        if body is not None:
            fields["content-length"] = str(len(body))
        lines = [f"{method} {self._path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items())]
        head = "\n".join(lines)
        if head.count("\n") != len(lines) - 1 or _CONTROLS.search(head.replace("\n", "")):
            raise ValueError("a header holds a line break or a control character")
        return head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + (body or b"")


async def _exchanged(connection: "aiohttp.connector.Connection", request: bytes) -> _Response:
    """Sends a request, and reads the head of its response."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        raise ConnectionResetError("the connection was closed")
    # decompressed here, within a limit
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    transport.write(request)
    while True:
        head, content = await protocol.read()
        # 1xx announces a response; no protocol is switched here
        if head.code < 100 or head.code >= 200 or head.code == 101:
            return _Response(head.code, head.headers, content)


def _is_sending(connection: "aiohttp.connector.Connection") -> bool:
    """Whether the response came before the request was out: nothing may follow it then."""
    transport = connection.transport
    return transport is not None and transport.get_write_buffer_size() > 0


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
    stated = response.headers.get("content-length")
    if stated is None or not stated.isdecimal():
        return b"".join([chunk async for chunk in _chunks(response)])
    declared = int(stated)
    if declared > _MAX_BODY:
        raise _too_large()
    compressed = await response.content.read()
    try:
        decompressor = _decompressor(response)
        data = decompressor.feed(compressed)
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
