"""Agreement of two raters beyond what their habits alone would give."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from orchestration_assets.evidence.intervals import Z


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa in [-1, 1]: 1 is full agreement, 0 what chance gives.

    ``interval``: its 95 % interval; None where the two never differed, or always did, so that
    nothing tells how far it would move.
    """

    value: float
    interval: tuple[float, float] | None


def beyond_chance(agreed: float, chance: float) -> float | None:
    """Cohen's kappa (1960) of the share on which two agree and the share on which they would by
    chance, both in [0, 1]; None where chance alone gives full agreement."""
    return (agreed - chance) / (1.0 - chance) if chance < 1.0 else None


def cohen_kappa(counts: Mapping[tuple[str, str], int]) -> Kappa | None:
    """The kappa of two raters; ``counts``: how often the first gave one label while the second
    gave another, or the same.

    None where it is not defined: both gave one and the same label throughout, or nothing was
    counted. The interval is by the large-sample variance of Fleiss, Cohen and Everitt (1969).
    """
    total = sum(counts.values())
    first: Counter[str] = Counter()
    second: Counter[str] = Counter()
    for (a, b), count in counts.items():
        first[a] += count
        second[b] += count
    if not total or (len(first) == 1 and first.keys() == second.keys()):
        return None
    agreed = sum(count for (a, b), count in counts.items() if a == b) / total
    chance = sum(first[label] * second[label] for label in first) / total**2
    kappa = beyond_chance(agreed, chance)
    if kappa is None:
        return None
    if agreed in (0.0, 1.0):
        return Kappa(kappa, None)
    # p_ii (1 - (p_i. + p_.i)(1 - k))^2 + (1 - k)^2 p_ij (p_.i + p_j.)^2 - (k - p_e (1 - k))^2
    rest = 1.0 - kappa
    weighed = math.fsum(
        count
        * (
            (1.0 - (first[a] + second[a]) / total * rest) ** 2
            if a == b
            else rest**2 * ((second[a] + first[b]) / total) ** 2
        )
        for (a, b), count in counts.items()
    )
    variance = weighed / total - (kappa - chance * rest) ** 2
    half = Z * math.sqrt(max(0.0, variance) / total) / (1.0 - chance)
    return Kappa(kappa, (max(-1.0, kappa - half), min(1.0, kappa + half)))
