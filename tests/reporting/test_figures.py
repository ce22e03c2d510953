"""Figures are what the tables say, counted here in another way."""

from collections import Counter, defaultdict
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from orchestration_assets.reporting.counting import BINS, histogram
from orchestration_assets.reporting.figures import batch_figures, report_row
from orchestration_assets.reporting.strongest import OF_ONE_KIND, SHOWN
from tests.reporting.batches import BATCH, POLICY, SOURCE, synthetic_batch

Tables = dict[str, pa.Table]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return synthetic_batch(600)


@pytest.fixture(scope="module")
def rows(tables: Tables) -> dict[str, list[dict[str, Any]]]:
    return {name: table.to_pylist() for name, table in tables.items()}


def test_report_row_is_what_the_tables_say(tables, rows):
    row = report_row(BATCH, SOURCE, POLICY, tables)
    outcomes = Counter(entry["outcome"] for entry in rows["content_manifest"])
    origins = Counter(call["origin"] for call in rows["call_log"])
    states = Counter(one["status"] for one in rows["resolutions"])
    unprofiled = sum(one["status"] != "ok" for one in rows["content_profiles"])
    assert unprofiled > 0
    assert (row.batch, row.source, row.policy_hash) == (BATCH, SOURCE, POLICY)
    assert row.listed == 600 == row.accepted + row.rejected + row.other
    assert (row.accepted, row.rejected) == (outcomes["accepted"], outcomes["rejected"])
    assert (row.calls, row.cached) == (origins["called"], origins["cache"])
    assert row.cost_usd == pytest.approx(sum(call["cost_usd"] for call in rows["call_log"]))
    assert (row.resolved, row.abstained) == (states["resolved"], states["abstained"])
    assert row.failed == states["failed"] + unprofiled
    assert (
        row.plans
        == len(rows["processing_plans"])
        == row.resolved + row.abstained + (states["failed"])
    )
    assert row.readings == len(rows["interpretations"])
    assert row.disagreements == len(rows["disagreements"])
    assert row.disputed == sum(
        one["status"] == "resolved" and bool(one["dissenters"]) for one in rows["resolutions"]
    )


def test_agreement_counts_items_that_both_answered(tables, rows):
    family = {one["item_id"]: one["family"] for one in rows["content_profiles"]}
    answers: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for reading in rows["interpretations"]:
        if reading["status"] == "ok":
            answers[reading["task"], reading["item_id"]][reading["service"]] = reading["answer"]
    compared: Counter[tuple[str, ...]] = Counter()
    agreed: Counter[tuple[str, ...]] = Counter()
    for (task, item), given in answers.items():
        for a, b in combinations(sorted(given), 2):
            for key in ((task, a, b), (task, a, b, family[item])):
                compared[key] += 1
                agreed[key] += given[a] == given[b]
    for task in batch_figures(tables).tasks:
        for pair in task.agreement:
            key = (task.task, pair.a, pair.b)
            assert (pair.overall.compared, pair.overall.agreed) == (compared[key], agreed[key])
            assert task.between(pair.b, pair.a) is pair.overall
            for name, one in pair.by_family.items():
                assert (one.compared, one.agreed) == (compared[*key, name], agreed[*key, name])
            assert sum(one.compared for one in pair.by_family.values()) == compared[key]


def test_services_and_answers_per_task(tables, rows):
    for task in batch_figures(tables).tasks:
        readings = [one for one in rows["interpretations"] if one["task"] == task.task]
        resolved = [one for one in rows["resolutions"] if one["task"] == task.task]
        for service in task.services:
            own = Counter(r["status"] for r in readings if r["service"] == service.service)
            assert {one.name: one.count for one in service.statuses} == own
            assert service.asked == own.total()
            assert service.supports == sum(service.service in r["supporters"] for r in resolved)
            assert service.dissents == sum(service.service in r["dissenters"] for r in resolved)
        standing = Counter(one["answer"] for one in resolved if one["status"] == "resolved")
        assert {a.answer: a.standing for a in task.answers.answers.shown} == standing
        assert task.error_risk is not None
        assert task.error_risk.values == standing.total()
        assert sum(task.error_risk.marked) == task.disputed


def test_conflicts_recur_as_counted(tables, rows):
    for task in batch_figures(tables).tasks:
        stands = {
            one["item_id"]: one["answer"] for one in rows["resolutions"] if one["task"] == task.task
        }
        seen: Counter[tuple[str, ...]] = Counter()
        for one in rows["disagreements"]:
            if one["task"] == task.task:
                sides = tuple(one[k] for k in ("service_a", "answer_a", "service_b", "answer_b"))
                seen[sides] += 1
                seen[*sides, "a"] += one["answer_a"] == stands[one["item_id"]]
        for conflict in task.answers.conflicts.shown:
            key = (conflict.service_a, conflict.answer_a, conflict.service_b, conflict.answer_b)
            assert (conflict.items, conflict.stands_a) == (seen[key], seen[*key, "a"])
        counts = [conflict.items for conflict in task.answers.conflicts.shown]
        assert counts == sorted(counts, reverse=True)


