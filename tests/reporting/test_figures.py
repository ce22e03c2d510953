"""Figures are what the tables say, counted here in another way."""

from collections import Counter, defaultdict
from itertools import combinations
from math import fsum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.reporting.counts import BINS, grouped, histogram, sums_of
from orchestration_assets.reporting.figures import BatchFigures, batch_figures, report_row
from orchestration_assets.reporting.leading_disputes import READ_FIRST
from orchestration_assets.schemas.enums import AnswerKind
from tests.reporting.batches import BATCH, POLICY, SOURCE, synthetic_batch

Tables = dict[str, pa.Table]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return synthetic_batch(600)


@pytest.fixture(scope="module")
def figures(tables: Tables) -> BatchFigures:
    return batch_figures(tables)


@pytest.fixture(scope="module")
def rows(tables: Tables) -> dict[str, list[dict[str, Any]]]:
    return {name: table.to_pylist() for name, table in tables.items()}


@pytest.fixture(scope="module")
def disputes(rows) -> list[dict[str, Any]]:
    """The differences that have a consequence; there are others."""
    found = [one for one in rows["disagreements"] if one["consequence"] != "none"]
    assert 0 < len(found) < len(rows["disagreements"])
    return found


@pytest.fixture(scope="module")
def disputed(disputes) -> set[tuple[str, str]]:
    return {(one["item_id"], one["task"]) for one in disputes}


def test_report_row_is_what_the_tables_say(tables, rows, disputes, disputed):
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
    assert row.disputed == len(disputed)
    assert row.disputed_pairs == len(disputes)
    assert row.without_consequence == len(rows["disagreements"]) - len(disputes)


def test_agreement_counts_items_that_both_answered(figures, rows, disputes):
    family = {one["item_id"]: one["family"] for one in rows["content_profiles"]}
    answered: dict[tuple[str, str], set[str]] = defaultdict(set)
    for reading in rows["interpretations"]:
        if reading["status"] == "ok" and reading["final"]:
            answered[reading["task"], reading["item_id"]].add(reading["service"])
    compared: Counter[tuple[str, ...]] = Counter()
    for (task, item), services in answered.items():
        for a, b in combinations(sorted(services), 2):
            compared.update([(task, a, b), (task, a, b, family[item])])
    distances: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for one in disputes:
        pair = one["task"], one["service_a"], one["service_b"]
        for key in (pair, (*pair, family[one["item_id"]])):
            distances[key].append(one["distance"])
    for task in figures.tasks:
        for pair in task.agreement:
            key = (task.task, pair.a, pair.b)
            assert (pair.overall.compared, pair.overall.disagreed) == (
                compared[key],
                len(distances[key]),
            )
            if distances[key]:
                assert pair.overall.mean_distance == pytest.approx(np.mean(distances[key]))
            assert task.between(pair.b, pair.a) is pair.overall
            for name, one in pair.by_family.items():
                assert (one.compared, one.disagreed) == (
                    compared[*key, name],
                    len(distances[*key, name]),
                )
            assert sum(one.compared for one in pair.by_family.values()) == compared[key]


def test_services_and_answers_per_task(figures, rows, disputes):
    for task in figures.tasks:
        readings = [
            one for one in rows["interpretations"] if one["task"] == task.task and one["final"]
        ]
        resolved = [one for one in rows["resolutions"] if one["task"] == task.task]
        for service in task.services:
            own = Counter(r["status"] for r in readings if r["service"] == service.service)
            assert {one.name: one.count for one in service.statuses} == own
            assert service.asked == own.total()
            assert service.disputed == len(
                {
                    one["item_id"]
                    for one in disputes
                    if one["task"] == task.task
                    and service.service in (one["service_a"], one["service_b"])
                }
            )
        standing = Counter(one["answer"] for one in resolved if one["status"] == "resolved")
        risks = [one["error_risk"] for one in resolved if one["error_risk"] is not None]
        if task.kind is AnswerKind.LABEL:
            assert {a.name: a.standing for a in task.answers.answers.shown} == standing
            assert task.error_risk is not None
            assert task.error_risk.values == standing.total() == len(risks)
            assert sum(task.error_risk.marked) <= task.disputed
        else:
            assert task.error_risk is None


