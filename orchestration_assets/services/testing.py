"""The contract of embedded services as tests, for those of this project and for plug-ins.

A plug-in subclasses :class:`ServiceContract` in its own tests::

    class TestShouting(ServiceContract):
        implementation = "shouting"
        task = Task("tone", "1", AnswerKind.SCORE)
        telling = "It works! It is Monday."

pytest collects what is inherited. Nothing here needs pytest: every check is a plain assertion.
"""

import asyncio
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, Final
from unittest.mock import patch

import pyarrow as pa

from orchestration_assets.schemas.answers import answer_columns, fits
from orchestration_assets.schemas.enums import AnswerKind, Family, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.registry import embedded_class, load_embedded
from orchestration_assets.text.awkward import AWKWARD_TEXTS

_EVIDENCE_CHARS: Final = 200
_UNHEARD_OF: Final = "nothing-says-this"


def reading_problems(question: Question, reading: Reading) -> list[str]:
    """In what a reading breaks the contract of embedded services; empty where it keeps it."""
    if reading.status not in {Status.OK, Status.ABSTAINED}:
        return [f"its status is {reading.status.value}: an embedded service answers or abstains"]
    if reading.status is Status.ABSTAINED:
        return [] if reading.reason else ["it abstains without a reason"]
    return list(_answer_problems(question, reading))


def _answer_problems(question: Question, reading: Reading) -> Iterator[str]:
    kind, answer = question.task.kind, reading.answer
    if answer is None or not fits(answer, kind):
        yield f"its answer {answer!r} is none of kind {kind.value}"
        return
    try:
        pa.table({name: [value] for name, value in answer_columns(answer).items()})
    except (pa.ArrowException, ValueError, TypeError) as error:
        yield f"its answer cannot be stored: {error}"
    confidence = reading.confidence
    if confidence is None or not 0.0 < confidence <= 1.0:
        yield f"its confidence {confidence} is not in (0, 1]"
        return
    if not (reading.evidence and len(reading.evidence) < _EVIDENCE_CHARS):
        yield f"its evidence is not between 1 and {_EVIDENCE_CHARS} characters long"
    others = reading.alternatives
    if answer in [other.answer for other in others]:
        yield "its answer stands among its alternatives"
    if not all(0.0 <= other.confidence <= confidence for other in others):
        yield "an alternative is surer than its answer"
    labels = question.task.labels
    if labels and not {answer, *(other.answer for other in others)} <= set(labels):
        yield "it says a label that the task does not have"


class ServiceContract:
    """What every embedded service keeps, whatever it is shown; a subclass says which service.

    ``parameters`` are what a policy gives it, ``task`` is one that it answers, and ``telling`` a
    text (below ``path``) that it has an answer about. ``earlier`` are readings that it is shown,
    by the names of their services: a judge needs some.
    """

    implementation: ClassVar[str]
    parameters: ClassVar[Mapping[str, Any]] = {}
    task: ClassVar[Task]
    telling: ClassVar[str]
    path: ClassVar[str] = "a.txt"
    earlier: ClassVar[tuple[tuple[str, Reading], ...]] = ()

    def service(self) -> EmbeddedService:
        """A new instance, as a run builds it."""
        return load_embedded(self.implementation, self.parameters)

    def question(self, text: str, path: str | None = None, family: str = "prose") -> Question:
        """The task about a text."""
        item = Item("item", "hash", path or self.path, text, {"family": family})
        return Question(self.task, item, self.earlier)

    def test_says_who_it_is(self) -> None:
        service = self.service()
        assert service.name == self.implementation
        assert self.task.kind in service.kinds
        assert service.expected_ms > 0
        assert service.cost_usd >= 0
        assert service.concurrency >= 1
        assert service.version == self.service().version
        assert service.fingerprint == self.service().fingerprint

    def test_answers_a_telling_text(self) -> None:
        asked = self.question(self.telling)
        reading = self.service().answer(asked)
        assert reading.status is Status.OK, reading.reason
        assert not reading_problems(asked, reading)

    def test_keeps_the_contract_on_awkward_texts(self) -> None:
        service = self.service()
        for text in (*AWKWARD_TEXTS, self.telling):
            for family in Family:
                asked = self.question(text, family=family.value)
                assert not reading_problems(asked, service.answer(asked)), repr(text[:40])

    def test_says_the_same_again(self) -> None:
        first, second = self.service(), self.service()
        for text in (*AWKWARD_TEXTS, self.telling):
            asked = self.question(text)
            said = first.answer(asked)
            assert first.answer(asked) == said, repr(text[:40])
            assert second.answer(asked) == said, repr(text[:40])

    def test_many_at_once_are_answered_as_each_alone(self) -> None:
        service = self.service()
        asked = [self.question(text) for text in ("", self.telling, "one word", self.telling)]
        assert service.answers(asked) == [service.answer(one) for one in asked]
        assert asyncio.run(service.ask(asked[1])) == service.answer(asked[1])

    def test_depends_only_on_what_it_reads(self) -> None:
        """Answers are kept under what ``reads`` names: one that depends on more would be wrong."""
        service = self.service()
        if "path" not in service.reads:
            here, there = self.question(self.telling), self.question(self.telling, "b/other.md")
            assert service.answer(here) == service.answer(there)
        if "family" not in service.reads:
            prose, code = self.question(self.telling), self.question(self.telling, family="code")
            assert service.answer(prose) == service.answer(code)
        if "question" not in service.reads:
            asked = self.question(self.telling)
            other = replace(asked, task=replace(self.task, question="Something else?"))
            assert service.answer(asked) == service.answer(other)

    def test_keeps_to_the_labels_of_the_task(self) -> None:
        if self.task.kind is AnswerKind.LABEL:
            asked = self.question(self.telling)
            closed = replace(asked, task=replace(self.task, labels=(_UNHEARD_OF,)))
            assert self.service().answer(closed).status is Status.ABSTAINED

    def test_refuses_unknown_parameters(self) -> None:
        wrong = {**self.parameters, _UNHEARD_OF.replace("-", "_"): 1}
        try:
            embedded_class(self.implementation)(wrong)
        except ValueError:
            return
        raise AssertionError("a parameter that nobody knows is taken without a word")

    def test_opens_no_connection(self) -> None:
        with no_connections():
            assert self.service().answer(self.question(self.telling)).status is Status.OK


@contextmanager
def no_connections() -> Iterator[None]:
    """Whoever opens a socket inside fails."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an embedded service opened a socket")

    with patch.object(socket, "socket", refuse), patch.object(socket, "create_connection", refuse):
        yield
