"""A tool server at an address: streamable HTTP, with a limit on what one response may hold."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from resources.tool_servers.program import LONGEST_MESSAGE

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams


@asynccontextmanager
async def address(
    url: str, headers: Mapping[str, str], timeout_s: float
) -> "AsyncIterator[TransportStreams]":
    """The streams of messages from and to the server at the address.

    Redirects to elsewhere, proxies and credentials of the environment stay out of the way.
    """
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    from resources.tool_servers.bounded_http import BoundedTransport

    client = httpx2.AsyncClient(
        # compressed, a small response could become a huge one
        headers={**headers, "accept-encoding": "identity"},
        timeout=httpx2.Timeout(timeout_s),
        transport=BoundedTransport(trust_env=False),
        trust_env=False,
    )
    async with (
        client,
        streamable_http_client(
            url, http_client=client, max_sse_event_size=LONGEST_MESSAGE
        ) as streams,
    ):
        yield streams
