"""What a choice and a condition of a policy say, in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from orchestration_assets.schemas.comparisons import Comparison, Scalar
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.policy import Choice, Judge, Route

_OPERATORS: Final[Mapping[str, str]] = {
    "eq": "is",
    "ne": "is not",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "in_": "is one of",
    "not_in": "is none of",
    "contains": "contains",
    "risk": "has a risk",
}
_MOST: Final = 80


def choice_words(choice: Choice) -> str:
    """Whom a choice asks, in which order, and when it stops: a phrase that begins with asks."""
    words = _asked(choice)
    if choice.stop_at is not None:
        words += f" until {share(choice.stop_at)} sure"
        if choice.min_readings > 1:
            words += f" by {choice.min_readings} answers at least"
    if choice.rounds is not None:
        rounds = choice.rounds
        words += (
            f", from {rounds.first_chars:,} characters on in at most {rounds.max_rounds} rounds"
        )
    if choice.panel is not None:
        words += f", in at most {choice.panel.max_rounds} rounds"
    if choice.judge is not None:
        words += f", then {judge_words(choice.judge)}"
    if choice.escalate is not None:
        words += (
            f"; below {share(choice.escalate.below)} sure it {choice_words(choice.escalate.to)}"
        )
    return words


def judge_words(judge: Judge) -> str:
    """Who judges, and when."""
    when = "only when answers differ" if judge.when == "disagree" else "every time"
    return f"{judge.service} {when}"


def _asked(choice: Choice) -> str:
    if choice.route is not None:
        return _routed(choice.route)
    services = choice.services
    if choice.model is ProcessingModel.PARALLEL:
        return f"asks {both(services)}{' at once' if len(services) > 1 else ''}"
    if choice.panel is not None:
        return (
            f"asks {both(services)} at once, and again with the others' answers where they differ"
        )
    if choice.model is ProcessingModel.ITERATIVE:
        return f"asks {both(services)} about more and more of the content"
    if choice.model is ProcessingModel.HYBRID and choice.after:
        first = [name for name in services if not choice.after.get(name)]
        later = [
            f"then {name}, which sees {both(choice.after[name])}"
            for name in services
            if choice.after.get(name)
        ]
        return f"asks {', '.join([both(first), *later])}"
    shown = ", each of which sees the answers before it" if choice.chain else ""
    return f"asks {', then '.join(services)}{shown}"


def _routed(route: Route) -> str:
    ways = [f"{label}: {choice_words(choice)}" for label, choice in route.to.items()]
    ways.append(f"else {choice_words(route.otherwise)}")
    return f"asks {route.service} for {route.task}, and by its answer ({'; '.join(ways)})"


def condition_words(condition: Mapping[str, Comparison | Scalar]) -> str:
    """The items for which all comparisons hold: a phrase that follows "where"."""
    if not condition:
        return "all items"
    return " and ".join(f"{name} {_test_words(test)}" for name, test in condition.items())


def _test_words(test: Comparison | Scalar) -> str:
    if not isinstance(test, Comparison):
        return f"is {value_words(test)}"
    parts = []
    for name in type(test).model_fields:
        value = getattr(test, name)
        if value is None:
            continue
        if name == "missing":
            parts.append("is missing" if value else "is there")
        elif isinstance(value, Comparison):
            parts.append(f"{_OPERATORS[name]} {_test_words(value)}")
        else:
            parts.append(f"{_OPERATORS.get(name, name)} {value_words(value)}")
    return " and ".join(parts)


def value_words(value: Any) -> str:
    """A value of the policy on one line, long ones cut short."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, list | tuple):
        return _cut(", ".join(value_words(one) for one in value)) or "none"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key}: {value_words(one)}" for key, one in value.items())
        return _cut(f"{{{inside}}}") if inside else "none"
    shown = "".join(sign if sign.isprintable() else " " for sign in str(value))
    return _cut(" ".join(shown.split()))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[: _MOST - 3]}..."


def both(names: Sequence[str]) -> str:
    """Names as a list in words: a, b and c."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def share(part: float) -> str:
    """A probability in per cent."""
    return f"{part * 100:.10g} %"
