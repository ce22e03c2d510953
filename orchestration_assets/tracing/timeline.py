"""One item's life as a timeline in plain text: what happened when, how long it took, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Final

from orchestration_assets.processing.asker import CACHE
from orchestration_assets.tracing.item_facts import ItemFacts
from orchestration_assets.tracing.operations import AttemptFacts, Operation

_WIDTH: Final = 20
_NAME: Final = 26
_CLOCKS: Final = 18
"""Both columns of times, and the space between them."""
_NS_OF_MS: Final = 1_000_000
_SHORT_NS: Final = 1_000_000
"""A wait that is shorter is none."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline: times in ns since 1970, UTC, None where no clock was written down.

    ``kind`` is one of entry, profile, task, call, attempt, wait, decision, answer, verdict, dispute
    or state; ``depth`` how far it is indented; ``says`` what came of it.
    """

    kind: str
    name: str
    says: str
    start_ns: int | None = None
    end_ns: int | None = None
    depth: int = 0


def calls_of(item: ItemFacts) -> Iterator[Moment]:
    """The tasks of an item in the order of their first call, each with its calls, every repeated
    attempt and wait, the decisions, and what stood in the end."""
    by_task = {task: list(own) for task, own in groupby(item.operations, attrgetter("task"))}
    for task in sorted(by_task, key=lambda one: min(o.start_ns for o in by_task[one])):
        operations = by_task[task]
        plan = item.plans.get(task)
        yield Moment(
            "task",
            task,
            f"{plan.model} ({plan.option}, {plan.strategy})" if plan else "",
            min(one.start_ns for one in operations),
            max(one.end_ns for one in operations),
        )
        for one in sorted(operations, key=attrgetter("start_ns", "step", "round")):
            yield from _call(one)
        for decision in item.decisions:
            if decision.task == task:
                services = ", ".join(decision.services)
                says = ": ".join(filter(None, (services, decision.reason)))
                yield Moment("decision", decision.action, says, depth=1)
        yield from _answer(item, task, operations)


def _call(one: Operation) -> Iterator[Moment]:
    name = one.called if one.called == one.asked else f"{one.called} for {one.asked}"
    if one.part is not None:
        name += f", part {one.part}"
    if one.round:
        name += f", round {one.round}"
    yield Moment("call", name, _came_of(one), one.start_ns, one.end_ns, 1)
    if len(one.attempts) == 1:
        return
    ended = one.start_ns
    for each in one.attempts:
        if each.start_ns - ended >= _SHORT_NS:
            yield Moment("wait", "", "", ended, each.start_ns, 2)
        ended = each.end_ns
        yield Moment("attempt", f"attempt {each.attempt}", _said(each), each.start_ns, ended, 2)


def _came_of(one: Operation) -> str:
    last = one.last
    found = [f"{_origin(last)}{_said(last)}"]
    if one.tokens_in is not None or one.tokens_out is not None:
        found.append(f"{one.tokens_in or 0} tokens in, {one.tokens_out or 0} out")
    if one.cost_usd:
        found.append(f"{one.cost_usd:.6f} USD")
    if len(one.attempts) > 1:
        found.append(f"{len(one.attempts)} attempts")
    return "; ".join(found)


def _origin(one: AttemptFacts) -> str:
    if one.origin == CACHE:
        return "from the cache: "
    return "" if one.called is not None else f"{one.origin.replace('_', ' ')}: "


def _said(one: AttemptFacts) -> str:
    return f"{one.status.value} ({one.reason})" if one.reason else one.status.value


def _answer(item: ItemFacts, task: str, operations: Sequence[Operation]) -> Iterator[Moment]:
    resolution = item.resolutions.get(task)
    if resolution is not None:
        risk = resolution.error_risk
        words = [resolution.status.value]
        if resolution.answer is not None:
            words.append(resolution.answer)
        if risk is not None:
            words.append(f"error risk {risk:.3f}")
        if resolution.triage is not None:
            words.append(resolution.triage.value)
        ended = max(one.end_ns for one in operations)
        yield Moment("answer", "", ", ".join(words), ended, ended, 1)
    for verdict in item.verdicts:
        if verdict.task == task:
            yield Moment("verdict", "", verdict.answer, verdict.said_ns, verdict.said_ns, 1)


def timeline_lines(moments: Sequence[Moment]) -> list[str]:
    """The moments as lines, their bars on one scale: that of the calls, from the first to the last
    of them. What lies outside it, such as a verdict of another day, has its time instead."""
    timed = [
        (one.start_ns, one.end_ns)
        for one in moments
        if one.kind in {"call", "attempt", "wait"} and one.start_ns is not None
    ]
    begin = min((start for start, _ in timed if start is not None), default=0)
    end = max((end for _, end in timed if end is not None), default=begin)
    lines = [f"{'':{_NAME}} {'+ ms':>8} {'ms':>8} |{_scale(end - begin)}|"] if timed else []
    return [*lines, *(_line(one, begin, end) for one in moments)]


def _line(one: Moment, begin: int, end: int) -> str:
    name = f"{'  ' * one.depth}{one.kind if one.kind not in {'call', 'attempt'} else ''}"
    label = f"{name} {one.name}".rstrip() if name.strip() else f"{name}{one.name}"
    label = label if len(label) <= _NAME else f"{label[: _NAME - 1]}…"
    if one.start_ns is None or one.end_ns is None:
        return f"{label:{_NAME + _CLOCKS + _WIDTH + 3}}  {one.says}".rstrip()
    if not begin <= one.start_ns <= end:
        return f"{label:{_NAME}} {_clock(one.start_ns):{_CLOCKS + _WIDTH + 2}}  {one.says}".rstrip()
    after = (one.start_ns - begin) / _NS_OF_MS
    took = (one.end_ns - one.start_ns) / _NS_OF_MS
    bar = _bar(one, begin, end)
    return f"{label:{_NAME}} {after:8.1f} {took:8.1f} |{bar}|  {one.says}".rstrip()


def _bar(one: Moment, begin: int, end: int) -> str:
    """Where a moment lies on the scale: at least one mark, points for a wait."""
    span = max(end - begin, 1)
    start_ns, end_ns = one.start_ns or 0, min(one.end_ns or 0, end)
    first = min(_WIDTH - 1, (start_ns - begin) * _WIDTH // span)
    last = min(_WIDTH, max(first + 1, -(-(end_ns - begin) * _WIDTH // span)))
    mark = {"wait": ".", "task": "-", "answer": "*", "verdict": "*"}.get(one.kind, "#")
    return f"{' ' * first}{mark * (last - first)}{' ' * (_WIDTH - last)}"


def _scale(span_ns: int) -> str:
    words = f"{span_ns / _NS_OF_MS:,.1f} ms"
    return f"0{words:>{_WIDTH - 1}}"


def _clock(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"
