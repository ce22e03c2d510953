"""The steps really taken: rounds, waves, routes, judges and escalations, and what they changed."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import (
    CappedCounts,
    Count,
    capped_counts,
    column_counts,
    grouped,
    value_counts,
)
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.selection.answer_conditions import Admission

_COLUMNS = (
    *("item_id", "task", "decision", "action", "services", "reason"),
    *("answer", "certainty", "coverage", "gain"),
)
_BUILT_ON = tuple(one.value for one in Admission)
_TOLD = ("round", "wave", "route", "judge", "escalate", *_BUILT_ON)
_REASONS = 3
_ROUTES = 12
# two vectors are written alike, whatever is in them
_UNREADABLE = AnswerKind.VECTOR.value
_NUMBERS = re.compile(r"\d[\d.,]*(?<![.,])%?")


@dataclass(frozen=True, slots=True)
class RoundFigures:
    """One round of a task's iterative plans; ``stopped`` questions went no further.

    ``gain`` is how far the round moved the answer, ``certainty`` how sure its leader then was.
    """

    task: str
    number: int
    reached: int
    of: int
    coverage: float | None
    gain: float | None
    certainty: float | None
    stopped: int
    reasons: CappedCounts[Count]


@dataclass(frozen=True, slots=True)
class WaveFigures:
    """One wave of a task's hybrid plans that asked the same services."""

    task: str
    number: int
    services: tuple[str, ...]
    reached: int
    of: int
    reasons: CappedCounts[Count]


@dataclass(frozen=True, slots=True)
class RouteFigures:
    """Questions that a router handed to the same sub-plan."""

    task: str
    services: tuple[str, ...]
    answer: str | None
    reason: str
    questions: int
    of: int


@dataclass(frozen=True, slots=True)
class TurnFigures:
    """How often a judge was asked or an item escalated, and how often that changed the answer.

    ``known`` questions had a leading answer before, and have one that stands; of them
    ``changed`` have another one.
    """

    task: str
    action: str
    services: tuple[str, ...]
    questions: int
    of: int
    certainty: float | None
    known: int
    changed: int
    reasons: CappedCounts[Count]


@dataclass(frozen=True, slots=True)
class AdmissionFigures:
    """How often a task that comes after others was asked, skipped, declared or put off."""

    task: str
    action: str
    questions: int
    of: int
    reasons: CappedCounts[Count]


@dataclass(frozen=True, slots=True)
class StepFigures:
    """Everything beyond asking once."""

    admissions: tuple[AdmissionFigures, ...]
    rounds: tuple[RoundFigures, ...]
    waves: tuple[WaveFigures, ...]
    routes: CappedCounts[RouteFigures]
    turns: tuple[TurnFigures, ...]


class _Decision(NamedTuple):
    """A row of the decision log, in the order in which the log is told."""

    item: str
    task: str
    number: int
    action: str
    services: tuple[str, ...]
    reason: str
    answer: str | None
    certainty: float | None
    coverage: float | None
    gain: float | None


class _Numbered(NamedTuple):
    """The how-manieth decision of its action about its question, from 1."""

    number: int
    decision: _Decision


Log = Sequence[Sequence[_Decision]]
"""The decisions about each question, in their order; questions by item and task."""


def step_figures(decisions: pa.Table, resolutions: pa.Table) -> StepFigures:
    """The figures of a batch's decision log."""
    # of items that were only asked about, as most are, there is nothing to tell
    told = decisions.filter(pc.is_in(decisions["action"], pa.array(_TOLD, pa.string())))
    items = pc.unique(told["item_id"])
    asked = column_counts(resolutions["task"])
    decisions, resolutions = (
        table.filter(pc.is_in(table["item_id"], items)) for table in (decisions, resolutions)
    )
    log = _log(decisions)
    stands = {
        (item, task): (answer if kind != _UNREADABLE else None)
        for item, task, kind, answer in values(resolutions, "item_id", "task", "kind", "answer")
    }
    return StepFigures(
        admissions=tuple(_admissions(log)),
        rounds=tuple(_rounds(log)),
        waves=tuple(_waves(log)),
        routes=_routes(log),
        turns=tuple(_turns(log, stands, asked)),
    )


def _log(decisions: pa.Table) -> Log:
    rows = (
        _Decision(item, task, number, action, tuple(services), *rest)
        for item, task, number, action, services, *rest in values(decisions, *_COLUMNS)
    )
    ordered = sorted(rows, key=attrgetter("item", "task", "number"))
    return [list(own) for _, own in groupby(ordered, key=attrgetter("item", "task"))]


def _of_actions(log: Log, actions: Collection[str]) -> list[_Decision]:
    return [one for own in log for one in own if one.action in actions]


def _numbered(log: Log, action: str) -> Iterator[list[_Numbered]]:
    """The decisions of one action about each question that has any."""
    for own in log:
        chosen = [one for one in own if one.action == action]
        if chosen:
            yield [_Numbered(number, one) for number, one in enumerate(chosen, 1)]


