"""What each verdict stands for: the inverse of the probability with which it came in.

Content that declares its answer represents itself. Everything else is represented by the answered
questions of the review queues. Verdicts that people gave beside the queues came in nobody knows
how: they are gold, and not asked about again, but nothing is estimated or learned from them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from orchestration_assets.content.verdicts import DECLARED_BY
from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.evidence.review_sampling import (
    AskedQuestion,
    inclusion_probabilities,
    weights_over_rounds,
)
from orchestration_assets.schemas.verdicts import GoldRow

ContentTask = tuple[str, str]
"""A content hash, and the task that was asked about it."""


class QueuedQuestion(Protocol):
    """The columns of a review queue that weights are computed from."""

    @property
    def batch(self) -> str: ...
    @property
    def content_hash(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def triage(self) -> str: ...
    @property
    def round(self) -> int: ...
    @property
    def size(self) -> float: ...
    @property
    def priority(self) -> float: ...
    @property
    def beyond(self) -> float: ...
    @property
    def probability(self) -> float | None: ...


@dataclass(frozen=True)
class VerdictWeights:
    """Of one task: content hash -> weight, above 0, for the verdicts that estimates may rest on.

    ``sampled``, ``declared`` and ``outside`` count the contents whose verdict answers a queue, is
    declared by themselves, or was given beside the queues.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    sampled: int = 0
    declared: int = 0
    outside: int = 0

    def of(self, contents: Sequence[str]) -> Floats:
        """(n,) the weights of these contents; 0 for those that nothing may rest on."""
        return np.array([self.weights.get(content, 0.0) for content in contents], dtype=np.float64)

    def counted(self, gold: Mapping[str, str]) -> dict[str, str]:
        """Of content hash -> label, those that estimates may rest on."""
        return {content: label for content, label in gold.items() if content in self.weights}

    @property
    def basis(self) -> str:
        """What the verdicts stand for, in words."""
        parts = []
        if self.sampled:
            parts.append(f"{self.sampled} verdicts of the review queue, each weighed by its chance")
        if self.declared:
            about = "" if self.sampled else ", and about nothing else"
            parts.append(f"{self.declared} contents that declare their answer{about}")
        if self.outside:
            parts.append(
                f"{self.outside} verdicts beside the queue are not counted: their chance is unknown"
            )
        return "; ".join(parts)


def equal_weights(contents: Iterable[str]) -> VerdictWeights:
    """Every content represents itself."""
    weights = dict.fromkeys(contents, 1.0)
    return VerdictWeights(weights, declared=len(weights))


def verdict_weights(
    gold: Iterable[GoldRow], queued: Iterable[QueuedQuestion]
) -> dict[str, VerdictWeights]:
    """Task -> the weights of its verdicts, from all gold and the review queues of all batches."""
    rows = [row for row in gold if row.content_hash is not None]
    declared, answered = declared_and_answered(rows)
    known = declared | answered
    rounds: defaultdict[tuple[str, str], list[tuple[int, dict[str, float]]]] = defaultdict(list)
    for (batch, task, number), asked in sorted(_by_round(queued).items()):
        closed = {
            one.content_hash: one.probability
            for one in asked
            if one.probability is not None and (one.content_hash, task) in answered - declared
        }
        still_open = [one for one in asked if one.probability is None]
        opened = open_probabilities(still_open, answered, known)
        found = {content: probability for (content, _), probability in opened.items()}
        rounds[task, batch].append((number, closed | found))
    sampled: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for (task, _), of_batch in sorted(rounds.items()):
        # what several batches hold counts once, as it was asked first
        sampled[task] = weights_over_rounds(of_batch) | sampled[task]
    by_task = {}
    for task in sorted({task for _, task in known}):
        own = {content for content, name in declared if name == task}
        weights = dict.fromkeys(own, 1.0) | sampled[task]
        total = len({content for content, name in known if name == task})
        by_task[task] = VerdictWeights(
            dict(sorted(weights.items())), len(sampled[task]), len(own), total - len(weights)
        )
    return by_task


def declared_and_answered(gold: Iterable[GoldRow]) -> tuple[set[ContentTask], set[ContentTask]]:
    """What the content declares itself, and what people have judged; the latter is without the
    former, whose items are asked about nobody."""
    declared: set[ContentTask] = set()
    answered: set[ContentTask] = set()
    for row in gold:
        if row.content_hash is not None:
            by_content = any(one.who == DECLARED_BY for one in row.history)
            side = declared if by_content or row.who == DECLARED_BY else answered
            side.add((row.content_hash, row.task))
    return declared, answered - declared


def open_probabilities(
    asked: Sequence[QueuedQuestion],
    answered: Collection[ContentTask],
    judged: Collection[ContentTask],
) -> dict[ContentTask, float]:
    """What people have answered of the open questions of one round -> its probability.

    Questions that were ``judged`` but not ``answered`` need not be asked, and left out.
    """
    by_task: defaultdict[str, list[AskedQuestion]] = defaultdict(list)
    beyond: dict[str, float] = {}
    for one in asked:
        key = (one.content_hash, one.task)
        if key in judged and key not in answered:
            continue
        beyond[one.task] = one.beyond
        by_task[one.task].append(
            AskedQuestion(one.content_hash, one.size, one.priority, one.triage, key in answered)
        )
    return {
        (content, task): probability
        for task, questions in by_task.items()
        for content, probability in inclusion_probabilities(questions, beyond[task]).items()
    }


def _by_round(
    queued: Iterable[QueuedQuestion],
) -> dict[tuple[str, str, int], list[QueuedQuestion]]:
    found: defaultdict[tuple[str, str, int], list[QueuedQuestion]] = defaultdict(list)
    for one in queued:
        found[one.batch, one.task, one.round].append(one)
    return found
