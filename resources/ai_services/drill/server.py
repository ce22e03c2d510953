"""The drill's server: an OpenAI-compatible service on the loopback that logs its requests.

It honours the Idempotency-Key: a repeated request gets the same answer and is not billed again.
"""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from orchestration_assets.text.replies.generated_replies import (
    chat_reply,
    embeddings_reply,
    prompt_of,
    streamed_events,
)
from resources.ai_services.drill.faults import (
    Fault,
    FaultKind,
    FaultScript,
    ScriptedCall,
    active_faults,
)

if TYPE_CHECKING:
    from aiohttp import web

_HANG_S: Final = 3600.0
_STATUS: Final = {
    FaultKind.RATE_LIMIT: 429,
    FaultKind.OVERLOAD: 503,
    FaultKind.ERROR: 500,
    FaultKind.UNAUTHORISED: 401,
    FaultKind.REFUSED: 400,
}


_PACED: Final = frozenset({FaultKind.RATE_LIMIT, FaultKind.OVERLOAD})
"""They say when to come again (Retry-After)."""


@dataclass
class ServedRequest:
    """The log entry of one request; ``finished`` once its response was written in full."""

    number: int
    key: str
    path: str
    model: str
    items: int
    at_s: float
    faults: tuple[str, ...] = ()
    status: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    billed: bool = False
    replayed: bool = False
    finished: bool = False


