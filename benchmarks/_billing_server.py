"""A chat service on loopback that bills by the token and knows its own bill.

A model named ``skill-<share>`` answers rightly that often, by a hash of what it is asked; the
right label is the word that stands most often in the content. Tokens are counted by a rule of the
server's own, which no estimate knows.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Final

LABELS: Final = ("billing", "delivery", "account", "praise")
_WORD: Final = re.compile(r"[a-z]+")


def unit(*parts: object) -> float:
    """A number in [0, 1) that depends on nothing but the parts."""
    digest = blake2b(repr(parts).encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56


class BillingServer(ThreadingHTTPServer):
    """Counts what it bills, in US dollars, for the prices that it is told."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, input_usd: float, output_usd: float) -> None:
        super().__init__(("127.0.0.1", 0), _Chat)
        self.input_usd, self.output_usd = input_usd, output_usd
        self.busy_share = 0.0
        self._bill, self._lock = 0.0, Lock()
        self._seen: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """The base URL for services of a policy."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def billed(self) -> float:
        """The bill so far, in US dollars."""
        with self._lock:
            return self._bill

    def times_asked(self, body: str) -> int:
        """How often this very request came before."""
        with self._lock:
            self._seen[body] += 1
            return self._seen[body] - 1

    def charge(self, tokens_in: int, tokens_out: int) -> None:
        """Adds one answer to the bill; prices are per million tokens."""
        with self._lock:
            self._bill += (tokens_in * self.input_usd + tokens_out * self.output_usd) / 1e6


class _Chat(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: BillingServer

    def do_GET(self) -> None:
        self._send(200, {"object": "list", "data": []})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        asked = json.loads(body)
        text = " ".join(str(one["content"]) for one in asked["messages"])
        is_first = not self.server.times_asked(body)
        if is_first and unit("busy", body) < self.server.busy_share:
            self._send(429, {"error": {"message": "busy"}}, {"retry-after": "0"})
            return
        answer, tokens_out = _answer(asked["model"], text)
        tokens_in = round(len(text) / (3.2 + 1.6 * unit("tokens", text)))
        self.server.charge(tokens_in, tokens_out)
        usage = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}
        message = {"role": "assistant", "content": json.dumps(answer)}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        self._send(200, {"object": "chat.completion", "choices": choices, "usage": usage})

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, *ignored: object) -> None:
        """Requests are no news."""


def _answer(model: str, text: str) -> tuple[dict[str, Any], int]:
    counts = Counter(word for word in _WORD.findall(text.lower()) if word in LABELS)
    right = max(LABELS, key=lambda label: (counts[label], label))
    skill = float(model.removeprefix("skill-")) / 100
    is_right = unit(model, text) < skill
    others = [label for label in LABELS if label != right]
    label = right if is_right else others[int(unit(model, text, "which") * len(others))]
    sure = 0.5 + 0.49 * unit(model, text, "sure") ** (0.5 if is_right else 2.0)
    return {"answer": label, "confidence": round(sure, 2)}, 8 + int(24 * unit(model, text, "out"))


@contextmanager
def serving(input_usd: float, output_usd: float) -> Iterator[BillingServer]:
    """The server, for as long as the block runs."""
    server = BillingServer(input_usd, output_usd)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
