"""The steps really taken: rounds, waves, routes, judges and escalations, and what they changed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import (
    CappedCounts,
    Count,
    capped_counts,
    column_counts,
    frame,
    groups,
    value_counts,
)
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.selection.answer_conditions import Admission

_QUESTION = ["item_id", "task"]
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


def step_figures(decisions: pa.Table, resolutions: pa.Table) -> StepFigures:
    """The figures of a batch's decision log."""
    # of items that were only asked about, as most are, there is nothing to tell
    told = decisions.filter(pc.is_in(decisions["action"], pa.array(_TOLD, pa.string())))
    items = pc.unique(told["item_id"])
    asked = column_counts(resolutions["task"])
    decisions, resolutions = (
        table.filter(pc.is_in(table["item_id"], items)) for table in (decisions, resolutions)
    )
    log = frame(
        decisions,
        *(*_QUESTION, "decision", "action", "reason", "answer", "certainty", "coverage", "gain"),
    )
    log["services"] = [tuple(names) for names in decisions.column("services").to_pylist()]
    log = log.sort_values([*_QUESTION, "decision"], kind="stable")
    answers = frame(resolutions, *_QUESTION, "kind", "answer").rename(columns={"answer": "stands"})
    return StepFigures(
        admissions=tuple(_admissions(log)),
        rounds=tuple(_rounds(log)),
        waves=tuple(_waves(log)),
        routes=_routes(log),
        turns=tuple(_turns(log, answers, asked)),
    )


def _numbered(log: pd.DataFrame, action: str) -> pd.DataFrame:
    """The decisions of one action, numbered from 1 within their question."""
    rows = log[log["action"] == action]
    return rows.assign(number=rows.groupby(_QUESTION).cumcount() + 1)


def _admissions(log: pd.DataFrame) -> list[AdmissionFigures]:
    rows = log[log["action"].isin(_BUILT_ON)]
    asked = rows.groupby("task").size()
    return [
        AdmissionFigures(
            task=str(task),
            action=str(action),
            questions=len(group),
            of=int(asked[task]),
            reasons=_reasons(group["reason"]),
        )
        for (task, action), group in groups(rows, ["task", "action"])
    ]


def _rounds(log: pd.DataFrame) -> list[RoundFigures]:
    rows = _numbered(log, "round")
    last = rows.drop_duplicates(_QUESTION, keep="last")
    stops = log.loc[log["action"] == "stop", [*_QUESTION, "decision", "reason"]]
    ends = last[[*_QUESTION, "number", "decision"]].merge(
        stops, on=_QUESTION, suffixes=("_round", "")
    )
    # what comes after the rounds, such as an escalation, ends with a stop of its own
    ends = ends[ends["decision"] > ends["decision_round"]].drop_duplicates(_QUESTION)
    ended = dict(iter(ends.groupby(["task", "number"])["reason"]))
    stopped = last.groupby(["task", "number"]).size()
    asked = last.groupby("task").size()
    return [
        RoundFigures(
            task=str(task),
            number=int(number),
            reached=len(group),
            of=int(asked[task]),
            coverage=_mean(group["coverage"]),
            gain=_mean(group["gain"]),
            certainty=_mean(group["certainty"]),
            stopped=int(stopped.get((task, number), 0)),
            reasons=_reasons(ended.get((task, number), ())),
        )
        for (task, number), group in groups(rows, ["task", "number"])
    ]


def _waves(log: pd.DataFrame) -> list[WaveFigures]:
    rows = _numbered(log, "wave")
    asked = rows.drop_duplicates(_QUESTION).groupby("task").size()
    figures = [
        WaveFigures(
            task=str(task),
            number=int(number),
            services=services,
            reached=len(group),
            of=int(asked[task]),
            reasons=_reasons(group["reason"]),
        )
        for (task, number, services), group in groups(rows, ["task", "number", "services"])
    ]
    return sorted(figures, key=lambda one: (one.task, one.number, -one.reached, one.services))


def _routes(log: pd.DataFrame) -> CappedCounts[RouteFigures]:
    rows = log[log["action"] == "route"]
    asked = rows.groupby("task").size()
    figures = [
        RouteFigures(
            task=str(task),
            services=services,
            answer=None if pd.isna(answer) else str(answer),
            reason=_reasons(group["reason"]).shown[0].name,
            questions=len(group),
            of=int(asked[task]),
        )
        for (task, services, answer), group in groups(rows, ["task", "services", "answer"])
    ]
    figures.sort(key=lambda one: (one.task, -one.questions, one.answer or "", one.services))
    return CappedCounts(tuple(figures[:_ROUTES]), len(figures))


def _turns(log: pd.DataFrame, answers: pd.DataFrame, asked: dict[str, int]) -> list[TurnFigures]:
    # a judge's own decision names its verdict: what led before is in the decisions before it
    earlier = log.groupby(_QUESTION)[["answer", "certainty"]].shift()
    led = earlier.groupby([log[name] for name in _QUESTION]).ffill()
    before = log.assign(
        answer=led["answer"].fillna(log["answer"]),
        certainty=led["certainty"].where(led["answer"].notna(), log["certainty"]),
    )
    rows = before[before["action"].isin(("judge", "escalate"))]
    rows = rows.merge(answers, on=_QUESTION, how="left")
    rows["known"] = rows["answer"].notna() & rows["stands"].notna() & (rows["kind"] != _UNREADABLE)
    rows["changed"] = rows["known"] & (rows["answer"] != rows["stands"])
    figures = [
        TurnFigures(
            task=str(task),
            action=str(action),
            services=services,
            questions=len(group),
            of=asked.get(str(task), len(group)),
            certainty=_mean(group["certainty"]),
            known=int(group["known"].sum()),
            changed=int(group["changed"].sum()),
            reasons=_reasons(group["reason"]),
        )
        for (task, action, services), group in groups(rows, ["task", "action", "services"])
    ]
    return sorted(figures, key=lambda one: (one.task, one.action, -one.questions, one.services))


def _reasons(reasons: "Sequence[str] | pd.Series[Any]") -> CappedCounts[Count]:
    """Reasons by frequency; those that differ in their numbers only are one."""
    alike = pd.Series(list(reasons), dtype="str").str.replace(_NUMBERS, "…", regex=True)
    return capped_counts(value_counts(alike), _REASONS)


def _mean(values: "pd.Series[Any]") -> float | None:
    mean = values.mean()
    return None if pd.isna(mean) else float(mean)
