"""Where a roll-out stands, and what a batch moves: a state that is stored, and pure steps of it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from orchestration_assets.policy.kept_policies import first_use
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.pinned_policy import pin_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.registry import (
    Activation,
    ActivationConflictError,
    PolicyRegistry,
)
from orchestration_assets.policy.rollout import incomparable, rollout_id
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.rollout import (
    Rollout,
    RolloutAction,
    RolloutMetric,
    RolloutVerdict,
)
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from orchestration_assets.settings import user_name
from resources.active_policy import kept_policy_file
from resources.home import Home
from resources.versioned_state import ChangeNote

ROLLOUT: Final = "rollout"
"""The state of a home that says which roll-out is under way, or was last."""


class RolloutError(OrchestrationError):
    """A roll-out cannot begin, or cannot go on as was asked."""


class RolloutStatus(StrEnum):
    """Whether a roll-out is under way, and how it ended."""

    RUNNING = "running"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class RolloutState:
    """One roll-out: ``trial`` is tried against ``in_force``, both hashes of kept policies.

    ``step`` counts its steps from 0, ``passes`` those in a row at this step, ``fresh`` the items
    that the policy on trial answered since the last pass. ``reason`` says what it came to last,
    ``attempt`` how many times the two were tried against each other, from 1.
    """

    rollout: str
    in_force: str
    trial: str
    status: RolloutStatus = RolloutStatus.RUNNING
    step: int = 0
    passes: int = 0
    fresh: int = 0
    reason: str = "begun"
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """A roll-out that is under way, with both policies read."""

    state: RolloutState
    in_force: LoadedPolicy
    trial: LoadedPolicy

    @property
    def config(self) -> Rollout:
        """How the policy on trial wants to be tried."""
        return self.trial.policy.rollout or Rollout()

    @property
    def share(self) -> float:
        """Share of the items that the policy on trial answers now."""
        shares = self.config.shares
        return shares[min(self.state.step, len(shares) - 1)]


def after_batch(
    state: RolloutState,
    config: Rollout,
    verdicts: Mapping[RolloutMetric, RolloutVerdict],
    items: int,
) -> tuple[RolloutState, RolloutAction]:
    """What a batch, at whose end the metrics with a limit have these verdicts, moves.

    ``items``: those that the policy on trial answered in it.
    """
    fresh = state.fresh + items
    worse = sorted(name for name, one in verdicts.items() if one is RolloutVerdict.WORSE)
    if worse:
        words = f"{' and '.join(worse)} beyond the limit"
        ended = replace(state, status=RolloutStatus.ROLLED_BACK, fresh=fresh, reason=words)
        return ended, RolloutAction.ROLL_BACK
    unknown = sorted(name for name, one in verdicts.items() if one is RolloutVerdict.TOO_FEW)
    if unknown or fresh < config.least_items:
        what = (
            f"too few items to tell: {', '.join(unknown)}"
            if unknown
            else (f"{fresh} of the {config.least_items} new items that a pass rests on")
        )
        passes = 0 if unknown else state.passes
        return replace(state, passes=passes, fresh=fresh, reason=what), RolloutAction.GO_ON
    passes = state.passes + 1
    if passes < config.passes:
        words = f"passed {passes} of {config.passes} times in a row"
        return replace(state, passes=passes, fresh=0, reason=words), RolloutAction.PASSED
    return stepped_up(state, config, f"passed {passes} times in a row")


def stepped_up(
    state: RolloutState, config: Rollout, why: str
) -> tuple[RolloutState, RolloutAction]:
    """The next step of a roll-out; the last one puts the policy on trial in force."""
    step = state.step + 1
    share = config.shares[min(step, len(config.shares) - 1)]
    if share < 1.0:
        words = f"{why}: from {config.shares[state.step]:.0%} to {share:.0%} of the items"
        return replace(state, step=step, passes=0, fresh=0, reason=words), RolloutAction.STEP_UP
    ended = replace(state, status=RolloutStatus.PROMOTED, step=step, passes=0, fresh=0, reason=why)
    return ended, RolloutAction.PROMOTE


def current_state(home: Home) -> RolloutState | None:
    """The roll-out that is under way in a home, or was last; None before the first."""
    version = home.state(ROLLOUT).current()
    if version is None:
        return None
    return _state(version.value)


def _state(value: Mapping[str, Any]) -> RolloutState:
    return RolloutState(**{**value, "status": RolloutStatus(value["status"])})


def move(
    home: Home, rollout: str, step: Callable[[RolloutState], RolloutState], why: str
) -> RolloutState:
    """Applies ``step``, a pure function, to the roll-out; what stands then is returned.

    Nothing moves once it has ended, or another began. A policy that is promoted becomes the active
    one; where another policy was activated meanwhile it does not, and the roll-out is aborted.
    """

    def change(now: Mapping[str, Any] | None) -> Mapping[str, Any]:
        if now is None or now["rollout"] != rollout or now["status"] != RolloutStatus.RUNNING:
            return now or {}
        return asdict(step(_state(now)))

    note = ChangeNote(user_name(), datetime.now(UTC), why)
    before = current_state(home)
    stands = _state(home.state(ROLLOUT).update(change, note).value)
    if stands != before and stands.status is RolloutStatus.PROMOTED:
        stands = _activate(home, stands)
    return stands


def begin(home: Home, in_force: LoadedPolicy, trial: LoadedPolicy) -> RolloutState:
    """The roll-out of ``trial`` against ``in_force``: begun, or as it stands.

    Raises RolloutError for policies that cannot be compared.
    """
    now = current_state(home)
    if now is not None and (now.in_force, now.trial) == (in_force.hash, trial.hash):
        return now
    if problems := incomparable(in_force.policy, trial.policy):
        raise RolloutError(
            f"{trial.source}: rollout: cannot be compared with the policy in force, "
            f"{in_force.hash}: {'; '.join(problems)}; change that first, by a policy without "
            "rollout, or leave rollout out"
        )
    pin_policy(home.policies, in_force, home.files)
    pin_policy(home.policies, trial, home.files)
    name = rollout_id(in_force.hash, trial.hash)
    state = RolloutState(name, in_force.hash, trial.hash)
    note = ChangeNote(user_name(), datetime.now(UTC), f"{trial.source} is tried")
    home.state(ROLLOUT).update(lambda _: asdict(state), note)
    return state


def begin_again(home: Home, state: RolloutState) -> RolloutState:
    """A roll-out that has ended, from its first step, with no evidence and another share of the
    items."""
    attempt = state.attempt + 1
    name = rollout_id(state.in_force, state.trial, attempt)
    again = RolloutState(name, state.in_force, state.trial, attempt=attempt)
    note = ChangeNote(user_name(), datetime.now(UTC), "tried again")
    home.state(ROLLOUT).update(lambda _: asdict(again), note)
    return again


def policy_before(home: Home) -> LoadedPolicy | None:
    """The policy in force in a home: the active one, else that of the latest plans."""
    active = PolicyRegistry(home).active()
    if active is not None:
        return load_policy(kept_policy_file(home, active.policy_hash))
    latest = max(home.tables.batches(PROCESSING_PLANS.name), default=None)
    if latest is None:
        return None
    hashes = home.tables.read(PROCESSING_PLANS.name, latest, ["policy_hash"])["policy_hash"]
    if not len(hashes):
        return None
    path = kept_policy_file(home, hashes[0].as_py())
    return load_policy(path) if path.exists() else None


def running_trial(home: Home, loaded: LoadedPolicy) -> Trial | None:
    """The roll-out that is under way against the policy ``loaded``; None without one."""
    state = overtaken(home)
    if state is None or state.status is not RolloutStatus.RUNNING:
        return None
    if state.in_force != loaded.hash:
        return None
    return Trial(state, loaded, load_policy(kept_policy_file(home, state.trial)))


def overtaken(home: Home) -> RolloutState | None:
    """The roll-out as it stands; one that is under way ends where somebody activated a policy
    since: as promoted where it was the one on trial, else as aborted. None before the first."""
    state = current_state(home)
    if state is None or state.status is not RolloutStatus.RUNNING:
        return state
    active = PolicyRegistry(home).active()
    if active is None or _is_of(home, active, state.in_force):
        return state
    how = RolloutStatus.PROMOTED if _is_of(home, active, state.trial) else RolloutStatus.ABORTED
    words = f"{active.policy_hash} was activated meanwhile by {active.note.who}"

    def end(now: RolloutState) -> RolloutState:
        return replace(now, status=how, reason=words)

    return move(home, state.rollout, end, words)


def _is_of(home: Home, active: Activation, policy_hash: str) -> bool:
    """Whether the active policy is this one: settings that came into the format since it was kept
    make another hash of it."""
    if active.policy_hash == policy_hash:
        return True
    try:
        return load_policy(kept_policy_file(home, active.policy_hash)).hash == policy_hash
    except PolicyError:
        return False


def _activate(home: Home, state: RolloutState) -> RolloutState:
    registry = PolicyRegistry(home)
    active = registry.active()
    if active is not None and _is_of(home, active, state.trial):
        return state
    note = ChangeNote(user_name(), datetime.now(UTC), f"rolled out: {state.reason}")
    if active is None or _is_of(home, active, state.in_force):
        loaded = load_policy(kept_policy_file(home, state.trial))
        if (first := first_use(home.policies, state.trial)) is not None:
            # by the name of its file, so that whoever watches that finds it active
            loaded = replace(loaded, source=first.source)
        try:
            registry.activate(loaded, active.version if active else 0, note)
        except ActivationConflictError as error:
            words = str(error)
        else:
            return state
    else:
        words = f"{active.policy_hash} was activated meanwhile"
    aborted = replace(state, status=RolloutStatus.ABORTED, reason=words)
    home.state(ROLLOUT).update(lambda _: asdict(aborted), note)
    return aborted
