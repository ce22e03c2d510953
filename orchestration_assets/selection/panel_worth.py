"""Whether a panel pays: what it gained over cheaper ways on recorded outcomes, against its price.

The ways are the best member by itself, and the vote of the first answers, which the members give
before they are shown any. All are compared item by item, weighed as their verdicts are.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.evidence.weighted_estimates import (
    Estimate,
    difference_estimate,
    insufficiency,
    weighted_mean,
)

STILL_ASKED: Final = 0.05
"""Share of the items that a refused panel is asked about: it may have become better."""


@dataclass(frozen=True, slots=True)
class PanelOutcomes:
    """How right a panel and its ``members`` (K) were on n items, each from 0 to 1.

    ``first`` (n, K) are the members' first answers, ``vote`` (n,) what these had come to by
    themselves, None for kinds of answer that are not voted on; ``panel`` (n,) is what stood;
    ``weights`` (n,) are the items that each verdict stands for. ``later`` (K,) are the calls an
    item after the first answers.
    """

    members: tuple[str, ...]
    first: Floats
    vote: Floats | None
    panel: Floats
    weights: Floats
    later: Floats


@dataclass(frozen=True, slots=True)
class PanelGain:
    """What a panel gained over another way: ``member`` by itself, or with None the first answers.

    ``right`` is the share of items that the other way has right.
    """

    member: str | None
    right: float
    gain: Estimate


@dataclass(frozen=True, slots=True)
class PanelFigures:
    """What is known of a panel: how right it was, how it compares, and how often each member is
    asked again on an item."""

    right: float
    comparisons: tuple[PanelGain, ...]
    later: Mapping[str, float]

    def facts(self) -> dict[str, Any]:
        """As JSON holds it."""
        compared = [asdict(one) for one in self.comparisons]
        return {"right": self.right, "comparisons": compared, "later": dict(self.later)}

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> "PanelFigures":
        """From what :meth:`facts` gave. Raises KeyError or TypeError for anything else."""
        compared = tuple(
            PanelGain(one["member"], one["right"], Estimate(**one["gain"]))
            for one in facts["comparisons"]
        )
        return cls(facts["right"], compared, dict(facts["later"]))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A panel that is not asked: what is instead (a member by itself, or with None the first
    answers), and why in words."""

    member: str | None
    reason: str


def panel_figures(known: PanelOutcomes) -> PanelFigures | None:
    """How the panel compares; None where too few verdicts, or too uneven ones, tell.

    The best member is the one that is right most often on the same items.
    """
    if not len(known.panel) or insufficiency(known.weights) is not None:
        return None
    alone = [weighted_mean(known.first[:, k], known.weights) for k in range(len(known.members))]
    best = int(np.argmax(alone))
    ways: list[tuple[str | None, Floats]] = [(known.members[best], known.first[:, best])]
    if known.vote is not None:
        ways.append((None, known.vote))
    compared = []
    for member, scores in ways:
        gain = difference_estimate(known.panel - scores, known.weights)
        if gain is not None:
            compared.append(PanelGain(member, weighted_mean(scores, known.weights), gain))
    later = dict(zip(known.members, map(float, known.later), strict=True))
    return PanelFigures(weighted_mean(known.panel, known.weights), tuple(compared), later)


def refusal(
    figures: PanelFigures, usd: Mapping[str, float], worth_usd: float | None
) -> Refusal | None:
    """Why a panel does not pay, and what is asked instead; None where it pays.

    ``usd`` is the price of a call to each member, ``worth_usd`` what a right answer in place of a
    wrong one is worth: the panel pays where what it may gain is worth more than it costs more.
    Without it the panel pays where it may gain anything. What it may gain is one standard error
    above the mean: the best member was picked by the same items, so that the mean alone would
    refuse many a panel that is better. Of two ways that are better than the panel the one that is
    better by more is taken.
    """
    again = sum(calls * usd[name] for name, calls in figures.later.items())
    found: list[tuple[tuple[float, float], Refusal]] = []
    for one in figures.comparisons:
        first = [price for name, price in usd.items() if name in figures.later]
        more = again if one.member is None else again + sum(first) - usd[one.member]
        # half of the way to the end of a 95 % interval
        may_gain = (one.gain.mean + one.gain.high) / 2.0
        worth = may_gain if worth_usd is None else may_gain * worth_usd - more
        if worth <= 0.0 and not (may_gain == 0.0 and more == 0.0):
            found.append(((worth, -more), Refusal(one.member, _words(figures, one, more))))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _words(figures: PanelFigures, one: PanelGain, more: float) -> str:
    who = "the first answers" if one.member is None else f"{one.member} alone"
    return (
        f"the panel does not pay: right in {figures.right:.1%} of {one.gain.count} judged items, "
        f"{who} in {one.right:.1%}, a gain of {one.gain.in_points} for ${more:.6f} more an item"
    )
