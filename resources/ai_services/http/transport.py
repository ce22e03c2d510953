"""One service's connection pool, and a request through it.

httpx's own pool slows down with every connection; its aiohttp transport does not. Requests go
to the transport directly: redirects, cookies and environment credentials, which an API client
must not follow anyway, stay out of the way.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from orchestration_assets.schemas.services import HttpConfig
from resources.ai_services.http.errors import (
    Broken,
    CallError,
    Garbled,
    Unreachable,
    error_of,
)

if TYPE_CHECKING:
    import httpx

_LONGEST_BODY: Final = 64 * 1024 * 1024
_IDLE_S: Final = 30.0


class Transport:
    """Requests to one service. Opens when first used; close it in the loop that used it."""

    def __init__(self, config: HttpConfig) -> None:
        self._config = config
        self._base = config.base_url.rstrip("/")
        self._transport: httpx.AsyncBaseTransport | None = None
        self._urls: dict[str, httpx.URL] = {}

    def open(self) -> None:
        """Loads what a request needs, so that no request's clock runs while it does."""
        if self._transport is None:
            self._transport = self._open()

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The body of a 200 answer. Raises CallError."""
        async with self._opened("POST", path, body, headers) as response:
            return await _read(response)

    async def get(self, path: str, headers: Mapping[str, str]) -> int:
        """The status of whatever answers. Raises CallError when nothing does."""
        async with self._opened("GET", path, b"", headers, any_status=True) as response:
            return response.status_code

    @asynccontextmanager
    async def lines(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> AsyncIterator[AsyncIterator[str]]:
        """The lines of a streamed 200 answer as they arrive. Raises CallError."""
        async with self._opened("POST", path, body, headers) as response:
            yield _lines(response)

    async def aclose(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    @asynccontextmanager
    async def _opened(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        any_status: bool = False,
    ) -> AsyncIterator["httpx.Response"]:
        import httpx

        if self._transport is None:
            self._transport = self._open()
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = httpx.URL(self._base + path)
        # the caller's own limit ends the attempt; only the connection has one of its own
        limits = {"connect": self._config.timeouts.connect_s}
        request = httpx.Request(
            method, url, headers=headers, content=body, extensions={"timeout": limits}
        )
        try:
            response = await self._transport.handle_async_request(request)
            try:
                if response.status_code != 200 and not any_status:
                    said = await _read(response)
                    retry_after = response.headers.get("retry-after")
                    raise error_of(response.status_code, retry_after, said, time.time())
                yield response
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _as_call_error(error) from error

    def _open(self) -> "httpx.AsyncBaseTransport":
        import httpx
        from httpx_aiohttp import AiohttpTransport

        limits = httpx.Limits(max_connections=self._config.concurrency, keepalive_expiry=_IDLE_S)
        return AiohttpTransport(limits=limits)


def _as_call_error(error: Exception) -> CallError:
    import aiohttp
    import httpx

    cause = error.__cause__
    said = str(error) or (str(cause) if cause else "") or type(error).__name__
    if isinstance(cause, aiohttp.ClientPayloadError):
        return Garbled(f"the answer breaks off: {said}")
    # the transport calls every broken connection a connect timeout: only the cause tells
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Unreachable(said)
    return Broken(said) if isinstance(error, httpx.TransportError) else Unreachable(said)


async def _read(response: "httpx.Response") -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > _LONGEST_BODY:
            raise Garbled(f"the answer is larger than {_LONGEST_BODY} bytes")
        parts.append(part)
    return b"".join(parts)


async def _lines(response: "httpx.Response") -> AsyncIterator[str]:
    held = b""
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > _LONGEST_BODY:
            raise Garbled(f"the answer is larger than {_LONGEST_BODY} bytes")
        *whole, held = (held + part).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace").rstrip("\r")
    if held:
        yield held.decode("utf-8", "replace")
