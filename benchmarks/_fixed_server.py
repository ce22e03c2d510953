"""A server that answers every request the same after a fixed time, at next to no cost of its own.

``python -m benchmarks._fixed_server MILLISECONDS`` prints its port. Where the server's own work
counts, it would be measured instead of its clients.
"""

import asyncio
import json
import sys
from typing import Final

_SAID: Final = json.dumps({"answer": "red", "confidence": 0.9})
_BODY: Final = json.dumps(
    {
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": _SAID},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 150, "completion_tokens": 12, "total_tokens": 162},
    }
).encode()
_ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)
_END: Final = b"\r\n\r\n"


class _Fixed(asyncio.Protocol):
    seconds = 0.02

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._held = b""

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, found, rest = self._held.partition(_END)
        if not found:
            return
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) >= length:
            self._held = rest[length:]
            asyncio.get_running_loop().call_later(self.seconds, self._transport.write, _ANSWER)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Fixed, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    _Fixed.seconds = float(sys.argv[1]) / 1000.0
    asyncio.run(_serve())
