"""Which questions people are asked, as a sample whose probabilities are known.

Sequential Poisson sampling (Ohlsson 1998), also called priority sampling (Duffield, Lund and
Thorup 2007): a question of size s has a permanent random number u in (0, 1) and the priority s/u,
and questions are asked in the order of their priority. Whatever prefix of that order is answered
is a sample: given the highest priority t that was not, each question came in with the probability
min(1, s/t), and its inverse is its weight.

Sizes mix the value of a verdict with an even share (defensive importance sampling, Hesterberg
1995), so that every question may be asked, and no weight exceeds n / share times that of an even
sample of as many questions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats

_ENOUGH_ANSWERED: Final = 5
_BITS: Final = 53


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question of a queue: its ``size`` and ``priority`` (both above 0), the ``band`` of its risk
    by which the willingness to answer may differ, and whether it was ``answered``."""

    key: str
    size: float
    priority: float
    band: str
    answered: bool


def permanent_number(*parts: str) -> float:
    """A number in (0, 1), even over all ``parts``, and always the same for the same ones."""
    digest = blake2b("\0".join(("review", *parts)).encode(), digest_size=8).digest()
    return ((int.from_bytes(digest, "big") >> (64 - _BITS)) + 0.5) / float(1 << _BITS)


def sizes_of(values: Sequence[float], even_share: float) -> Floats:
    """(n,) sizes, which add up to 1, from the values of the verdicts (n,), none below 0.

    ``even_share`` in (0, 1] of the whole is spread evenly over all questions.
    """
    value: Floats = np.asarray(values, dtype=np.float64)
    even = np.full(len(value), 1.0 / max(len(value), 1))
    total = value.sum()
    if not total > 0.0:
        return even
    sizes: Floats = (1.0 - even_share) * value / total + even_share * even
    return sizes


def inclusion_probabilities(asked: Sequence[AskedQuestion], beyond: float) -> dict[str, float]:
    """Answered question -> the probability with which its answer came in.

    ``asked`` are the questions of a queue, ``beyond`` is the highest priority of those that it had
    no room for, 0 when it had room for all. People may stop anywhere and leave questions out.
    The sample ends where the answered questions a, of k in the order of priority, have the
    largest a^2 / k: answers far beyond that stand alone, and are left out. Within it the share
    that was answered, by band of risk, is the probability to be answered (weighting classes,
    Oh and Scheuren 1983). Both are chosen without looking at an answer.
    """
    ordered = sorted(asked, key=lambda one: (-one.priority, one.key))
    answered = np.cumsum([one.answered for one in ordered])
    if not ordered or not answered[-1]:
        return {}
    length = int((answered**2 / np.arange(1, len(ordered) + 1)).argmax()) + 1
    within = ordered[:length]
    threshold = ordered[length].priority if length < len(ordered) else beyond
    shares = _response_shares(within)
    return {
        one.key: shares[one.band] * (min(1.0, one.size / threshold) if threshold > 0.0 else 1.0)
        for one in within
        if one.answered
    }


def _response_shares(asked: Sequence[AskedQuestion]) -> dict[str, float]:
    """Band -> the share answered; bands with few answers, or few altogether, count as one."""
    total = Counter(one.band for one in asked)
    answered = Counter(one.band for one in asked if one.answered)
    alone = {band for band in total if answered[band] >= _ENOUGH_ANSWERED}
    rest = [band for band in total if band not in alone]
    if sum(answered[band] for band in rest) < _ENOUGH_ANSWERED and rest:
        alone, rest = set(), list(total)
    pooled = sum(answered[band] for band in rest) / max(sum(total[band] for band in rest), 1)
    return {band: answered[band] / total[band] if band in alone else pooled for band in total}


def weights_over_rounds(rounds: Iterable[tuple[int, Mapping[str, float]]]) -> dict[str, float]:
    """Key -> weight, from the inclusion probabilities of each round of asking, by its number.

    What an earlier round has answered is not asked again. So each round by itself, with the
    answers before it counted once each, estimates the whole; their mean, weighted by the answers
    of each, is taken. It is unbiased whatever earlier answers did to later sizes.
    """
    by_round: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for number, probabilities in rounds:
        by_round[number].update(probabilities)
    total = sum(len(one) for one in by_round.values())
    weights: dict[str, float] = {}
    later = 1.0
    for number in sorted(by_round):
        share = len(by_round[number]) / total if total else 0.0
        later -= share
        for key, probability in by_round[number].items():
            weights[key] = share / probability + max(later, 0.0)
    return weights
