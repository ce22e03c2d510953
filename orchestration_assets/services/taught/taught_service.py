"""A service that answers as another one would, where it is sure enough; else it passes on."""

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Final

from orchestration_assets.code_version import code_version
from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Question, Reading
from orchestration_assets.schemas.services import TaughtConfig
from orchestration_assets.services.contract import Service
from orchestration_assets.services.readings import abstention
from orchestration_assets.services.taught.audit import place_of
from orchestration_assets.services.taught.lessons import TEACHABLE
from orchestration_assets.services.taught.model import Guess
from orchestration_assets.services.taught.teaching import Taught, describe, promise_of

LESSON: Final = "passed on to be taught: its teacher's answer is a lesson"
"""How the reason begins of a reading about an item whose teacher is asked whatever the item is."""
AUDIT: Final = "passed on as an audit: its teacher's answer is compared with its own"
"""The reason of a reading about an item that it would have answered; its own answer is among the
alternatives."""
SINCE_SUSPENDED: Final = f"{LESSON}; suspended: "
"""How the reason begins of a reading that a suspended service gave."""


@dataclass(frozen=True)
class TaughtState:
    """What a taught service knows: ``taught``, None before there are lessons, of ``version``.

    ``words`` say why nothing is known, where nothing is. ``lesson``: what it is asked about was
    chosen to teach it, so that its teacher is asked in any case.
    """

    taught: Taught | None = None
    version: str = ""
    words: str = "nothing was learned yet"
    lesson: bool = False


class TaughtService:
    """Answers one task as its teacher would.

    It abstains where it is not sure enough, where it was refused or suspended, and about the share
    of items that is audited; the next service of the plan is asked then. Its identity is that of
    its code, its promise and its teacher: whatever model of the teacher is in force keeps the
    same promise.
    """

    cost_usd: Final = 0.0
    concurrency: Final = 1
    expected_ms: Final = 5.0
    kinds: Final = TEACHABLE
    reads: Final = frozenset[str]()

    def __init__(
        self,
        name: str,
        config: TaughtConfig,
        teacher: Service,
        state: TaughtState | None = None,
    ) -> None:
        self.name = name
        self.config = config
        self.teacher = teacher
        self.state = state or TaughtState()

    @cached_property
    def version(self) -> str:
        return code_version(__name__)

    @cached_property
    def fingerprint(self) -> str:
        """Over the promise, and the teacher's code, model and parameters."""
        teacher = [self.teacher.name, self.teacher.version, self.teacher.fingerprint]
        words = [self.config.task, promise_of(self.config), teacher]
        return blake2b(json.dumps(words, sort_keys=True).encode(), digest_size=8).hexdigest()

    def knowing(self, state: TaughtState) -> "TaughtService":
        """The same service with other knowledge."""
        return TaughtService(self.name, self.config, self.teacher, state)

    @property
    def passes_all_on(self) -> bool:
        """Whether it answers nothing, untaught, refused or suspended, outside of its lessons."""
        taught = self.state.taught
        return not self.state.lesson and (taught is None or taught.threshold is None)

    def needs_teacher(self, reading: Reading, content_hash: str) -> bool:
        """Whether the teacher is asked about an item whatever is known of it, after its own
        ``reading``: as a lesson, or as one of the share that is audited."""
        is_lesson = (reading.reason or "").startswith(LESSON)
        return is_lesson or is_audited(self.name, content_hash, self.config.audit_share)

    async def ask(self, question: Question) -> Reading:
        return self.answer(question)

    def answer(self, question: Question) -> Reading:
        """The reading for one question: a pure function of the question and what is known."""
        reading = self.unaudited(question)
        if reading.answer is not None and self.audits(question):
            return Reading(Status.ABSTAINED, reason=AUDIT, alternatives=_kept(reading.answer))
        return reading

    def audits(self, question: Question) -> bool:
        """Whether the item is of the share that the teacher is asked about in any case."""
        return is_audited(self.name, question.item.content_hash, self.config.audit_share)

    def unaudited(self, question: Question) -> Reading:
        """The reading that there would be if no item were audited."""
        by, taught = self.config.by, self.state.taught
        if question.task.name != self.config.task:
            return abstention(f"it was taught {self.config.task}, not {question.task.name}")
        if taught is None:
            return abstention(f"{LESSON}; {self.state.words}")
        if taught.threshold is None:
            return abstention(f"{LESSON}; {describe(taught, self.config)}")
        if question.coverage < 1.0:
            return abstention(f"{by} taught it whole contents, and this is an excerpt")
        guess = taught.guess(question.item.text)
        if not taught.answers(guess):
            return abstention(_unsure(guess, taught.threshold))
        assert guess.answer is not None
        agreement = taught.certificate.curve.agreement(guess.sureness)
        return Reading(
            Status.OK,
            guess.answer,
            round(agreement, 4),
            evidence=(
                f"taught by {by}: {taught.certificate.lessons:,} of its answers; "
                f"{agreement:.1%} sure that {by} would answer the same"
            ),
        )


def is_audited(service: str, content_hash: str, share: float) -> bool:
    """Whether an item is of the share that the teacher is asked about in any case."""
    return place_of(f"{service} audits", content_hash) < share


def audited_answer(alternatives: tuple[Alternative, ...], kind: AnswerKind) -> Answer | None:
    """The answer that an audited reading keeps among its alternatives."""
    given = tuple(one.answer for one in alternatives)
    if not given:
        return None
    if kind is AnswerKind.SCORE:
        return float(given[0])
    return given if kind is AnswerKind.SET else given[0]


def _kept(answer: Answer) -> tuple[Alternative, ...]:
    if isinstance(answer, tuple):
        return tuple(Alternative(str(member), 1.0) for member in answer)
    return (Alternative(repr(answer) if isinstance(answer, float) else str(answer), 1.0),)


def _unsure(guess: Guess, threshold: float) -> str:
    if guess.answer is None:
        return "it has learned no answer to such an item"
    return (
        f"not sure enough: {shown(guess.answer)} at {guess.sureness:.3f}, "
        f"{threshold:.3f} is the least that it may answer"
    )
