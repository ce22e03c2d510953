"""Which policy a run follows: one that has a roll-out is tried first, not followed at once."""

from dataclasses import dataclass
from pathlib import Path

from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.rollout_state import (
    RolloutState,
    RolloutStatus,
    begin,
    overtaken,
    policy_before,
)
from resources.active_policy import kept_policy_file
from resources.home import Home


@dataclass(frozen=True, slots=True)
class PolicyToFollow:
    """The file of the policy that a run follows, and in words why it is another than was named."""

    path: Path | None
    note: str | None = None


def tried_instead(home: Home, loaded: LoadedPolicy) -> RolloutState | None:
    """The roll-out by which a policy is tried before it is followed, begun where it was not; None
    where it is followed: without ``rollout``, in force already, or with nothing to try it against.

    Raises RolloutError for a policy that cannot be compared with the one in force.
    """
    before = policy_before(home) if loaded.policy.rollout is not None else None
    if before is None or before.hash == loaded.hash:
        return None
    state = begin(home, before, loaded)
    return None if state.status is RolloutStatus.PROMOTED else state


def policy_to_follow(home: Home, named: Path | None) -> PolicyToFollow:
    """The policy that a run follows when it is told to follow ``named``: the one in force as long
    as ``named`` is tried. A promotion that was cut short is carried out first. Raises PolicyError,
    RolloutError.
    """
    overtaken(home)
    if named is None:
        return PolicyToFollow(None)
    state = tried_instead(home, load_policy(named))
    if state is None:
        return PolicyToFollow(named)
    kept = kept_policy_file(home, state.in_force)
    if state.status is RolloutStatus.RUNNING:
        return PolicyToFollow(kept)
    how = "was rolled back" if state.status is RolloutStatus.ROLLED_BACK else "was aborted"
    return PolicyToFollow(
        kept,
        f"{named}: its roll-out {how} ({state.reason}): {state.in_force} stays in force; change "
        "the policy, or try it again with `orchestrate rollout restart`",
    )
