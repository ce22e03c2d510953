"""The arguments of `orchestrate compare`."""

import argparse
from pathlib import Path
from typing import Any

from orchestration_assets.command.policy_options import environment_option, home_option
from orchestration_assets.settings import Settings, absolute_path

_NAMES = "a batch or its first 8 characters, or a policy: file, version, hash, active or packaged"


def add_compare_options(commands: "argparse._SubParsersAction[Any]") -> None:
    """The command with its options."""
    compare = commands.add_parser(
        "compare", help="what differs between two batches, two policies, or a batch and a policy"
    )
    compare.add_argument("before", metavar="A", help=_NAMES)
    compare.add_argument("after", metavar="B", help="the same")
    home_option(compare)
    compare.add_argument(
        "--other-home", type=Path, metavar="DIR", help="the home of B, where it is another"
    )
    compare.add_argument(
        "--page", type=Path, metavar="FILE", help="write a page with every question, as HTML"
    )
    environment_option(compare)
    compare.add_argument("--json", action="store_true", help="print it as JSON")


def dispatch(given: argparse.Namespace, settings: Settings) -> int:
    """Carries out the command; returns the exit code."""
    from orchestration_assets.command.compare import compare

    other = None if given.other_home is None else absolute_path(given.other_home)
    page = None if given.page is None else absolute_path(given.page)
    return compare(
        settings, given.before, given.after, other_home=other, page=page, as_json=given.json
    )