def test_rounds_that_a_later_one_took_over_take_no_part(figures, rows):
    assert any(not one["final"] for one in rows["interpretations"])
    for task in figures.tasks:
        items = {one["item_id"] for one in rows["resolutions"] if one["task"] == task.task}
        assert all(service.asked <= len(items) for service in task.services)


def test_conflicts_recur_as_counted(figures, rows, disputes):
    for task in figures.tasks:
        if task.kind is not AnswerKind.LABEL:
            continue
        stands = {
            one["item_id"]: one["answer"] for one in rows["resolutions"] if one["task"] == task.task
        }
        seen: Counter[tuple[str, ...]] = Counter()
        for one in disputes:
            if one["task"] == task.task:
                sides = tuple(one[k] for k in ("service_a", "answer_a", "service_b", "answer_b"))
                seen[sides] += 1
                seen[*sides, "a"] += one["answer_a"] == stands[one["item_id"]]
        for conflict in task.answers.conflicts.shown:
            key = (conflict.service_a, conflict.answer_a, conflict.service_b, conflict.answer_b)
            assert (conflict.items, conflict.stands_a) == (seen[key], seen[*key, "a"])
        counts = [conflict.items for conflict in task.answers.conflicts.shown]
        assert counts == sorted(counts, reverse=True)


