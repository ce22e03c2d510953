"""Semantic checks of a policy: every name must refer to something that exists."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from orchestration_assets.plugins import PluginError
from orchestration_assets.policy.alerts import alert_problems
from orchestration_assets.policy.extensions import (
    added_feature_problems,
    added_types,
    own_kind_problems,
    undeclared,
)
from orchestration_assets.policy.globs import glob_problems
from orchestration_assets.policy.knowledge import knowledge_problems
from orchestration_assets.policy.memory import memory_problems
from orchestration_assets.policy.parts import parts_problems
from orchestration_assets.policy.problems import (
    Problem,
    closest_name,
    describe_value,
    dotted_path,
    safe_key,
)
from orchestration_assets.policy.remote import answer_kinds, prompt_problems, remote_problems
from orchestration_assets.policy.rules import rule_problems
from orchestration_assets.policy.task_graph import graph_problems
from orchestration_assets.policy.taught import taught_problems, untaught_problems
from orchestration_assets.policy.tools import tool_problems
from orchestration_assets.schemas.comparisons import (
    ANSWERS,
    Comparison,
    Condition,
    TaskCondition,
    on_features,
)
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.features import FEATURES
from orchestration_assets.schemas.policy import (
    DEFAULT,
    EXPLORE,
    LEARNED,
    Choice,
    Policy,
    Route,
    TaskConfig,
)
from orchestration_assets.schemas.services import EmbeddedConfig, TaughtConfig
from orchestration_assets.services.registry import embedded_names, load_embedded

_TYPES: dict[str, type] = {feature.name: feature.type for feature in FEATURES}
_ORDER = ("lt", "le", "gt", "ge")


def semantic_problems(policy: Policy) -> Iterator[Problem]:
    """Every name that refers to nothing and every comparison that can never hold."""
    for name, service in policy.services.items():
        if isinstance(service, TaughtConfig):
            yield from taught_problems(policy, name, service)
        elif not isinstance(service, EmbeddedConfig):
            yield from remote_problems(policy, name, service)
        else:
            yield from _embedded_problems(f"services.{safe_key(name)}", service)
    types = _TYPES | added_types(policy.features.added)
    yield from added_feature_problems(policy.features.added)
    for name, task in policy.tasks.items():
        yield from _task_problems(policy, f"tasks.{safe_key(name)}", task, types)
    unusable = list(_unusable_plugins(policy))
    yield from unusable
    yield from graph_problems(policy)
    if not unusable:
        # rules are tried on tasks as they are carried out, with all that plug-ins say of them
        yield from rule_problems(policy)
    yield from _record_problems(policy)
    yield from parts_problems(policy)
    yield from knowledge_problems(policy)
    yield from memory_problems(policy)
    yield from glob_problems(policy)
    yield from prompt_problems(policy)
    yield from alert_problems(policy)


def _record_problems(policy: Policy) -> Iterator[Problem]:
    for number, records in enumerate(policy.content.records):
        for name in ("position", "speaker"):
            column = getattr(records, name)
            if column is not None and records.thread is None:
                message = "says nothing without `thread`: name the column of the conversation, too"
                yield Problem(f"content.records[{number}].{name}", describe_value(column), message)


def _unusable_plugins(policy: Policy) -> Iterator[Problem]:
    for name, task in policy.tasks.items():
        yield from own_kind_problems(f"tasks.{safe_key(name)}", task)
        yield from tool_problems(policy, f"tasks.{safe_key(name)}", task)


def _embedded_problems(path: str, service: EmbeddedConfig) -> Iterator[Problem]:
    try:
        load_embedded(service.implementation, service.parameters)
    except KeyError:
        place = f"{path}.implementation"
        yield _unknown(place, service.implementation, "embedded service", embedded_names())
    except PluginError as error:
        yield Problem(f"{path}.implementation", "", str(error))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place = dotted_path(("parameters", *detail["loc"]))
            message = detail["msg"].removeprefix("Value error, ")
            yield Problem(f"{path}.{place}", "", f"{service.implementation}: {message}")


def _task_problems(
    policy: Policy, path: str, task: TaskConfig, types: Mapping[str, type]
) -> Iterator[Problem]:
    kept_columns = [column for records in policy.content.records for column in records.metadata]
    if task.gold is not None and task.gold not in kept_columns:
        message = "is kept of no record file: add it to metadata under content.records"
        yield Problem(f"{path}.gold", describe_value(task.gold, kept_columns), message)
    yield from _condition_problems(f"{path}.applies_to", on_features(task.applies_to), types)
    yield from _asked_problems(policy, f"{path}.validate", task)
    taken = {LEARNED, EXPLORE, DEFAULT}
    for position, directive in enumerate(task.directives):
        field = f"{path}.directives[{position}]"
        yield from _name_problems(field, directive.name, taken)
        yield from _choice_problems(policy, f"{field}.choose", directive.choose, task)
    for position, rule in enumerate(task.rules):
        field = f"{path}.rules[{position}]"
        yield from _name_problems(field, rule.name, taken)
        yield from _condition_problems(f"{field}.when", rule.when, types)
        yield from _choice_problems(policy, f"{field}.choose", rule.choose, task)
    if task.learned is not None:
        field = f"{path}.learned"
        if task.kind is AnswerKind.VECTOR:
            yield Problem(field, "", "learns from answers that are right or wrong, vectors are not")
        yield from untaught_problems(policy, field, task.learned)
        for number, name in enumerate(task.learned.services):
            yield from _service_problems(policy, f"{field}.services[{number}]", name, task.kind)
    yield from _choice_problems(policy, f"{path}.default", task.default, task)


def _asked_problems(policy: Policy, path: str, task: TaskConfig) -> Iterator[Problem]:
    """Services that answers are shown to, and those that are asked instead."""
    for number, one in enumerate(task.validate_):
        if one.service is not None:
            field = f"{path}[{number}].service"
            yield from _service_problems(policy, field, one.service, AnswerKind.LABEL)
        if one.escalate_to is not None:
            field = f"{path}[{number}].escalate_to"
            yield from _service_problems(policy, field, one.escalate_to, task.kind)


def _name_problems(path: str, name: str, taken: set[str]) -> Iterator[Problem]:
    """Directives and rules need names of their own, beside the built-in options."""
    if name in taken:
        yield Problem(f"{path}.name", describe_value(name), "is taken: give each rule its own name")
    taken.add(name)


def _choice_problems(
    policy: Policy, path: str, choice: Choice, task: TaskConfig
) -> Iterator[Problem]:
    named = [(f"{path}.services[{n}]", name) for n, name in enumerate(choice.services)]
    if choice.judge is not None:
        named.append((f"{path}.judge.service", choice.judge.service))
    for field, name in named:
        yield from _service_problems(policy, field, name, task.kind)
    if choice.route is not None:
        yield from _route_problems(policy, f"{path}.route", choice.route)
    for inside, sub_choice in choice.sub_choices.items():
        yield from _choice_problems(policy, f"{path}.{inside}", sub_choice, task)


def _route_problems(policy: Policy, path: str, route: Route) -> Iterator[Problem]:
    router = policy.tasks.get(route.task)
    if router is None or router.kind is not AnswerKind.LABEL:
        labels = [name for name, task in policy.tasks.items() if task.kind is AnswerKind.LABEL]
        yield _unknown(f"{path}.task", route.task, "label task", labels)
    yield from _service_problems(policy, f"{path}.service", route.service, AnswerKind.LABEL)


def _service_problems(policy: Policy, path: str, name: str, kind: AnswerKind) -> Iterator[Problem]:
    if name not in policy.services:
        yield _unknown(path, name, "service", list(policy.services))
        return
    if kind not in answer_kinds(policy.services[name]):
        yield Problem(path, describe_value(name), f"does not give answers of kind {kind.value}")


def _condition_problems(
    path: str, condition: Condition | TaskCondition, types: Mapping[str, type]
) -> Iterator[Problem]:
    for feature, test in condition.items():
        field = f"{path}.{safe_key(feature)}"
        if feature.startswith(ANSWERS):
            message = "ways are chosen before anything is answered: put it into applies_to"
            yield Problem(field, "", message)
            continue
        if feature not in types:
            yield undeclared(field, feature) or _unknown(
                field, feature, "profile feature", list(types)
            )
            continue
        kind = types[feature]
        comparison = test if isinstance(test, Comparison) else Comparison(eq=test)
        for operator in ("contains", "risk"):
            if getattr(comparison, operator, None) is not None:
                yield Problem(f"{field}.{operator}", "", "is for answers: features have none")
        if kind in (str, bool):
            for operator in _ORDER:
                if getattr(comparison, operator) is not None:
                    expected = "text" if kind is str else "true or false"
                    yield Problem(
                        f"{field}.{operator}", "", f"{feature} is {expected}: it has no order"
                    )
        values = [value for value in (comparison.eq, comparison.ne) if value is not None]
        values += [*(comparison.in_ or ()), *(comparison.not_in or ())]
        for value in values:
            if not _fits(value, kind):
                yield Problem(
                    field, describe_value(value), f"{feature} holds {kind.__name__} values"
                )


def _fits(value: object, kind: type) -> bool:
    if kind in (int, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind)


def _unknown(path: str, value: str, kind: str, valid: Sequence[str]) -> Problem:
    return Problem(
        path, describe_value(value, valid), f"no such {kind}", closest_name(value, valid)
    )
