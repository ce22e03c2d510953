"""`orchestrate signals`: how batches went, what waits, and which alerts hold."""

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.signals import SHARES, Signal
from orchestration_assets.settings import Settings
from orchestration_assets.signals.alert_state import AlertState
from orchestration_assets.signals.findings import AlertFinding
from orchestration_assets.signals.history import read_signals
from orchestration_assets.signals.measures import SignalMeasure, Subject
from orchestration_assets.signals.overview import SignalOverview, overview
from orchestration_assets.signals.watch import AlertLook, look, watch
from orchestration_assets.signals.words import number
from resources.home import Home
from resources.table_store import write_atomically

_SPAN: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([mhd])")
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400}
_LONGEST_S: Final = 86_400 * 3650
_OF_FILES: Final = ".prom"
_WIDTH: Final = 20
_LEAST_WIDTH: Final = 60
_NO_TERMINAL: Final = 10_000
"""Characters of a line where no terminal bounds it."""


class SignalsError(OrchestrationError):
    """What is asked of the signals cannot be done; the message has the remedy."""


def span(text: str) -> timedelta:
    """A length of time such as ``7d``, ``12h`` or ``30m``. Raises ValueError."""
    found = _SPAN.fullmatch(text)
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if not 0.0 < seconds <= _LONGEST_S:
        raise ValueError(f"{text!r} is no length of time: give one such as 7d, 12h or 30m")
    return timedelta(seconds=seconds)


def signals(
    settings: Settings, since: timedelta, *, as_json: bool, textfile: Path | None, tells: bool
) -> int:
    """Prints the signals of the batches since then, or writes them for Prometheus; returns the
    exit code.

    With ``tells`` alerts that began or ended are noted, and the webhook is told of them. Raises
    SignalsError, and PolicyError.
    """
    home, policy, now = Home(settings.home), load_policy(settings.policy).policy, datetime.now(UTC)
    if not home.folder.is_dir():
        raise SignalsError(
            f"{home.folder}: there is no such home; make one: orchestrate run SOURCE"
        )
    if textfile is not None:
        _check_place(textfile)
    seen = watch(home, policy, now) if tells else None
    for problem in seen.problems if seen else ():
        sys.stderr.write(f"orchestrate: {problem}\n")
    if textfile is not None:
        from orchestration_assets.signals.exposition import exposition

        write_atomically(textfile.absolute(), exposition(home, policy, now))
        return 0
    seen = seen or look(home, policy, now)
    found = overview(read_signals(home, now), now - since)
    width = shutil.get_terminal_size((_NO_TERMINAL, 24)).columns
    lines = () if as_json else _lines(found, seen, max(width, _LEAST_WIDTH))
    text = json.dumps(_plain(found, seen), indent=1) if as_json else "\n".join(lines)
    sys.stdout.write(text + "\n")
    return 0


def _check_place(path: Path) -> None:
    if path.suffix != _OF_FILES:
        raise SignalsError(f"--textfile {path}: node_exporter reads files that end in {_OF_FILES}")
    if not path.absolute().parent.is_dir():
        raise SignalsError(f"--textfile {path}: there is no such folder: make it first")


def _plain(found: SignalOverview, seen: AlertLook) -> dict[str, Any]:
    return {
        "since": found.since.isoformat() if found.since else None,
        "batches": found.batches,
        "newest": found.newest,
        "signals": [
            {"signal": one.signal.value, **asdict(one.subject), "value": one.value}
            | {"low": one.low, "high": one.high, "count": one.count}
            for one in found.measures
        ],
        "accuracy_change": {task or "all": asdict(c) for task, c in found.accuracy_changes.items()},
        "alerts": [
            {"name": one.name, "severity": one.severity.value, "holds": one.holds}
            | {"since": seen.state.since.get(one.name), "words": one.words}
            | {"runbook": one.runbook, "value": one.value, "threshold": one.threshold}
            for one in seen.findings
        ],
    }


def _lines(found: SignalOverview, seen: AlertLook, width: int) -> Iterator[str]:
    since = f" since {found.since:%Y-%m-%d %H:%M} UTC" if found.since else ""
    if found.newest is None:
        yield "no batch of this home has a report yet"
    else:
        batches = "batch" if found.batches == 1 else "batches"
        said = f"{found.batches:,} {batches}{since}; the newest is {found.newest}"
        yield from _wrapped("", said, width)
    for words, said in (*_together(found), *_waiting(found)):
        yield from _wrapped(f"  {words.ljust(_WIDTH)} ", said, width)
    for title, kind, columns in (
        ("service", "service", _OF_SERVICES),
        ("task", "task", _OF_TASKS),
        ("cache tier", "tier", _OF_TIERS),
    ):
        yield from _table(found, title, kind, columns, width)
    yield from _alerts(seen.findings, seen.state, width)