@dataclass
class DrillServer:
    """The server's script, which may change while it runs, and its log."""

    script: FaultScript = field(default_factory=FaultScript)
    log: list[ServedRequest] = field(default_factory=list)
    peak_concurrency: int = 0
    _request_counts: Counter[str] = field(default_factory=Counter)
    _answers_by_key: dict[str, dict[str, Any]] = field(default_factory=dict)
    _in_flight: int = 0
    _began: float = field(default_factory=time.monotonic)

    @property
    def billed(self) -> list[ServedRequest]:
        return [request for request in self.log if request.billed]

    async def handle(self, request: "web.Request") -> "web.StreamResponse":
        from aiohttp import web

        raw = await request.read()
        try:
            body = json.loads(raw)
        except ValueError:
            return web.json_response({"error": {"message": "not JSON"}}, status=400)
        served = self._enter(request, raw, body)
        text = raw.decode("utf-8", "replace")
        earlier_requests = self._request_counts[served.key]
        self._request_counts[served.key] += 1
        faults = active_faults(
            self.script.faults,
            self.script.seed,
            key=served.key,
            time=earlier_requests,
            number=served.number,
            clock=time.monotonic() - self._began,
            text=text,
        )
        served.faults = tuple(fault.kind.value for fault in faults)
        self._in_flight += 1
        self.peak_concurrency = max(self.peak_concurrency, self._in_flight)
        try:
            await asyncio.sleep(self.script.latency_s(served.key, earlier_requests))
            return await self._answer(
                request, body, served, {fault.kind: fault for fault in faults}
            )
        except ConnectionResetError:
            # the client disconnected: the log says that the response was not finished
            return web.Response(status=499)
        finally:
            self._in_flight -= 1

    def _enter(self, request: "web.Request", raw: bytes, body: Mapping[str, Any]) -> ServedRequest:
        key = request.headers.get("idempotency-key")
        key = key or blake2b(raw, digest_size=16).hexdigest()
        texts = body.get("input")
        served = ServedRequest(
            len(self.log),
            key,
            request.path,
            str(body.get("model", "")),
            len(texts) if isinstance(texts, list) else 1,
            time.monotonic() - self._began,
        )
        self.log.append(served)
        return served

    async def _answer(
        self,
        request: "web.Request",
        body: Mapping[str, Any],
        served: ServedRequest,
        faults: Mapping[FaultKind, Fault],
    ) -> "web.StreamResponse":
        from aiohttp import web

        if latency := faults.get(FaultKind.LATENCY):
            await asyncio.sleep(latency.seconds)
        if FaultKind.HANG in faults:
            await asyncio.sleep(_HANG_S)
        if FaultKind.RESET in faults:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        for kind, status in _STATUS.items():
            if kind in faults:
                served.status, served.finished = status, True
                headers = {}
                if kind in _PACED and faults[kind].seconds:
                    headers["Retry-After"] = f"{faults[kind].seconds:g}"
                error = {"error": {"message": f"scripted: {kind.value}"}}
                return web.json_response(error, status=status, headers=headers)
        answer = self._answer_body(body, served, faults)
        served.status = 200
        if body.get("stream"):
            return await self._stream(request, answer, served, faults)
        return await self._write(request, json.dumps(answer).encode(), served, faults)

    def _answer_body(
        self, body: Mapping[str, Any], served: ServedRequest, faults: Mapping[FaultKind, Fault]
    ) -> dict[str, Any]:
        if (earlier := self._answers_by_key.get(served.key)) is not None:
            served.replayed = True
            return earlier
        if "input" in body:
            answer = embeddings_reply(body)
            if FaultKind.WRONG_SCHEMA in faults:
                answer["data"] = answer["data"][1:]
        else:
            scripted = self.script.reply_to(served.model, prompt_of(body))
            answer = chat_reply(body, scripted.model_dump() if scripted else {})
            message = answer["choices"][0]["message"]
            if calls := self.script.calls_in(body, prompt_of(body)):
                answer["choices"][0] |= {"finish_reason": "tool_calls"}
                message |= {"content": None, "tool_calls": list(map(_tool_call, enumerate(calls)))}
            if FaultKind.WRONG_SCHEMA in faults:
                message["content"] = json.dumps({"verdict": "yes", "confidence": "high"})
            elif FaultKind.CHATTY in faults:
                fenced = f"```json\n{message['content']}\n```"
                message["content"] = f"Sure! Here is what you asked for:\n{fenced}\nAnything else?"
        served.tokens_in = answer["usage"]["prompt_tokens"]
        served.tokens_out = answer["usage"]["completion_tokens"]
        # the work is done even if the answer does not arrive: a retry gets the same answer
        served.billed = True
        self._answers_by_key[served.key] = answer
        return answer

    async def _write(
        self,
        request: "web.Request",
        data: bytes,
        served: ServedRequest,
        faults: Mapping[FaultKind, Fault],
    ) -> "web.StreamResponse":
        from aiohttp import web

        response = web.StreamResponse(headers={"content-type": "application/json"})
        response.content_length = len(data)
        await response.prepare(request)
        middle = len(data) // 2
        await response.write(data[:middle])
        if slow := faults.get(FaultKind.SLOW_BODY):
            await asyncio.sleep(slow.seconds)
        if FaultKind.TRUNCATED in faults:
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write(data[middle:])
        await response.write_eof()
        served.finished = True
        return response

    async def _stream(
        self,
        request: "web.Request",
        answer: Mapping[str, Any],
        served: ServedRequest,
        faults: Mapping[FaultKind, Fault],
    ) -> "web.StreamResponse":
        from aiohttp import web

        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        if slow := faults.get(FaultKind.SLOW_BODY):
            await asyncio.sleep(slow.seconds)
        events = list(map(json.dumps, streamed_events(answer)))
        events = events[:2] if FaultKind.TRUNCATED in faults else [*events, "[DONE]"]
        for event in events:
            await response.write(f"data: {event}\n\n".encode())
        await response.write_eof()
        served.finished = FaultKind.TRUNCATED not in faults
        return response

    async def models(self, request: "web.Request") -> "web.Response":
        """The list of models, as health checks read it; 503 while every request fails."""
        from aiohttp import web

        down = {fault.kind for fault in self.script.faults if fault.share >= 1.0}
        if down & {FaultKind.ERROR, *_PACED} and not self.script.faults[0].end:
            return web.json_response({"error": {"message": "down"}}, status=503)
        return web.json_response({"object": "list", "data": []})

    async def show_log(self, request: "web.Request") -> "web.Response":
        from aiohttp import web

        return web.json_response([vars(served) for served in self.log])

    def application(self) -> "web.Application":
        from aiohttp import web

        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_post("/v1/chat/completions", self.handle)
        application.router.add_post("/v1/embeddings", self.handle)
        application.router.add_get("/v1/models", self.models)
        application.router.add_get("/drill/log", self.show_log)
        return application


def _tool_call(numbered: tuple[int, ScriptedCall]) -> dict[str, Any]:
    number, call = numbered
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": f"scripted_{number}", "type": "function", "function": function}


@contextmanager
def serving(server: DrillServer, port: int = 0) -> Iterator[str]:
    """Runs the server in a thread; yields its base URL, which ends in ``/v1``."""
    started: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        from aiohttp import web

        runner = web.AppRunner(
            server.application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            url, stop = f"http://127.0.0.1:{runner.addresses[0][1]}/v1", asyncio.Event()
            started.set_result((url, asyncio.get_running_loop(), stop))
            await stop.wait()
        finally:
            await runner.cleanup()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 -- raised where the server is wanted
            if not started.done():
                started.set_exception(error)

    thread = threading.Thread(target=run, name="drill-server", daemon=True)
    thread.start()
    url, loop, stop = started.result()
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=10)