def test_choices_put_the_forecast_beside_what_happened(figures, rows):
    asked = Counter((one["item_id"], one["task"]) for one in rows["interpretations"])
    called = Counter(
        (one["item_id"], one["task"]) for one in rows["call_log"] if one["origin"] == "called"
    )
    for choice in figures.choices:
        plans = [
            one
            for one in rows["processing_plans"]
            if (one["task"], one["option"], one["model"])
            == (choice.task, choice.option, choice.model)
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


def test_ten_disputes_lead_with_every_reading(figures, rows, disputes, disputed):
    assert figures.leading.cards == READ_FIRST
    shown = [card for one in figures.leading.first for card in one.cards]
    assert len({(card.item_id, card.task) for card in shown}) == READ_FIRST
    assert len({card.task for card in shown}) >= 4, "varied over tasks"
    for one in figures.leading.first:
        questions = {pair.question for pair in one.cause.pairs}
        assert len(questions) == len(one.cause.pairs) == len(one.cards) + one.others.total
        assert questions <= disputed
        for card in one.cards:
            assert (card.item_id, card.task) in questions
            readings = [
                reading
                for reading in rows["interpretations"]
                if (reading["item_id"], reading["task"]) == (card.item_id, card.task)
                and reading["final"]
            ]
            said = {(name, group.answer) for group in card.readings for name in group.services}
            assert said == {(one["service"], one["answer"]) for one in readings}
            assert card.read == len(readings) == sum(len(g.services) for g in card.readings)
            own = [
                row
                for row in disputes
                if (row["item_id"], row["task"]) == (card.item_id, card.task)
            ]
            assert (card.severity, card.sentence) in {(r["severity"], r["sentence"]) for r in own}
            steps = [
                d
                for d in rows["decision_log"]
                if (d["item_id"], d["task"]) == (card.item_id, card.task)
            ]
            assert [step.action for step in card.steps] == [
                step["action"] for step in sorted(steps, key=lambda d: d["decision"])
            ]


def test_equal_readings_are_one_group_unless_they_are_vectors(figures):
    for one in figures.leading.first:
        for card in one.cards:
            answered = [group for group in card.readings if group.answer is not None]
            if card.kind is not AnswerKind.VECTOR:
                keys = [(group.answer, group.stands, group.dissents) for group in answered]
                assert len(set(keys)) == len(keys)
            else:
                assert all(len(group.services) == 1 for group in answered)


def test_every_disputed_question_has_its_cause(figures, disputed):
    covered = [
        pair.question
        for cause in (
            *(one.cause for one in figures.leading.first),
            *figures.leading.rest.shown,
        )
        for pair in cause.pairs
    ]
    assert set(covered) <= disputed
    if not figures.leading.rest.hidden:
        assert set(covered) == disputed


def test_what_no_other_answer_says_is_marked(figures):
    for one in figures.leading.first:
        for card in one.cards:
            if card.kind != AnswerKind.SET:
                continue
            for group in card.readings:
                others = {
                    piece.text
                    for other in card.readings
                    if other is not group
                    for piece in other.pieces
                }
                assert all(piece.unique for piece in group.pieces if piece.text not in others)


def test_without_disputes_nothing_is_called_one(tables):
    rows = [
        {**row, "consequence": "none", "severity": 0.0}
        for row in tables["disagreements"].to_pylist()
    ]
    table = pa.Table.from_pylist(rows, schema=tables["disagreements"].schema)
    quiet = {**tables, "disagreements": table}
    row, figures = report_row(BATCH, SOURCE, POLICY, quiet), batch_figures(quiet)
    assert (row.disputed, row.disputed_pairs, row.without_consequence) == (0, 0, len(rows))
    assert figures.leading.first == ()
    assert all(pair.overall.disagreed == 0 for task in figures.tasks for pair in task.agreement)
    assert all(task.disputed == task.disputed_pairs == 0 for task in figures.tasks)
    assert not any(region.disputed for region in figures.regions)
    assert all(family.disputed == 0 for family in figures.content.families)


def of_kind(figures: BatchFigures, kind: AnswerKind) -> Any:
    return next(task for task in figures.tasks if task.kind is kind)


def final_answers(rows: dict[str, list[dict[str, Any]]], task: str, column: str) -> Any:
    """(item, service) -> the answer that takes part."""
    return {
        (one["item_id"], one["service"]): one[column]
        for one in rows["interpretations"]
        if one["task"] == task and one["final"] and one["status"] == "ok"
    }


def test_overlap_of_lists_is_over_items_that_both_answered(figures, rows, disputes):
    task = of_kind(figures, AnswerKind.SET)
    lists = final_answers(rows, task.task, "answer_set")
    for one in task.answers.overlaps:
        items = {item for item, _ in lists}
        both = [
            (set(lists[item, one.a]), set(lists[item, one.b]))
            for item in items
            if (item, one.a) in lists and (item, one.b) in lists
        ]
        assert one.compared == len(both)
        assert one.overlap == pytest.approx(np.mean([len(a & b) / len(a | b) for a, b in both]))
        assert one.equal == sum(a == b for a, b in both)
        alone = Counter(
            name
            for row in disputes
            if (row["task"], row["service_a"], row["service_b"]) == (task.task, one.a, one.b)
            for name in row["only_a"]
        )
        assert all(alone[name.name] == name.count for name in one.only_a.shown)
    named = Counter((service, name) for (_, service), names in lists.items() for name in set(names))
    for member in task.answers.members.shown:
        assert member.by_service == tuple(
            named[service, member.name] for service in task.answers.services
        )


def test_scores_are_compared_where_both_scored(figures, rows, disputes):
    task = of_kind(figures, AnswerKind.SCORE)
    scores = final_answers(rows, task.task, "answer_score")
    disagreed = Counter(
        (one["service_a"], one["service_b"]) for one in disputes if one["task"] == task.task
    )
    for pair in task.answers.pairs:
        gaps = [
            scores[item, pair.b] - scores[item, pair.a]
            for item in {item for item, _ in scores}
            if (item, pair.a) in scores and (item, pair.b) in scores
        ]
        assert pair.compared == pair.gaps.values == len(gaps)
        assert pair.gap == pytest.approx(np.mean(gaps))
        assert pair.higher == sum(gap > 0 for gap in gaps)
        assert sum(pair.gaps.marked) == disagreed[pair.a, pair.b]
    for family in task.answers.families:
        items = {p["item_id"] for p in rows["content_profiles"] if p["family"] == family.family}
        for service, mean in zip(task.answers.services, family.means, strict=True):
            own = [v for (item, name), v in scores.items() if name == service and item in items]
            assert mean is None if not own else mean == pytest.approx(np.mean(own))


def test_pairs_of_texts_run_from_near_to_far(figures, disputes):
    pairs = of_kind(figures, AnswerKind.TEXT).answers.pairs
    distances = [one["distance"] for one in disputes if one["task"] == "title"]
    shown = [pair.distance for pair in pairs.shown]
    assert pairs.total == len(distances)
    assert shown == sorted(shown)
    assert (shown[0], shown[-1]) == (min(distances), max(distances))


def test_vectors_show_their_length_and_their_overlap(figures, disputes):
    task = of_kind(figures, AnswerKind.VECTOR)
    assert {one.service: one.dimensions for one in task.answers.services} == {
        "hashed_words": (24,),
        "topic_space": (16,),
    }
    distances = [one["distance"] for one in disputes if one["task"] == task.task]
    assert task.answers.overlaps.values == len(distances) > 0
    assert task.answers.overlaps.median == pytest.approx(1 - np.median(distances))


def test_camps_are_the_splits_of_disputed_questions(figures, rows, disputed):
    for task in figures.tasks:
        splits = Counter(
            (tuple(sorted(one["supporters"])), tuple(sorted(one["dissenters"])))
            for one in rows["resolutions"]
            if one["task"] == task.task and (one["item_id"], one["task"]) in disputed
        )
        assert task.splits.total == len(splits)
        for split in task.splits.shown:
            assert split.questions == splits[split.supporters, split.dissenters]
            assert sum(split.by_family) == split.questions
            assert split.of == splits.total()


def test_rounds_say_who_went_on_and_why_the_others_stopped(figures, rows):
    rounds = figures.steps.rounds
    reached = Counter(
        Counter(
            (one["item_id"], one["task"])
            for one in rows["decision_log"]
            if one["action"] == "round"
        ).values()
    )
    assert len(rounds) == max(reached) > 1
    for one in rounds:
        assert one.reached == sum(n for length, n in reached.items() if length >= one.number)
        assert one.stopped == reached[one.number]
        assert sum(reason.count for reason in one.reasons.shown) == one.stopped
    assert rounds[0].gain is None
    settled = [reason.name for one in rounds for reason in one.reasons.shown]
    assert "settled: the round moved the answer by …" in settled


def test_turns_count_what_they_changed(figures, rows):
    stands = {(one["item_id"], one["task"]): one["answer"] for one in rows["resolutions"]}
    logs: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows["decision_log"], key=lambda row: row["decision"]):
        logs[row["item_id"], row["task"]].append(row)
    turns = figures.steps.turns
    assert {one.action for one in turns} == {"judge", "escalate"}
    for one in turns:
        known = changed = questions = 0
        for key, log in logs.items():
            places = [n for n, row in enumerate(log) if row["action"] == one.action]
            if key[1] != one.task or not places:
                continue
            questions += 1
            before = [row["answer"] for row in log[: places[0]] if row["answer"]]
            led = before[-1] if before else log[places[0]]["answer"]
            known += bool(led and stands[key])
            changed += bool(led and stands[key] and led != stands[key])
        assert (one.questions, one.known, one.changed) == (questions, known, changed)
        assert 0 < one.changed < one.known


