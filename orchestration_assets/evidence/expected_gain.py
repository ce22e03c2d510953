"""How much more often a label is right once further services were asked, before they are.

The value of information (Howard 1966) of a set of services: over everything that they may say, how
often the label is right that will then stand, less how often the one that stands now is right. Two
models take part. What will stand is decided by the consensus, which takes stated confidences at
their word; how often that is right follows from how reliable the services are known to be. So a
poor service that is sure of itself has a negative gain: it would overturn right answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from orchestration_assets.evidence.posterior import GUESSING, MIN_OTHERS
from orchestration_assets.evidence.recorded_answers import Floats, Ints

_LEVELS: Final = 3
_LIKELY: Final = 0.999  # no service is taken to be surer than this, or than the opposite
_HALVINGS: Final = 40


@dataclass(frozen=True, slots=True)
class AnsweringHabit:
    """How a service answers: ``stated``, the confidences that it states, all equally often, and
    ``right``, how often it is right where it states each, in [0, 1]."""

    stated: tuple[float, ...]
    right: tuple[float, ...]
    shift: float

    @property
    def accuracy(self) -> float:
        """How often it is right."""
        return sum(self.right) / len(self.right)

    def rightness(self, confidence: float) -> float:
        """How often it is right where it states this confidence."""
        return float(_shifted(np.array([confidence]), self.shift)[0])


def answering_habit(accuracy: float, stated: Sequence[float]) -> AnsweringHabit:
    """The habit of a service that is right with ``accuracy`` in [0, 1] and ``stated`` these.

    The log odds of all confidences are shifted alike, so that they are right on average. Without
    any the service is taken to state its accuracy.
    """
    seen = np.sort(np.array(stated if len(stated) else [accuracy]))
    levels = _levels(seen)
    low, high = -20.0, 20.0
    for _ in range(_HALVINGS):
        shift = 0.5 * (low + high)
        low, high = (shift, high) if _shifted(seen, shift).mean() < accuracy else (low, shift)
    right = _shifted(levels, shift)
    return AnsweringHabit(tuple(levels.tolist()), tuple(right.tolist()), shift)


def calibrated_habit(right: Sequence[float]) -> AnsweringHabit:
    """The habit of a service whose answers are right with these probabilities, by a calibration
    that the consensus goes by."""
    levels = tuple(_levels(np.sort(np.array(right))).tolist())
    return AnsweringHabit(levels, levels, 0.0)


def _levels(ordered: Floats) -> Floats:
    """(3,) means of the lowest, the middle and the highest third."""
    thirds = np.array_split(np.repeat(ordered, _LEVELS), _LEVELS)
    return np.array([third.mean() for third in thirds])


@dataclass(frozen=True, slots=True)
class ToldLabel:
    """A label that was given: which of the different ones (0 for the first), with the stated
    confidence and how often the service is right where it states that."""

    label: int
    stated: float
    right: float


@lru_cache(maxsize=100_000)
def expected_gain(
    told: tuple[ToldLabel, ...], asked: tuple[AnsweringHabit, ...], n_labels: int
) -> float:
    """The gain in accuracy, in [-1, 1], of asking services of these habits after ``told``.

    ``n_labels`` is the number of possible labels, 0 for an open question. Readings count as
    independent given the truth. The work grows with the power of the number of services asked.
    """
    given = 1 + max((one.label for one in told), default=-1)
    total = max(n_labels, given + max(len(asked), MIN_OTHERS))
    # the labels that were given and those that may yet be; the last is any that nobody gives
    named = given + len(asked)
    votes = [(one.label, one.stated, one.right) for one in told]
    stated, true = (
        scores.sum(axis=0, keepdims=True) for scores in _likelihoods(votes, named, total)
    )
    weight, opened = np.ones(1), np.full(1, given)
    mass = np.exp(true[0, :given]).sum() + (total - given) * np.exp(true[0, -1])
    before = np.exp(true[0, _standing(stated, opened)[0]]) if given else 0.0
    for habit in asked:
        levels = list(zip(habit.stated, habit.right, strict=True))
        options = [(label, *level) for label in range(named) for level in levels]
        said = np.array([label for label, _, _ in options])
        option_stated, option_true = _likelihoods(options, named, total)
        # new labels come in order: what they are called makes no difference
        rows, columns = np.nonzero(said[None, :] <= opened[:, None])
        is_new = said[columns] == opened[rows]
        names = np.where(is_new, np.maximum(total - opened[rows], 0), 1)
        weight = weight[rows] * names / len(levels)
        opened = opened[rows] + is_new
        stated = stated[rows] + option_stated[columns]
        true = true[rows] + option_true[columns]
    standing = _standing(stated, opened)
    after = (weight * np.exp(true[np.arange(len(true)), standing])).sum()
    return float((after - before) / mass)


def _standing(stated: Floats, opened: Ints) -> Ints:
    """(n,) the most probable label of those that were given."""
    is_given = np.arange(stated.shape[1])[None, :] < opened[:, None]
    # rounding must not decide between equals: the first stands
    label: Ints = np.where(is_given, stated.round(9), -np.inf).argmax(axis=1)
    return label


def _likelihoods(
    votes: Sequence[tuple[int, float, float]], named: int, total: int
) -> tuple[Floats, Floats]:
    """(v, named + 1) twice: the log likelihood of each label given each vote, as the consensus
    takes it and as it is."""
    labels = np.array([label for label, _, _ in votes], dtype=np.int64)
    is_said = np.arange(named + 1)[None, :] == labels[:, None]

    def scores(shares: Sequence[float], guessing: float) -> Floats:
        share = np.array(shares, dtype=np.float64)[:, None]
        even = np.where(is_said, share, (1.0 - share) / max(total - 1, 1))
        log: Floats = np.log((1.0 - guessing) * even + guessing / total)
        return log

    right = np.clip([right for _, _, right in votes], 1.0 - _LIKELY, _LIKELY)
    return scores([stated for _, stated, _ in votes], GUESSING), scores(right.tolist(), 0.0)


def _shifted(confidences: Floats, shift: float) -> Floats:
    clipped = np.clip(confidences, 1.0 - _LIKELY, _LIKELY)
    odds: Floats = np.log(clipped / (1.0 - clipped)) + shift
    return 1.0 / (1.0 + np.exp(-odds))
