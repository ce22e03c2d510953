"""The connections to one service: so many at once, kept open between requests."""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

from orchestration_assets.text.replies.call_errors import Unreachable
from resources.ai_services.http.connection import Connection
from resources.ai_services.resilience.places import Places

_IDLE_S: Final = 30.0
"""A connection that was not used for so long is closed: servers and routers forget it."""
_NEXT_ADDRESS_S: Final = 0.25
"""Seconds until the next address of a name is tried beside the one before (RFC 8305)."""


class Endpoint(NamedTuple):
    """Where connections go to."""

    host: str
    port: int
    is_secure: bool


class ConnectionPool:
    """At most ``limit`` connections, each made within ``connect_s``.

    ``certificates`` makes what certificates are checked with, once a connection needs it. Belongs
    to the event loop that uses it.
    """

    def __init__(
        self, limit: int, connect_s: float, certificates: Callable[[], ssl.SSLContext]
    ) -> None:
        self._places = Places(limit)
        self._connect_s = connect_s
        self._certificates = certificates
        self._checked: ssl.SSLContext | None = None
        # the one used last stands last
        self._idle: dict[Endpoint, list[tuple[Connection, float]]] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def load_certificates(self) -> None:
        """Reads what certificates are checked with, which takes longer than a request."""
        self._checked = self._checked or self._certificates()

    async def taken(self, endpoint: Endpoint) -> Connection:
        """A connection that waits for a request, or a new one. Raises Unreachable and ValueError.

        It must be given back. Whoever waits for one is limited by a timeout of their own.
        """
        if not self._places.take_free():
            await self._places.take()
        try:
            idle = self._idle.get(endpoint)
            while idle:
                connection, since = idle.pop()
                if connection.is_open and _time() - since < _IDLE_S:
                    return connection
                connection.close()
            return await self._connected(endpoint)
        except BaseException:
            self._places.give_back()
            raise

    def give_back(self, endpoint: Endpoint, connection: Connection) -> None:
        """Takes a connection back after its exchange; one that cannot be used again is closed."""
        self._places.give_back()
        if connection.end():
            self._idle.setdefault(endpoint, []).append((connection, _time()))
            if self._sweeping is None:
                self._sweep()

    def close(self) -> None:
        """Closes those that are not in use."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for connections in self._idle.values():
            for connection, _ in connections:
                connection.close()
        self._idle.clear()

    @property
    def idle(self) -> list[Connection]:
        """The connections that wait for a request."""
        return [one for connections in self._idle.values() for one, _ in connections]

    async def _connected(self, endpoint: Endpoint) -> Connection:
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {}
        if isinstance(loop, asyncio.BaseEventLoop):
            options["happy_eyeballs_delay"] = _NEXT_ADDRESS_S
        if endpoint.is_secure:
            self.load_certificates()
            options["ssl"] = self._checked
        connect = partial(
            loop.create_connection, Connection, endpoint.host, endpoint.port, **options
        )
        where = f"{endpoint.host}:{endpoint.port}"
        try:
            async with asyncio.timeout(self._connect_s):
                connection: Connection
                _, connection = await connect()
        except TimeoutError as error:
            raise Unreachable(f"no connection to {where} within {self._connect_s:g} s") from error
        except OSError as error:
            raise Unreachable(f"no connection to {where}: {error}") from error
        return connection

    def _sweep(self) -> None:
        """Closes what was not used for long, and comes again while any is left."""
        now = _time()
        for endpoint, connections in list(self._idle.items()):
            kept = []
            for connection, since in connections:
                if connection.is_open and now - since < _IDLE_S:
                    kept.append((connection, since))
                else:
                    connection.close()
            self._idle[endpoint] = kept
        self._sweeping = None
        if any(self._idle.values()):
            self._sweeping = asyncio.get_running_loop().call_later(_IDLE_S, self._sweep)


def _time() -> float:
    return asyncio.get_running_loop().time()
