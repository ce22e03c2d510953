"""A chat completion service on loopback whose answers are a function of the prompt."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.servers import http_server

Say = Callable[[str], tuple[object, float] | tuple[object, float, str] | int]
"""The prompt -> answer, confidence and maybe a reason, or the HTTP status of a failure."""


@dataclass
class ChatServer:
    """What it says may change while it runs; ``asked`` holds every prompt that it answered."""

    say: Say
    url: str = ""
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def chat_server(say: Say) -> Iterator[ChatServer]:
    server = ChatServer(say)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._give(200, {"object": "list", "data": []})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            prompt = "\n".join(message["content"] for message in body["messages"])
            said = server.say(prompt)
            if isinstance(said, int):
                self._give(said, {"error": {"message": "scripted"}})
                return
            answer, confidence, *reason = said
            with server.lock:
                server.asked.append(prompt)
            content = {"answer": answer, "confidence": confidence}
            if reason:
                content["reason"] = reason[0]
            message = {"role": "assistant", "content": json.dumps(content)}
            usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            about = {"id": f"chatcmpl-{len(server.asked)}", "model": f"{body['model']}-2026"}
            kind = {"object": "chat.completion"}
            self._give(200, {**kind, **about, "choices": choices, "usage": usage})

        def _give(self, status: int, body: dict[str, object]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http_server(Handler) as address:
        server.url = f"{address}/v1"
        yield server
