"""`orchestrate policy activate` and `rollback`: which policy runs begin with from now on."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from orchestration_assets.command.instance_paths import check_home
from orchestration_assets.command.job_execution import execute_job
from orchestration_assets.policy.activation_rows import compared
from orchestration_assets.policy.differences import PolicyChange
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.recomputation import RecomputedTask, recomputed_tasks
from orchestration_assets.policy.registry import ACTIVE_NAME, Activation, PolicyRegistry
from orchestration_assets.policy.rollout_state import RolloutStatus, current_state, overtaken
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.settings import Settings, absolute_path
from resources.claims import claimed
from resources.damage import notice
from resources.home import Home
from resources.run_claims import CORPUS
from resources.versioned_state import ChangeNote


def activate(
    settings: Settings,
    name: str,
    *,
    who: str,
    because: str,
    expected: int | None = None,
    as_json: bool = False,
) -> int:
    """Makes a policy the active one; prints what that changes; returns the exit code.

    One that was active before is rolled back to. ``expected`` is the version that it must take the
    place of; without one, the version that stands when the command begins. Raises PolicyError,
    UnknownPolicyError, ActivationConflictError.
    """
    registry = PolicyRegistry(Home(settings.home))
    before = registry.active()
    # the history shows the file by a name that holds wherever it is read
    path = absolute_path(name)
    loaded = load_policy(path) if Path(name).is_file() else registry.load(name)
    note = ChangeNote(who, datetime.now(UTC), because)

    earlier = [one.version for one in registry.history() if one.policy_hash == loaded.kept_as]

    def change(standing: int) -> Activation:
        if earlier:
            return registry.rollback(earlier[-1], standing, note)
        return registry.activate(loaded, standing, note)

    return _change(settings, before, loaded, expected, change, as_json=as_json)


def rollback(
    settings: Settings,
    name: str,
    *,
    who: str,
    because: str,
    expected: int | None = None,
    as_json: bool = False,
) -> int:
    """Makes the policy of an earlier version active again, by its number or hash; prints what that
    changes; returns the exit code.

    Raises PolicyError, UnknownPolicyError, ActivationConflictError.
    """
    registry = PolicyRegistry(Home(settings.home))
    before = registry.active()
    version = registry.version_named(name)
    loaded = registry.load(str(version))
    note = ChangeNote(who, datetime.now(UTC), because)

    def change(standing: int) -> Activation:
        return registry.rollback(version, standing, note)

    return _change(settings, before, loaded, expected, change, as_json=as_json)


def _change(
    settings: Settings,
    before: Activation | None,
    loaded: LoadedPolicy,
    expected: int | None,
    change: Callable[[int], Activation],
    *,
    as_json: bool,
) -> int:
    home = Home(settings.home)
    check_home(home)
    standing = before.version if before else 0
    if before is not None and before.is_of(loaded) and expected in (None, standing):
        said = f"nothing to do: active is {before.description}"
        sys.stdout.write((_plain(before, standing) if as_json else said) + "\n")
        return 0
    changes, again = _consequences(home, loaded)
    made = change(standing if expected is None else expected)
    trial = current_state(home)
    if trial is not None and trial.status is RolloutStatus.RUNNING:
        ended = overtaken(home)
        if ended is not None and ended.status is not RolloutStatus.RUNNING:
            notice(f"the trial of {ended.trial} is over: {ended.reason}")
    _bring_up_to_date(settings)
    due = recomputed_tasks(home, loaded, again)
    if as_json:
        sys.stdout.write(_plain(made, standing, changes, due) + "\n")
    else:
        sys.stdout.write(render(made, before, changes, due) + "\n")
    return 0


def _plain(
    made: Activation,
    standing: int,
    changes: Sequence[PolicyChange] | None = (),
    due: Sequence[RecomputedTask] = (),
) -> str:
    shown = {
        **asdict(made),
        "in_place_of": standing or None,
        "changes": None if changes is None else [str(one) for one in changes],
        "asked_again": [asdict(one) for one in due],
    }
    return json.dumps(shown, indent=1, default=str)


def _consequences(
    home: Home, loaded: LoadedPolicy
) -> tuple[tuple[PolicyChange, ...] | None, dict[str, list[str]]]:
    """What changes, None where that cannot be said, and of which tasks services are asked again."""
    try:
        old = PolicyRegistry(home).load(ACTIVE_NAME)
    except PolicyError as error:
        # it must be possible to replace what cannot be used any more
        notice(f"the active policy cannot be compared with: {error}")
        return None, {}
    return compared(old, loaded)


def _bring_up_to_date(settings: Settings) -> None:
    """Materializes ``active_policy``; what stands stands, also where that cannot be done now."""
    from orchestration_assets.command.instance import instance_errors, open_instance
    from orchestration_assets.definitions import build_definitions

    home = Home(settings.home)
    try:
        with (
            instance_errors(home),
            open_instance(home) as instance,
            claimed(home.folder, CORPUS, "orchestrate policy"),
        ):
            definitions = build_definitions(settings, watches=True)
            execute_job(definitions, instance, "policy_history", None, home.running)
    except OrchestrationError as error:
        notice(
            f"the policy is active, but its asset is not up to date ({error}): run "
            "`orchestrate job policy_history`"
        )


def render(
    made: Activation,
    before: Activation | None,
    changes: tuple[PolicyChange, ...] | None,
    due: list[RecomputedTask],
) -> str:
    """What was done, for people, and what it means."""
    place = f", in place of version {before.version}" if before else ""
    lines = [
        f"version {made.version} is active{place}: {made.policy_hash} of {made.source}",
        *(f"  {one}" for one in changes or ()),
    ]
    if changes == ():
        lines.append("  says the same as what was in force")
    return "\n".join([*lines, *recomputation_lines(due, "orchestrate preview")])


def recomputation_lines(due: list[RecomputedTask], command: str) -> list[str]:
    """Which batches would be computed again, and the command that tells the price."""
    if not due:
        return []
    lines = [
        f"  {one.task} would be asked again in {len(one.batches)} "
        f"{'batch' if len(one.batches) == 1 else 'batches'} ({one.plans:,} items), "
        f"{one.batches[0]}{f' to {one.batches[-1]}' if len(one.batches) > 1 else ''}"
        for one in due
    ]
    return [*lines, f"  what that costs: {command}"]
