"""`orchestrate thread`: one conversation as it stands, as services are shown it, and as it was."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from orchestration_assets.command.instance_paths import check_home
from orchestration_assets.command.thread_view import (
    ThreadLine,
    ThreadView,
    known_threads,
    thread_view,
    unknown_thread,
)
from orchestration_assets.conversations.forgotten_messages import without_forgotten
from orchestration_assets.conversations.thread_state import (
    change_thread,
    state_of,
    thread_of,
)
from orchestration_assets.conversations.threads import restored
from orchestration_assets.policy.hidden_content import NOT_SHOWN
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.conversations import Fact
from orchestration_assets.settings import Settings, user_name
from orchestration_assets.text.visible_text import visible_text
from resources.home import Home
from resources.maintenance import recording

_TIMES_FROM: Final = 10_000_000.0
"""Positions from here on are times: April 1970 and later."""
_LONGEST: Final = 1_000
"""Characters of a message that lines for people tell; JSON tells all that is remembered."""


def list_threads(settings: Settings, *, as_json: bool) -> int:
    """Prints the conversations of the home; returns the exit code."""
    known = known_threads(Home(settings.home))
    lines = [
        f"{_on_a_line(name)}  in {len(batches)} {'batch' if len(batches) == 1 else 'batches'}, "
        f"the latest {batches[-1]}"
        for name, batches in sorted(known.items())
    ]
    none = "no conversations: records name theirs by `thread` under content.records in the policy"
    plain = [{"thread": name, "batches": batches} for name, batches in sorted(known.items())]
    _print(lines or [none], plain, as_json=as_json)
    return 0


def show(settings: Settings, name: str, at: str | None, *, as_json: bool) -> int:
    """Prints a conversation, and what services are shown for one message of it; returns the exit
    code. Raises UnknownThreadError, PolicyError, DamagedFileError."""
    view = thread_view(Home(settings.home), load_policy(settings.policy).policy, name, at)
    _print(thread_lines(view), asdict(view), as_json=as_json)
    return 0


def history(settings: Settings, name: str, *, as_json: bool) -> int:
    """Prints the versions of a conversation's state; returns the exit code.

    Raises UnknownThreadError, DamagedFileError.
    """
    home = Home(settings.home)
    state = state_of(home, name)
    versions = list(state.history())
    if not versions:
        raise unknown_thread(home, name)
    counts = [len(thread_of(state, one).messages) for one in versions]
    lines, plain = [], []
    for one, count in zip(versions, counts, strict=True):
        back = f", back to version {one.restores}" if one.restores else ""
        when = one.note.when.strftime("%Y-%m-%d %H:%M:%S")
        lines.append(
            f"{one.number:>5}  {when}  {one.note.who}  {count} messages{back}"
            f"{f'  ({one.note.why})' if one.note.why else ''}"
        )
        plain.append(
            {
                "version": one.number,
                "when": one.note.when.isoformat(),
                "who": one.note.who,
                "why": one.note.why,
                "messages": count,
                "restores": one.restores,
            }
        )
    _print(lines, {"thread": name, "versions": plain}, as_json=as_json)
    return 0


def roll_back(settings: Settings, name: str, version: int, *, as_json: bool) -> int:
    """Makes a new version of a conversation's state of an earlier one; returns the exit code.

    Batches that were taken in since do not bring back what they said, nor does the version bring
    back messages that were forgotten; messages that others come before now become stale. Raises
    UnknownThreadError, NoSuchVersionError, DamagedFileError.
    """
    home = Home(settings.home)
    check_home(home)
    state = state_of(home, name)
    if state.current() is None:
        raise unknown_thread(home, name)
    # nobody forgets a message meanwhile: its place would come back with what was read before
    with recording(home):
        then = without_forgotten(home, thread_of(state, state.version(version)))
        thread, number = change_thread(
            home,
            name,
            lambda now: restored(now, then),
            user_name(),
            lambda _before, _after: f"back to version {version}",
            restores=version,
        )
    words = (
        f"{_on_a_line(name)} is at version {number}, with {len(thread.messages)} messages as of "
        f"version {version}; the next orchestrate run asks about those again that others come "
        "before now"
    )
    plain = {"thread": name, "version": number, "restores": version}
    _print([words], {**plain, "messages": len(thread.messages)}, as_json=as_json)
    return 0


def thread_lines(view: ThreadView) -> Iterator[str]:
    """The conversation for people, line by line."""
    yield f"{_on_a_line(view.thread)}: {len(view.messages)} messages, version {view.version}"
    for line in view.messages:
        yield from _message(line, is_at=line.number == view.at)
    if view.at is None:
        return
    if view.is_stale:
        yield (
            f"The conversation before message {view.at} has changed since it was asked about "
            f"({view.stale_because}): the next orchestrate run asks again. What follows has the "
            "messages that it was asked with, and what stands about them now."
        )
    if view.withheld:
        yield f"What services are shown before message {view.at}: {NOT_SHOWN} of one of its batches"
    for shown in view.shown:
        left_out = f"; left out: {shown.left_out}" if shown.left_out else ""
        within = f"at most {shown.tokens:,} tokens{left_out}"
        yield f"Before message {view.at}, {shown.service} is shown ({within}):"
        yield from (f"  {text}" for text in (shown.text or "nothing").splitlines())
    if view.facts:
        yield "Facts stated until there:"
        yield from (f"  {_fact(one)}" for one in view.facts)


def _message(line: ThreadLine, *, is_at: bool) -> Iterator[str]:
    speaker = f"{_on_a_line(line.speaker)}: " if line.speaker else ""
    text = line.text if line.text is not None else "(its text is gone)"
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST].rstrip()} … ({len(text) - _LONGEST:,} more characters)"
    first, *rest = text.splitlines() or [""]
    mark = ">" if is_at else " "
    yield f"{mark}{line.number:>4}  {_position(line.position)}{speaker}{first}"
    yield from (f"       {more}" for more in rest)
    yield from (f"         {task} = {answer}" for task, answer in line.answers.items())


def _position(position: float | None) -> str:
    if position is None:
        return ""
    if position >= _TIMES_FROM:
        try:
            return datetime.fromtimestamp(position, UTC).strftime("%Y-%m-%d %H:%M:%S  ")
        except (ValueError, OverflowError, OSError):
            return f"{position:g}  "
    return f"{position:g}  "


def _on_a_line(name: str) -> str:
    """A name from content, which may not pass for lines of its own."""
    return " ".join(name.splitlines())


def _fact(one: Fact) -> str:
    by = f", superseded by message {one.superseded_by}" if one.superseded_by is not None else ""
    name = f'{one.value} in "{one.sentence}"' if one.sentence else ""
    name = name or f"{one.subject} {one.attribute}: {one.value}"
    return f"{_on_a_line(name)}  (message {one.number}, {one.source}{by})"


def _print(lines: Iterable[str], plain: Any, *, as_json: bool) -> None:
    text = json.dumps(plain, indent=1) if as_json else "\n".join(map(visible_text, lines))
    sys.stdout.write(text + "\n")
