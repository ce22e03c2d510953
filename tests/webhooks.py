"""A real HTTP server on loopback that plays the receiver of messages."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.servers import http_server

SECRET_PATH = "/hooks/s3cr3t-t0ken"


@dataclass
class Receiver:
    """What was received, and how the next requests are answered; the last answer repeats."""

    url: str = ""
    answers: Sequence[int | float] = (200,)
    received: list[tuple[str, Any]] = field(default_factory=list)

    def next_answer(self) -> int | float:
        return self.answers[min(len(self.received) - 1, len(self.answers) - 1)]


@contextmanager
def receiving(*answers: int | float) -> Iterator[Receiver]:
    """A receiver that answers with these statuses; a float is a wait in seconds before 200."""
    receiver = Receiver(answers=answers or (200,))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.received.append((self.path, json.loads(body)))
            answer = receiver.next_answer()
            if isinstance(answer, float):
                time.sleep(answer)
                answer = 200
            self.send_response(answer)
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with http_server(Handler) as address:
        receiver.url = f"{address}{SECRET_PATH}"
        yield receiver
