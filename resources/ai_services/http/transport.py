"""Requests to one service, and how their responses are read.

Redirects, cookies, proxies and credentials of the environment, which an API client must not
follow, stay out of the way; certificates are checked as httpx checks them.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from orchestration_assets.schemas.services import HttpConfig
from orchestration_assets.text.replies.call_errors import (
    CallError,
    EndpointNotFound,
    MalformedResponse,
    error_from_status,
    error_in_body,
    json_object,
)
from orchestration_assets.text.replies.compression import Decompressor, EncodingError
from orchestration_assets.text.replies.event_stream import LineDecoder
from resources.ai_services.http.address import base_url
from resources.ai_services.http.connection import Connection
from resources.ai_services.http.connection_pool import ConnectionPool, Endpoint

_HEADERS: Final = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    # answers are small and read as they come
    "accept-encoding": "identity",
    "user-agent": "content-orchestration",
}
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
KEY_HEADER: Final = "idempotency-key"
"""The header that differs from one request to the next."""
_MAX_HEADS: Final = 16
"""So many sets of headers are kept as bytes; secrets may change while a run goes on."""
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


class Transport:
    """Requests to one service. Opens when first used; close it in the loop that used it."""

    def __init__(self, config: HttpConfig) -> None:
        self._config = config
        self._pool: ConnectionPool | None = None
        self._targets: dict[str, _Target] = {}

    def open(self) -> None:
        """Loads what a request needs, so that no request's clock runs while it does."""
        if self._pool is None:
            self._pool = self._opened()

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
        if self._pool is not None:
            self._pool.close()
            self._pool = None
            self._targets.clear()
            # connections end in the loop's next round
            await asyncio.sleep(0)

    @property
    def pool(self) -> ConnectionPool:
        """Its connections."""
        self.open()
        assert self._pool is not None
        return self._pool

    def _response(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> "_Exchange":
        """The response to one request; to a POST, one of status 200. Raises CallError."""
        return _Exchange(self, method, path, body, headers)

    def target(self, path: str) -> "_Target":
        """What requests to this path go to. Raises CallError and ValueError."""
        # the address may come from the environment: it is read for every request
        url = base_url(self._config) + path
        target = self._targets.get(url)
        if target is None:
            target = self._targets[url] = _Target(url)
        return target

    def _opened(self) -> ConnectionPool:
        import httptools  # noqa: F401 -- loaded before a request's clock runs
        import httpx

        config = self._config
        pool = ConnectionPool(
            config.concurrency, config.timeouts.connect_s, httpx.create_ssl_context
        )
        if self._is_secure():
            pool.load_certificates()
        return pool

    def _is_secure(self) -> bool:
        try:
            return base_url(self._config).startswith("https:")
        except CallError:
            # no request will be made
            return False


class _Response(NamedTuple):
    """The head of a response, and the connection that its body arrives on."""

    status: int
    headers: Mapping[str, str]
    connection: Connection


class _Exchange:
    """One request and its response, as a context; a generator would cost more than its parser."""

    __slots__ = ("_asked", "_connection", "_endpoint", "_pool", "_transport")

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
        self._connection: Connection | None = None

    async def __aenter__(self) -> _Response:
        method, path, body, headers = self._asked
        self._pool = self._transport.pool
        try:
            target = self._transport.target(path)
            request = target.request(method, headers, body)
            self._endpoint = target.endpoint
            self._connection = connection = await self._pool.taken(target.endpoint)
            connection.ask(request)
            head = await connection.head()
            response = _Response(head.status, head.headers, connection)
            if method == "POST" and response.status != 200:
                raise await _status_error(response)
            return response
        except ValueError as error:
            self._end()
            raise EndpointNotFound(f"no request can be made to this address: {error}") from error
        except BaseException:
            self._end()
            raise

    async def __aexit__(self, *raised: object) -> None:
        self._end()

    def _end(self) -> None:
        if self._connection is not None:
            self._pool.give_back(self._endpoint, self._connection)


_Pairs = tuple[tuple[str, str], ...]


class _Target:
    """One address: where its connections go to, and the bytes of a request to it."""

    def __init__(self, url: str) -> None:
        """Raises ValueError for what is no address that a request can be made to."""
        from yarl import URL

        address = URL(url)
        if address.user is not None or address.password is not None:
            raise ValueError("it holds a name or a password, which belong in header_env")
        if not address.raw_host or address.port is None:
            raise ValueError("it names no host")
        self.endpoint = Endpoint(address.raw_host, address.port, address.scheme == "https")
        self._host = address.host_port_subcomponent or address.raw_host
        self._path = address.raw_path_qs
        self._heads: dict[tuple[str, _Pairs], tuple[bytes, bool]] = {}

    def request(self, method: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        """A whole request. Raises ValueError where a header would break out of its line."""
        same = tuple(pair for pair in headers.items() if pair[0] != KEY_HEADER)
        known = self._heads.get((method, same))
        if known is None:
            if len(self._heads) >= _MAX_HEADS:
                self._heads.clear()
            known = self._heads[method, same] = self._head(method, same)
        head, with_key = known
        own = b""
        if with_key and KEY_HEADER in headers:
            own = _lines_of({KEY_HEADER: headers[KEY_HEADER]})
        if body is None:
            return b"%b%b\r\n" % (head, own)
        return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, own, len(body), body)

    def _head(self, method: str, headers: "_Pairs") -> tuple[bytes, bool]:
        """The first lines of all requests with these headers; whether a key may follow."""
        fields = {"host": self._host, **_HEADERS}
        fields.update((name.lower(), value) for name, value in headers)
        first = f"{method} {self._path} HTTP/1.1\r\n".encode()
        return first + _lines_of(fields), KEY_HEADER not in fields


def _lines_of(fields: Mapping[str, str]) -> bytes:
    """Headers as lines. Raises ValueError where one would break out of its line."""
    for name, value in fields.items():
        if _CONTROLS.search(name) or _CONTROLS.search(value):
            raise ValueError("a header holds a line break or a control character")
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()


async def _status_error(response: _Response) -> CallError:
    """The error of a response whose status is not 200, even where its body cannot be read."""
    try:
        data = await response.connection.read()
        body = _decompressor(response, _MAX_ERROR_BODY).feed(data[:_CHUNK])
    except (CallError, EncodingError):
        body = b""
    return error_from_status(
        response.status, response.headers.get("retry-after"), body, time.time()
    )


async def _chunks(response: _Response) -> AsyncIterator[bytes]:
    """The decompressed body, chunk by chunk. Raises MalformedResponse."""
    size = 0
    try:
        decompressor = _decompressor(response)
        while chunk := await response.connection.read():
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
    if int(stated) > _MAX_BODY:
        raise _too_large()
    read = response.connection.read
    parts = []
    while part := await read():
        parts.append(part)
    compressed = parts[0] if len(parts) == 1 else b"".join(parts)
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
