"""One plan an item and applicable task: a pure function of profile, policy and forecasts."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from orchestration_assets.evidence.vector_thresholds import artefact_name
from orchestration_assets.policy.task_graph import task_inputs
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.comparisons import on_features
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel, ProfileStatus
from orchestration_assets.schemas.policy import (
    DEFAULT,
    EXPLORE,
    LEARNED,
    Learned,
    Policy,
    TaskConfig,
    stand_in,
)
from orchestration_assets.schemas.quick_records import constructor
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tables import (
    ExpectedScore,
    FeatureInput,
    ItemProfile,
    PlanRow,
    RejectedOption,
)
from orchestration_assets.schemas.task_inputs import Otherwise, TaskInputs
from orchestration_assets.selection.active_selector import (
    ActiveSelector,
    ChosenPoint,
    CurrentPrices,
    LearnedItems,
    choose_points,
    load_active_selector,
)
from orchestration_assets.selection.answer_conditions import condition_in_words
from orchestration_assets.selection.conditions import first_failure, format_value, holds
from orchestration_assets.selection.expectations import (
    BatchExpectations,
    BatchInputs,
    ItemExpectation,
)
from orchestration_assets.selection.expected_price import ExpectedPrices
from orchestration_assets.selection.forecast import Forecast, Price, forecast, forecast_validation
from orchestration_assets.selection.panel_outcomes import Refused
from orchestration_assets.selection.panel_worth import STILL_ASKED, Refusal
from orchestration_assets.selection.part_counts import estimated_parts
from orchestration_assets.selection.shown_context import ShownPieces
from orchestration_assets.selection.strategies import (
    Strategy,
    StrategyDecision,
    is_sampled,
    ordered_strategies,
)
from orchestration_assets.services.contract import EmbeddedService, Service
from orchestration_assets.services.taught.taught_service import TaughtService
from orchestration_assets.text.path_patterns import matches_any
from resources.model_registry import ModelRegistry

Known = Mapping[str, ChosenPoint | str]


def plan_items(
    batch: str,
    profiles: Iterable[ItemProfile],
    policy: Policy,
    policy_hash: str,
    prices: Mapping[str, Price],
    known: Known | None = None,
    thresholds: Mapping[str, str] | None = None,
    refused: Refused | None = None,
) -> Iterator[PlanRow]:
    """The plans of every profiled item, one a task that applies to it as far as its features tell.

    ``known`` holds what was learned about each task, or in words why it may not decide;
    ``thresholds`` the version of each vector task's, to be pinned; ``refused`` are the panels that
    do not pay.
    """
    pinned, inputs = thresholds or {}, task_inputs(policy)
    for profile, name, task in applicable_tasks(profiles, policy):
        try:
            row = plan_item(batch, profile, name, task, policy_hash, prices, known, refused)
        except Exception as error:  # noqa: BLE001 -- what one item breaks is its own matter
            row = _default_plan(batch, profile, name, task, policy_hash, prices, error)
        if name in pinned:
            row = replace(row, thresholds=pinned[name])
        yield conditional(row, inputs[name]) if name in inputs else row


def conditional(row: PlanRow, inputs: TaskInputs) -> PlanRow:
    """A plan that is carried out only where the answers to other tasks admit it.

    Its calls and cost are what they are where it is.
    """
    may_be_skipped = inputs.otherwise is not Otherwise.ASK or bool(inputs.tests)
    return replace(
        row,
        after=inputs.waits_for,
        condition=condition_in_words(inputs),
        calls_min=0 if may_be_skipped else row.calls_min,
    )


def _default_plan(
    batch: str,
    profile: ItemProfile,
    task_name: str,
    task: TaskConfig,
    policy_hash: str,
    prices: Mapping[str, Price],
    error: Exception,
) -> PlanRow:
    """The default plan of an item for which choosing raised ``error``, with that as the reason.

    Raises what the forecast raises when not even the default can be planned.
    """
    ahead = _ahead(task, DEFAULT, profile, prices)
    words = f"choosing broke, so the default is followed: {type(error).__name__}: {error}"
    decided = StrategyDecision(DEFAULT, DEFAULT, whole_text(words))
    return _row(batch, profile, task_name, task, policy_hash, decided, ahead, ())


def applicable_tasks(
    profiles: Iterable[ItemProfile], policy: Policy
) -> Iterator[tuple[ItemProfile, str, TaskConfig]]:
    """Every profiled item with every task that applies to it, as far as its features tell."""
    conditions = {name: on_features(task.applies_to) for name, task in policy.tasks.items()}
    for profile in profiles:
        if profile.status is ProfileStatus.OK:
            for name, task in policy.tasks.items():
                if holds(conditions[name], profile.features):
                    yield profile, name, task


def features_of_tasks(policy: Policy) -> frozenset[str]:
    """The features that :func:`applicable_tasks` looks at."""
    return frozenset(
        name for task in policy.tasks.values() for name in on_features(task.applies_to)
    )


def count_learned_items(
    profiles: Iterable[ItemProfile],
    policy: Policy,
    prices: Mapping[str, Price],
    expected: ExpectedPrices,
    tasks: Mapping[str, BatchExpectations | None],
) -> tuple[dict[str, LearnedItems], float, float]:
    """How many items the learned models would decide, by task, and the USD and ms of all others.

    ``tasks`` are those with a model, each with what it expects on the contents of the batch. The
    budget is allocated over the whole batch, so this precedes the first plan. Others, explored
    items among them, count at what their calls are expected to cost, not at what they may cost.
    """
    strategies = ordered_strategies({})[:-1]
    items = {name: LearnedItems() for name in tasks}
    usd = ms = 0.0
    for profile, name, task in applicable_tasks(profiles, policy):
        decided = _first_decision(strategies, name, task, profile)
        choice = task.choices[DEFAULT if decided is None else decided.option]
        tokens = float(profile.features.get("token_estimate") or 0.0)
        parts = estimated_parts(task.task_parts, profile.features) or 1
        if decided is None and name in tasks:
            before, expectations = items[name], tasks[name]
            ahead = None if expectations is None else expectations.of(profile.content_hash)
            items[name] = replace(before, count=before.count + 1)
            if ahead is not None and ahead.is_unfamiliar:
                items[name] = LearnedItems(
                    before.count + 1,
                    before.unfamiliar + 1,
                    before.default_usd + expected.of_choice(name, choice, tokens, parts),
                    before.default_ms + forecast(choice, prices).expected_ms,
                )
            continue
        usd += expected.of_choice(name, choice, tokens, parts)
        ms += forecast(choice, prices).expected_ms
    return items, usd, ms


def promoted_threshold_versions(policy: Policy, registry: ModelRegistry) -> dict[str, str]:
    """Vector task -> the version of its calibrated thresholds, where there are any.

    Whether they apply to the services that answer is checked when the answers are compared.
    """
    tasks = [name for name, task in policy.tasks.items() if task.kind is AnswerKind.VECTOR]
    current = {name: registry.usable_version(artefact_name(name)) for name in tasks}
    return {name: version for name, version in current.items() if version is not None}


def choose_models(
    policy: Policy,
    services: Mapping[str, Service],
    registry: ModelRegistry,
    profiles: Iterable[ItemProfile],
    prices: Mapping[str, Price],
    observed: Mapping[str, Price] | None = None,
    left_usd: float = math.inf,
    inputs: BatchInputs | None = None,
    shown: Mapping[str, ShownPieces] | None = None,
) -> dict[str, ChosenPoint | str]:
    """The learned model of each task, at the operating point that the batch can afford.

    ``observed`` are prices of recent calls, which take precedence over those of the training
    data; ``left_usd`` is what may be spent on the batch; ``inputs`` are what is known of its
    contents; ``shown`` what prompts usually show beside it, by task. A task whose model does not
    apply has the reason instead.
    """
    found: dict[str, ChosenPoint | str] = {}
    in_force: dict[str, tuple[ActiveSelector, Learned]] = {}
    tasks = build_tasks(policy)
    for name, task in policy.tasks.items():
        if task.learned is not None:
            model = load_active_selector(registry, tasks[name], task.learned, services)
            if isinstance(model, str):
                found[name] = model
            else:
                in_force[name] = (model, task.learned)
    if not in_force:
        return found
    paid = {name: price.cost_usd for name, price in (observed or {}).items() if name in services}
    expected = ExpectedPrices(services, paid, shown or {})
    expectations = {
        name: None if inputs is None else inputs.expected(model.learned)
        for name, (model, _) in in_force.items()
    }
    items, others_usd, others_ms = count_learned_items(
        profiles, policy, prices, expected, expectations
    )
    execution = policy.execution
    seconds = execution.batch_deadline_s
    chosen = choose_points(
        in_force,
        items,
        CurrentPrices(prices, observed or {}, _concurrency(services, execution.items_in_flight)),
        None if left_usd == math.inf else max(left_usd - others_usd, 0.0),
        None if seconds is None else max(seconds * 1000 - others_ms, 0.0),
    )
    return found | {
        name: point.with_expectations(expectations[name]) for name, point in chosen.items()
    }


def _concurrency(services: Mapping[str, Service], items_in_flight: int) -> dict[str, float]:
    """Calls under way at the same time: embedded services take turns in the event loop."""
    return {
        name: 1.0
        if isinstance(service, EmbeddedService | TaughtService)
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
    refused: Refused | None = None,
) -> PlanRow:
    """The first strategy that decides is followed; the options it passed over are kept.

    A panel that does not pay is one of these, but for a share of the items.
    """
    known = known or {}
    decided = _first_decision(ordered_strategies(known), task_name, task, profile)
    if decided is None:
        raise ValueError(f"no strategy decided about {task_name}")
    why = (refused or {}).get((task_name, decided.option))
    if why is not None:
        decided = _instead_of_panel(decided, why, task_name, profile)
    chosen = decided.chosen
    ahead = _ahead(task, decided.option, profile, prices, chosen)
    rejected = tuple(_rejected(task_name, task, decided, profile, prices, known))
    row = _row(batch, profile, task_name, task, policy_hash, decided, ahead, rejected)
    learned = known.get(task_name)
    if isinstance(learned, ChosenPoint) and (expected := learned.expects(profile.content_hash)):
        names = learned.model.selector.services
        usd = expected.usd or (None,) * len(names)
        row = replace(
            row,
            expected_scores=tuple(map(ExpectedScore, names, expected.scores, usd)),
            familiarity=expected.familiarity,
        )
    return row


def _instead_of_panel(
    decided: StrategyDecision, why: Refusal, task: str, profile: ItemProfile
) -> StrategyDecision:
    """What is done on an item whose panel is refused; a share of them keeps teaching about it."""
    if is_sampled(f"{task} {decided.option} panel", profile.item_id, STILL_ASKED):
        reason = f"{decided.reason}; one of the {STILL_ASKED:.0%} of which a panel that is refused"
        return replace(decided, reason=f"{reason} is still asked")
    return replace(
        decided,
        option=stand_in(decided.option, why.member),
        reason=f"{decided.reason}; {why.reason}",
        refused=(decided.option, why.reason),
    )


def _ahead(
    task: TaskConfig,
    option: str,
    profile: ItemProfile,
    prices: Mapping[str, Price],
    chosen: ChosenPoint | None = None,
) -> Forecast:
    """What carrying out an option about all parts of an item, and validating its answer, may come
    to."""
    choice = task.choices[option]
    ahead = forecast(choice, prices) if chosen is None else chosen.forecast()
    joiner = next((prices[name] for name in task.joiners), None)
    ahead = ahead.of_parts(estimated_parts(task.task_parts, profile.features), joiner)
    return ahead.then(forecast_validation(task.validate_, choice, prices))


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
    return constructor(PlanRow)(
        batch=batch,
        item_id=profile.item_id,
        content_hash=profile.content_hash,
        path=profile.path,
        task=task_name,
        kind=task.kind,
        model=choice.model,
        option=decided.option,
        services=choice.admissible,
        stop_at=choice.stop_at,
        strategy=decided.strategy,
        rule=decided.rule,
        inputs=tuple(
            FeatureInput(f, format_value(profile.features.get(f))) for f in decided.features_used
        ),
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
        parts=estimated_parts(task.task_parts, profile.features),
    )


def _first_decision(
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
        if option == decided.option or option in task.stand_ins:
            continue
        reason = _rejection_reason(option, task, decided, who, profile, learned)
        ahead, accuracy = _ahead(task, option, profile, prices), None
        if option == LEARNED and isinstance(learned, ChosenPoint):
            ahead, accuracy = _ahead(task, option, profile, prices, learned), learned.accuracy
        elif isinstance(learned, ChosenPoint) and len(choice.admissible) == 1:
            accuracy = _expected_of(choice.admissible[0], learned, profile)
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
        expected = decided.chosen.expects(profile.content_hash)
        yield from _single_service_options(decided.chosen, expected)


_WHO = {"directive": "directive", "rules": "rule"}


def _rejection_reason(
    option: str,
    task: TaskConfig,
    decided: StrategyDecision,
    who: str,
    profile: ItemProfile,
    learned: ChosenPoint | str | None,
) -> str:
    rules = {rule.name: rule.when for rule in task.rules}
    directives = {one.name: one.paths for one in task.directives}
    if decided.refused is not None and option == decided.refused[0]:
        return decided.refused[1]
    decides = f"{who} comes first" if decided.rule else f"{who} decides"
    if option in directives:
        matches = matches_any(profile.path, directives[option])
        return decides if matches else "its paths do not match"
    if option in rules:
        failed = first_failure(rules[option], profile.features)
        return (
            decides
            if failed is None
            else f"{failed} is {format_value(profile.features.get(failed))}"
        )
    if option == LEARNED and isinstance(learned, str | None):
        return learned or "no learned model is promoted yet"
    if option == EXPLORE:
        return "not one of the explored share" if decided.rule is None else f"{who} holds"
    return f"{who} holds" if decided.rule else decides


def _expected_of(service: str, learned: ChosenPoint, profile: ItemProfile) -> float | None:
    """What is expected of one service on an item, where the model knows it and reads content."""
    services, expected = learned.model.selector.services, learned.expects(profile.content_hash)
    if expected is None or service not in services:
        return None
    return expected.scores[services.index(service)]


def _single_service_options(
    chosen: ChosenPoint, expected: ItemExpectation | None
) -> Iterator[RejectedOption]:
    """Each service by itself, with what is expected of it on the item and its price."""
    selector = chosen.model.selector
    for k, name in enumerate(selector.services):
        accuracy = solo_accuracy = float(selector.solo_accuracy[k])
        reason = (
            f"right in {solo_accuracy:.1%} of outcomes, {chosen.accuracy:.1%} is expected of what "
        )
        reason += "was learned"
        if expected is not None:
            accuracy = expected.scores[k]
            reason = f"{accuracy:.1%} is expected of it on this item, {reason}"
        yield RejectedOption(
            f"always {name}",
            ProcessingModel.SEQUENTIAL,
            reason,
            1,
            float(chosen.ms[k]),
            float(chosen.usd[k]),
            accuracy,
        )
