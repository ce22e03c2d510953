"""Thresholds of two vector services: the shift from which on their neighbourhoods disagree.

How many neighbours two services share depends on the pair of them and on how many contents are
compared at once: of 30 contents ten neighbours are a third, of 2,000 one half percent. So there is
no one constant. The distribution of shifts is kept for each size of comparison, beside the one
where the contents of one service are shuffled: the null distribution.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.recorded_answers import Bools, Floats
from orchestration_assets.services.identity import changed_parts

FORMAT: Final = 1
SIZES: Final = (30, 42, 60, 85, 120, 170, 240, 340, 480, 680, 960, 1_360, 1_920)
"""How many contents are compared at once where it was calibrated, a step being about sqrt 2."""

STEPS: Final = 200
UNRELATED: Final = 0.99
_MAX_SIZE_RATIO: Final = 1.5

Pair = tuple[str, str]


@dataclass(frozen=True, eq=False, slots=True)
class SizeThreshold:
    """The distributions of the shift when about ``size`` contents are compared at once.

    ``near_at``: for each service the cosine that 99 of 100 pairs of contents stay below; a
    content none of whose neighbours reaches it has none but by chance.
    ``usual`` and ``shuffled``: quantiles (201,) of the shift, of contents as they are and with
    those of one service shuffled. ``contents`` were counted.
    """

    size: int
    near_at: tuple[float, float]
    usual: Floats
    shuffled: Floats
    contents: int

    def from_shift(self, share: float) -> float:
        """The shift that no more than ``share`` of the usual contents reach."""
        return float(np.interp(1.0 - share, np.linspace(0.0, 1.0, STEPS + 1), self.usual))

    def unusual(self, shift: float) -> float:
        """The share of contents, in [0, 1], on which the two services lie nearer than this."""
        return min(1.0, int(np.searchsorted(self.usual, shift, side="left")) / STEPS)

    def strength(self, shift: float) -> float:
        """The shift against that of half the shuffled contents, in [0, 1]; 1 is no better than
        chance."""
        median = float(self.shuffled[STEPS // 2])
        return min(1.0, shift / median) if median > 0.0 else 1.0


def quantiles(values: Floats) -> Floats:
    """The 201 quantiles that a distribution is kept as."""
    quantile_values: Floats = np.quantile(values, np.linspace(0.0, 1.0, STEPS + 1))
    return quantile_values


@dataclass(frozen=True, slots=True)
class PairThresholds:
    """``identities`` say which code, model and parameters of each service it holds for."""

    services: Pair
    identities: Pair
    sizes: tuple[SizeThreshold, ...]

    def mismatch(self, identities: Mapping[str, str]) -> str | None:
        """Why it does not hold for services of these identities; None when it does."""
        for service, calibrated in zip(self.services, self.identities, strict=True):
            current = identities.get(service)
            if current is None:
                return f"{service} is not installed"
            if current != calibrated:
                return f"{service} {changed_parts(calibrated, current)}"
        return None

    def of_size(self, count: int) -> SizeThreshold | str:
        """The threshold for ``count`` contents compared at once, or a reason why there is none."""
        fitting = [threshold for threshold in self.sizes if threshold.size <= count]
        if not fitting:
            return f"{count} items compared are too few, {self.sizes[0].size} would do"
        nearest = fitting[-1]
        if count >= _MAX_SIZE_RATIO * nearest.size and nearest.size != SIZES[-1]:
            return (
                f"nothing is known about {count} items compared at once, only about {nearest.size}"
            )
        return nearest


@dataclass(frozen=True, slots=True)
class VectorThresholds:
    """A task's thresholds: by pair of services, in alphabetical order, each with its sizes in
    ascending order. ``share`` of the usual contents may reach a threshold."""

    share: float
    pairs: Mapping[Pair, PairThresholds]


@dataclass(frozen=True, slots=True)
class ThresholdsInUse:
    """Thresholds, and the version that they are known by."""

    thresholds: VectorThresholds
    version: str


def artefact_name(task: str) -> str:
    """The name under which a task's thresholds are kept."""
    return f"vector_thresholds.{task}"


def pack(thresholds: VectorThresholds) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and facts, as the model registry keeps them."""
    arrays: dict[str, Any] = {}
    pair_facts = []
    for number, (_, pair) in enumerate(sorted(thresholds.pairs.items())):
        arrays[f"pair{number}_usual"] = np.stack([threshold.usual for threshold in pair.sizes])
        arrays[f"pair{number}_shuffled"] = np.stack(
            [threshold.shuffled for threshold in pair.sizes]
        )
        arrays[f"pair{number}_near_at"] = np.array([threshold.near_at for threshold in pair.sizes])
        pair_facts.append(
            {
                "services": list(pair.services),
                "identities": list(pair.identities),
                "sizes": [threshold.size for threshold in pair.sizes],
                "contents": [threshold.contents for threshold in pair.sizes],
            }
        )
    return arrays, {"format": FORMAT, "share": thresholds.share, "pairs": pair_facts}


def unpack(arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> VectorThresholds:
    """The thresholds that :func:`pack` took apart. Raises ValueError for another format, KeyError
    for a part that is missing."""
    if facts.get("format") != FORMAT:
        raise ValueError(f"format {facts.get('format')} of vector thresholds, expected {FORMAT}")
    pairs: dict[Pair, PairThresholds] = {}
    for number, fact in enumerate(facts["pairs"]):
        usual, shuffled, near_at = (
            arrays[f"pair{number}_{part}"] for part in ("usual", "shuffled", "near_at")
        )
        sizes = tuple(
            SizeThreshold(size, (float(near[0]), float(near[1])), u, s, contents)
            for size, contents, near, u, s in zip(
                fact["sizes"], fact["contents"], near_at, usual, shuffled, strict=True
            )
        )
        first, second = fact["services"]
        pairs[first, second] = PairThresholds((first, second), tuple(fact["identities"]), sizes)
    return VectorThresholds(float(facts["share"]), pairs)


def window_size(count: int, window: int) -> int:
    """How many of ``count`` contents are compared at once, in windows of equal size."""
    return count // math.ceil(count / window) if count else 0


def has_near_neighbour(first: Floats, second: Floats, near_at: tuple[float, float]) -> Bools:
    """(n,) whether a content has a near neighbour for either service, by the cosines (n,) of its
    nearest: ``first`` and ``second``."""
    near: Bools = (first >= near_at[0]) | (second >= near_at[1])
    return near