def test_waves_and_routes_are_those_of_the_decision_log(figures, rows):
    steps = figures.steps
    taken = Counter(
        (one["task"], tuple(one["services"]))
        for one in rows["decision_log"]
        if one["action"] == "wave"
    )
    assert {(one.task, one.services): one.reached for one in steps.waves} == taken
    routed = Counter(one["answer"] for one in rows["decision_log"] if one["action"] == "route")
    assert {one.answer: one.questions for one in steps.routes.shown} == routed


def test_all_four_models_with_their_clocks(figures, rows):
    models = figures.models
    chosen = Counter(one["model"] for one in rows["processing_plans"])
    assert {one.model: one.questions for one in models} == chosen
    assert len(models) == 4
    assert sum(one.readings for one in models) == len(rows["interpretations"])
    for one in models:
        questions = {
            (plan["item_id"], plan["task"])
            for plan in rows["processing_plans"]
            if plan["model"] == one.model
        }
        calls = [
            call
            for call in rows["call_log"]
            if (call["item_id"], call["task"]) in questions and call["origin"] == "called"
        ]
        assert one.called == len(calls)
        assert one.work_ms == pytest.approx(sum(call["elapsed_ms"] for call in calls))
        start = min(call["started_at"] for call in calls)
        longest = max(
            (call["started_at"] - start).total_seconds() * 1000 + call["elapsed_ms"]
            for call in calls
        )
        assert one.wall_ms == pytest.approx(longest, abs=0.01)


def test_forecasts_add_up_over_the_choices_of_a_task(figures, rows):
    asked = Counter(one["task"] for one in rows["interpretations"])
    assert {one.task: one.asked for one in figures.forecasts} == asked
    for one in figures.forecasts:
        plans = [plan for plan in rows["processing_plans"] if plan["task"] == one.task]
        assert one.questions == len(plans)
        assert one.cost_usd_max == pytest.approx(sum(plan["cost_usd_max"] for plan in plans))


