"""Disagreement between label answers: pairs of services that name different labels."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from orchestration_assets.disagreement.readings import ServiceReadings
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.tables import DisagreementRow

LABEL_CONFLICT: Final = "label_conflict"
_UNSTATED: Final = 0.5


def severity(first: Reading, second: Reading) -> float:
    """How much two different labels weigh against each other, in [0, 1].

    The product of the confidences: 1 when both are certain, small when either hesitates. An
    unstated confidence counts as one half.
    """
    confidences = (first.confidence, second.confidence)
    a, b = (_UNSTATED if c is None else c for c in confidences)
    return a * b


def label_conflicts(
    resolutions: Iterator[Mapping[str, Any]], readings: Mapping[tuple[str, str], ServiceReadings]
) -> Iterator[DisagreementRow]:
    """One row a pair of ``ok`` readings that differ; abstentions and failures take no part."""
    for row in resolutions:
        heard = readings.get((row["item_id"], row["task"]), ())
        votes = [(name, reading) for name, reading in heard if reading.status is Status.OK]
        votes.sort(key=lambda vote: vote[0])
        for (name_a, a), (name_b, b) in combinations(votes, 2):
            if a.answer is None or b.answer is None or a.answer == b.answer:
                continue
            yield DisagreementRow(
                batch=row["batch"],
                item_id=row["item_id"],
                content_hash=row["content_hash"],
                path=row["path"],
                task=row["task"],
                service_a=name_a,
                answer_a=a.answer,
                confidence_a=a.confidence,
                service_b=name_b,
                answer_b=b.answer,
                confidence_b=b.confidence,
                kind=LABEL_CONFLICT,
                severity=severity(a, b),
                evidence=f"{name_a}: {_says(a)}; {name_b}: {_says(b)}",
            )


def _says(reading: Reading) -> str:
    return f"{reading.answer} ({reading.evidence})" if reading.evidence else str(reading.answer)
