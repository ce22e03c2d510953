"""Requests of one round of the event loop leave together, one behind the other.

Sent alone, each wakes its server anew, and a few hundred steps of other code lie between two of
them: that takes twice the processor time.
"""

import asyncio


class Outbox:
    """Belongs to the event loop that uses it.

    What is posted leaves before whoever posted it goes on: the loop carries out in order what it
    was asked to.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[asyncio.WriteTransport, bytes]] = []

    def post(self, transport: asyncio.WriteTransport, data: bytes) -> None:
        """Sends at the end of this round; nothing to a connection that is closed by then."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._send)
        self._waiting.append((transport, data))

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport, data in waiting:
            # who waits for an answer is told of the closing
            if not transport.is_closing():
                transport.write(data)
