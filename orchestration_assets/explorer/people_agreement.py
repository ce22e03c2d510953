"""How far people agree who judged the same questions: all pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from orchestration_assets.evidence.intervals import wilson


@dataclass(frozen=True, slots=True)
class SaidVerdict:
    """What one person said of one question, by whichever way it came in."""

    content_hash: str
    task: str
    who: str
    said: str
    when: str


@dataclass(frozen=True, slots=True)
class PeopleAgreement:
    """Of one task: questions that two or more people judged, pairs of verdicts about these, how
    many are equal, the share with its 95 % interval (Wilson), and Krippendorff's alpha for nominal
    values (1: full agreement, 0: what chance would yield; None where all said the same)."""

    task: str
    questions: int
    pairs: int
    equal: int
    share: float
    low: float
    high: float
    alpha: float | None


def latest_by_person(said: Iterable[SaidVerdict]) -> dict[tuple[str, str], dict[str, str]]:
    """Content hash and task -> person -> what they said last."""
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for one in sorted(said, key=lambda verdict: (verdict.when, verdict.who)):
        found[one.content_hash, one.task][one.who] = one.said
    return dict(found)


def agreement_by_task(
    latest: Mapping[tuple[str, str], Mapping[str, str]],
) -> tuple[PeopleAgreement, ...]:
    """How far people agree on each task that two of them judged something of, by its name."""
    by_task: dict[str, list[list[str]]] = defaultdict(list)
    for (_, task), people in latest.items():
        if len(people) > 1:
            by_task[task].append(list(people.values()))
    return tuple(_agreement(task, values) for task, values in sorted(by_task.items()))


def _agreement(task: str, questions: list[list[str]]) -> PeopleAgreement:
    pairs = [pair for values in questions for pair in combinations(values, 2)]
    equal = sum(first == second for first, second in pairs)
    low, high = wilson(equal, len(pairs))
    return PeopleAgreement(
        task,
        len(questions),
        len(pairs),
        equal,
        equal / len(pairs),
        low,
        high,
        krippendorff_alpha(questions),
    )


def krippendorff_alpha(questions: Iterable[list[str]]) -> float | None:
    """Krippendorff's alpha for nominal values of questions with two or more values each.

    1 - observed over expected disagreement, from the matrix of coincidences (Krippendorff,
    Content Analysis, chapter 11). None where there is only one value: nothing could differ.
    """
    observed = 0.0
    totals: Counter[str] = Counter()
    for values in questions:
        if len(values) < 2:
            continue
        counts = Counter(values)
        totals.update(counts)
        unequal = sum(count * (len(values) - count) for count in counts.values())
        observed += unequal / (len(values) - 1)
    whole = sum(totals.values())
    expected = sum(count * (whole - count) for count in totals.values()) / max(whole - 1, 1)
    return None if expected == 0 else 1.0 - observed / expected
