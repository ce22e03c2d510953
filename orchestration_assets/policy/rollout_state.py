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
from resources.versioned_state import ChangeNote, StateConflictError

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
    that the policy on trial answered since the last pass, and ``items`` all of them. ``reason``
    says what it came to last, ``attempt`` how many times the two were tried against each other,
    from 1. ``follows``: of a policy that is promoted and not yet seen in force, the version of the
    active policy that it takes the place of, 0 for none.
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
    follows: int | None = None
    items: int = 0


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

    ``items``: those that the policy on trial has answered so far, in all batches; a batch that is
    carried out again adds none.
    """
    fresh = state.fresh + max(items - state.items, 0)
    state = replace(state, items=items)
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
    active = PolicyRegistry(home).active()

    def change(now: RolloutState) -> RolloutState:
        moved = step(now)
        if moved.status is RolloutStatus.PROMOTED:
            return replace(moved, follows=active.version if active else 0)
        return moved

    return promoted(home, _changed(home, rollout, RolloutStatus.RUNNING, change, why))


def promoted(home: Home, state: RolloutState) -> RolloutState:
    """The roll-out as it stands once a promotion that was written down is carried out.

    A process that ends between the two leaves it to the next one that looks. What was activated
    since it was written down stays: the same policy is the promotion, another one aborts it.
    """
    if state.status is not RolloutStatus.PROMOTED or state.follows is None:
        return state
    words = _put_in_force(home, state, state.follows)
    status = RolloutStatus.PROMOTED if words is None else RolloutStatus.ABORTED

    def end(now: RolloutState) -> RolloutState:
        return replace(now, status=status, reason=words or now.reason, follows=None)

    why = words or f"{state.trial} is in force"
    return _changed(home, state.rollout, RolloutStatus.PROMOTED, end, why)


def _changed(
    home: Home,
    rollout: str,
    status: RolloutStatus,
    change: Callable[[RolloutState], RolloutState],
    why: str,
) -> RolloutState:
    """What stands after a change of a roll-out that has this status; nothing changes else."""
    kept = home.state(ROLLOUT)
    note = ChangeNote(user_name(), datetime.now(UTC), why)
    while True:
        now = kept.current()
        if now is None:
            raise RolloutError(f"the roll-out {rollout} is not known here: begin it again")
        stands = _state(now.value)
        if stands.rollout != rollout or stands.status is not status:
            return stands
        moved = change(stands)
        if moved == stands:
            return stands
        try:
            kept.put(asdict(moved), now.number, note)
        except StateConflictError:
            continue
        return moved


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
    since: as promoted where it was the one on trial, else as aborted; a promotion that was cut
    short is carried out. None before the first."""
    state = current_state(home)
    if state is None or state.status is not RolloutStatus.RUNNING:
        return None if state is None else promoted(home, state)
    active = PolicyRegistry(home).active()
    if active is None or _is_of(home, active, state.in_force):
        return state
    how = RolloutStatus.PROMOTED if _is_of(home, active, state.trial) else RolloutStatus.ABORTED
    words = f"{active.policy_hash} was activated meanwhile by {active.note.who}"

    def end(now: RolloutState) -> RolloutState:
        return replace(now, status=how, reason=words)

    return _changed(home, state.rollout, RolloutStatus.RUNNING, end, words)


def _is_of(home: Home, active: Activation, policy_hash: str) -> bool:
    """Whether the active policy is this one: settings that came into the format since it was kept
    make another hash of it."""
    if active.policy_hash == policy_hash:
        return True
    try:
        return load_policy(kept_policy_file(home, active.policy_hash)).hash == policy_hash
    except PolicyError:
        return False


def _put_in_force(home: Home, state: RolloutState, follows: int) -> str | None:
    """Activates the policy on trial in place of that version; in words, what stands in its way."""
    registry = PolicyRegistry(home)
    note = ChangeNote(user_name(), datetime.now(UTC), f"rolled out: {state.reason}")
    before = registry.active()
    if before is not None and before.version == follows:
        if _is_of(home, before, state.trial):
            return None
        if not _is_of(home, before, state.in_force):
            return f"{before.policy_hash} was activated meanwhile"
    loaded = load_policy(kept_policy_file(home, state.trial))
    if (first := first_use(home.policies, state.trial)) is not None:
        # by the name of its file, so that whoever watches that finds it active
        loaded = replace(loaded, source=first.source)
    try:
        registry.activate(loaded, follows, note)
    except ActivationConflictError as error:
        # it is what was activated since where another process carried out the promotion
        done = any(_is_of(home, one, state.trial) for one in error.since)
        return None if done else str(error)
    return None
