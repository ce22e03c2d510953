"""Who decides how an item is processed: directive, rules, what was learned, default.

Each strategy looks at one item and either decides or says why not; the first that decides is
followed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol

from orchestration_assets.schemas.policy import DEFAULT, EXPLORE, LEARNED, TaskConfig
from orchestration_assets.schemas.tables import ItemProfile
from orchestration_assets.selection.active_selector import ChosenPoints
from orchestration_assets.selection.conditions import holds
from orchestration_assets.text.path_patterns import matches_any


@dataclass(frozen=True, slots=True)
class StrategyDecision:
    """The option taken, who took it, by which rule if any, and why.

    ``looked_at`` names the profile features that the decision rests on; ``chosen`` is the model
    that decides each step, if one does.
    """

    option: str
    strategy: str
    reason: str
    rule: str | None = None
    looked_at: tuple[str, ...] = ()
    chosen: ChosenPoints | None = None


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
                return StrategyDecision(one.name, "directive", one.because, one.name)
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
    """What was learned, by task: the model chosen, or in words why none may decide.

    A small share of the items is explored: every service is asked, so that there is something
    to learn from. Which ones depends on the item alone.
    """

    known: Mapping[str, ChosenPoints | str]

    def decide(
        self, task_name: str, task: TaskConfig, profile: ItemProfile
    ) -> StrategyDecision | None:
        if task.learned is None:
            return None
        if in_share(task_name, profile.item_id, task.learned.explore):
            share = f"{task.learned.explore:.0%}"
            return StrategyDecision(
                EXPLORE, EXPLORE, f"one of the {share} of which every service is asked"
            )
        chosen = self.known.get(task_name, "")
        if isinstance(chosen, str):
            return None
        return StrategyDecision(LEARNED, LEARNED, words_of(chosen), chosen=chosen)


@dataclass(frozen=True)
class DefaultStrategy:
    """The task's default, which always decides."""

    known: Mapping[str, ChosenPoints | str]

    def decide(self, task_name: str, task: TaskConfig, profile: ItemProfile) -> StrategyDecision:
        looked_at = tuple(dict.fromkeys(f for rule in task.rules for f in rule.when))
        why_not = self.known.get(task_name, "")
        reason = "no rule holds, so the task's default applies"
        if isinstance(why_not, str) and why_not:
            reason = f"no rule holds and {why_not}, so the task's default applies"
        return StrategyDecision(DEFAULT, DEFAULT, reason, looked_at=looked_at)


def in_order(known: Mapping[str, ChosenPoints | str]) -> tuple[Strategy, ...]:
    """All strategies, in the order in which they are heard."""
    return DirectiveStrategy(), RuleStrategy(), LearnedStrategy(known), DefaultStrategy(known)


def words_of(chosen: ChosenPoints) -> str:
    """What the model promises, in words."""
    model, point = chosen.model.deployed, chosen.taken
    alone = model.services[model.single]
    price = price_words(chosen.mean_usd, chosen.mean_ms)
    return (
        f"learned: {_FAMILIES[point.family]}; right in {chosen.accuracy:.1%} of unseen gold for "
        f"{price} an item, where {alone} alone is right in {float(model.alone[model.single]):.1%}"
    )


_FAMILIES: Final = {
    "single": "one service is best alone",
    "cascade": "a second service where the first is not sure",
    "add_on": "an add-on where the first answer needs it",
    "stack": "each next service is asked where its expected gain is worth its price",
}


def price_words(usd: float, ms: float) -> str:
    """A price as people read it: dollars where there are any, and time."""
    time = f"{ms:.3g} ms"
    return f"${usd:.3g} and {time}" if usd > 0.0 else time


def in_share(purpose: str, name: str, share: float) -> bool:
    """Whether a name is one of the share chosen for a purpose: the same answer at every run."""
    digest = blake2b(f"{purpose}\n{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64
