"""One service's connection pool, and a request through it, on aiohttp.

Redirects, cookies, proxies and credentials of the environment, which an API client must not
follow, stay out of the way; certificates are checked as httpx checks them.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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


class Transport:
    """Requests to one service. Opens when first used; close it in the loop that used it."""

    def __init__(self, config: HttpConfig) -> None:
        self._config = config
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Loads what a request needs, so that no request's clock runs while it does."""
        if self._session is None:
            self._session = self._open()

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
        if self._session is not None:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def _response(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> "AsyncIterator[aiohttp.ClientResponse]":
        """The response to one request; to a POST, one of status 200. Raises CallError."""
        import aiohttp

        try:
            url = base_url(self._config) + path
            self.open()
            assert self._session is not None
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                if method == "POST" and response.status != 200:
                    raise await _status_error(response)
                yield response
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _as_call_error(error) from error

    def _open(self) -> "aiohttp.ClientSession":
        import aiohttp
        import httpx

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._config.concurrency,
                keepalive_timeout=_IDLE_S,
                ssl=httpx.create_ssl_context() if self._secure() else True,
            ),
            # the caller's own limit ends the attempt; only the connection has one of its own
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._config.timeouts.connect_s),
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            # done here, within a limit
            auto_decompress=False,
        )

    def _secure(self) -> bool:
        try:
            return base_url(self._config).startswith("https:")
        except CallError:
            # no request will be made
            return False


async def _status_error(response: "aiohttp.ClientResponse") -> CallError:
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


def _as_call_error(error: Exception) -> CallError:
    import aiohttp

    message = str(error) or type(error).__name__
    if isinstance(error, ValueError):
        return EndpointNotFound(f"no request can be made to this address: {message}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return MalformedResponse(f"the answer breaks off: {message}")
    unconnected = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    return Unreachable(message) if isinstance(error, unconnected) else ConnectionBroken(message)


async def _chunks(response: "aiohttp.ClientResponse") -> AsyncIterator[bytes]:
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


def _decompressor(response: "aiohttp.ClientResponse", limit: int = _MAX_BODY) -> Decompressor:
    return Decompressor(response.headers.get("content-encoding", ""), limit)


def _too_large() -> MalformedResponse:
    return MalformedResponse(f"the answer is larger than {_MAX_BODY} bytes")


async def _read(response: "aiohttp.ClientResponse") -> bytes:
    declared = response.content_length
    if declared is None:
        return b"".join([chunk async for chunk in _chunks(response)])
    if declared > _MAX_BODY:
        raise _too_large()
    compressed = await response.read()
    try:
        decompressor = _decompressor(response)
        data = decompressor.feed(compressed)
        decompressor.finish()
    except EncodingError as error:
        raise MalformedResponse(str(error)) from error
    return data


async def _lines(response: "aiohttp.ClientResponse") -> AsyncIterator[str]:
    decoder = LineDecoder()
    async for chunk in _chunks(response):
        for line in decoder.feed(chunk):
            yield line
    for line in decoder.finish():
        yield line
