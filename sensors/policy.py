"""A policy file that is watched becomes active when it changes, as soon as it is valid."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from types import MappingProxyType
from typing import Final

import dagster as dg

from jobs import policy_history
from orchestration_assets.namespace import ALONE, AssetJob, Namespace, with_resources_of
from orchestration_assets.policy.checks import VALID, valid_words
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.registry import ActivationConflictError, PolicyRegistry
from orchestration_assets.policy.rollout_start import tried_instead
from orchestration_assets.policy.rollout_state import RolloutError, overtaken
from orchestration_assets.policy.watched_file import is_changed
from orchestration_assets.schemas.policies import ACTIVE_POLICY_TABLE
from orchestration_assets.settings import Settings, user_name
from resources.active_policy import kept_policy_file
from resources.home import Home
from resources.home_resource import PolicyFileResource
from resources.lost_runs import UNDER_WAY
from resources.versioned_state import ChangeNote
from sensors.runs import STARTED, STOPPED

_VERSION_TAG: Final = "orchestration/policy_version"
_ATTEMPTS: Final = 3


def policy_sensor_in(
    space: Namespace,
    jobs: Mapping[str, AssetJob] = MappingProxyType({}),
    tick_seconds: int | None = None,
    started: bool = False,
    file_words: str = "that ORCHESTRATION_POLICY names",
) -> dg.SensorDefinition:
    """The sensor of one home; ``jobs`` are its jobs by their plain names, by default as written.

    It looks every ``tick_seconds``, by default as often as the environment says; ``file_words`` say
    which file it watches.
    """

    def sense(
        context: dg.SensorEvaluationContext,
        home: dg.ResourceParam[Home],
        policy_file: PolicyFileResource,
    ) -> dg.SensorResult:
        return _tick(context, home, policy_file, space)

    return dg.sensor(
        name=space.name("policy_sensor"),
        job=jobs.get(policy_history.name, policy_history),
        default_status=STARTED if started else STOPPED,
        minimum_interval_seconds=tick_seconds or Settings.from_environment().tick_seconds,
        description=(
            f"Watches the policy file {file_words}: when it changed and is valid it becomes the "
            "active policy, and the next runs begin with it; while it is not valid, the last good "
            "one stays. Whoever activates a policy, active_policy is brought up to date."
        ),
    )(with_resources_of(space, sense))


def _tick(
    context: dg.SensorEvaluationContext,
    home: Home,
    policy_file: PolicyFileResource,
    space: Namespace,
) -> dg.SensorResult:
    """One tick. The cursor remembers which problems were told last."""
    registry, watched = PolicyRegistry(home), policy_file.watched
    overtaken(home)  # a promotion that was cut short is carried out
    problems = [] if watched is None else _look(context, home, registry, watched)
    told = blake2b("\n".join(problems).encode(), digest_size=8).hexdigest() if problems else ""
    events = []
    if told != (context.cursor or ""):
        events.append(
            dg.AssetCheckEvaluation(
                asset_key=space.key(ACTIVE_POLICY_TABLE.name),
                check_name=VALID,
                passed=not problems,
                description=valid_words(problems),
                metadata={"problems": len(problems)},
            )
        )
    active = registry.active()
    version = active.version if active else 0
    job = space.name(policy_history.name)
    request = _request(context, job, version) if version > _stored_versions(home) else None
    words = f"watching {watched}" if watched else f"no file is watched: name it in {_named(space)}"
    return dg.SensorResult(
        asset_events=events,
        cursor=told,
        run_requests=[request] if request else None,
        skip_reason=None
        if request
        else f"{words}; {active.description if active else 'no policy is active'}"
        + (f"; {len(problems)} problems, see the check of active_policy" if problems else ""),
    )


def _named(space: Namespace) -> str:
    return "defs.yaml" if space.prefix else "ORCHESTRATION_POLICY"


def _request(context: dg.SensorEvaluationContext, job: str, version: int) -> dg.RunRequest | None:
    """A run that brings ``active_policy`` up to date, unless one is under way or all failed."""
    tags = {_VERSION_TAG: str(version)}
    runs = context.instance.get_runs(dg.RunsFilter(job_name=job, tags=tags))
    if any(run.status in UNDER_WAY for run in runs):
        return None
    if len(runs) >= _ATTEMPTS:
        context.log.error(
            f"{len(runs)} runs of {job} could not bring active_policy up to date: "
            "see the last of them, mend the cause, and start the job by hand. The policy is active."
        )
        return None
    return dg.RunRequest(run_key=f"active_policy:{version}:{len(runs)}", tags=tags)


def _look(
    context: dg.SensorEvaluationContext, home: Home, registry: PolicyRegistry, watched: str
) -> list[str]:
    """Activates the file when it changed, or tries it where it has a roll-out; every problem of one
    that is not valid."""
    history = [*registry.history()]
    try:
        loaded = load_policy(watched)
        changed = is_changed(loaded, history)
        tried = tried_instead(home, loaded) if changed else None
    except PolicyError as error:
        for problem in error.problems:
            context.log.error(f"{error.source}: {problem}")
        return [f"{error.source}: {problem}" for problem in error.problems]
    except RolloutError as error:
        context.log.error(str(error))
        return [str(error)]
    if tried is not None:
        context.log.info(f"{watched} is tried first: {tried.status}, {tried.reason}")
        if not history:
            # else the watched file would be in force, since no other policy is
            _activate_before(registry, load_policy(kept_policy_file(home, tried.in_force)), watched)
    elif changed:
        note = ChangeNote(user_name(), datetime.now(UTC), f"{watched} changed")
        try:
            done = registry.activate(loaded, len(history), note)
        except ActivationConflictError as error:
            # the next tick looks at what stands then
            context.log.warning(str(error))
        else:
            context.log.info(done.description)
            overtaken(home)
    return []


def _activate_before(registry: PolicyRegistry, before: LoadedPolicy, watched: str) -> None:
    """Makes the policy of the latest batch the active one while another is tried against it."""
    note = ChangeNote(user_name(), datetime.now(UTC), f"in force while {watched} is tried")
    with suppress(ActivationConflictError):
        registry.activate(before, 0, note)


def _stored_versions(home: Home) -> int:
    """How many activations ``active_policy`` has a row of."""
    if not home.tables.exists(ACTIVE_POLICY_TABLE.name):
        return 0
    return int(home.tables.read(ACTIVE_POLICY_TABLE.name, columns=["version"]).num_rows)


policy_sensor: Final = policy_sensor_in(ALONE)
