"""What a person's latest verdicts taught: how often what stood was right, and who was: all pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestration_assets.evidence.intervals import wilson
from orchestration_assets.explorer.people_agreement import SaidVerdict
from orchestration_assets.explorer.review_order import QuestionKey
from orchestration_assets.schemas.disagreement import ReviewRow
from orchestration_assets.schemas.enums import AnswerKind

LATEST: Final = 50


@dataclass(frozen=True, slots=True)
class ServiceLesson:
    """Of one service: labels that it gave among those judged, and how many were right, with the
    95 % interval of the share (Wilson). Judged questions are no even sample: scorecards weigh
    them."""

    task: str
    service: str
    given: int
    right: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Lessons:
    """The latest verdicts on labels of one person: how many, in how many the answer that stood was
    right, the errors that the stated risks amount to, and those that were found."""

    verdicts: int
    stood: int
    right: int
    expected_errors: float
    found_errors: int
    services: tuple[ServiceLesson, ...]


def latest_verdicts(
    said: Iterable[SaidVerdict], who: str, is_asked: Callable[[QuestionKey], bool]
) -> dict[QuestionKey, str]:
    """The latest 50 verdicts of a person on questions that were asked, oldest first."""
    own = sorted((one for one in said if one.who == who), key=lambda one: one.when, reverse=True)
    latest: dict[QuestionKey, str] = {}
    for one in own:
        key = (one.content_hash, one.task)
        if len(latest) < LATEST and key not in latest and is_asked(key):
            latest[key] = one.said
    return dict(reversed(latest.items()))


def lessons(latest: Mapping[QuestionKey, str], asked: Mapping[QuestionKey, ReviewRow]) -> Lessons:
    """What the latest verdicts of a person taught, of questions whose rows are known."""
    pairs = [(asked[key], text) for key, text in latest.items() if key in asked]
    labels = [(row, text) for row, text in pairs if row.kind is AnswerKind.LABEL]
    standing = [(row, text) for row, text in labels if row.answer is not None]
    right = sum(row.answer == text for row, text in standing)
    return Lessons(
        verdicts=len(pairs),
        stood=len(standing),
        right=right,
        expected_errors=sum(row.error_risk for row, _ in standing),
        found_errors=len(standing) - right,
        services=_services(labels),
    )


def _services(labels: Sequence[tuple[ReviewRow, str]]) -> tuple[ServiceLesson, ...]:
    given: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    for row, text in labels:
        for reading in row.readings:
            # a reading without an answer says why in words, and has no confidence of its own
            if reading.said in row.choices or reading.said == row.answer:
                given[row.task, reading.service] += 1
                right[row.task, reading.service] += reading.said == text
    return tuple(
        ServiceLesson(
            task, service, count, right[task, service], *wilson(right[task, service], count)
        )
        for (task, service), count in sorted(given.items())
    )
