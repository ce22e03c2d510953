"""One service's connection pool, and a request through it, on aiohttp.

Redirects, cookies, proxies and credentials of the environment, which an API client must not
follow, stay out of the way; certificates are checked as httpx checks them.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration_assets.schemas.services import HttpConfig
from orchestration_assets.text.replies.call_errors import (
    CallError,
    ConnectionBroken,
    Garbled,
    Misdirected,
    Unreachable,
    error_of,
)
from orchestration_assets.text.replies.compression import Decompressor, EncodingError
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
_LONGEST_BODY: Final = 64 * 1024 * 1024
_IDLE_S: Final = 30.0
_LONGEST_REFUSAL: Final = 1024 * 1024
_CHUNK: Final = 16 * 1024


class Body(NamedTuple):
    """The body of a 200 answer, with what its Retry-After says."""

    data: bytes
    retry_after: str | None = None


class Lines(NamedTuple):
    """The lines of a streamed 200 answer as they arrive, with what its Retry-After says."""

    arriving: AsyncIterator[str]
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
        """The body of a 200 answer. Raises CallError."""
        import aiohttp

        try:
            async with self._request("POST", path, body, headers) as response:
                if response.status != 200:
                    raise await _refusal(response)
                return Body(await _read(response), response.headers.get("retry-after"))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _as_call_error(error) from error

    async def get(self, path: str, headers: Mapping[str, str]) -> int:
        """The status of whatever answers. Raises CallError when nothing does."""
        import aiohttp

        try:
            async with self._request("GET", path, None, headers) as response:
                return response.status
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _as_call_error(error) from error

    @asynccontextmanager
    async def lines(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> AsyncIterator[Lines]:
        """The lines of a streamed 200 answer as they arrive. Raises CallError."""
        import aiohttp

        try:
            async with self._request("POST", path, body, headers) as response:
                if response.status != 200:
                    raise await _refusal(response)
                yield Lines(_lines(response), response.headers.get("retry-after"))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _as_call_error(error) from error

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> "aiohttp.client._RequestContextManager":
        url = base_url(self._config) + path
        self.open()
        assert self._session is not None
        return self._session.request(method, url, data=body, headers=headers, allow_redirects=False)

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


async def _refusal(response: "aiohttp.ClientResponse") -> CallError:
    """What an answer with another status than 200 comes to, whatever became of its body."""
    import aiohttp

    try:
        encoding = response.headers.get("content-encoding", "")
        read = await response.content.read(_CHUNK)
        said = Decompressor(encoding, _LONGEST_REFUSAL).feed(read)
    except (aiohttp.ClientError, OSError, EncodingError):
        said = b""
    return error_of(response.status, response.headers.get("retry-after"), said, time.time())


def _as_call_error(error: Exception) -> CallError:
    import aiohttp

    said = str(error) or type(error).__name__
    if isinstance(error, ValueError):
        return Misdirected(f"no request can be made to this address: {said}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return Garbled(f"the answer breaks off: {said}")
    never_there = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    return Unreachable(said) if isinstance(error, never_there) else ConnectionBroken(said)


async def _parts(response: "aiohttp.ClientResponse") -> AsyncIterator[bytes]:
    """The body as it was before it was compressed. Raises Garbled."""
    size = 0
    try:
        body = Decompressor(response.headers.get("content-encoding", ""), _LONGEST_BODY)
        async for part in response.content.iter_chunked(_CHUNK):
            size += len(part)
            if size > _LONGEST_BODY:
                raise _too_large()
            if found := body.feed(part):
                yield found
        body.finish()
    except EncodingError as error:
        raise Garbled(str(error)) from error


def _too_large() -> Garbled:
    return Garbled(f"the answer is larger than {_LONGEST_BODY} bytes")


async def _read(response: "aiohttp.ClientResponse") -> bytes:
    declared = response.content_length
    if declared is None:
        return b"".join([part async for part in _parts(response)])
    if declared > _LONGEST_BODY:
        raise _too_large()
    data = await response.read()
    try:
        body = Decompressor(response.headers.get("content-encoding", ""), _LONGEST_BODY)
        found = body.feed(data)
        body.finish()
    except EncodingError as error:
        raise Garbled(str(error)) from error
    return found


async def _lines(response: "aiohttp.ClientResponse") -> AsyncIterator[str]:
    """Lines that end in CR LF, LF or CR, wherever the parts that they come in end."""
    # a line that does not end for long is joined once, not with every part of it
    held: list[bytes] = []
    after_cr = False
    async for part in _parts(response):
        # the LF of a CR LF that was cut in two
        whole = part[1:] if after_cr and part.startswith(b"\n") else part
        after_cr = part.endswith(b"\r")
        if b"\r" in whole:
            whole = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *more = whole.split(b"\n")
        held.append(first)
        for line in more:
            yield b"".join(held).decode("utf-8", "replace")
            held = [line]
    if any(held):
        yield b"".join(held).decode("utf-8", "replace")
