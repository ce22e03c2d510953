"""What becomes of a policy file that is watched: whether it is to be activated."""

from collections.abc import Iterable

from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.registry import Activation


def policy_problems(path: str | None) -> list[str]:
    """Every problem of a policy file, with file, line and remedy; none of the packaged one."""
    try:
        load_policy(path)
    except PolicyError as error:
        return [f"{error.source}: {problem}" for problem in error.problems]
    return []


def is_changed(loaded: LoadedPolicy, history: Iterable[Activation]) -> bool:
    """Whether a watched file says something else than when it was activated last.

    A policy that took its place since, by a rollback or by hand, stays until the file changes.
    """
    before = None
    for one in history:
        if one.restores is None and one.source == loaded.source:
            before = one
    return before is None or not before.is_of(loaded)
