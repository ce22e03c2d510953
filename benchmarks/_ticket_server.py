"""The services of generated tickets as an OpenAI-compatible server that keeps its own bill.

``python -m benchmarks._ticket_server SEED BILL [BAD_FROM BAD_SECONDS]`` prints its port. BILL is a
file of JSON Lines: a line is written for every request that was answered, before the answer is
sent, whether or not anybody still waits for it. From request BAD_FROM on, the model "medium" has a
bad minute of BAD_SECONDS: it refuses most requests with 429 and Retry-After, others with 503.
"""

import asyncio
import json
import random
import sys
import time
from typing import Any, Final

from aiohttp import web

from benchmarks._tickets import LABELS, SKILLS, answer, number_in, ticket
from orchestration_assets.text.token_estimates import token_estimate

_MEDIAN_S: Final = 0.02
_BILLED_PER_TOKEN: Final = 1.12


class TicketServer:
    """Answers chat completions about tickets; belongs to one event loop."""

    def __init__(self, seed: int, bill: Any, bad_from: int | None, bad_seconds: float) -> None:
        self._seed = seed
        self._bill = bill
        self._bad_from = bad_from
        self._bad_seconds = bad_seconds
        self._bad_until: float | None = None
        self._requests = 0
        self._chance = random.Random(f"server {seed}")

    async def chat(self, request: web.Request) -> web.Response:
        body = await request.json()
        model = str(body["model"])
        prompt = "\n".join(str(message["content"]) for message in body["messages"])
        self._requests += 1
        await asyncio.sleep(_MEDIAN_S * self._chance.lognormvariate(0.0, 0.4))
        if model == "medium" and (refusal := self._refusal()) is not None:
            return refusal
        number = number_in(prompt)
        # a health check asks about something else, and is billed like everything
        label, confidence = LABELS[0], 0.5
        if number is not None:
            label, confidence = answer(model, ticket(number, self._seed), self._seed)
        content = json.dumps({"answer": label, "confidence": confidence})
        tokens_in = round(token_estimate(prompt) * _BILLED_PER_TOKEN)
        tokens_out = round(token_estimate(content) * _BILLED_PER_TOKEN)
        skill = SKILLS[model]
        usd = (tokens_in * skill.input_usd + tokens_out * skill.output_usd) / 1e6
        self._bill.write(json.dumps({"model": model, "ticket": number, "usd": usd}) + "\n")
        self._bill.flush()
        message = {"role": "assistant", "content": content}
        return web.json_response(
            {
                "object": "chat.completion",
                "model": model,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {
                    "prompt_tokens": tokens_in,
                    "completion_tokens": tokens_out,
                    "total_tokens": tokens_in + tokens_out,
                },
            }
        )

    def _refusal(self) -> web.Response | None:
        if self._bad_from is None or self._requests < self._bad_from:
            return None
        now = time.monotonic()
        if self._bad_until is None:
            self._bad_until = now + self._bad_seconds
        if now >= self._bad_until or self._chance.random() < 0.1:
            return None
        error = {"error": {"message": "overloaded"}}
        if self._chance.random() < 0.6:
            return web.json_response(error, status=429, headers={"Retry-After": "2"})
        return web.json_response(error, status=503)

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": name} for name in SKILLS]})


async def _serve(server: TicketServer) -> None:
    application = web.Application(client_max_size=16 * 1024 * 1024)
    application.router.add_post("/v1/chat/completions", server.chat)
    application.router.add_get("/v1/models", server.models)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def _main(arguments: list[str]) -> None:
    seed, path, *bad = arguments
    with open(path, "a", encoding="utf-8") as bill:  # noqa: PTH123
        bad_from = int(bad[0]) if bad else None
        bad_seconds = float(bad[1]) if bad else 0.0
        asyncio.run(_serve(TicketServer(int(seed), bill, bad_from, bad_seconds)))


if __name__ == "__main__":
    _main(sys.argv[1:])
