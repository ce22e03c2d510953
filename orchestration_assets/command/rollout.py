"""`orchestrate rollout`: where the trial of a policy stands, and moving it by hand."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.rollout_start import tried_instead
from orchestration_assets.policy.rollout_state import (
    RolloutError,
    RolloutState,
    RolloutStatus,
    begin_again,
    current_state,
    move,
    stepped_up,
)
from orchestration_assets.schemas.rollout import ROLLOUT_DECISIONS, Rollout, RolloutDecisionRow
from orchestration_assets.settings import Settings, absolute_path
from resources.active_policy import kept_policy_file
from resources.damage import notice
from resources.home import Home

_NOTHING = "no policy is tried in this home; start with `orchestrate rollout start FILE`"


def status(settings: Settings, *, as_json: bool) -> int:
    """Prints where the roll-out stands that is under way, or was last; returns the exit code."""
    home = Home(settings.home)
    state = current_state(home)
    if state is None:
        sys.stdout.write("null\n" if as_json else f"{_NOTHING}\n")
        return 0
    config, rows = _config(home, state), latest_decisions(home, state.rollout)
    if as_json:
        plain = {**asdict(state), "shares": config.shares, "looks": [asdict(row) for row in rows]}
        sys.stdout.write(json.dumps(plain, indent=1, default=str) + "\n")
    else:
        sys.stdout.write("\n".join(render(state, config, rows)) + "\n")
    return 0


def start(settings: Settings, file: Path) -> int:
    """Tries a policy against the one in force; returns the exit code.

    Raises PolicyError, and RolloutError for a policy without ``rollout``, or one that cannot be
    compared, or with nothing to compare it with.
    """
    # by a name that holds wherever it is read, so that whoever watches the file finds it active
    home, loaded = Home(settings.home), load_policy(absolute_path(file))
    if loaded.policy.rollout is None:
        raise RolloutError(f"{file}: rollout: is missing; say how it is to be tried")
    before = current_state(home)
    state = tried_instead(home, loaded)
    if state is None:
        raise RolloutError(
            f"{file}: there is nothing to try it against: it is in force, or no policy is; run a "
            "batch under another policy first, or `orchestrate policy activate` one"
        )
    sys.stdout.write("\n".join(render(state, loaded.policy.rollout, [])) + "\n")
    if before and before.rollout != state.rollout and before.status is RolloutStatus.RUNNING:
        notice(f"the trial of {before.trial}, which was under way, is over: this takes its place")
    return 0


def promote(settings: Settings, who: str, because: str, *, one_step: bool) -> int:
    """Puts the policy on trial in force, or takes it ``one_step`` on; returns the exit code.

    Raises RolloutError when nothing is tried.
    """
    home, state = _running(settings)
    config = _config(home, state)
    why = f"promoted by {who}{f': {because}' if because else ''}"

    def step(now: RolloutState) -> RolloutState:
        if one_step:
            return stepped_up(now, config, why)[0]
        return replace(now, status=RolloutStatus.PROMOTED, passes=0, fresh=0, reason=why)

    return _moved(move(home, state.rollout, step, why), config)


def abort(settings: Settings, who: str, because: str) -> int:
    """Ends the trial; the policy in force stays. Raises RolloutError when nothing is tried."""
    home, state = _running(settings)
    why = f"aborted by {who}{f': {because}' if because else ''}"

    def step(now: RolloutState) -> RolloutState:
        return replace(now, status=RolloutStatus.ABORTED, reason=why)

    return _moved(move(home, state.rollout, step, why), _config(home, state))


def restart(settings: Settings) -> int:
    """Tries a policy again whose trial has ended. Raises RolloutError when none has."""
    home = Home(settings.home)
    state = current_state(home)
    if state is None or state.status is RolloutStatus.RUNNING:
        raise RolloutError(_NOTHING if state is None else f"{state.trial} is being tried already")
    if state.status is RolloutStatus.PROMOTED:
        raise RolloutError(f"{state.trial} was put in force: there is nothing to try again")
    return _moved(begin_again(home, state), _config(home, state))


def render(
    state: RolloutState, config: Rollout, rows: Sequence[RolloutDecisionRow]
) -> Iterator[str]:
    """A roll-out as lines for people."""
    steps = " -> ".join(
        f"[{share:.0%}]" if number == state.step else f"{share:.0%}"
        for number, share in enumerate(config.shares)
    )
    what = "a shadow of" if config.shadow else "against"
    yield f"roll-out {state.rollout}: {state.trial} {what} {state.in_force}"
    # its process ended in between
    unfinished = "" if state.follows is None else "; not in force yet: the next run sees to that"
    yield f"  status        {state.status}: {state.reason}{unfinished}"
    yield f"  steps         {steps}; {state.passes} of {config.passes} passes in a row"
    for row in rows:
        seen = row.reason.rpartition("; ")[2].removeprefix(f"{row.metric} ")
        yield f"  {row.metric.value:<13} {seen}"
    if rows:
        yield (
            f"  compared      {rows[0].canary_items:,} items with {rows[0].control_items:,}; last "
            f"in batch {rows[0].batch}"
        )


def latest_decisions(home: Home, rollout: str) -> list[RolloutDecisionRow]:
    """The rows of the last look at a roll-out; none before the first."""
    for batch in reversed(home.tables.batches(ROLLOUT_DECISIONS.name)):
        rows = [*ROLLOUT_DECISIONS.rows(home.tables.read(ROLLOUT_DECISIONS.name, batch))]
        if rows and rows[-1].rollout == rollout:
            return [row for row in rows if row.look == rows[-1].look]
    return []


def _running(settings: Settings) -> tuple[Home, RolloutState]:
    home = Home(settings.home)
    state = current_state(home)
    if state is None or state.status is not RolloutStatus.RUNNING:
        ended = f"the last trial has ended: {state.status}, {state.reason}" if state else _NOTHING
        raise RolloutError(ended)
    return home, state


def _config(home: Home, state: RolloutState) -> Rollout:
    return load_policy(kept_policy_file(home, state.trial)).policy.rollout or Rollout()


def _moved(state: RolloutState, config: Rollout) -> int:
    sys.stdout.write("\n".join(render(state, config, [])) + "\n")
    return 0
