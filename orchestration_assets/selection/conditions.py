"""Evaluating a policy's conditions on an item's profile."""

from collections.abc import Mapping
from typing import Any

from orchestration_assets.schemas.comparisons import (
    Comparison,
    Condition,
    Scalar,
    TaskCondition,
)


def holds(condition: Condition | TaskCondition, features: Mapping[str, Any]) -> bool:
    """True when every feature named satisfies its comparison; an empty condition holds."""
    return first_failure(condition, features) is None


def first_failure(condition: Condition | TaskCondition, features: Mapping[str, Any]) -> str | None:
    """The first feature, in the order written, whose comparison does not hold."""
    for feature, test in condition.items():
        comparison = test if isinstance(test, Comparison) else Comparison(eq=test)
        if not satisfies(features.get(feature), comparison):
            return feature
    return None


def satisfies(value: Any, test: Comparison) -> bool:
    """Whether one value, None where there is none, satisfies every operator that is given."""
    if test.missing is not None and test.missing != (value is None):
        return False
    if value is None:
        return test.missing is True
    return (
        (test.eq is None or value == test.eq)
        and (test.ne is None or value != test.ne)
        and (test.lt is None or value < test.lt)
        and (test.le is None or value <= test.le)
        and (test.gt is None or value > test.gt)
        and (test.ge is None or value >= test.ge)
        and (test.in_ is None or value in test.in_)
        and (test.not_in is None or value not in test.not_in)
    )


def format_value(value: Scalar | None) -> str:
    """A feature value as people read it."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value) or "(none)"