def test_spending_leaves_the_cache_out_of_the_clocks(figures, rows):
    for one in figures.spending:
        own = [call for call in rows["call_log"] if call["service"] == one.service]
        clocks = [call["elapsed_ms"] for call in own if call["origin"] == "called"]
        assert (one.called, one.cached) == (len(clocks), len(own) - len(clocks))
        assert one.retries == sum(call["attempt"] > 1 for call in own)
        assert one.p95_ms == pytest.approx(np.percentile(clocks, 95))
        assert one.total_ms == pytest.approx(sum(clocks))
        assert one.cost_usd == pytest.approx(sum(call["cost_usd"] for call in own))


def test_tokens_and_money_without_an_answer_are_of_calls_only(tables):
    calls = tables["call_log"].to_pylist()
    log = [
        {**call, "tokens_in": 100 + n, "tokens_out": n % 7, "cost_usd": 0.5 + n % 3}
        | ({"status": "timeout", "left_out": "3 neighbours"} if n % 4 == 0 else {})
        for n, call in enumerate(calls)
    ]
    table = pa.Table.from_pylist(log, schema=tables["call_log"].schema)
    for one in batch_figures({**tables, "call_log": table}).spending:
        own = [c for c in log if c["service"] == one.service and c["origin"] == "called"]
        assert one.tokens_in == sum(call["tokens_in"] for call in own)
        assert one.tokens_out == sum(call["tokens_out"] for call in own)
        assert one.shortened == sum(call["left_out"] is not None for call in own)
        wasted = [c["cost_usd"] for c in own if c["status"] not in ("ok", "abstained")]
        assert one.wasted_usd == pytest.approx(sum(wasted))


def test_empty_tables_give_empty_figures():
    figures = batch_figures(synthetic_batch(0))
    assert figures.tasks == figures.choices == figures.spending == figures.stages == ()
    assert figures.leading.first == figures.models == figures.forecasts == ()
    assert figures.steps.rounds == figures.steps.waves == figures.steps.turns == ()
    assert figures.outcomes == ()


def test_order_of_rows_does_not_matter(tables, figures):
    turned = {name: table.take(list(range(table.num_rows))[::-1]) for name, table in tables.items()}
    ours, theirs = figures, batch_figures(turned)
    assert ours.leading == theirs.leading
    assert ours.steps == theirs.steps
    assert [task.splits for task in ours.tasks] == [task.splits for task in theirs.tasks]
    for one, other in zip(ours.tasks, theirs.tasks, strict=True):
        assert [(pair.a, pair.b, pair.overall.disagreed) for pair in one.agreement] == [
            (pair.a, pair.b, pair.overall.disagreed) for pair in other.agreement
        ]
        if one.kind in (AnswerKind.LABEL, AnswerKind.TEXT):
            assert one.answers == other.answers


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


def test_a_service_is_not_compared_with_those_that_it_was_shown(tables) -> None:
    readings = tables["interpretations"]
    judged = pc.equal(readings["service"], "referee")
    shown = [["rake", "tfidf_terms"] if one else [] for one in judged.to_pylist()]
    place = readings.schema.get_field_index("saw")
    column = pa.array(shown, readings.schema.field("saw").type)
    seen = tables | {"interpretations": readings.set_column(place, "saw", column)}
    (topics,) = (task for task in batch_figures(seen).tasks if task.task == "topics")
    assert topics.between("referee", "rake").compared == 0
    assert topics.between("referee", "tfidf_terms").compared == 0
    assert topics.between("rake", "tfidf_terms").compared > 0


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1e6)), max_size=40), st.booleans())
def test_groups_are_summed_wherever_their_rows_lie(rows, in_order):
    if in_order:
        rows.sort(key=lambda row: row[0])
    groups = dict(sorted(grouped(key for key, _ in rows).items()))
    assert sorted(place for places in groups.values() for place in places) == [*range(len(rows))]
    found = sums_of(groups.values(), np.array([amount for _, amount in rows]))
    exact = [fsum(amount for key, amount in rows if key == one) for one in groups]
    assert found.tolist() == pytest.approx(exact, rel=1e-12)
