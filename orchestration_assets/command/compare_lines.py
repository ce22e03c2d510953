"""What `orchestrate compare` prints: a line for each task, then the answers that changed."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from orchestration_assets.disagreement.replay import PairedDifference
from orchestration_assets.reporting.batch_delta import BatchDelta, QuestionDelta, TaskDelta
from orchestration_assets.reporting.formatting import (
    cut,
    dollars,
    duration,
    middle,
    one_line,
    percent,
    plural,
    visible,
)
from orchestration_assets.reporting.question_outcomes import QuestionOutcome
from orchestration_assets.reporting.question_rows import NOT_KNOWN, Movement

_LISTED: Final = 20
_ANSWER: Final = 60
_PATH: Final = 60


def summary_lines(delta: BatchDelta, width: int) -> Iterator[str]:
    """What differs, for people: a line for each task, then the answers that changed. Lines that are
    wider than the terminal go on below."""
    yield f"before  {visible(delta.before)}"
    yield f"after   {visible(delta.after)}"
    if delta.by_content:
        yield "no item is in both: questions are matched by the content of their items"
    alone = [delta.count(one) for one in (Movement.BEFORE, Movement.AFTER)]
    if any(alone):
        yield f"{alone[0]:,} questions only before, {alone[1]:,} only after"
    for words, count in delta.untold:
        yield f"not compared: {visible(words)} ({count:,})"
    if not delta.tasks:
        yield "no question is in both"
    for task in delta.tasks:
        said = f"{task.task}: {', '.join(_task_words(task))}"
        yield from textwrap.wrap(
            said,
            width,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    changed = delta.changed
    if changed:
        yield f"{len(changed):,} {plural(len(changed), 'answer')} changed:"
    for one in changed[:_LISTED]:
        path, said = middle(one.known.path, _PATH), _change_words(one)
        line = f"  {path} {said}"
        yield from (line,) if len(line) <= width else (f"  {path}", f"    {said}")
    if len(changed) > _LISTED:
        yield f"  and {len(changed) - _LISTED:,} more: --page FILE and --json have them all"


def _task_words(task: TaskDelta) -> Iterator[str]:
    what = plural(task.questions, "answer")
    yield f"{task.changed:,} of {task.questions:,} {what} changed"
    if task.disputed_before is not None and task.disputed_after is not None:
        yield f"disputed {_moved(f'{task.disputed_before:,}', f'{task.disputed_after:,}')}"
    yield f"calls {_pair(task.calls, 'calls')}"
    yield f"cost {_pair(task.usd, 'usd')}"
    yield f"time {_pair(task.ms, 'ms')}"
    if task.risk is not None:
        yield f"risk {_pair(task.risk, 'pct')}"


_FORMS: Final[Mapping[str, Callable[[float], str]]] = {
    "calls": lambda value: f"{value:.2f}",
    "usd": dollars,
    "ms": duration,
    "pct": percent,
}


def _pair(pair: PairedDifference, form: str) -> str:
    """Means before and after a question, with the interval of their difference."""
    write = _FORMS[form]
    before, after = write(pair.before), write(pair.after)
    moved = _moved(before, after)
    if pair.low is None or pair.high is None or before == after:
        return moved
    low, high = (f"{'-' if one < 0 else '+'}{write(abs(one))}" for one in (pair.low, pair.high))
    return f"{moved} ({low} to {high})"


def _moved(before: str, after: str) -> str:
    return after if before == after else f"{before} -> {after}"


def _change_words(one: QuestionDelta) -> str:
    known = one.known
    answers = [
        "no answer" if side is None or side.answer is None else cut(one_line(side.answer), _ANSWER)
        for side in (one.before, one.after)
    ]
    was, now = (
        NOT_KNOWN if side is None or side.error_risk is None else side.error_risk
        for side in (one.before, one.after)
    )
    risk = f"; risk {_moved(*map(_risk, (was, now)))}" if max(was, now) >= 0 else ""
    return f"{known.task}: {answers[0]} -> {answers[1]}{risk}"


def _risk(value: float) -> str:
    return "unknown" if value < 0 else percent(value)


_PLAIN: Final = ("answer", "status", "error_risk", "disputed", "calls", "usd", "ms")


def plain(delta: BatchDelta) -> dict[str, Any]:
    """The same for machines, with every answer that changed."""

    def side(one: QuestionOutcome | None) -> dict[str, Any] | None:
        return None if one is None else {name: getattr(one, name) for name in _PLAIN}

    return {
        "before": delta.before,
        "after": delta.after,
        "by_content": delta.by_content,
        "only_before": delta.count(Movement.BEFORE),
        "only_after": delta.count(Movement.AFTER),
        "not_compared": [{"why": words, "questions": count} for words, count in delta.untold],
        "tasks": [asdict(one) for one in delta.tasks],
        "changed": [
            {
                "item_id": one.known.item_id,
                "path": one.known.path,
                "task": one.known.task,
                "before": side(one.before),
                "after": side(one.after),
            }
            for one in delta.changed
        ],
    }
