"""The connections to one service, on aiohttp's connector.

A connection that is used again right away does not go through the connector, whose books of what is
lent and of who waits take as long as reading a response. The latest one given back goes first: what
belongs to it is in the processor's caches still.
"""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

from resources.ai_services.http.request_head import RequestHead

if TYPE_CHECKING:
    import ssl

    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection

_IDLE_S: Final = 30.0


class _Idle(NamedTuple):
    connection: "Connection"
    since: float


class Connections:
    """At most ``limit`` connections at a time, each made within ``connect_s`` seconds.

    ``secure``: how certificates are checked. Belongs to the event loop that it is made in.
    """

    def __init__(
        self, limit: int, connect_s: float, secure: "ssl.SSLContext | None" = None
    ) -> None:
        import aiohttp

        self._limit = limit
        self._within = aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
        self._connector = aiohttp.TCPConnector(
            limit=limit, keepalive_timeout=_IDLE_S, ssl=True if secure is None else secure
        )
        self._idle: dict[ConnectionKey, list[_Idle]] = {}
        self._waiting = 0
        """Requests that the connector is to give a connection to."""
        self._sweeping: asyncio.TimerHandle | None = None

    async def taken(self, head: RequestHead) -> "Connection":
        """A connection that waits, or a new one; the caller's own limit ends the waiting.

        Raises aiohttp.ClientError, OSError and ValueError.
        """
        idle = self._idle.get(head.connection_key)
        earliest = monotonic() - _IDLE_S
        while idle:
            connection, since = idle.pop()
            if since >= earliest and _is_usable(connection):
                return connection
            # what came meanwhile, which nobody asked for, is no answer to the next request
            connection.close()
        return await self._connected(head)

    async def _connected(self, head: RequestHead) -> "Connection":
        import aiohttp

        # those to other hosts count for the connector as long as they wait here
        self._release_idle()
        for _ in range(self._limit + 1):
            self._waiting += 1
            try:
                connection = await self._connector.connect(head.any_request, [], self._within)
            except TimeoutError as error:
                raise aiohttp.ConnectionTimeoutError(f"no connection to {head.host}") from error
            finally:
                self._waiting -= 1
            if _is_usable(connection):
                return connection
            connection.close()
        raise aiohttp.ClientConnectionError(f"{head.host} answers what nobody asked")

    def give_back(self, head: RequestHead, connection: "Connection") -> None:
        """The connection may be used again, unless its server closes it."""
        if connection.protocol is None or connection.protocol.should_close:
            connection.close()
            return
        if self._waiting:
            # the connector wakes who waits for it at its limit, and only by what it gets itself
            connection.release()
            return
        self._idle.setdefault(head.connection_key, []).append(_Idle(connection, monotonic()))
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_IDLE_S, self._sweep)

    async def aclose(self) -> None:
        """Closes all of them, those in use as well."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._release_idle()
        await self._connector.close()

    def _sweep(self) -> None:
        """Closes what nobody has used for long; the latest stand last."""
        earliest = monotonic() - _IDLE_S
        for waiting in self._idle.values():
            while waiting and waiting[0].since <= earliest:
                waiting.pop(0).connection.close()
        waits = any(self._idle.values())
        loop = asyncio.get_running_loop()
        self._sweeping = loop.call_later(_IDLE_S, self._sweep) if waits else None

    def _release_idle(self) -> None:
        for waiting in self._idle.values():
            for connection, _ in waiting:
                connection.release()
        self._idle.clear()


def _is_usable(connection: "Connection") -> bool:
    protocol = connection.protocol
    return protocol is not None and protocol.is_connected() and not protocol.should_close
