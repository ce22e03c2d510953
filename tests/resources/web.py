"""A web server on the loopback that answers what a test says, byte by byte if need be."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HTML = {"Content-Type": "text/html; charset=utf-8"}


@dataclass
class Answer:
    """One path's answer. ``length`` of None leaves the header out and ends with the connection;
    ``chunked`` sends the pieces in chunks; ``body`` may be endless."""

    body: bytes | Callable[[], Iterator[bytes]] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: bool = True
    chunked: bool = False
    head: int | None = None
    ranges: bool = False


class Web:
    """The server's answers by path, and what was asked of it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str]] = []

    def page(self, path: str, *links: str, title: str = "Index of /") -> None:
        inside = "".join(f'<a href="{link}">x</a>\n' for link in links)
        html = f"<html><title>{title}</title><body>{inside}</body></html>"
        self.answers[path] = Answer(html.encode(), headers=dict(HTML))

    def file(self, path: str, body: bytes, modified: str = "Wed, 21 Oct 2015 07:28:00 GMT") -> None:
        self.answers[path] = Answer(body, headers={"Last-Modified": modified})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Web

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        web: Web = self.server.web  # type: ignore[attr-defined]
        web.asked.append((self.command, self.path))
        answer = web.answers.get(self.path) or Answer(status=404)
        status = answer.status
        if not with_body and answer.head is not None:
            status = answer.head
        body = answer.body
        headers = dict(answer.headers)
        asked = self.headers.get("Range")
        if asked and answer.ranges and isinstance(body, bytes):
            first, last = asked.removeprefix("bytes=").split("-")
            headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
            body, status = body[int(first) : int(last) + 1], 206
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.length and isinstance(body, bytes):
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if with_body:
            self._send(body, chunked=answer.chunked)

    def _send(self, body: bytes | Callable[[], Iterator[bytes]], *, chunked: bool) -> None:
        try:
            for piece in [body] if isinstance(body, bytes) else body():
                framed = b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece
                if piece:
                    self.wfile.write(framed)
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def serving() -> Iterator[Web]:
    """A server with its own port, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    web = Web(server.server_address[1])
    server.web = web  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
