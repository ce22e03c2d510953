"""Which features a choice would have to look at that were never computed of an item.

A feature that was computed and has no value is known to be missing: conditions on it do not hold.
One that a policy began to look at since, of a plug-in or of a newer release, is not known at all,
and neither is what the policy would have done.
"""

from collections.abc import Mapping
from typing import Any

from orchestration_assets.schemas.comparisons import Condition, TaskCondition, on_features
from orchestration_assets.schemas.policy import TaskConfig
from orchestration_assets.selection.conditions import holds


def unrecorded_for_asking(task: TaskConfig, features: Mapping[str, Any]) -> str | None:
    """The feature without which it is not known whether a task applies to an item; None where
    that is known. ``features``: those that were computed, None where one has no value."""
    return _decisive(on_features(task.applies_to), features)


def unrecorded_for_rules(task: TaskConfig, features: Mapping[str, Any]) -> str | None:
    """The feature without which it is not known which rule of a task is the first that holds; None
    where that is known. ``features``: as above."""
    for rule in task.rules:
        if (feature := _decisive(rule.when, features)) is not None:
            return feature
        if holds(rule.when, features):
            return None
    return None


def _decisive(condition: Condition | TaskCondition, features: Mapping[str, Any]) -> str | None:
    """The first unrecorded feature of a condition that all recorded ones satisfy."""
    recorded = {name: test for name, test in condition.items() if name in features}
    if len(recorded) == len(condition) or not holds(recorded, features):
        return None
    return next(name for name in condition if name not in features)
