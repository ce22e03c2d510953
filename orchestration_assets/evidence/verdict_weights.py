"""What each verdict stands for: the inverse of the probability with which it came in.

Content that declares its answer represents itself, and so does what was judged before the queue of
a round was drawn: neither is asked about. Everything else is represented by the answered questions
of the review queues. Verdicts beside a queue that was drawn already came in nobody knows how: they
are gold, and not asked about again, but nothing is estimated or learned from them until the next
round is drawn.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from orchestration_assets.content.verdicts import DECLARED_BY
from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.evidence.review_sampling import (
    AskedQuestion,
    inclusion_probabilities,
    response_skew,
    weights_over_rounds,
)
from orchestration_assets.schemas.verdicts import GoldRow

# standard errors by which the risks of what was answered may lie off those of the rest
_MOST_SKEW: Final = 3.5
# share of the questions of all batches, in batches whose queue was answered
_LEAST_COVERED: Final = 0.5
_BATCHES_NAMED: Final = 3

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
    def error_risk(self) -> float: ...
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

    ``sampled``, ``beforehand``, ``declared`` and ``outside`` count the contents whose verdict
    answers a queue, was given before its queue was drawn, is declared by themselves, or is not
    counted; of these, ``skewed`` answers were chosen by their risk, the others came in beside the
    queues. ``coverage`` says what the answered queues speak for where it is not all;
    ``lacking``, why nothing may rest on answered queues, None where something may.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    sampled: int = 0
    declared: int = 0
    outside: int = 0
    beforehand: int = 0
    skewed: int = 0
    coverage: str = ""
    lacking: str | None = None

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
        if self.beforehand:
            parts.append(
                f"{self.beforehand} verdicts from before the questions were drawn, each for itself"
            )
        if self.declared:
            about = "" if self.sampled else ", and about nothing else"
            parts.append(f"{self.declared} contents that declare their answer{about}")
        if self.coverage:
            parts.append(self.coverage)
        if self.lacking is not None:
            parts.append(self.lacking)
        if self.skewed:
            parts.append(
                f"{self.skewed} verdicts are not counted: within a band the questions were chosen "
                "by their risk, which is too skewed to weigh; answer them from the top"
            )
        beside = self.outside - self.skewed
        if beside > 0 and self.lacking is None:
            parts.append(
                f"{beside} verdicts beside the queue are not counted: their chance is unknown"
            )
        return "; ".join(parts)


def equal_weights(contents: Iterable[str]) -> VerdictWeights:
    """Every content represents itself."""
    weights = dict.fromkeys(contents, 1.0)
    return VerdictWeights(weights, declared=len(weights))


@dataclass(frozen=True)
class _Round:
    """One round of asking of one batch: answered content -> probability, what was ``certain``
    whatever was drawn, and all that was ``answered`` on its sheet; ``skewed`` if by risk,
    ``complete`` if nothing was left to ask."""

    probabilities: Mapping[str, float]
    certain: frozenset[str]
    answered: frozenset[str] = frozenset()
    skewed: bool = False
    complete: bool = False


def verdict_weights(
    gold: Iterable[GoldRow], queued: Iterable[QueuedQuestion]
) -> dict[str, VerdictWeights]:
    """Task -> the weights of its verdicts, from all gold and the review queues of all batches."""
    rows = [row for row in gold if row.content_hash is not None]
    declared, answered = declared_and_answered(rows)
    sheets = sheets_of(rows)
    known = declared | answered
    rounds: defaultdict[tuple[str, str], dict[int, _Round]] = defaultdict(dict)
    asked_by: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for (batch, task, number), asked in sorted(_by_round(queued).items()):
        left = [one for one in asked if (one.content_hash, task) not in declared]
        if left:
            rounds[task, batch][number] = _of_round(left, answered, sheets)
            asked_by[task][batch].update(one.content_hash for one in left)
    sampled: defaultdict[str, dict[str, float]] = defaultdict(dict)
    drawn: defaultdict[str, set[str]] = defaultdict(set)
    skewed: defaultdict[str, set[str]] = defaultdict(set)
    for (task, _), of_batch in sorted(rounds.items()):
        # what several batches hold counts once, as it was asked first
        sampled[task] = _of_batch(of_batch) | sampled[task]
        drawn[task].update(*(one.probabilities for one in of_batch.values() if not one.complete))
        skewed[task].update(*(one.answered for one in of_batch.values() if one.skewed))
    by_task = {}
    for task in sorted({task for _, task in known}):
        own = {content for content, name in declared if name == task}
        answering = {
            batch for name, batch in rounds if name == task and _speaks(rounds[name, batch])
        }
        coverage, lacking = _coverage(asked_by[task], answering)
        of_queues = {} if lacking is not None else sampled[task]
        weights = dict.fromkeys(own, 1.0) | of_queues
        total = len({content for content, name in known if name == task})
        by_task[task] = VerdictWeights(
            dict(sorted(weights.items())),
            len(of_queues.keys() & drawn[task]),
            len(own),
            total - len(weights),
            len(of_queues.keys() - drawn[task]),
            len(skewed[task] - weights.keys()),
            coverage,
            lacking,
        )
    return by_task


def _speaks(rounds: Mapping[int, _Round]) -> bool:
    return any(one.probabilities for one in rounds.values())


def _coverage(
    asked: Mapping[str, Collection[str]], answering: Collection[str]
) -> tuple[str, str | None]:
    """Of which batches the answered queues speak, where it is not all of them; and why that is too
    little, None if it is not. ``asked``: batch -> the contents of its questions."""
    if not answering or len(answering) == len(asked):
        return "", None
    everything = set().union(*asked.values())
    covered = set().union(*(asked[batch] for batch in answering))
    share = len(covered) / len(everything)
    silent = sorted(asked.keys() - answering)
    named = ", ".join(silent[:_BATCHES_NAMED]) + (", ..." if silent[_BATCHES_NAMED:] else "")
    spoken = (
        f"they speak of {len(answering)} of {len(asked)} batches, {share:.0%} of the questions: "
        f"nothing is answered of {named}"
    )
    if share < _LEAST_COVERED:
        return "", f"the answers of the review queues are not counted: {spoken}"
    return spoken, None


def _of_batch(rounds: Mapping[int, _Round]) -> dict[str, float]:
    """Content -> weight, over the rounds of one batch."""
    certain: list[tuple[int, Collection[str]]] = []
    for number, one in rounds.items():
        # what was answered on an earlier sheet is known to the later rounds, also if it came late
        certain += [(number, one.certain), (number + 1, one.answered)]
    sampled = ((number, one.probabilities) for number, one in rounds.items())
    return weights_over_rounds(sampled, certain)


def _of_round(
    asked: Sequence[QueuedQuestion],
    answered: Collection[ContentTask],
    sheets: Mapping[ContentTask, Collection[str | None]],
) -> _Round:
    """What is known of one round, from its rows without those that declare their answer."""
    batch, number, task = asked[0].batch, asked[0].round, asked[0].task
    judged = {one.content_hash for one in asked if (one.content_hash, task) in answered}
    certain = {one.content_hash for one in asked if one.size == 0.0} & judged
    drawn = [one for one in asked if one.size > 0.0]
    if not drawn:
        return _Round(dict.fromkeys(sorted(certain), 1.0), frozenset(certain), complete=True)
    own = {
        one.content_hash
        for one in drawn
        if one.content_hash in judged
        and (
            is_answer_to(batch, number, sheets[one.content_hash, task])
            if one.probability is None
            else one.probability > 0.0
            or sheet_name(batch, number) in sheets[one.content_hash, task]
        )
    }
    elsewhere = {one.content_hash for one in drawn if one.probability is None} & judged - own
    questions = [_question(one, own) for one in drawn if one.content_hash not in elsewhere]
    stored = {one.content_hash: one.probability for one in drawn if one.content_hash in own}
    beyond = drawn[0].beyond
    if response_skew(questions, beyond) > _MOST_SKEW:
        return _Round({}, frozenset(certain | elsewhere), frozenset(own), skewed=True)
    probabilities = {content: p for content, p in stored.items() if p}
    if len(probabilities) < len(own):  # the round is open, or its sheet came in after its end
        probabilities = inclusion_probabilities(questions, beyond)
    return _Round(probabilities, frozenset(certain | elsewhere), frozenset(own))


def sheet_name(batch: str, number: int) -> str:
    """How a sheet of questions is named in the files that people fill in: batch and round."""
    return f"{batch}/{number}"


def is_answer_to(batch: str, number: int, sheets: Collection[str | None]) -> bool:
    """Whether verdicts of these sheets (None: of no known one) may answer this round, and not only
    another round of the same batch."""
    return any(
        sheet is None or sheet == sheet_name(batch, number) or sheet.rpartition("/")[0] != batch
        for sheet in sheets
    )


def sheets_of(gold: Iterable[GoldRow]) -> dict[ContentTask, frozenset[str | None]]:
    """Content and task -> the sheets that its verdicts were written on; None: on none."""
    found: defaultdict[ContentTask, set[str | None]] = defaultdict(set)
    for row in gold:
        if row.content_hash is not None:
            found[row.content_hash, row.task].update(
                [verdict.asked_in for verdict in row.history] or [None]
            )
    return {key: frozenset(sheets) for key, sheets in found.items()}


def _question(one: QueuedQuestion, answered: Collection[str]) -> AskedQuestion:
    return AskedQuestion(
        one.content_hash,
        one.size,
        one.priority,
        one.triage,
        one.content_hash in answered,
        one.error_risk,
    )


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
    by_task: defaultdict[str, list[QueuedQuestion]] = defaultdict(list)
    for one in asked:
        key = (one.content_hash, one.task)
        if key in answered or key not in judged:
            by_task[one.task].append(one)
    said = {task: {content for content, name in answered if name == task} for task in by_task}
    found = {
        task: inclusion_probabilities(
            [_question(one, said[task]) for one in questions], questions[0].beyond
        )
        for task, questions in by_task.items()
    }
    return {
        (content, task): probability
        for task, probabilities in found.items()
        for content, probability in probabilities.items()
    }


def _by_round(
    queued: Iterable[QueuedQuestion],
) -> dict[tuple[str, str, int], list[QueuedQuestion]]:
    found: defaultdict[tuple[str, str, int], list[QueuedQuestion]] = defaultdict(list)
    for one in queued:
        found[one.batch, one.task, one.round].append(one)
    return found
