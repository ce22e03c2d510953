"""What differs between two policies, in plain words, one line for each thing that changed.

Everything that a policy says is compared: what has no words of its own is named by its place.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orchestration_assets.policy.choice_words import (
    both,
    choice_words,
    condition_words,
    judge_words,
    share,
    value_words,
)
from orchestration_assets.schemas.policy import Choice, Directive, Policy, Rule, TaskConfig

AskedAgain = Mapping[str, Collection[str]]
"""Task -> the services whose earlier answers to it do not count any more."""

_OWN_WORDS: Final = frozenset(
    {"question", "labels", "applies_to", "default", "rules", "directives"}
)
# what makes another question of a task, so that earlier answers do not count
_IDENTITY: Final = frozenset(
    {"version", "kind", "labels", "scale", "fields", "quotes", "validate", "question"}
)
_PRICES: Final = {
    "price.input_usd": "USD a million tokens read",
    "price.output_usd": "USD a million tokens written",
    "price.call_usd": "USD a request",
}


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One thing that changed. ``about`` is a task, a service or a section of the policy, ``task``
    the task, if it is about one."""

    about: str
    words: str
    task: str | None = None

    def __str__(self) -> str:
        return f"{self.about}: {self.words}"


def policy_changes(
    before: Policy, after: Policy, asked_again: AskedAgain | None = None
) -> tuple[PolicyChange, ...]:
    """What the second policy says otherwise than the first: tasks, services, then the rest.

    ``asked_again`` adds what that means for answers that are kept already.
    """
    again = asked_again or {}
    found = [*_task_changes(before, after, again), *_service_changes(before, after, again)]
    old, new = before.canonical(), after.canonical()
    for section in sorted((old.keys() | new.keys()) - {"tasks", "services"}):
        found += [
            PolicyChange(section, words)
            for words in _leaves(old.get(section), new.get(section), "")
        ]
    return tuple(sorted(found, key=lambda one: _order(one, after)))


def _order(change: PolicyChange, after: Policy) -> tuple[int, str]:
    if change.task is not None:
        return 0, f"{[*after.tasks].index(change.task) if change.task in after.tasks else -1:6}"
    return (1 if change.about.startswith("service ") else 2), change.about


def _task_changes(before: Policy, after: Policy, again: AskedAgain) -> Iterator[PolicyChange]:
    for name in sorted(before.tasks.keys() | after.tasks.keys()):
        old, new = before.tasks.get(name), after.tasks.get(name)
        if new is None:
            yield PolicyChange(name, "is not asked any more", name)
        elif old is None:
            words = f'new task: "{value_words(new.question)}", {choice_words(new.default)}'
            yield PolicyChange(name, words, name)
        elif old != new:
            services = again.get(name, ())
            for field, words in _changes_of_task(old, new):
                lost = _consequence(services, new) if field in _IDENTITY else ""
                yield PolicyChange(name, words + lost, name)
    yield from _followers(before, after, again)


def _consequence(services: Collection[str], task: TaskConfig) -> str:
    asked = {name for choice in task.choices.values() for name in choice.admissible}
    if not services:
        return ""
    if asked <= {*services}:
        return ", so its answers are asked again"
    return f", so the answers of {both(sorted(services))} are asked again"


def _followers(before: Policy, after: Policy, again: AskedAgain) -> Iterator[PolicyChange]:
    """Tasks that come after one whose answers may be others now."""
    moved = {
        name
        for name, task in after.tasks.items()
        if name in before.tasks and (before.tasks[name] != task or again.get(name))
    }
    for name, task in after.tasks.items():
        if name in before.tasks and (shown := sorted(moved & {*task.inputs})):
            words = f"builds on {both(shown)}: it is asked again where their answers change"
            yield PolicyChange(name, words, name)


def _changes_of_task(old: TaskConfig, new: TaskConfig) -> Iterator[tuple[str, str]]:
    """Field -> what changed in it, in words."""
    if old.question != new.question:
        asked, was = value_words(new.question), value_words(old.question)
        yield "question", f'asks "{asked}", before "{was}"'
    if old.labels != new.labels:
        yield "labels", f"labels {_list_change(old.labels, new.labels)}"
    if old.applies_to != new.applies_to:
        now, was = condition_words(new.applies_to), condition_words(old.applies_to)
        yield (
            "applies_to",
            f"is asked of items where {now}; before: {was}".replace(
                "items where all items", "all items"
            ),
        )
    plain, other = _plain(old), _plain(new)
    for field in sorted(plain.keys() | other.keys()):
        if field not in _OWN_WORDS:
            for words in _leaves(plain.get(field), other.get(field), field):
                yield field, words
    yield from (("directives", words) for words in _ruled(old.directives, new.directives))
    yield from (("rules", words) for words in _ruled(old.rules, new.rules))
    if old.default != new.default:
        yield "default", _choice_change(old.default, new.default)