def _admissions(log: Log) -> Iterator[AdmissionFigures]:
    rows = _of_actions(log, _BUILT_ON)
    asked = Counter(one.task for one in rows)
    for (task, action), places in sorted(grouped((one.task, one.action) for one in rows).items()):
        yield AdmissionFigures(
            task=task,
            action=action,
            questions=len(places),
            of=asked[task],
            reasons=_reasons(rows[place].reason for place in places),
        )


def _rounds(log: Log) -> Iterator[RoundFigures]:
    stops = {
        (own[0].item, own[0].task): [one for one in own if one.action == "stop"] for own in log
    }
    rows: list[_Numbered] = []
    ended: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    stopped: Counter[tuple[str, int]] = Counter()
    asked: Counter[str] = Counter()
    for rounds in _numbered(log, "round"):
        rows += rounds
        number, last = rounds[-1]
        asked[last.task] += 1
        stopped[last.task, number] += 1
        # what comes after the rounds, such as an escalation, ends with a stop of its own
        after = (one for one in stops[last.item, last.task] if one.number > last.number)
        if end := next(after, None):
            ended[last.task, number].append(end.reason)
    alike = grouped((one.decision.task, one.number) for one in rows)
    for (task, number), places in sorted(alike.items()):
        own = [rows[place].decision for place in places]
        yield RoundFigures(
            task=task,
            number=number,
            reached=len(own),
            of=asked[task],
            coverage=_mean(one.coverage for one in own),
            gain=_mean(one.gain for one in own),
            certainty=_mean(one.certainty for one in own),
            stopped=stopped[task, number],
            reasons=_reasons(ended[task, number]),
        )


def _waves(log: Log) -> list[WaveFigures]:
    waves = list(_numbered(log, "wave"))
    asked = Counter(own[0].decision.task for own in waves)
    rows = [one for own in waves for one in own]
    alike = grouped((one.decision.task, one.number, one.decision.services) for one in rows)
    figures = [
        WaveFigures(
            task=task,
            number=number,
            services=services,
            reached=len(places),
            of=asked[task],
            reasons=_reasons(rows[place].decision.reason for place in places),
        )
        for (task, number, services), places in alike.items()
    ]
    return sorted(figures, key=lambda one: (one.task, one.number, -one.reached, one.services))


def _routes(log: Log) -> CappedCounts[RouteFigures]:
    rows = _of_actions(log, ("route",))
    asked = Counter(one.task for one in rows)
    figures = [
        RouteFigures(
            task=task,
            services=services,
            answer=answer,
            reason=_reasons(rows[place].reason for place in places).shown[0].name,
            questions=len(places),
            of=asked[task],
        )
        for (task, services, answer), places in grouped(
            (one.task, one.services, one.answer) for one in rows
        ).items()
    ]
    figures.sort(
        key=lambda one: (
            *(one.task, -one.questions, one.answer or "", one.services),
            one.answer is None,
        )
    )
    return CappedCounts(tuple(figures[:_ROUTES]), len(figures))


def _turns(
    log: Log, stands: Mapping[tuple[str, str], str | None], asked: Mapping[str, int]
) -> list[TurnFigures]:
    rows = [one for own in log for one in _led(own) if one.action in ("judge", "escalate")]
    alike = grouped((one.task, one.action, one.services) for one in rows)
    figures = []
    for (task, action, services), places in alike.items():
        own = [rows[place] for place in places]
        known = [
            (one.answer, answer)
            for one in own
            if one.answer is not None and (answer := stands.get((one.item, one.task))) is not None
        ]
        figures.append(
            TurnFigures(
                task=task,
                action=action,
                services=services,
                questions=len(own),
                of=asked.get(task, len(own)),
                certainty=_mean(one.certainty for one in own),
                known=len(known),
                changed=sum(before != after for before, after in known),
                reasons=_reasons(one.reason for one in own),
            )
        )
    return sorted(figures, key=lambda one: (one.task, one.action, -one.questions, one.services))


def _led(own: Sequence[_Decision]) -> Iterator[_Decision]:
    """The decisions about a question, each with the answer that led before it and how sure that
    was; its own where none led before.

    A judge's own decision names its verdict: what led before is in the decisions before it.
    """
    answer: str | None = None
    certainty: float | None = None
    for one in own:
        yield one if answer is None else one._replace(answer=answer, certainty=certainty)
        answer = one.answer if one.answer is not None else answer
        certainty = one.certainty if one.certainty is not None else certainty


def _reasons(reasons: Iterable[str]) -> CappedCounts[Count]:
    """Reasons by frequency; those that differ in their numbers only are one."""
    return capped_counts(value_counts(_NUMBERS.sub("…", one) for one in reasons), _REASONS)


def _mean(given: Iterable[float | None]) -> float | None:
    """Of those that are known; None where none is."""
    # summed as arrays are: by halves
    known = np.array([one for one in given if one is not None], dtype=float)
    return float(known.mean()) if known.size else None
