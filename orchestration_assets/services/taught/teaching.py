"""From lessons to a taught model that says what it promises, or that it promises nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.services import TaughtConfig
from orchestration_assets.services.taught.audit import AuditResult
from orchestration_assets.services.taught.certification import AgreementCurve, Certificate, certify
from orchestration_assets.services.taught.lessons import TeacherAnswer
from orchestration_assets.services.taught.model import (
    AnswerModel,
    Guess,
    LearnedAnswers,
    agreements,
    learn_answers,
    pack_answers,
    unpack_answers,
)

LEAST_LESSONS: Final = 50
"""Sampled lessons below which nothing is learned."""
MOST_LESSONS: Final = 2_000
"""Lessons that are learned from at most: more would add little and take minutes."""
LEAST_COVERAGE: Final = 0.1
"""Share of items below which a taught service is refused: it would spare few calls, and what so few
lessons show of the surest items is little."""


@dataclass(frozen=True)
class Taught:
    """A model with its certificate, and the ``teacher`` (an identity) that it was taught by.

    ``suspended``: why it answers no more, although it did. ``since``: the batch from which on its
    lessons count, after a suspension.
    """

    model: AnswerModel
    certificate: Certificate
    teacher: str
    suspended: str = ""
    since: str = ""

    @property
    def threshold(self) -> float | None:
        """The least sureness that it answers; None where it answers nothing."""
        refused = self.suspended or self.certificate.coverage < LEAST_COVERAGE
        return None if refused else self.certificate.threshold

    @property
    def allowed(self) -> float:
        """The share of what it answers that may differ, within the bound of its certificate."""
        certificate = self.certificate
        return certificate.loss_bound / max(certificate.coverage, LEAST_COVERAGE)

    def guess(self, text: str) -> Guess:
        """What it would answer about a text."""
        return self.model.guesses([text])[0]

    def answers(self, guess: Guess) -> bool:
        """Whether it is sure enough of a guess."""
        threshold = self.threshold
        return guess.answer is not None and threshold is not None and guess.sureness >= threshold


def teach(
    lessons: Sequence[TeacherAnswer],
    task: Task,
    config: TaughtConfig,
    teacher: str,
    since: str = "",
) -> Taught:
    """A model of the lessons, certified on those that are sampled. Takes at least two lessons.

    Raises ValueError for a kind of answer that cannot be taught.
    """
    kept = _most_telling(lessons)
    learned = learn_answers(kept, task.kind, task.scale, config.tolerance)
    return certified(learned, kept, task, config, teacher, since)


def certified(
    learned: LearnedAnswers,
    lessons: Sequence[TeacherAnswer],
    task: Task,
    config: TaughtConfig,
    teacher: str,
    since: str = "",
) -> Taught:
    """What was learned of the lessons, with what it may promise by those that are sampled."""
    low, high = task.scale
    agrees = agreements(lessons, learned.held_out, task.kind, config.tolerance * (high - low))
    sampled = np.array([lesson.sampled for lesson in lessons])
    sureness = np.array([guess.sureness for guess in learned.held_out])
    certificate = certify(sureness[sampled], agrees[sampled], config.at_most, config.guarantee)
    return Taught(learned.model, certificate, teacher, since=since)


def promise_of(config: TaughtConfig) -> dict[str, float | str]:
    """The part of the policy that a certificate is about."""
    return {
        "at_most": config.at_most,
        "guarantee": config.guarantee,
        "tolerance": config.tolerance,
    }


def _most_telling(lessons: Sequence[TeacherAnswer]) -> list[TeacherAnswer]:
    """One lesson a content, in the order of contents; sampled ones come first if not all fit."""
    by_content = {lesson.content_hash: lesson for lesson in lessons}
    chosen = sorted(by_content.values(), key=lambda one: (not one.sampled, one.content_hash))
    return sorted(chosen[:MOST_LESSONS], key=lambda one: one.content_hash)


def describe(taught: Taught, config: TaughtConfig) -> str:
    """What it promises, or why it does not answer, in words."""
    certificate, by = taught.certificate, config.by
    if taught.suspended:
        return f"suspended: {taught.suspended}"
    basis = f"{certificate.lessons:,} answers of {by}"
    if taught.threshold is None:
        share = f"{certificate.coverage:.1%} of all items" if certificate.coverage else "no item"
        return (
            f"refused: by {basis} it could answer {share} and differ from {by} in at most "
            f"{config.at_most:.2%} of all; more answers of {by} may change that"
        )
    return (
        f"answers {certificate.coverage:.1%} of all items instead of {by} and differs from it in "
        f"at most {certificate.loss_bound:.2%} of all ({certificate.loss:.2%} expected), by its "
        f"agreement with {basis} that it had not seen; counted alone, errors are at most "
        f"{certificate.exact_bound:.2%} of all"
    )


def suspend(taught: Taught, result: AuditResult, config: TaughtConfig, batch: str) -> Taught:
    """The same, suspended for what its audits showed up to a batch."""
    reason = (
        f"it differs from {config.by} in {result.differing} of {result.audited} audited answers, "
        f"{taught.allowed:.1%} are allowed (evidence {result.evidence:.0f} to 1)"
    )
    return Taught(taught.model, taught.certificate, taught.teacher, reason, batch)


def pack_taught(taught: Taught) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is stored: arrays, and facts for JSON."""
    arrays, facts = pack_answers(taught.model)
    return arrays, {
        "model": facts,
        "certificate": asdict(taught.certificate),
        "teacher": taught.teacher,
        "suspended": taught.suspended,
        "since": taught.since,
    }


def unpack_taught(arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> Taught:
    """What :func:`pack_taught` packed. Raises KeyError, TypeError or ValueError for else."""
    stated = dict(facts["certificate"])
    certificate = Certificate(**{**stated, "curve": AgreementCurve(**stated["curve"])})
    model = unpack_answers(arrays, facts["model"])
    words = (str(facts[name]) for name in ("teacher", "suspended", "since"))
    return Taught(model, certificate, *words)
