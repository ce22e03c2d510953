"""Strategies that decide how an item is processed: directives, rules, learned model, default.

Each strategy decides about an item or returns None; the first decision is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol

from orchestration_assets.schemas.policy import DEFAULT, EXPLORE, LEARNED, TaskConfig
from orchestration_assets.schemas.tables import ItemProfile
from orchestration_assets.selection.active_selector import ChosenPoint
from orchestration_assets.selection.conditions import holds
from orchestration_assets.selection.expectations import expected_words
from orchestration_assets.text.path_patterns import matches_any

DIRECTIVE: Final = "directive"
"""The strategy of a policy's directives, which look at no feature."""


@dataclass(frozen=True, slots=True)
class StrategyDecision:
    """The option chosen, by which strategy and rule if any, and the reason.

    ``features_used`` names the profile features that the decision rests on; ``chosen`` is the
    model that decides each step, if one does. ``refused``: the panel that the strategy would ask,
    and why it is not asked, where that is so.
    """

    option: str
    strategy: str
    reason: str
    rule: str | None = None
    features_used: tuple[str, ...] = ()
    chosen: ChosenPoint | None = None
    refused: tuple[str, str] | None = None


class Strategy(Protocol):
    """Decides about one item of a task, or does not."""

    def decide(
        self, task_name: str, task: TaskConfig, profile: ItemProfile
    ) -> StrategyDecision | None: ...


class DirectiveStrategy:
    """The policy's directives: the first whose globs match the item's path."""

    def decide(
        self, task_name: str, task: TaskConfig, profile: ItemProfile
    ) -> StrategyDecision | None:
        for one in task.directives:
            if matches_any(profile.path, one.paths):
                return StrategyDecision(one.name, DIRECTIVE, one.because, one.name)
        return None


class RuleStrategy:
    """The policy's rules: the first whose condition holds."""

    def decide(
        self, task_name: str, task: TaskConfig, profile: ItemProfile
    ) -> StrategyDecision | None:
        for rule in task.rules:
            if holds(rule.when, profile.features):
                return StrategyDecision(
                    rule.name, "rules", rule.because, rule.name, tuple(rule.when)
                )
        return None


@dataclass(frozen=True)
class LearnedStrategy:
    """The learned model of each task, or the reason why none applies.

    A small share of the items is explored: every service is asked, for training data. Which
    items depends on their ids alone.
    """

    known: Mapping[str, ChosenPoint | str]

    def decide(
        self, task_name: str, task: TaskConfig, profile: ItemProfile
    ) -> StrategyDecision | None:
        if task.learned is None:
            return None
        if is_sampled(task_name, profile.item_id, task.learned.explore):
            share = f"{task.learned.explore:.0%}"
            return StrategyDecision(
                EXPLORE, EXPLORE, f"one of the {share} of which every service is asked"
            )
        chosen = self.known.get(task_name, "")
        if isinstance(chosen, str):
            return None
        better = is_sampled(f"{task_name} better", profile.item_id, chosen.better_share)
        own = chosen.of_share(better=better)
        if own.is_unfamiliar(profile.content_hash):
            return None
        reason = f"{describe_point(own)}{describe_item(own, profile.content_hash)}"
        return StrategyDecision(LEARNED, LEARNED, reason, chosen=own)


@dataclass(frozen=True)
class DefaultStrategy:
    """The task's default, which always decides."""

    known: Mapping[str, ChosenPoint | str]

    def decide(self, task_name: str, task: TaskConfig, profile: ItemProfile) -> StrategyDecision:
        features_used = tuple(dict.fromkeys(f for rule in task.rules for f in rule.when))
        why_not = self.known.get(task_name, "")
        reason = "no rule holds, so the task's default applies"
        if isinstance(why_not, ChosenPoint) and why_not.expects(profile.content_hash):
            why_not = "the item is unlike all that the learned model was trained on"
        if isinstance(why_not, str) and why_not:
            reason = f"no rule holds and {why_not}, so the task's default applies"
        return StrategyDecision(DEFAULT, DEFAULT, reason, features_used=features_used)


def ordered_strategies(known: Mapping[str, ChosenPoint | str]) -> tuple[Strategy, ...]:
    """All strategies, in order of precedence."""
    return DirectiveStrategy(), RuleStrategy(), LearnedStrategy(known), DefaultStrategy(known)


def describe_point(chosen: ChosenPoint) -> str:
    """The operating point in one line: family, accuracy, price, the best service's accuracy."""
    model, point = chosen.model.selector, chosen.operating_point
    name, accuracy = model.services[model.best_service], model.solo_accuracy[model.best_service]
    price = format_price(chosen.mean_usd, chosen.mean_ms)
    return (
        f"learned: {_FAMILIES[point.family]}; right in {chosen.accuracy:.1%} of unseen outcomes "
        f"for {price} an item, where {name} alone is right in {float(accuracy):.1%}"
    )


def describe_item(chosen: ChosenPoint, content: str) -> str:
    """What is expected of each service on one item, what is asked first, and why; empty where the
    model reads no content."""
    expected = chosen.expects(content)
    if expected is None:
        return ""
    about = "this item" if expected.familiarity is not None else "items in general"
    words = expected_words(chosen.model.selector.services, expected.scores)
    first = chosen.first_words.get(chosen.point, {}).get(content)
    return f"; expected of {about}: {words}{f'; {first}' if first else ''}"


_FAMILIES: Final = {
    "single": "one service is best alone",
    "cascade": "a second service where the first is not sure",
    "add_on": "an add-on where the first answer needs it",
    "content": "what the item is like and what was answered decide each step",
    "stack": "each next service is asked where its expected gain is worth its price",
}


def format_price(usd: float, ms: float) -> str:
    """A price as people read it: dollars where there are any, and time."""
    time = f"{ms:.3g} ms"
    return f"${usd:.3g} and {time}" if usd > 0.0 else time


def is_sampled(purpose: str, name: str, share: float) -> bool:
    """Whether a name is in the hashed sample of this ``share``: the same for every run."""
    digest = blake2b(f"{purpose}\n{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64
