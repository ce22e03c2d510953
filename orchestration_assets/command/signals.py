"""`orchestrate signals`: how batches went, what waits, and which alerts hold."""

import json
import re
import sys
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
    seen = watch(home, policy, now) if tells else None
    for problem in seen.problems if seen else ():
        sys.stderr.write(f"orchestrate: {problem}\n")
    if textfile is not None:
        _write_textfile(home, settings, textfile, now)
        return 0
    seen = seen or look(home, policy, now)
    found = overview(read_signals(home, now), now - since)
    text = json.dumps(_plain(found, seen), indent=1) if as_json else "\n".join(_lines(found, seen))
    sys.stdout.write(text + "\n")
    return 0


def _write_textfile(home: Home, settings: Settings, path: Path, now: datetime) -> None:
    from orchestration_assets.signals.exposition import exposition

    if path.suffix != _OF_FILES:
        raise SignalsError(f"--textfile {path}: node_exporter reads files that end in {_OF_FILES}")
    if not path.absolute().parent.is_dir():
        raise SignalsError(f"--textfile {path}: there is no such folder: make it first")
    write_atomically(path.absolute(), exposition(home, load_policy(settings.policy).policy, now))


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


def _lines(found: SignalOverview, seen: AlertLook) -> Iterator[str]:
    since = f" since {found.since:%Y-%m-%d %H:%M} UTC" if found.since else ""
    if found.newest is None:
        yield "no batch of this home has a report yet"
    else:
        batches = "batch" if found.batches == 1 else "batches"
        yield f"{found.batches:,} {batches}{since}; the newest is {found.newest}"
    yield from _together(found)
    yield from _waiting(found)
    yield from _table("service", _services(found))
    yield from _table("task", _tasks(found))
    yield from _table("cache tier", _tiers(found))
    yield from _alerts(seen.findings, seen.state)


def _together(found: SignalOverview) -> Iterator[str]:
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
        yield _line("latency", quantiles or "no attempt was answered")
        yield _line("calls", number(Signal.CALLS, calls.value))
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
            yield _line(words, f"{_cell(one)}{of}{trend}")


def _trend(found: SignalOverview, task: str) -> str:
    change = found.accuracy_changes.get(task)
    if change is None:
        return ""
    sure = "" if change.is_certain else ", which may be chance"
    return (
        f"; later half against the earlier: {change.value:+.3f} "
        f"({change.low:+.3f} to {change.high:+.3f}){sure}"
    )


def _waiting(found: SignalOverview) -> Iterator[str]:
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
        yield _line("waiting now", ", ".join(parts))


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


def _services(found: SignalOverview) -> list[list[str]]:
    subjects = [Subject(service=name) for name in found.names("service")]
    return _rows(found, subjects, "service", _OF_SERVICES)


def _tasks(found: SignalOverview) -> list[list[str]]:
    subjects = [Subject(task=name) for name in found.names("task")]
    return _rows(found, subjects, "task", _OF_TASKS)


def _tiers(found: SignalOverview) -> list[list[str]]:
    subjects = [Subject(tier=name) for name in found.names("tier")]
    return _rows(found, subjects, "tier", [("hits", Signal.CACHE_HIT_RATE)])


def _rows(
    found: SignalOverview,
    subjects: Sequence[Subject],
    kind: str,
    columns: Sequence[tuple[str, Signal]],
) -> list[list[str]]:
    """A heading and a row a subject; columns of which nothing is known are left out."""
    known = [
        (words, signal)
        for words, signal in columns
        if any(found.value(signal, subject) for subject in subjects)
    ]
    rows = [
        [getattr(subject, kind), *(_cell(found.value(signal, subject)) for _, signal in known)]
        for subject in subjects
    ]
    return [[kind, *(words for words, _ in known)], *rows] if rows else []


def _cell(one: SignalMeasure | None) -> str:
    if one is None:
        return "-"
    interval = ""
    if one.signal in SHARES and one.low is not None and one.high is not None:
        interval = f" ({one.low:.3f} to {one.high:.3f})"
    return number(one.signal, one.value) + interval


def _table(title: str, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield ""
    yield f"by {title}"
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(cells)}".rstrip()


def _alerts(found: Sequence[AlertFinding], state: AlertState) -> Iterator[str]:
    if not found:
        return
    yield ""
    yield "alerts"
    for one in found:
        since = state.since.get(one.name)
        held = f"holds since {since[:16].replace('T', ' ')} UTC" if since else "holds"
        yield f"  {one.name} ({one.severity}): {held if one.holds else 'quiet'}: {one.words}"
        if one.holds:
            yield f"    what to do: {one.runbook}"


def _line(words: str, said: str) -> str:
    return f"  {words.ljust(_WIDTH)} {said}"
