"""The connections to one service, on aiohttp's connector.

A connection that is used again right away does not go through the connector, whose books of what is
lent and of who waits take as long as reading a response. The latest one given back goes first: what
belongs to it is in the processor's caches still.
"""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

from resources.ai_services.http.request_head import RequestHead

if TYPE_CHECKING:
    import ssl

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection

_IDLE_S: Final = 30.0


class HeldConnection:
    """A connection with its protocol, which stays the same while it is lent by the connector.

    ``since``: when it was given back last.
    """

    __slots__ = ("connection", "protocol", "since")

    def __init__(self, connection: "Connection", protocol: "ResponseHandler") -> None:
        self.connection = connection
        self.protocol = protocol
        self.since = 0.0

    def is_usable(self) -> bool:
        """Whether a request may be sent; what came that nobody asked for is no answer to it."""
        return self.protocol.is_connected() and not self.protocol.should_close

    def close(self) -> None:
        """Ends the connection, whatever is still under way."""
        self.connection.close()


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
        self._idle: dict[ConnectionKey, list[HeldConnection]] = {}
        self._waiting = 0
        """Requests that the connector is to give a connection to."""
        self._sweeping: asyncio.TimerHandle | None = None

    def idle(self, head: RequestHead) -> HeldConnection | None:
        """A connection that waits, if there is one."""
        waiting = self._idle.get(head.connection_key)
        if not waiting:
            return None
        earliest = monotonic() - _IDLE_S
        while waiting:
            held = waiting.pop()
            if held.since >= earliest and held.is_usable():
                return held
            held.close()
        return None

    async def connected(self, head: RequestHead) -> HeldConnection:
        """A connection from the connector; the caller's own limit ends the waiting.

        Raises aiohttp.ClientError, OSError and ValueError.
        """
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
            if connection.protocol is not None:
                held = HeldConnection(connection, connection.protocol)
                if held.is_usable():
                    return held
            connection.close()
        raise aiohttp.ClientConnectionError(f"{head.host} answers what nobody asked")

    def give_back(self, head: RequestHead, held: HeldConnection) -> None:
        """The connection may be used again, unless its server closes it."""
        if held.protocol.should_close:
            held.close()
            return
        if self._waiting:
            # the connector wakes who waits for it at its limit, and only by what it gets itself
            held.connection.release()
            return
        held.since = monotonic()
        waiting = self._idle.get(head.connection_key)
        if waiting is None:
            waiting = self._idle[head.connection_key] = []
        waiting.append(held)
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
                waiting.pop(0).close()
        waits = any(self._idle.values())
        loop = asyncio.get_running_loop()
        self._sweeping = loop.call_later(_IDLE_S, self._sweep) if waits else None

    def _release_idle(self) -> None:
        for waiting in self._idle.values():
            for held in waiting:
                held.connection.release()
        self._idle.clear()
