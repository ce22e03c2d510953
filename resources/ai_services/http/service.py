"""What every service over HTTP shares: who it is, what it is shown, one request and its reply."""

import asyncio
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property, wraps
from hashlib import blake2b
from typing import Any, ClassVar, Final, NamedTuple

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.services import RemoteConfig
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.text.replies.call_errors import CallError, Garbled, Unauthorised
from orchestration_assets.text.replies.echoes import Echoes, echoes_of
from resources.ai_services.http.keys import checked, secrets_of
from resources.ai_services.http.transport import Transport
from resources.ai_services.resilience.steady_timeouts import SteadyTimeout
from resources.code_version import code_version

SAID_CHARS: Final = 2000
"""So much of what a service said is kept, for a repair."""
_LONGEST_ECHO: Final = 1000
"""The most characters that an echo is thought to have."""
_AT_ONCE_CHARS: Final = 20_000
"""Longer answers are read for echoes beside the loop of the calls."""
_CARRIERS: Final = (Transport.__module__, SteadyTimeout.__module__)
"""How a request travels, and how long it may take, changes no answer."""


class SentContent(NamedTuple):
    """What left the machine for one question.

    ``content_share`` is the share of the content's tokens in [0, 1] that was sent, ``left_out``
    says in words what was not; ``redacted`` counts what was taken out by kind.
    """

    tokens_estimated: int
    content_share: float
    left_out: str | None
    redacted: Mapping[str, int]
    injection_markers: int


class Request(NamedTuple):
    """One request that is ready to be sent, about one or several questions."""

    questions: tuple[Question, ...]
    body: Mapping[str, Any]
    sent: tuple[SentContent, ...]
    tokens_out_most: int

    @property
    def tokens_estimated(self) -> int:
        return sum(one.tokens_estimated for one in self.sent)


class Reply(NamedTuple):
    """What came back: a reading a question, in order, and what it took.

    Tokens are None where the service does not count them. ``said`` is the beginning of the
    text itself, for a repair; ``mendable`` tells whether one may help.
    """

    readings: tuple[Reading, ...]
    tokens_in: int | None = None
    tokens_out: int | None = None
    first_token_ms: float | None = None
    said: str = ""
    mendable: bool = True


_Send = Callable[[Any, Request, str], Awaitable[Reply]]


def _without_echoes(send: _Send) -> _Send:
    """:meth:`HttpService.send` whose reply or error repeats no secret of its service."""

    @wraps(send)
    async def sent(service: "HttpService", request: Request, key: str) -> Reply:
        echoes = echoes_of(tuple(secrets_of(service.config)))
        try:
            reply = await send(service, request, key)
        except CallError as error:
            echoes.clean(error)
            raise
        if sum(map(_size, reply.readings)) <= _AT_ONCE_CHARS:
            return _cleaned(reply, request, echoes)
        # hundreds of long members: other calls go on meanwhile
        return await asyncio.to_thread(_cleaned, reply, request, echoes)

    return sent


def _cleaned(reply: Reply, request: Request, echoes: Echoes) -> Reply:
    readings = tuple(
        echoes.without_in(reading, question.task.labels)
        for reading, question in zip(reply.readings, request.questions, strict=False)
    )
    # the rest is read by nobody; one key more, so that none is cut before it is found
    said = echoes.without(reply.said[: SAID_CHARS + _LONGEST_ECHO])[:SAID_CHARS]
    return reply._replace(readings=readings, said=said)


def _size(reading: Reading) -> int:
    """Characters of an answer that is a set of texts; others are short or no texts."""
    answer = reading.answer
    if not isinstance(answer, tuple) or not answer or not isinstance(answer[0], str):
        return 0
    return sum(len(str(one)) for one in answer)


class HttpService(ABC):
    """A service of the policy that is asked over HTTP.

    ``reads`` names what the answer depends on beside the content.
    :meth:`send` makes exactly one request; retries, limits and money are the caller's matter.
    """

    kinds: ClassVar[frozenset[AnswerKind]]
    reads: frozenset[str] = frozenset()
    batch_size: int = 1
    linger_s: float = 0.0

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # whatever an adapter makes of an answer, no caller sees a key in it
        if "send" in vars(cls):
            setattr(cls, "send", _without_echoes(vars(cls)["send"]))  # noqa: B010

    def __init__(self, name: str, config: RemoteConfig) -> None:
        self.name = name
        self.config = config
        self.expected_ms = config.expected_ms
        self.concurrency = config.concurrency
        self.transport = Transport(config)
        canonical = json.dumps(self._shaping(), sort_keys=True)
        self.fingerprint = blake2b(canonical.encode(), digest_size=8).hexdigest()

    @cached_property
    def version(self) -> str:
        """Over the code that makes requests and reads answers, and the model."""
        code = code_version(type(self).__module__, _CARRIERS)
        return f"{code}:{whole_text(self.config.model)}"

    @abstractmethod
    def prepare(self, questions: Sequence[Question]) -> Request:
        """The request about these questions. Raises PromptError."""

    @abstractmethod
    async def send(self, request: Request, key: str) -> Reply:
        """Makes one request. ``key`` is its Idempotency-Key. Raises CallError."""

    def repaired(self, request: Request, reply: Reply) -> Request | None:
        """A request that tells the service what was wrong with its answer, if that can help."""
        return None

    @abstractmethod
    def _shaping(self) -> dict[str, Any]:
        """The settings that an answer depends on: part of the cache key."""

    @property
    def cost_usd(self) -> float:
        """The most that one call costs when everything it may read and write is used."""
        config = self.config
        return config.price.of(config.context.window_tokens, self._most_output())

    def _most_output(self) -> int:
        return 0

    async def ask(self, question: Question) -> Reading:
        """One request, nothing around it. Raises CallError and PromptError."""
        reply = await self.send(self.prepare([question]), "")
        return reply.readings[0]

    async def aclose(self) -> None:
        await self.transport.aclose()

    async def reach(self) -> int:
        """The status that the service's address answers with. Raises CallError."""
        return await self.transport.get("/models", self.headers(""))

    def headers(self, key: str) -> dict[str, str]:
        """What this request says of itself, beside what every request of the service says.

        Raises Unauthorised when the key's environment variable is not set."""
        headers = {"idempotency-key": key} if key else {}
        headers |= self.config.headers
        for name, variable in self.config.header_env.items():
            headers[name] = self._secret(variable, f"the header {name}")
        if self.config.api_key_env is not None:
            headers["authorization"] = f"Bearer {self._secret(self.config.api_key_env, 'the key')}"
        return headers

    def _secret(self, variable: str, what: str) -> str:
        # a file that a key is read from ends in a newline
        found = os.environ.get(variable, "").strip()
        if not found:
            raise Unauthorised(
                f"the environment variable {variable} is not set: "
                f"export it with {what} of {self.name}"
            )
        return checked(variable, found)


def parsed(body: bytes | str) -> Mapping[str, Any]:
    """A body as a JSON object. Raises Garbled."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Garbled(f"the answer is not JSON: {error}") from error
    if isinstance(found, list) and len(found) == 1:
        # some gateways wrap the one object in a list
        found = found[0]
    if not isinstance(found, dict):
        raise Garbled("the answer is not a JSON object")
    return found
