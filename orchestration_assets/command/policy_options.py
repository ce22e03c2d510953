"""The arguments of `orchestrate policy`, and what each of its actions does."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.settings import Settings, absolute_path, user_name


class NothingToWatchError(OrchestrationError):
    """There is no file whose changes could be looked at."""


_ITEMS = 5_000
_POLICY = "a file, a version, the first characters of a hash, active or packaged"


def add_policy_actions(policy: argparse.ArgumentParser) -> None:
    """The actions of `orchestrate policy` with their options."""
    actions = policy.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, words in (
        ("check", "report every problem in the file"),
        ("show", "print the policy in force, defaults filled in"),
    ):
        action = actions.add_parser(name, help=words)
        action.add_argument("file", nargs="?", type=Path, metavar="FILE")
        home_option(action)
        environment_option(action)
        if name == "check":
            action.add_argument(
                "--watch", action="store_true", help="check again after every change, until Ctrl-C"
            )
        else:
            action.add_argument(
                "--explain", action="store_true", help="say of each value where it comes from"
            )
    migrate = actions.add_parser(
        "migrate", help="bring files to the present version of the format, comments kept"
    )
    migrate.add_argument("files", nargs="+", type=Path, metavar="FILE")
    migrate.add_argument(
        "--write", action="store_true", help="rewrite the files; without this, print them"
    )
    actions.add_parser("schema", help="print the JSON Schema of the policy file, for editors")
    history = actions.add_parser("history", help="every policy that was active or ran, and why")
    diff = actions.add_parser("diff", help="what differs, and what that would cost and change")
    diff.add_argument("before", metavar="A", help=_POLICY)
    diff.add_argument("after", metavar="B", help="the same")
    diff.add_argument(
        "--items",
        type=_whole,
        default=_ITEMS,
        metavar="N",
        help=f"replay both over so many of the last items; 0 for none ({_ITEMS:,})",
    )
    activate = actions.add_parser("activate", help="make a policy the one that runs begin with")
    activate.add_argument("policy", metavar="FILE", help=_POLICY)
    rollback = actions.add_parser("rollback", help="make an earlier active policy active again")
    rollback.add_argument("policy", metavar="HASH|VERSION", help="as history shows them")
    for action in (activate, rollback):
        action.add_argument("--because", default="", metavar="TEXT", help="why, for the history")
        action.add_argument(
            "--by", metavar="NAME", help="who (ORCHESTRATION_USER, else the login name)"
        )
        action.add_argument(
            "--expect",
            type=_whole,
            metavar="VERSION",
            help="only in place of this version; 0: only as the first",
        )
    for action in (diff, activate):
        environment_option(action)
    for action in (history, diff, activate, rollback):
        home_option(action)
        action.add_argument("--json", action="store_true", help="print it as JSON")


def home_option(command: argparse.ArgumentParser) -> None:
    """``--home``."""
    command.add_argument(
        "--home",
        type=Path,
        metavar="FOLDER",
        help="where everything is kept (ORCHESTRATION_HOME, else .orchestration)",
    )


def policy_option(command: argparse.ArgumentParser) -> None:
    """``--policy``."""
    command.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="policy file (ORCHESTRATION_POLICY, else the active policy, else the packaged one)",
    )


def environment_option(command: argparse.ArgumentParser) -> None:
    """Which environment of its policy a command reads."""
    command.add_argument(
        "--env", metavar="NAME", help="environment of the policy (ORCHESTRATION_ENV, else none)"
    )


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return int(text)


def dispatch(
    given: argparse.Namespace,
    settings: Settings,
    in_force: Callable[[Settings], Settings],
) -> int:
    """Carries out the action; returns the exit code. ``in_force`` fills in the active policy."""
    from orchestration_assets.command import policy
    from resources.home_store import give_back, use_store

    if given.action == "schema":
        return policy.schema()
    if given.action == "migrate":
        from orchestration_assets.command import policy_migrate

        return policy_migrate.run(given.files, write=given.write)
    if given.home is not None:
        settings = replace(settings, home=absolute_path(given.home))
    if given.action in ("check", "show"):
        if given.file is not None:
            return _on_file(given, given.file)
        use_store(settings.home, settings.store)
        return _on_file(given, in_force(settings).policy)
    use_store(settings.home, settings.store)
    code = _on_home(given, settings)
    give_back(settings.home)
    return code


def _on_file(given: argparse.Namespace, path: Path | None) -> int:
    from orchestration_assets.command import policy

    if given.action == "check":
        from orchestration_assets.command import policy_check

        if not given.watch:
            return policy_check.check(path)
        if path is None:
            raise NothingToWatchError("the packaged policy does not change: name a file")
        return policy_check.watch(path)
    if given.explain:
        from orchestration_assets.command.policy_explain import explain

        return explain(path)
    return policy.show(path)


def _on_home(given: argparse.Namespace, settings: Settings) -> int:
    if given.action == "history":
        from orchestration_assets.command import policy_history

        return policy_history.history(settings, as_json=given.json)
    if given.action == "diff":
        from orchestration_assets.command import policy_diff

        return policy_diff.diff(
            settings, given.before, given.after, items=given.items, as_json=given.json
        )
    from orchestration_assets.command import policy_activation

    options: dict[str, Any] = {
        "who": given.by or user_name(),
        "because": given.because,
        "expected": given.expect,
        "as_json": given.json,
    }
    if given.action == "activate":
        return policy_activation.activate(settings, given.policy, **options)
    return policy_activation.rollback(settings, given.policy, **options)
