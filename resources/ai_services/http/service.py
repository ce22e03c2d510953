"""The base of services over HTTP: their identity, their request and reply, their headers."""

import asyncio
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property, wraps
from hashlib import blake2b
from typing import Any, ClassVar, Final, NamedTuple

from orchestration_assets.code_version import code_version
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.services import RemoteConfig
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.text.json_bytes import json_bytes
from orchestration_assets.text.prompts.prompt_context import SentContent
from orchestration_assets.text.replies.call_errors import CallError, Unauthorised
from orchestration_assets.text.replies.key_echoes import KeyEchoes, key_echoes
from orchestration_assets.text.replies.response_facts import ResponseFacts
from resources.ai_services.http import same_answers
from resources.ai_services.http.keys import header_value, secrets_of
from resources.ai_services.http.transport import Transport
from resources.ai_services.resilience.steady_timeouts import SteadyTimeout

REPAIR_CHARS: Final = 2000
"""Characters of a reply that are kept for a repair request."""
_MAX_ECHO_CHARS: Final = 1000
"""Characters that the echo of a key has at most."""
_MAX_INLINE_CHARS: Final = 20_000
"""Longer answers are searched for echoes in a thread, beside the event loop."""
_CARRIERS: Final = (
    *(Transport.__module__, SteadyTimeout.__module__),
    *(json_bytes.__module__, same_answers.__name__),
)
"""How a request is encoded and travels, and how long it may take, changes no answer."""


class Request(NamedTuple):
    """One request that is ready to be sent, with one or several questions."""

    questions: tuple[Question, ...]
    body: Mapping[str, Any]
    sent: tuple[SentContent, ...]
    tokens_out_most: int

    @property
    def tokens_estimated(self) -> int:
        if len(self.sent) == 1:
            return self.sent[0].tokens_estimated
        return sum(content.tokens_estimated for content in self.sent)


class Reply(NamedTuple):
    """The readings of a request's questions, in order, and the tokens that they took.

    Tokens are None where the service does not count them; ``tokens_out_stated`` is False where
    they were estimated from what it wrote. ``text`` is the start of what the model wrote;
    ``repairable`` says whether a repair request may help; ``facts`` is what the service says of
    the answer.
    """

    readings: tuple[Reading, ...]
    tokens_in: int | None = None
    tokens_out: int | None = None
    first_token_ms: float | None = None
    text: str = ""
    repairable: bool = True
    tokens_out_stated: bool = True
    facts: ResponseFacts = ResponseFacts()


_Send = Callable[[Any, Request, str], Awaitable[Reply]]


def _redacting_keys(send: _Send) -> _Send:
    """Wraps :meth:`HttpService.send`: no reply or error holds a secret of the service."""

    @wraps(send)
    async def sent(service: "HttpService", request: Request, key: str) -> Reply:
        config = service.config
        has_secrets = config.api_key_env is not None or bool(config.header_env)
        echoes = key_echoes(tuple(secrets_of(config)) if has_secrets else ())
        try:
            reply = await send(service, request, key)
        except CallError as error:
            echoes.redact_error(error)
            raise
        if not has_secrets:
            # a service without a secret cannot repeat one
            return _cut(reply)
        if not echoes or sum(map(_set_chars, reply.readings)) <= _MAX_INLINE_CHARS:
            return _redacted(reply, request, echoes)
        # hundreds of long members: other calls go on meanwhile
        return await asyncio.to_thread(_redacted, reply, request, echoes)

    return sent


def _redacted(reply: Reply, request: Request, echoes: KeyEchoes) -> Reply:
    if not echoes:
        return _cut(reply)
    readings = tuple(
        echoes.redacted_reading(reading, question.task.labels)
        for reading, question in zip(reply.readings, request.questions, strict=False)
    )
    # one key longer than what is kept, so that no echo is cut before it is found
    text = echoes.redacted(reply.text[: REPAIR_CHARS + _MAX_ECHO_CHARS])[:REPAIR_CHARS]
    facts = ResponseFacts(*(fact and echoes.redacted(fact) for fact in reply.facts))
    return reply._replace(readings=readings, text=text, facts=facts)


def _cut(reply: Reply) -> Reply:
    if len(reply.text) <= REPAIR_CHARS:
        return reply
    return reply._replace(text=reply.text[:REPAIR_CHARS])


def _set_chars(reading: Reading) -> int:
    """Characters of an answer that is a set of texts; 0 for other answers, which are short."""
    answer = reading.answer
    if not isinstance(answer, tuple) or not answer or not isinstance(answer[0], str):
        return 0
    return sum(len(str(member)) for member in answer)


class HttpService(ABC):
    """A service of the policy that is asked over HTTP.

    ``reads`` names what the answer depends on beside the content. :meth:`send` makes exactly one
    request; :class:`~resources.ai_services.resilience.caller.Caller` adds retries and limits.
    """

    kinds: ClassVar[frozenset[AnswerKind]]
    reads: frozenset[str] = frozenset()
    batch_size: int = 1
    linger_s: float = 0.0

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # no adapter can forget it
        if "send" in vars(cls):
            setattr(cls, "send", _redacting_keys(vars(cls)["send"]))  # noqa: B010

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
        code = self.code()
        kept_under = same_answers.SAME_ANSWERS.get(code, code)
        return f"{kept_under}:{whole_text(self.config.model)}"

    @classmethod
    def code(cls) -> str:
        """The version of the code that makes requests and reads answers."""
        return code_version(cls.__module__, _CARRIERS)

    @abstractmethod
    def prepare(self, questions: Sequence[Question]) -> Request:
        """The request about these questions. Raises PromptError."""

    @abstractmethod
    async def send(self, request: Request, key: str) -> Reply:
        """Makes one request. ``key`` is its Idempotency-Key. Raises CallError."""

    def repair_request(self, request: Request, reply: Reply) -> Request | None:
        """A request that tells the service what was wrong with its answer; None if no use."""
        return None

    @abstractmethod
    def _shaping(self) -> dict[str, Any]:
        """The settings that an answer depends on, which are part of its cache key."""

    @property
    def cost_usd(self) -> float:
        """What one call costs at most, in US dollars: with a full window and output."""
        config = self.config
        return config.price.of(config.context.window_tokens, self._most_output())

    def _most_output(self) -> int:
        return 0

    async def ask(self, question: Question) -> Reading:
        """The reading of one request without retries. Raises CallError and PromptError."""
        reply = await self.send(self.prepare([question]), "")
        return reply.readings[0]

    async def aclose(self) -> None:
        await self.transport.aclose()

    async def reach(self) -> int:
        """The HTTP status of the service's list of models. Raises CallError."""
        return await self.transport.get("/models", self.headers(""))

    def headers(self, key: str) -> dict[str, str]:
        """The headers of one request. Raises Unauthorised when a secret is not set."""
        headers = {"idempotency-key": key} if key else {}
        headers |= self.config.headers
        for name, variable in self.config.header_env.items():
            headers[name] = self._secret(variable, f"the header {name}")
        if self.config.api_key_env is not None:
            headers["authorization"] = f"Bearer {self._secret(self.config.api_key_env, 'the key')}"
        return headers

    def _secret(self, variable: str, what: str) -> str:
        # a file that a key is read from ends in a newline
        value = os.environ.get(variable, "").strip()
        if not value:
            raise Unauthorised(
                f"the environment variable {variable} is not set: "
                f"export it with {what} of {self.name}"
            )
        return header_value(variable, value)
