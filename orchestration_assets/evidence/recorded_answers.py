"""Recorded answers of several services to one question about many items, as plain arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MISSING = -1


@dataclass(frozen=True)
class RecordedAnswers:
    """``n`` items, ``K`` services, ``L`` labels.

    ``labels`` and ``services`` give names to codes. ``answers`` (n, K) and ``gold`` (n,) hold
    label codes in [0, L) or ``MISSING``; ``asked`` (n, K) tells a service that had no answer
    from one that was never asked. ``confidences`` (n, K) lie in [0, 1], NaN where unstated;
    ``costs`` (n, K) are the USD and ``milliseconds`` (n, K) the time of each call, NaN where the
    time is unknown. ``items`` (n,) are ids.

    Answers in free text have no labels to compare: then ``correct`` (n, K) says of each answer
    how right it is, from 0 to 1, and ``gold`` is ``MISSING`` throughout. ``stands_for`` (n,), above
    0, says how many items each one represents; None: each itself alone.
    """

    name: str
    services: tuple[str, ...]
    labels: tuple[str, ...]
    items: tuple[str, ...]
    answers: Ints
    confidences: Floats
    asked: Bools
    gold: Ints
    costs: Floats
    milliseconds: Floats
    correct: Floats | None = None
    stands_for: Floats | None = None

    def __post_init__(self) -> None:
        """Raises ValueError when shapes or codes do not fit together."""
        shape = (len(self.items), len(self.services))
        for field in ("answers", "confidences", "asked", "costs", "milliseconds"):
            if getattr(self, field).shape != shape:
                found = getattr(self, field).shape
                raise ValueError(f"{self.name}: {field} has shape {found}, expected {shape}")
        if self.gold.shape != shape[:1]:
            raise ValueError(f"{self.name}: gold has shape {self.gold.shape}, expected {shape[:1]}")
        if self.stands_for is not None and self.stands_for.shape != shape[:1]:
            found = self.stands_for.shape
            raise ValueError(f"{self.name}: stands_for has shape {found}, expected {shape[:1]}")
        for field, codes in (("answers", self.answers), ("gold", self.gold)):
            if codes.size and not (codes.min() >= MISSING and codes.max() < len(self.labels)):
                raise ValueError(f"{self.name}: {field} holds codes outside 0..{len(self.labels)}")
        if self.correct is not None and not (
            self.correct.shape == shape and ((self.correct >= 0.0) & (self.correct <= 1.0)).all()
        ):
            raise ValueError(f"{self.name}: correct must have shape {shape} and lie in [0, 1]")
        stated = self.confidences[~np.isnan(self.confidences)]
        if stated.size and not (stated.min() >= 0.0 and stated.max() <= 1.0):
            raise ValueError(f"{self.name}: confidences must lie in [0, 1]")

    @property
    def n_items(self) -> int:
        return len(self.items)

    @property
    def n_services(self) -> int:
        return len(self.services)

    @property
    def n_labels(self) -> int:
        return len(self.labels)

    @property
    def prices(self) -> Floats:
        """(K,) mean USD of a call, over the items that the service was asked about."""
        paid = np.where(self.asked, self.costs, 0.0).sum(axis=0)
        prices: Floats = paid / np.maximum(self.asked.sum(axis=0), 1)
        return prices

    @property
    def scores(self) -> Floats:
        """(n, K) how right the service's answer is, from 0 to 1; no answer is 0."""
        if self.correct is not None:
            return self.correct
        right = (self.answers == self.gold[:, None]) & (self.answers != MISSING)
        scores: Floats = right.astype(np.float64)
        return scores

    @property
    def weights(self) -> Floats:
        """(n,) how much each item counts: their mean is 1."""
        if self.stands_for is None or not self.n_items:
            return np.ones(self.n_items)
        weights: Floats = self.stands_for / self.stands_for.mean()
        return weights

    @property
    def n_effective(self) -> float:
        """How many items of an even sample tell as much (Kish 1965)."""
        return effective_count(self.weights)

    def mean(self, values: Floats | Bools) -> Floats:
        """The weighted mean over the items of values (n, ...)."""
        mean: Floats = np.tensordot(self.weights, values, axes=1) / max(self.n_items, 1)
        return mean

    def take(self, rows: Ints | Bools | slice) -> "RecordedAnswers":
        """The items at ``rows`` (positions, a mask or a slice), in that order."""
        positions = np.arange(self.n_items)[rows]
        return replace(
            self,
            items=tuple(self.items[position] for position in positions),
            answers=self.answers[positions],
            confidences=self.confidences[positions],
            asked=self.asked[positions],
            gold=self.gold[positions],
            correct=None if self.correct is None else self.correct[positions],
            stands_for=None if self.stands_for is None else self.stands_for[positions],
            costs=self.costs[positions],
            milliseconds=self.milliseconds[positions],
        )

    def only(self, services: Sequence[int]) -> "RecordedAnswers":
        """The services at these positions, in that order."""
        kept = list(services)
        return replace(
            self,
            services=tuple(self.services[k] for k in kept),
            answers=self.answers[:, kept],
            confidences=self.confidences[:, kept],
            asked=self.asked[:, kept],
            correct=None if self.correct is None else self.correct[:, kept],
            costs=self.costs[:, kept],
            milliseconds=self.milliseconds[:, kept],
        )


def effective_count(weights: Floats) -> float:
    """How large an even sample tells as much (Kish 1965): (sum w)^2 / sum w^2."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0.0 else 0.0


def one_hot(codes: Ints, n_labels: int) -> Floats:
    """(n, L) ones at the codes; a missing code gives a row of zeros."""
    encoded = np.zeros((len(codes), n_labels))
    known = np.flatnonzero(codes != MISSING)
    encoded[known, codes[known]] = 1.0
    return encoded


def random_halves(n_items: int, seed: int) -> tuple[Ints, Ints]:
    """Two disjoint random halves of 0..n-1, each sorted; the first is the smaller one."""
    order = np.random.default_rng(seed).permutation(n_items)
    cut = n_items // 2
    return np.sort(order[:cut]), np.sort(order[cut:])
