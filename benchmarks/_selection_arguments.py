"""The arguments of benchmarks that learn selection from recorded sets."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path


def set_arguments(name: str, description: str | None) -> argparse.ArgumentParser:
    """``DIR [--labels N] [--seeds K] [--sets NAME,...] [--json FILE]``, to which a benchmark may
    add its own; for :func:`parse_set_arguments`."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks {name}", description=description)
    parser.add_argument(
        "dir", nargs="?", type=Path, default=os.environ.get("ORCHESTRATION_EVAL_DATA")
    )
    parser.add_argument("--labels", type=int, help="outcomes to learn from (the whole half)")
    parser.add_argument(
        "--seeds", type=seeds_of, default="1,5,10", help="comma-separated, or how many (1,5,10)"
    )
    parser.add_argument(
        "--sets", type=lambda names: names.split(","), help="comma-separated names; all by default"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser


def parse_set_arguments(
    parser: argparse.ArgumentParser, arguments: Sequence[str]
) -> argparse.Namespace:
    """The arguments with ``dir`` as a Path, ``seeds`` as numbers and ``sets`` as names or None; an
    error ends the program."""
    given = parser.parse_args(arguments)
    if given.dir is None:
        parser.error("give a folder of recorded sets, or set ORCHESTRATION_EVAL_DATA")
    if given.labels is not None and given.labels < 1:
        parser.error("--labels must be at least 1")
    given.dir = Path(given.dir)
    return given


def seeds_of(text: str) -> list[int]:
    """Seeds as listed; a single number is how many of 1, 5, 10, 15, ... Raises
    argparse.ArgumentTypeError for other text, and for none."""
    try:
        listed = [int(one) for one in text.split(",")]
    except ValueError:
        listed = []
    if len(listed) == 1:
        listed = [1, *range(5, 5 * listed[0], 5)][: max(listed[0], 0)]
    if not listed:
        raise argparse.ArgumentTypeError(f"{text!r}: give seeds such as 1,5,10, or how many")
    return listed
