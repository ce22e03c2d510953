"""The arguments of `orchestrate rollout`, and what each of its actions does."""

import argparse
from pathlib import Path
from typing import Any

from orchestration_assets.command.policy_options import environment_option, home_option
from orchestration_assets.settings import Settings, user_name


def add_rollout_options(commands: "argparse._SubParsersAction[Any]") -> None:
    """`orchestrate rollout` with its actions."""
    rollout = commands.add_parser(
        "rollout", help="where the trial of a policy stands; promote it, abort it"
    )
    actions = rollout.add_subparsers(dest="action", required=True, metavar="ACTION")
    status = actions.add_parser("status", help="what is tried, on which share, and what it shows")
    start = actions.add_parser("start", help="try a policy against the one in force")
    start.add_argument("file", type=Path, metavar="FILE", help="a policy file with a rollout")
    environment_option(start)
    promote = actions.add_parser("promote", help="put the policy on trial in force now")
    promote.add_argument(
        "--step", action="store_true", help="go to the next step of the roll-out instead"
    )
    abort = actions.add_parser("abort", help="end the trial; the policy in force stays")
    restart = actions.add_parser("restart", help="try a policy again whose trial has ended")
    for action in (promote, abort, restart):
        action.add_argument("--because", default="", metavar="TEXT", help="why, for the history")
        action.add_argument(
            "--by", metavar="NAME", help="who (ORCHESTRATION_USER, else the login name)"
        )
    for action in (status, start, promote, abort, restart):
        home_option(action)
    status.add_argument("--json", action="store_true", help="print it as JSON")


def dispatch(given: argparse.Namespace, settings: Settings) -> int:
    """Carries out the action; returns the exit code."""
    from orchestration_assets.command import rollout

    if given.action == "status":
        return rollout.status(settings, as_json=given.json)
    if given.action == "start":
        return rollout.start(settings, given.file)
    who, because = given.by or user_name(), given.because
    if given.action == "promote":
        return rollout.promote(settings, who, because, one_step=given.step)
    if given.action == "abort":
        return rollout.abort(settings, who, because)
    return rollout.restart(settings)