def _plain(task: TaskConfig) -> dict[str, Any]:
    return task.model_dump(mode="json", by_alias=True)


def _ruled(
    old: Sequence[Rule] | Sequence[Directive], new: Sequence[Rule] | Sequence[Directive]
) -> Iterator[str]:
    was, now = {one.name: one for one in old}, {one.name: one for one in new}
    for name, one in now.items():
        what, where = _kind_and_items(one)
        if name not in was:
            yield f"new {what} {name} ({value_words(one.because)}): where {where} it " + (
                choice_words(one.choose)
            )
            continue
        earlier = was[name]
        _, before = _kind_and_items(earlier)
        if where != before:
            yield f"{what} {name}: holds where {where}; before: {before}"
        if one.choose != earlier.choose:
            yield f"{what} {name}: {_choice_change(earlier.choose, one.choose)}"
        if one.because != earlier.because:
            because, said = value_words(one.because), value_words(earlier.because)
            yield f'{what} {name}: because "{because}", before "{said}"'
    for name, one in was.items():
        if name not in now:
            yield f"{_kind_and_items(one)[0]} {name} is gone"
    kept, order = [name for name in was if name in now], [name for name in now if name in was]
    if kept != order:
        yield f"order of precedence {', '.join(order)}; before: {', '.join(kept)}"


def _kind_and_items(one: Rule | Directive) -> tuple[str, str]:
    if isinstance(one, Directive):
        return "directive", f"the path is like {' or '.join(one.paths)}"
    return "rule", condition_words(one.when)


def _choice_change(old: Choice, new: Choice) -> str:
    """One choice against another: the one setting that changed, or both in full."""
    changed = [name for name in type(new).model_fields if getattr(old, name) != getattr(new, name)]
    if changed == ["judge"] and old.judge and new.judge and old.judge.service == new.judge.service:
        words = judge_words(new.judge)
        return f"asks {words}, before {judge_words(old.judge).removeprefix(new.judge.service)[1:]}"
    if changed == ["stop_at"] and old.stop_at is not None and new.stop_at is not None:
        return f"stops at {share(new.stop_at)} sure, before {share(old.stop_at)}"
    now, was = choice_words(new), choice_words(old)
    if now == was:
        plain, other = (one.model_dump(mode="json", by_alias=True) for one in (old, new))
        return "; ".join(_leaves(plain, other, ""))
    return f"{now}; before: {was}"


def _service_changes(before: Policy, after: Policy, again: AskedAgain) -> Iterator[PolicyChange]:
    for name in sorted(before.services.keys() | after.services.keys()):
        old, new = before.services.get(name), after.services.get(name)
        about = f"service {name}"
        if new is None:
            yield PolicyChange(about, "is gone")
        elif old is None:
            yield PolicyChange(about, f"is new ({_kind_of(new)})")
        elif old != new:
            plain, other = (one.model_dump(mode="json", by_alias=True) for one in (old, new))
            words = "; ".join(_leaves(plain, other, ""))
            lost = sorted(
                task for task, services in again.items() if name in services and task in after.tasks
            )
            asked = f", so its answers to {both(lost)} are asked again" if lost else ""
            yield PolicyChange(about, words + asked)


def _kind_of(config: Any) -> str:
    return " ".join(
        value_words(getattr(config, name))
        for name in ("type", "implementation", "model", "by")
        if getattr(config, name, None) is not None
    )


def _leaves(old: Any, new: Any, path: str) -> Iterator[str]:
    """Every value that differs, with its place below ``path``."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _leaves(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
    elif path in _PRICES:
        name = path.removeprefix("price.").removesuffix("_usd")
        yield f"price of {name} {value_words(old)} -> {value_words(new)} {_PRICES[path]}"
    elif _are_names(old) and _are_names(new) and {*old} != {*new}:
        yield f"{path} {_list_change(old, new)}"
    else:
        yield f"{path} {value_words(old)} -> {value_words(new)}".lstrip()


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _list_change(old: Sequence[str], new: Sequence[str]) -> str:
    more = [f"+{value_words(one)}" for one in new if one not in old]
    less = [f"-{value_words(one)}" for one in old if one not in new]
    return ", ".join([*more, *less]) or f"in the order {value_words(new)}"
