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

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from statistics import fmean
from typing import Final

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats

_ENOUGH_ANSWERED: Final = 5
_BITS: Final = 53


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question of a queue: its ``size`` and ``priority`` (both above 0), the ``band`` of its
    ``risk`` by which the willingness to answer may differ, and whether it was ``answered``."""

    key: str
    size: float
    priority: float
    band: str
    answered: bool
    risk: float


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
    # a quotient first: the smallest values would vanish in a product
    sizes: Floats = (1.0 - even_share) * (value / total) + even_share * even
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
    within, threshold = _sample(asked, beyond)
    shares = _response_shares(within)
    return {
        one.key: shares[one.band] * (min(1.0, one.size / threshold) if threshold > 0.0 else 1.0)
        for one in within
        if one.answered
    }


def _sample(asked: Sequence[AskedQuestion], beyond: float) -> tuple[Sequence[AskedQuestion], float]:
    """The questions that the sample reaches to, and the highest priority after them."""
    ordered = sorted(asked, key=lambda one: (-one.priority, one.key))
    answered = np.cumsum([one.answered for one in ordered])
    if not ordered or not answered[-1]:
        return (), beyond
    length = int((answered**2 / np.arange(1, len(ordered) + 1)).argmax()) + 1
    return ordered[:length], ordered[length].priority if length < len(ordered) else beyond


def response_skew(asked: Sequence[AskedQuestion], beyond: float) -> float:
    """By how many standard errors the risks of the answered questions, within a class of bands,
    lie off those of the others that were asked (Mann and Whitney 1947): the largest of any class.

    Far from 0, people have chosen by risk, and no probability of their answers is known.
    """
    within, _ = _sample(asked, beyond)
    return max((abs(_rank_score(one)) for _, one in _response_classes(within)), default=0.0)


def _rank_score(asked: Sequence[AskedQuestion]) -> float:
    """The standardised rank sum of the answered questions' risks, ties counted by half."""
    answered = np.array([one.answered for one in asked], dtype=np.bool_)
    _, place, ties = np.unique([one.risk for one in asked], return_inverse=True, return_counts=True)
    total, hits = len(asked), int(answered.sum())
    spread = (total**3 - float((ties.astype(np.float64) ** 3).sum())) / 12.0
    if not 0 < hits < total or not spread > 0.0:
        return 0.0
    ranks = (np.cumsum(ties) - (ties - 1) / 2.0)[place]
    variance = hits * (total - hits) * spread / (total * (total - 1))
    return float((ranks[answered].sum() - hits * (total + 1) / 2.0) / np.sqrt(variance))


def _response_shares(asked: Sequence[AskedQuestion]) -> dict[str, float]:
    """Band -> the share answered, in common with its neighbours where it has few answers."""
    return {
        band: sum(question.answered for question in questions) / len(questions)
        for bands, questions in _response_classes(asked)
        for band in bands
    }


def _response_classes(
    asked: Sequence[AskedQuestion],
) -> list[tuple[list[str], list[AskedQuestion]]]:
    """The bands that count as one, with their questions, in the order of risk.

    A band with few answers joins the next less risky one, and the least risky the one above it:
    what is large enough to tell its own willingness is not mixed with the rest.
    """
    by_band: defaultdict[str, list[AskedQuestion]] = defaultdict(list)
    for question in asked:
        by_band[question.band].append(question)
    ordered = sorted(
        by_band.items(), key=lambda band: (fmean(one.risk for one in band[1]), band[0])
    )
    classes = [([band], questions) for band, questions in ordered]
    position = len(classes) - 1
    while position >= 0 and len(classes) > 1:
        if sum(question.answered for question in classes[position][1]) < _ENOUGH_ANSWERED:
            lower = max(position - 1, 0)
            (bands, questions), (more_bands, more) = classes[lower : lower + 2]
            classes[lower : lower + 2] = [(bands + more_bands, questions + more)]
        position -= 1
    return classes


def weights_over_rounds(
    rounds: Iterable[tuple[int, Mapping[str, float]]],
    certain: Iterable[tuple[int, Collection[str]]] = (),
) -> dict[str, float]:
    """Key -> weight, from the inclusion probabilities of each round of asking, by its number.

    What an earlier round has answered is not asked again, and neither is what is ``certain`` from
    a round on, because its answer was known when the round was drawn or came on another's sheet.
    So each round by itself, with all of these counted once each, estimates the whole; their mean,
    weighted by the answers of each, is taken. It is unbiased whatever earlier answers did to later
    sizes, and however the certain ones were chosen.
    """
    by_round: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for number, probabilities in rounds:
        by_round[number].update(probabilities)
    known: defaultdict[int, set[str]] = defaultdict(set)
    for number, keys in certain:
        known[number].update(keys)
    total = sum(len(one) for one in by_round.values())
    weights: defaultdict[str, float] = defaultdict(float)
    before: set[str] = set()
    for number in sorted({*by_round, *known}):
        drawn = by_round[number]
        before |= known[number]
        share = len(drawn) / total if drawn else 0.0
        if share:
            for key in before - drawn.keys():
                weights[key] += share
            for key, probability in drawn.items():
                weights[key] += share / probability
        before |= drawn.keys()
    return dict(weights)
