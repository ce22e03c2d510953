"""The drill's server: OpenAI-compatible HTTP on the loopback, with a log of what it did.

It keeps the promise of an Idempotency-Key: what was answered once is answered the same way
again, and not billed again.
"""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from resources.ai_services.drill.answering import chat_answer, embeddings_answer
from resources.ai_services.drill.faults import Fault, FaultKind, FaultScript, striking

if TYPE_CHECKING:
    from aiohttp import web

_FOREVER_S: Final = 3600.0
_STATUS: Final = {
    FaultKind.RATE_LIMIT: 429,
    FaultKind.ERROR: 500,
    FaultKind.UNAUTHORISED: 401,
    FaultKind.REFUSED: 400,
}


@dataclass
class ServedRequest:
    """One request as the server saw it; ``finished`` once its answer was written in full."""

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
    """Behaviour and log. ``script`` may be changed while the server runs."""

    script: FaultScript = field(default_factory=FaultScript)
    log: list[ServedRequest] = field(default_factory=list)
    most_at_once: int = 0
    _times: Counter[str] = field(default_factory=Counter)
    _answered: dict[str, dict[str, Any]] = field(default_factory=dict)
    _at_once: int = 0
    _began: float = field(default_factory=time.monotonic)

    @property
    def billed(self) -> list[ServedRequest]:
        return [one for one in self.log if one.billed]

    async def handle(self, request: "web.Request") -> "web.StreamResponse":
        from aiohttp import web

        raw = await request.read()
        try:
            body = json.loads(raw)
        except ValueError:
            return web.json_response({"error": {"message": "not JSON"}}, status=400)
        served = self._enter(request, raw, body)
        text = raw.decode("utf-8", "replace")
        time_before = self._times[served.key]
        self._times[served.key] += 1
        faults = striking(
            self.script.faults,
            self.script.seed,
            key=served.key,
            time=time_before,
            number=served.number,
            clock=time.monotonic() - self._began,
            text=text,
        )
        served.faults = tuple(fault.kind.value for fault in faults)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(self.script.latency_s(served.key, time_before))
            return await self._answer(request, body, served, {one.kind: one for one in faults})
        except ConnectionResetError:
            # whoever asked is gone: the log says that the answer was not finished
            return web.Response(status=499)
        finally:
            self._at_once -= 1

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
            await asyncio.sleep(_FOREVER_S)
        if FaultKind.RESET in faults:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        for kind, status in _STATUS.items():
            if kind in faults:
                served.status, served.finished = status, True
                headers = {}
                if kind is FaultKind.RATE_LIMIT and faults[kind].seconds:
                    headers["Retry-After"] = f"{faults[kind].seconds:g}"
                error = {"error": {"message": f"scripted: {kind.value}"}}
                return web.json_response(error, status=status, headers=headers)
        answer = self._made(body, served, faults)
        served.status = 200
        if body.get("stream"):
            return await self._stream(request, answer, served, faults)
        return await self._write(request, json.dumps(answer).encode(), served, faults)

    def _made(
        self, body: Mapping[str, Any], served: ServedRequest, faults: Mapping[FaultKind, Fault]
    ) -> dict[str, Any]:
        known = self._answered.get(served.key)
        if known is not None:
            served.replayed = True
            return known
        if "input" in body:
            vectors, served.tokens_in = embeddings_answer(body)
            data = [{"index": n, "embedding": one} for n, one in enumerate(vectors)]
            if FaultKind.WRONG_SCHEMA in faults:
                data = data[1:]
            answer: dict[str, Any] = {"object": "list", "data": data}
        else:
            said, served.tokens_in, served.tokens_out = chat_answer(body, self.script.answers)
            if FaultKind.WRONG_SCHEMA in faults:
                said = json.dumps({"verdict": "yes", "confidence": "high"})
            elif FaultKind.CHATTY in faults:
                said = f"Sure! Here is what you asked for:\n```json\n{said}\n```\nAnything else?"
            message = {"role": "assistant", "content": said}
            answer = {
                "object": "chat.completion",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            }
        answer["model"] = served.model
        answer["usage"] = {
            "prompt_tokens": served.tokens_in,
            "completion_tokens": served.tokens_out,
            "total_tokens": served.tokens_in + served.tokens_out,
        }
        # the work is done, whether or not its answer arrives: a repetition gets the same one
        served.billed = True
        self._answered[served.key] = answer
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
        said = answer["choices"][0]["message"]["content"]
        size = max(1, len(said) // 4)
        pieces: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"content": said[at : at + size]}}]}
            for at in range(0, len(said), size)
        ]
        pieces.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        pieces.append({"choices": [], "usage": answer["usage"]})
        for piece in pieces[:2] if FaultKind.TRUNCATED in faults else pieces:
            await response.write(f"data: {json.dumps(piece)}\n\n".encode())
        if FaultKind.TRUNCATED not in faults:
            await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        served.finished = FaultKind.TRUNCATED not in faults
        return response

    async def models(self, request: "web.Request") -> "web.Response":
        """What a shallow health check sees: it fails when every request would."""
        from aiohttp import web

        down = {fault.kind for fault in self.script.faults if fault.share >= 1.0}
        if down & {FaultKind.ERROR, FaultKind.RATE_LIMIT} and not self.script.faults[0].end:
            return web.json_response({"error": {"message": "down"}}, status=503)
        return web.json_response({"object": "list", "data": []})

    async def show_log(self, request: "web.Request") -> "web.Response":
        from aiohttp import web

        return web.json_response([vars(one) for one in self.log])

    def application(self) -> "web.Application":
        from aiohttp import web

        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_post("/v1/chat/completions", self.handle)
        application.router.add_post("/v1/embeddings", self.handle)
        application.router.add_get("/v1/models", self.models)
        application.router.add_get("/drill/log", self.show_log)
        return application


@contextmanager
def running(server: DrillServer, port: int = 0) -> Iterator[str]:
    """Runs the server in a thread of its own; gives its base URL, which ends in ``/v1``."""
    ready = threading.Event()
    stop: list[Any] = []
    address: list[str] = []
    failed: list[BaseException] = []

    async def serve() -> None:
        from aiohttp import web

        runner = web.AppRunner(
            server.application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            address.append(f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
            over = asyncio.Event()
            stop.extend((asyncio.get_running_loop(), over))
            ready.set()
            await over.wait()
        finally:
            await runner.cleanup()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 -- raised where the server is wanted
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="drill-server", daemon=True)
    thread.start()
    ready.wait()
    if failed:
        raise failed[0]
    try:
        yield address[0]
    finally:
        loop, over = stop
        loop.call_soon_threadsafe(over.set)
        thread.join(timeout=10)
