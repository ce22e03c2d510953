"""The one contract that every service keeps, embedded or remote."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from orchestration_assets.code_version import code_version
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Reading


class Service(Protocol):
    """Answers questions, at a price and a latency, with a confidence.

    ``version`` is derived from code and model: a changed one makes cached answers stale.
    ``expected_ms`` is the usual time of one call, ``cost_usd`` its price. ``reads`` names what
    an answer depends on beside the content: ``path``, profile features, ``answers`` to the tasks
    before the one asked, or the ``memory`` of the messages before the item in its conversation; it
    is part of the cache key, so that an answer is reused exactly where it
    would come out the same. One that reads ``objection`` is asked again where its answer violates a
    rule.
    ``concurrency`` is the number of calls that may be under way at once. ``fingerprint`` tells
    one set of parameters from another; it is part of the cache key too.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def kinds(self) -> frozenset[AnswerKind]: ...
    @property
    def expected_ms(self) -> float: ...
    @property
    def cost_usd(self) -> float: ...
    @property
    def reads(self) -> frozenset[str]: ...
    @property
    def concurrency(self) -> int: ...
    @property
    def fingerprint(self) -> str: ...

    async def ask(self, question: Question) -> Reading:
        """The reading for one question; may raise, and the caller records the failure."""
        ...


class NoParameters(BaseModel):
    """For services that have nothing to set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EmbeddedService(ABC):
    """A service that runs in this process: free, offline, deterministic.

    Subclasses give :meth:`answer`. It runs in the event loop itself: a call of a few milliseconds
    in a thread of its own waits ten times as long for the interpreter's lock as it works.
    """

    name: ClassVar[str]
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.LABEL})
    expected_ms: ClassVar[float]
    cost_usd: ClassVar[float] = 0.0
    reads: ClassVar[frozenset[str]] = frozenset()
    concurrency: ClassVar[int] = 4
    """The same on every machine: calls take turns in the event loop, whatever cores there are."""
    Parameters: ClassVar[type[BaseModel]] = NoParameters
    distribution: str | None = None
    """What a plug-in was installed by, with its version; None for services of this project."""

    def __init__(self, parameters: Mapping[str, Any] | None = None) -> None:
        """Raises pydantic.ValidationError for parameters that the service does not take."""
        self.parameters = self.Parameters.model_validate(dict(parameters or {}))
        canonical = json.dumps(self.parameters.model_dump(mode="json"), sort_keys=True)
        self.fingerprint = blake2b(canonical.encode(), digest_size=8).hexdigest()

    @cached_property
    def version(self) -> str:
        """Over the code, the data files and the libraries that an answer comes from; of a plug-in,
        the version of its distribution too."""
        code = code_version(type(self).__module__)
        return f"{self.distribution}+{code}" if self.distribution else code

    @classmethod
    def prepare(cls) -> None:
        """Loads what takes long to load, so that the first answer does not wait for it."""
        return

    @abstractmethod
    def answer(self, question: Question) -> Reading:
        """The reading for one question: a pure function of the question."""

    def answers(self, questions: Sequence[Question]) -> list[Reading]:
        """The reading for each question: what :meth:`answer` gives, for many at once.

        Subclasses give it where that is quicker; it may raise for any of them.
        """
        return [self.answer(question) for question in questions]

    async def ask(self, question: Question) -> Reading:
        return self.answer(question)
