"""HTTP for tool servers: a response that is too large ends, and none is unpacked."""

from collections.abc import AsyncIterator
from typing import Final

# of the optional extra: this module is imported where a session begins
import httpx2

LARGEST_RESPONSE: Final = 8 * 1024 * 1024
"""Bytes of one response, a stream of events included."""


class BoundedTransport(httpx2.AsyncHTTPTransport):
    """Connections whose responses hold at most :data:`LARGEST_RESPONSE` bytes."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response. Reading it raises ReadError at the limit."""
        response = await super().handle_async_request(request)
        response.headers.pop("content-encoding", None)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream)
        return response


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = LARGEST_RESPONSE
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise httpx2.ReadError(f"a response is larger than {LARGEST_RESPONSE} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