def _wrapped(begins: str, said: str, width: int) -> Iterator[str]:
    """A line that goes on below itself where the terminal is too narrow for it."""
    yield from textwrap.wrap(
        said,
        width,
        initial_indent=begins,
        subsequent_indent=" " * min(len(begins), _WIDTH + 3),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _together(found: SignalOverview) -> Iterator[tuple[str, str]]:
    calls = found.value(Signal.CALLS)
    if calls is not None:
        quantiles = ", ".join(
            f"{name} {number(signal, one.value)}"
            for name, signal in (
                ("half within", Signal.LATENCY_P50_MS),
                ("95 % within", Signal.LATENCY_P95_MS),
                ("99 % within", Signal.LATENCY_P99_MS),
            )
            if (one := found.value(signal)) is not None
        )
        yield "latency", quantiles or "no attempt was answered"
        yield "calls", number(Signal.CALLS, calls.value)
    for words, signal, about in (
        ("error rate", Signal.ERROR_RATE, "attempts"),
        ("throughput", Signal.TOKENS_PER_SECOND, "attempts with counted tokens"),
        ("parallel efficiency", Signal.PARALLEL_EFFICIENCY, "attempts"),
        ("cost", Signal.COST_USD, ""),
        ("abstained", Signal.ABSTAINED_SHARE, "questions"),
        ("failed", Signal.FAILED_SHARE, "questions"),
        ("disputed", Signal.DISPUTED_SHARE, "questions"),
        ("accuracy", Signal.ACCURACY, "verdicts"),
    ):
        one = found.value(signal)
        if one is not None:
            of = f" of {one.count:,} {about}" if about and one.count is not None else ""
            trend = _trend(found, "") if signal is Signal.ACCURACY else ""
            yield words, f"{_cell(one)}{of}{trend}"


def _trend(found: SignalOverview, task: str) -> str:
    change = found.accuracy_changes.get(task)
    if change is None:
        return ""
    sure = "" if change.is_certain else ", which may be chance"
    return (
        f"; later half against the earlier: {change.value:+.3f} "
        f"({change.low:+.3f} to {change.high:+.3f}){sure}"
    )


def _waiting(found: SignalOverview) -> Iterator[tuple[str, str]]:
    parts = []
    for words, signal in (
        ("deferred questions", Signal.DEFERRED_QUESTIONS),
        ("entries listed and not done", Signal.WAITING_ENTRIES),
        ("questions for people", Signal.OPEN_REVIEWS),
    ):
        one = found.value(signal)
        if one is not None:
            parts.append(f"{number(signal, one.value)} {words}")
    oldest = found.value(Signal.OLDEST_WAITING_S)
    if oldest is not None and oldest.value > 0.0:
        parts.append(f"the oldest entry for {timedelta(seconds=round(oldest.value))}")
    if parts:
        yield "waiting now", ", ".join(parts)


_OF_SERVICES: Final = (
    *(("calls", Signal.CALLS), ("errors", Signal.ERROR_RATE)),
    *(("p50", Signal.LATENCY_P50_MS), ("p95", Signal.LATENCY_P95_MS)),
    *(("p99", Signal.LATENCY_P99_MS), ("throughput", Signal.TOKENS_PER_SECOND)),
    ("cost", Signal.COST_USD),
)
_OF_TASKS: Final = (
    *(("abstained", Signal.ABSTAINED_SHARE), ("failed", Signal.FAILED_SHARE)),
    *(("disputed", Signal.DISPUTED_SHARE), ("accuracy", Signal.ACCURACY)),
    ("cost", Signal.COST_USD),
)


_OF_TIERS: Final = (("hits", Signal.CACHE_HIT_RATE),)


def _table(
    found: SignalOverview,
    title: str,
    kind: str,
    columns: Sequence[tuple[str, Signal]],
    width: int,
) -> Iterator[str]:
    """A heading and a row a service, task or tier; columns of which nothing is known are left out,
    and intervals where the terminal is too narrow for them."""
    subjects = [Subject(**{kind: name}) for name in found.names(kind)]
    known = [
        (words, signal)
        for words, signal in columns
        if any(found.value(signal, subject) for subject in subjects)
    ]
    if not known:
        return
    yield ""
    yield f"by {title}"
    made: list[str] = []
    for cell in (_cell, _value):
        rows = [[kind, *(words for words, _ in known)]]
        rows += [
            [getattr(subject, kind), *(cell(found.value(signal, subject)) for _, signal in known)]
            for subject in subjects
        ]
        made = _aligned(rows)
        if max(map(len, made)) <= width:
            break
    yield from made


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"  {'  '.join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True))}".rstrip()
        for row in rows
    ]


def _value(one: SignalMeasure | None) -> str:
    return "-" if one is None else number(one.signal, one.value)


def _cell(one: SignalMeasure | None) -> str:
    if one is None:
        return "-"
    interval = ""
    if one.signal in SHARES and one.low is not None and one.high is not None:
        interval = f" ({one.low:.3f} to {one.high:.3f})"
    return _value(one) + interval


def _alerts(found: Sequence[AlertFinding], state: AlertState, width: int) -> Iterator[str]:
    if not found:
        return
    yield ""
    yield "alerts"
    for one in found:
        since = state.since.get(one.name)
        held = f"holds since {since[:16].replace('T', ' ')} UTC" if since else "holds"
        said = f"{one.name} ({one.severity}): {held if one.holds else 'quiet'}: {one.words}"
        yield from _wrapped("  ", said, width)
        if one.holds:
            yield from _wrapped("    ", f"what to do: {one.runbook}", width)
