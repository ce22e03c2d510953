"""The rows of ``active_policy``: every activation with what it changed."""

from collections.abc import Iterator

from orchestration_assets.policy.differences import PolicyChange, policy_changes
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.recomputation import answers_asked_again
from orchestration_assets.policy.registry import Activation, PolicyRegistry
from orchestration_assets.schemas.policies import ActivationRow
from resources.active_policy import kept_policy_file
from resources.home import Home


def activation_rows(home: Home) -> Iterator[ActivationRow]:
    """One row an activation of the home, in their order; the first is held against the packaged
    default, which was in force before and has no environments."""
    before: LoadedPolicy | str = load_policy(None, "")
    for one in PolicyRegistry(home).history():
        after = _loaded(home, one)
        changes, again = _changes(before, after)
        yield ActivationRow(
            version=one.version,
            policy_hash=one.policy_hash,
            source=one.source,
            activated_at=one.note.when,
            who=one.note.who,
            why=one.note.why,
            restores=one.restores,
            changes=tuple(changes),
            asked_again=tuple(again),
        )
        before = after


def _loaded(home: Home, one: Activation) -> LoadedPolicy | str:
    """The policy of an activation; in words, why it is not known any more."""
    try:
        return load_policy(kept_policy_file(home, one.policy_hash))
    except PolicyError as error:
        return f"{one.policy_hash} cannot be used any more: {error.problems[0]}"


def _changes(before: LoadedPolicy | str, after: LoadedPolicy | str) -> tuple[list[str], list[str]]:
    for one in (after, before):
        if isinstance(one, str):
            return [one], []
    assert isinstance(before, LoadedPolicy) and isinstance(after, LoadedPolicy)
    changes, again = compared(before, after)
    return [str(change) for change in changes], sorted(again)


def compared(
    before: LoadedPolicy, after: LoadedPolicy
) -> tuple[tuple[PolicyChange, ...], dict[str, list[str]]]:
    """What changes from one policy to another, and of which tasks services are asked again."""
    again = answers_asked_again(before.policy, after.policy)
    return policy_changes(before.policy, after.policy, again), again