def test_choices_put_the_forecast_beside_what_happened(tables, rows):
    figures = batch_figures(tables)
    asked = Counter((one["item_id"], one["task"]) for one in rows["interpretations"])
    called = Counter(
        (one["item_id"], one["task"]) for one in rows["call_log"] if one["origin"] == "called"
    )
    for choice in figures.choices:
        plans = [
            one
            for one in rows["processing_plans"]
            if (one["task"], one["rule"], one["model"]) == (choice.task, choice.rule, choice.model)
        ]
        keys = [(one["item_id"], one["task"]) for one in plans]
        assert choice.pairs == len(plans)
        assert choice.calls_min == sum(one["calls_min"] for one in plans)
        assert choice.calls_max == sum(one["calls_max"] for one in plans)
        assert choice.asked == sum(asked[key] for key in keys)
        assert choice.called == sum(called[key] for key in keys)
        early = sum(asked[key] < len(one["services"]) for key, one in zip(keys, plans, strict=True))
        assert choice.stopped_early == (early if choice.model == "sequential" else 0)
    assert sum(choice.pairs for choice in figures.choices) == len(rows["processing_plans"])


def test_strongest_are_most_severe_with_every_reading(tables, rows):
    shown = batch_figures(tables).strongest
    severity: dict[tuple[str, str], float] = defaultdict(float)
    for one in rows["disagreements"]:
        key = one["item_id"], one["task"]
        severity[key] = max(severity[key], one["severity"])
    assert shown.total == len(severity)
    assert len(shown.shown) == SHOWN
    assert [one.severity for one in shown.shown] == sorted(
        (one.severity for one in shown.shown), reverse=True
    )
    assert shown.shown[0].severity == max(severity.values())
    kinds = Counter(
        (one.task, *((r.service, r.answer) for r in one.readings)) for one in shown.shown
    )
    assert max(kinds.values()) <= OF_ONE_KIND
    for one in shown.shown:
        assert one.severity == severity[one.item_id, one.task]
        readings = [
            reading
            for reading in rows["interpretations"]
            if (reading["item_id"], reading["task"]) == (one.item_id, one.task)
        ]
        assert [(r.service, r.answer) for r in one.readings] == [
            (r["service"], r["answer"]) for r in sorted(readings, key=lambda r: r["step"])
        ]
        for reading in one.readings:
            assert reading.stands == (reading.answer is not None and reading.answer == one.answer)


def test_spending_leaves_the_cache_out_of_the_clocks(tables, rows):
    for one in batch_figures(tables).spending:
        own = [call for call in rows["call_log"] if call["service"] == one.service]
        clocks = [call["elapsed_ms"] for call in own if call["origin"] == "called"]
        assert (one.called, one.cached) == (len(clocks), len(own) - len(clocks))
        assert one.p95_ms == pytest.approx(np.percentile(clocks, 95))
        assert one.total_ms == pytest.approx(sum(clocks))
        assert one.cost_usd == pytest.approx(sum(call["cost_usd"] for call in own))


def test_empty_tables_give_empty_figures():
    figures = batch_figures(synthetic_batch(0))
    assert figures.tasks == figures.choices == figures.spending == figures.stages == ()
    assert figures.strongest.total == 0
    assert figures.outcomes == ()


def test_order_of_rows_does_not_matter(tables):
    turned = {name: table.take(list(range(table.num_rows))[::-1]) for name, table in tables.items()}
    ours, theirs = batch_figures(tables), batch_figures(turned)
    assert ours.strongest == theirs.strongest
    assert [task.agreement for task in ours.tasks] == [task.agreement for task in theirs.tasks]
    assert [task.answers for task in ours.tasks] == [task.answers for task in theirs.tasks]


@pytest.mark.parametrize(
    "values", [[0.0], [1.0, 1.0], [0.0, 1e9], [1, 2, 3, 1e6], [-5.0, 5.0], [0.1, None, 0.3]]
)
def test_histogram_counts_every_value(values):
    drawn = histogram("x", values)
    assert drawn is not None
    assert len(drawn.counts) == BINS
    assert drawn.values + drawn.missing == len(values)
    assert list(drawn.edges) == sorted(drawn.edges)


def test_histogram_of_nothing_is_none():
    assert histogram("x", []) is None
    assert histogram("x", [None, float("nan")]) is None
