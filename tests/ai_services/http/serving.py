"""A real server on the loopback that answers each request with the bytes of a shape."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.ai_services.http.shapes import Shape

_MANY_PARTS = 50


@dataclass
class Served:
    """What was asked: the head and the body of each request, in their order."""

    requests: list[tuple[str, bytes]] = field(default_factory=list)


@contextmanager
def answering(choose: Callable[[str, bytes], Shape]) -> Iterator[tuple[str, Served]]:
    """Runs a server whose answers ``choose`` picks by path and body; gives its URL and log."""
    served = Served()
    loop = asyncio.new_event_loop()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            fields = dict(
                line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line
            )
            body = await reader.readexactly(int(fields.get("content-length", 0)))
            served.requests.append((head, body))
            await _write(writer, choose(head.split(" ")[1], body))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = loop.run_until_complete(asyncio.start_server(handle, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", served
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@contextmanager
def serving(shapes: Sequence[Shape]) -> Iterator[tuple[str, Served]]:
    """Answers at ``URL/NAME/v1`` with the shape of that name."""
    named = {shape.name: shape for shape in shapes}
    with answering(lambda path, _: named[path.split("/")[1]]) as found:
        yield found


async def _write(writer: asyncio.StreamWriter, shape: Shape) -> None:
    lines = [f"HTTP/1.1 {shape.http_status} Said", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in shape.headers]
    chunked = len(shape.parts) > 1
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    elif not shape.stream:
        lines.append(f"Content-Length: {sum(map(len, shape.parts))}")
    writer.write("\r\n".join([*lines, "", ""]).encode())
    for number, part in enumerate(shape.parts):
        writer.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        # of many parts, only some must travel alone
        if number < _MANY_PARTS:
            await writer.drain()
            await asyncio.sleep(0)
    writer.write(b"0\r\n\r\n" if chunked else b"")
    await writer.drain()
