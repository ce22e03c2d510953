"""One plan an item and applicable task: a pure function of profile, policy and forecasts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from orchestration_assets.evidence.vector_thresholds import artefact_name
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel, ProfileStatus
from orchestration_assets.schemas.policy import (
    DEFAULT,
    EXPLORE,
    LEARNED,
    Learned,
    Policy,
    TaskConfig,
)
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import FeatureInput, ItemProfile, PlanRow, RejectedOption
from orchestration_assets.selection.active_selector import (
    ActiveSelector,
    ChosenPoints,
    CurrentPrices,
    choose_points,
    look_up,
)
from orchestration_assets.selection.conditions import first_failure, holds, show
from orchestration_assets.selection.forecast import Forecast, Price, forecast
from orchestration_assets.selection.strategies import Strategy, StrategyDecision, in_order
from orchestration_assets.services.contract import EmbeddedService, Service
from orchestration_assets.text.path_patterns import matches_any
from resources.model_registry import ModelRegistry

Known = Mapping[str, ChosenPoints | str]


def plan_items(
    batch: str,
    profiles: Iterable[ItemProfile],
    policy: Policy,
    policy_hash: str,
    prices: Mapping[str, Price],
    known: Known | None = None,
    thresholds: Mapping[str, str] | None = None,
) -> Iterator[PlanRow]:
    """The plans of every profiled item, one a task that applies to it.

    ``known`` holds what was learned about each task, or in words why it may not decide;
    ``thresholds`` the version of each vector task's, to be pinned.
    """
    pinned = thresholds or {}
    for profile, name, task in applicable(profiles, policy):
        try:
            row = plan_item(batch, profile, name, task, policy_hash, prices, known)
        except Exception as error:  # noqa: BLE001 -- what one item breaks is its own matter
            row = _by_default(batch, profile, name, task, policy_hash, prices, error)
        yield replace(row, thresholds=pinned[name]) if name in pinned else row


def _by_default(
    batch: str,
    profile: ItemProfile,
    task_name: str,
    task: TaskConfig,
    policy_hash: str,
    prices: Mapping[str, Price],
    error: Exception,
) -> PlanRow:
    """The plan of an item that something unforeseen broke the choice for: the default, and why.

    Raises what broke it when not even the default can be planned.
    """
    ahead = forecast(task.choices[DEFAULT], prices)
    words = f"choosing broke, so the default is followed: {type(error).__name__}: {error}"
    decided = StrategyDecision(DEFAULT, DEFAULT, whole_text(words))
    return _row(batch, profile, task_name, task, policy_hash, decided, ahead, ())


def applicable(
    profiles: Iterable[ItemProfile], policy: Policy
) -> Iterator[tuple[ItemProfile, str, TaskConfig]]:
    """Every profiled item with every task that applies to it."""
    for profile in profiles:
        if profile.status is ProfileStatus.OK:
            for name, task in policy.tasks.items():
                if holds(task.applies_to, profile.features):
                    yield profile, name, task


def claims(
    profiles: Iterable[ItemProfile],
    policy: Policy,
    prices: Mapping[str, Price],
    tasks: Iterable[str],
) -> tuple[Counter[str], Forecast]:
    """How many items what was learned would decide, by task, and what all others may take.

    What may be spent is solved over the whole batch, so this is known before the first plan.
    """
    wanted = set(tasks)
    first_heard = in_order({})[:-1]
    counts: Counter[str] = Counter()
    others = Forecast(0, 0, 0.0, 0.0)
    for profile, name, task in applicable(profiles, policy):
        decided = _first(first_heard, name, task, profile)
        if decided is None and name in wanted:
            counts[name] += 1
            continue
        option = DEFAULT if decided is None else decided.option
        others = others.then(forecast(task.choices[option], prices))
    return counts, others


def thresholds_in_force(policy: Policy, registry: ModelRegistry) -> dict[str, str]:
    """Vector task -> the version of its calibrated thresholds, where there are any.

    Whether they hold for the services that answer is seen when the answers are compared.
    """
    tasks = [name for name, task in policy.tasks.items() if task.kind is AnswerKind.VECTOR]
    current = {name: registry.usable_version(artefact_name(name)) for name in tasks}
    return {name: version for name, version in current.items() if version is not None}


def known_models(
    policy: Policy,
    services: Mapping[str, Service],
    registry: ModelRegistry,
    profiles: Sequence[ItemProfile],
    prices: Mapping[str, Price],
    observed: Mapping[str, Price] | None = None,
) -> dict[str, ChosenPoints | str]:
    """What was learned about each task, at the operating point that the batch can afford.

    ``observed`` is what calls took lately: where it drifted from what the model knew, the batch
    is solved for what it is now. A task whose model may not decide has the reason in words.
    """
    found: dict[str, ChosenPoints | str] = {}
    in_force: dict[str, tuple[ActiveSelector, Learned]] = {}
    for name, task in policy.tasks.items():
        if task.learned is not None:
            model = look_up(registry, name, task.learned, services)
            if isinstance(model, str):
                found[name] = model
            else:
                in_force[name] = (model, task.learned)
    if not in_force:
        return found
    counts, others = claims(profiles, policy, prices, in_force)
    execution = policy.execution
    usd, seconds = execution.budget_usd, execution.batch_deadline_s
    return found | choose_points(
        in_force,
        counts,
        CurrentPrices(prices, observed or {}, _at_once(services, execution.items_in_flight)),
        None if usd is None else max(usd - others.cost_usd_max, 0.0),
        None if seconds is None else max(seconds * 1000 - others.expected_ms, 0.0),
    )


def _at_once(services: Mapping[str, Service], items_in_flight: int) -> dict[str, float]:
    """Calls under way at the same time: embedded services take turns in the event loop."""
    return {
        name: 1.0
        if isinstance(service, EmbeddedService)
        else float(min(service.concurrency, items_in_flight))
        for name, service in services.items()
    }


def plan_item(
    batch: str,
    profile: ItemProfile,
    task_name: str,
    task: TaskConfig,
    policy_hash: str,
    prices: Mapping[str, Price],
    known: Known | None = None,
) -> PlanRow:
    """The first strategy that decides is followed; the options it passed over are kept."""
    known = known or {}
    decided = _first(in_order(known), task_name, task, profile)
    if decided is None:
        raise ValueError(f"no strategy decided about {task_name}")
    chosen = decided.chosen
    ahead = forecast(task.choices[decided.option], prices) if chosen is None else chosen.ahead()
    rejected = tuple(_rejected(task_name, task, decided, profile, prices, known))
    return _row(batch, profile, task_name, task, policy_hash, decided, ahead, rejected)


def _row(
    batch: str,
    profile: ItemProfile,
    task_name: str,
    task: TaskConfig,
    policy_hash: str,
    decided: StrategyDecision,
    ahead: Forecast,
    rejected: tuple[RejectedOption, ...],
) -> PlanRow:
    choice, chosen = task.choices[decided.option], decided.chosen
    return PlanRow(
        batch=batch,
        item_id=profile.item_id,
        content_hash=profile.content_hash,
        path=profile.path,
        task=task_name,
        kind=task.kind,
        model=choice.model,
        option=decided.option,
        services=choice.admissible,
        judge=choice.judging,
        stop_at=choice.stop_at,
        strategy=decided.strategy,
        rule=decided.rule,
        inputs=tuple(FeatureInput(f, show(profile.features.get(f))) for f in decided.looked_at),
        reason=decided.reason,
        calls_min=ahead.calls_min,
        calls_max=ahead.calls_max,
        expected_ms=ahead.expected_ms,
        cost_usd_max=ahead.cost_usd_max,
        rejected=rejected,
        policy_hash=policy_hash,
        artefact=None if chosen is None else chosen.model.version,
        point=None if chosen is None else chosen.point,
        expected_accuracy=None if chosen is None else chosen.accuracy,
        expected_usd=None if chosen is None else chosen.mean_usd,
    )


def _first(
    strategies: Sequence[Strategy], name: str, task: TaskConfig, profile: ItemProfile
) -> StrategyDecision | None:
    for strategy in strategies:
        if (decided := strategy.decide(name, task, profile)) is not None:
            return decided
    return None


def _rejected(
    task_name: str,
    task: TaskConfig,
    decided: StrategyDecision,
    profile: ItemProfile,
    prices: Mapping[str, Price],
    known: Known,
) -> Iterator[RejectedOption]:
    who = f"{_WHO[decided.strategy]} {decided.rule}" if decided.rule else decided.strategy
    learned = known.get(task_name)
    for option, choice in task.choices.items():
        if option == decided.option:
            continue
        reason = _why_not(option, task, decided, who, profile, learned)
        ahead, accuracy = forecast(choice, prices), None
        if option == LEARNED and isinstance(learned, ChosenPoints):
            ahead, accuracy = learned.ahead(), learned.accuracy
        yield RejectedOption(
            option,
            choice.model,
            reason,
            ahead.calls_max,
            ahead.expected_ms,
            ahead.cost_usd_max,
            accuracy,
        )
    if decided.chosen is not None:
        yield from _always(decided.chosen)


_WHO = {"directive": "directive", "rules": "rule"}


def _why_not(
    option: str,
    task: TaskConfig,
    decided: StrategyDecision,
    who: str,
    profile: ItemProfile,
    learned: ChosenPoints | str | None,
) -> str:
    rules = {rule.name: rule.when for rule in task.rules}
    directives = {one.name: one.paths for one in task.directives}
    decides = f"{who} comes first" if decided.rule else f"{who} decides"
    if option in directives:
        matches = matches_any(profile.path, directives[option])
        return decides if matches else "its paths do not match"
    if option in rules:
        failed = first_failure(rules[option], profile.features)
        return decides if failed is None else f"{failed} is {show(profile.features.get(failed))}"
    if option == LEARNED and isinstance(learned, str | None):
        return learned or "no learned model is promoted yet"
    if option == EXPLORE:
        return "not one of the explored share" if decided.rule is None else f"{who} holds"
    return f"{who} holds" if decided.rule else decides


def _always(chosen: ChosenPoints) -> Iterator[RejectedOption]:
    """Each service alone: what it is right in, and its price."""
    deployed = chosen.model.deployed
    for k, name in enumerate(deployed.services):
        alone = float(deployed.alone[k])
        yield RejectedOption(
            f"always {name}",
            ProcessingModel.SEQUENTIAL,
            f"right in {alone:.1%} of gold, {chosen.accuracy:.1%} is expected of what was learned",
            1,
            float(chosen.ms[k]),
            float(chosen.usd[k]),
            alone,
        )
