"""Which policy a run follows: one that has a roll-out is tried first, not followed at once."""

from dataclasses import dataclass
from pathlib import Path

from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.rollout_state import (
    RolloutStatus,
    begin,
    policy_before,
)
from resources.active_policy import kept_policy_file
from resources.home import Home


@dataclass(frozen=True, slots=True)
class PolicyToFollow:
    """The file of the policy that a run follows, and in words why it is another than was named."""

    path: Path | None
    note: str | None = None


def policy_to_follow(home: Home, named: Path | None) -> PolicyToFollow:
    """The policy that a run follows when it is told to follow ``named``.

    That is the one in force where ``named`` has a ``rollout`` that is not over. Raises PolicyError,
    and RolloutError for a policy that cannot be compared with the one in force.
    """
    if named is None:
        return PolicyToFollow(None)
    loaded = load_policy(named)
    before = policy_before(home) if loaded.policy.rollout is not None else None
    if before is None or before.hash == loaded.hash:
        return PolicyToFollow(named)
    state = begin(home, before, loaded)
    if state.status is RolloutStatus.PROMOTED:
        return PolicyToFollow(named)
    kept = kept_policy_file(home, before.hash)
    if state.status is RolloutStatus.RUNNING:
        return PolicyToFollow(kept)
    how = "was rolled back" if state.status is RolloutStatus.ROLLED_BACK else "was aborted"
    return PolicyToFollow(
        kept,
        f"{named}: its roll-out {how} ({state.reason}): {before.hash} stays in force; change the "
        "policy, or try it again with `orchestrate rollout restart`",
    )
