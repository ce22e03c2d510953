"""What a policy says of features and kinds of plug-ins, held to what is installed."""

from collections.abc import Iterator, Sequence

from orchestration_assets.extensions.features import added_feature, feature_plugins
from orchestration_assets.extensions.kinds import OPEN_KINDS, own_kind
from orchestration_assets.plugins import PluginError
from orchestration_assets.policy.problems import Problem, describe_value
from orchestration_assets.schemas.policy import TaskConfig


def added_feature_problems(names: Sequence[str]) -> Iterator[Problem]:
    """The features that are named and cannot be used."""
    for number, name in enumerate(names):
        try:
            added_feature(name)
        except PluginError as error:
            yield Problem(f"features.added[{number}]", "", str(error))


def added_types(names: Sequence[str]) -> dict[str, type]:
    """Feature -> type of its values, of those that can be used; float of others, so that no more
    than their own problem is told."""
    found: dict[str, type] = {}
    for name in names:
        try:
            found[name] = added_feature(name).feature.value_type
        except PluginError:
            found[name] = float
    return found


def undeclared(path: str, name: str) -> Problem | None:
    """What is wrong where a condition looks at a feature of a plug-in that nobody asked for."""
    if name not in feature_plugins().usable:
        return None
    message = f"is a feature of a plug-in: add {name} to features.added"
    return Problem(path, describe_value(name), message)


def own_kind_problems(path: str, task: TaskConfig) -> Iterator[Problem]:
    """Why the kind of a plug-in that a task names cannot be used."""
    if task.own_kind is None:
        return
    place = f"{path}.own_kind"
    try:
        base = own_kind(task.own_kind).kind.base
    except PluginError as error:
        yield Problem(place, "", str(error))
        return
    if task.kind not in OPEN_KINDS or task.kind is not base:
        yield Problem(place, "", f"{task.own_kind} stands on kind {base}: say kind: {base}")
