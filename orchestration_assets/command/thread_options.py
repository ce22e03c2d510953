"""The arguments of `orchestrate thread`."""

import argparse
from typing import Any

from orchestration_assets.settings import Settings


def add_thread_options(commands: "argparse._SubParsersAction[Any]") -> argparse.ArgumentParser:
    """The command with its own options."""
    thread: argparse.ArgumentParser = commands.add_parser(
        "thread", help="one conversation: its messages, what is remembered of them, its versions"
    )
    thread.add_argument(
        "thread", nargs="?", metavar="ID", help="as records name it; without it, list them all"
    )
    doing = thread.add_mutually_exclusive_group()
    doing.add_argument(
        "--at",
        metavar="ITEM",
        help="show what services are told before this message: its number or item (the last one)",
    )
    doing.add_argument(
        "--history", action="store_true", help="who changed the conversation, when, and why"
    )
    doing.add_argument(
        "--to", type=_version, metavar="VERSION", help="take the conversation back to a version"
    )
    return thread


def dispatch(given: argparse.Namespace, settings: Settings) -> int:
    """Carries out the command; returns the exit code."""
    from orchestration_assets.command import thread

    if given.thread is None:
        return thread.list_threads(settings, as_json=given.json)
    if given.to is not None:
        return thread.roll_back(settings, given.thread, given.to, as_json=given.json)
    if given.history:
        return thread.history(settings, given.thread, as_json=given.json)
    return thread.show(settings, given.thread, given.at, as_json=given.json)


def _version(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no version: give a number from 1 on")
    return int(text)
