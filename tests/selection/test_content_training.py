"""Training that reads content: it finds what decides, learns from nothing that it is tried on, and
what it expects reaches the plans."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from orchestration_assets.evidence.recorded_answers import MISSING, RecordedAnswers
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import PROCESSING_PLANS, ItemProfile, PlanRow
from orchestration_assets.selection.active_selector import ActiveSelector, ChosenPoint, LearnedItems
from orchestration_assets.selection.content_drift import content_drifts
from orchestration_assets.selection.expectations import (
    UNFAMILIAR_BELOW,
    BatchInputs,
    expected_usd_by,
)
from orchestration_assets.selection.expected_price import ExpectedPrices
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.frontier import frontier_rows
from orchestration_assets.selection.item_prices import item_tokens
from orchestration_assets.selection.known_items import KnownItems
from orchestration_assets.selection.learned_model import LearnedModel, pack_model, unpack_model
from orchestration_assets.selection.plan import count_learned_items, plan_items
from orchestration_assets.selection.strategies import is_sampled
from orchestration_assets.selection.training import train_task
from orchestration_assets.selection.training_records import ANY_ANSWER, TrainingRecords
from resources.home import Home
from tests.evidence.success.made_items import planted
from tests.rows import row

SERVICES = ("a", "b", "c")
IDENTITIES = dict.fromkeys(SERVICES, "1")
N = 400


def recorded(scores) -> RecordedAnswers:
    shape = scores.shape
    return RecordedAnswers(
        "t",
        SERVICES,
        (ANY_ANSWER,),
        tuple(f"content {n}" for n in range(len(scores))),
        np.zeros(shape, np.int64),
        np.full(shape, np.nan),
        np.ones(shape, np.bool_),
        np.full(len(scores), MISSING),
        np.full(shape, 0.001),
        np.full(shape, 50.0),
        scores,
    )


def records(kind: str = "language", seed: int = 3) -> TrainingRecords:
    items, scores = planted(kind, N, seed)
    return TrainingRecords(recorded(scores), N, 0, items=KnownItems(items, np.ones(N, np.bool_)))


def stored(registry, version: str) -> LearnedModel:
    artefact = registry.load("selection_model.t", version)
    return unpack_model(artefact.arrays, artefact.facts)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    registry = Home(tmp_path_factory.mktemp("home")).models
    return registry, train_task("t", records(), IDENTITIES, registry)


@pytest.mark.parametrize("kind", ["length", "code"])
def test_content_that_decides_is_learned_and_promoted(kind, tmp_path) -> None:
    found = train_task("t", records(kind), IDENTITIES, Home(tmp_path).models)
    assert (found.outcome, found.families) == ("promoted", ("content",))
    assert found.accuracy > 0.75
    assert found.accuracy - found.best_single_accuracy > 0.15


def test_no_item_that_the_gate_tries_takes_part_in_training(trained, tmp_path) -> None:
    _, row_of_all = trained
    known = records()
    held_out = np.array([is_sampled("gate t", name, 0.25) for name in known.recorded.items])
    scores = known.recorded.scores.copy()
    scores[held_out] = 1.0 - scores[held_out]
    shuffled = np.arange(N)
    shuffled[held_out] = shuffled[held_out][::-1]
    assert known.items is not None
    changed = replace(known, recorded=recorded(scores), items=known.items.take(shuffled))
    found = train_task("t", changed, IDENTITIES, Home(tmp_path).models)
    assert found.trained == row_of_all.trained
    assert found.accuracy != row_of_all.accuracy


def test_the_next_training_is_held_against_the_model_in_force(trained) -> None:
    registry, first = trained
    again = train_task("t", records(), IDENTITIES, registry)
    assert (again.outcome, again.current) == ("unchanged", "the model in force")
    assert again.current_accuracy == first.accuracy


def test_of_items_of_which_nothing_is_known_the_overall_scores_are_expected(tmp_path) -> None:
    known = records()
    assert known.items is not None
    described = np.arange(N) % 2 == 0
    partly = replace(known, items=KnownItems(known.items.inputs, described))
    registry = Home(tmp_path).models
    found = train_task("t", partly, IDENTITIES, registry)
    model = stored(registry, found.trained)
    expected = model.expected_scores(partly.items)
    assert expected is not None
    assert np.ptp(expected[described], axis=0).min() > 0.2
    np.testing.assert_array_equal(
        expected[~described], np.tile(model.selector.solo_accuracy, (N // 2, 1))
    )


def test_content_that_tells_nothing_is_not_learned(tmp_path) -> None:
    known = records()
    order = np.random.default_rng(0).permutation(N)
    noise = replace(known, recorded=recorded(known.recorded.scores[order]))
    found = train_task("t", noise, IDENTITIES, Home(tmp_path).models)
    assert found.families == ("single",)


def test_a_stored_model_expects_and_gives_reasons_as_before(trained) -> None:
    registry, found = trained
    model = stored(registry, found.trained)
    again = unpack_model(*pack_model(model))
    items = records().items
    np.testing.assert_array_equal(again.expected_scores(items), model.expected_scores(items))
    assert again.reasons is not None and again.reasons.effects


def policy_that_learns() -> Policy:
    task = {
        "question": "?",
        "kind": "text",
        "learned": {"services": list(SERVICES), "explore": 0.0},
        "default": {"model": "sequential", "services": ["a"]},
    }
    return Policy.model_validate(
        {
            "version": 2,
            "services": {name: {"implementation": "grammar"} for name in SERVICES},
            "tasks": {"t": task},
        }
    )


def profiles_of(inputs) -> list[ItemProfile]:
    return [
        ItemProfile(f"i{n}", f"c{n}", f"c{n}.txt", ProfileStatus.OK, features)
        for n, features in enumerate(inputs.profiles.to_pylist())
    ]


def planned(trained, inputs, described) -> list[PlanRow]:
    registry, found = trained
    model = stored(registry, found.trained)
    contents = [f"c{n}" for n in range(len(described))]
    point = max(range(len(model.selector.points)), key=lambda n: model.selector.points[n].accuracy)
    active = ActiveSelector(found.trained, model)
    chosen = ChosenPoint(active, point, model.selector.usd, model.selector.ms)
    positions = {name: n for n, name in enumerate(contents)}
    batch = BatchInputs(positions, KnownItems(inputs, described))
    known = chosen.with_expectations(batch.expected(chosen.model.learned))
    prices = {name: Price(50.0, 0.001) for name in SERVICES}
    policy, profiles = policy_that_learns(), profiles_of(inputs)
    return list(plan_items("b", profiles, policy, "hash", prices, {"t": known}))


def test_a_plan_says_what_is_expected_of_its_item_who_comes_first_and_why(trained) -> None:
    inputs, scores = planted("language", 60, 9)
    described = np.arange(60) != 7
    plans = planned(trained, inputs, described)
    assert rows_to_arrow(PROCESSING_PLANS, plans).num_rows == 60
    learned = [plan for plan in plans if plan.strategy == "learned"]
    assert len(learned) > 55
    gained = []
    for plan in learned:
        assert plan.expected_scores is not None
        expected = {one.service: one.score for one in plan.expected_scores}
        single = {one.option: one.expected_accuracy for one in plan.rejected}
        assert {name: single[f"always {name}"] for name in SERVICES} == expected
        # the default asks one of the services: what is expected of it is known too
        assert single["default"] == expected["a"]
        best = max(expected, key=lambda name: expected[name])
        gained.append(scores[int(plan.item_id[1:]), SERVICES.index(best)])
        if plan.item_id != "i7":
            assert f"{best} first: " in plan.reason
            assert "such items" in plan.reason or "items" in plan.reason
    assert np.mean(gained) > 0.75
    (unknown,) = (plan for plan in plans if plan.item_id == "i7")
    assert "; expected of items in general: " in unknown.reason
    assert unknown.familiarity is None


def test_a_plan_says_what_calls_cost_on_its_item_as_earlier_calls_did_by_tokens(tmp_path) -> None:
    known = records()
    assert known.items is not None
    usd_a_token = np.array([1e-5, 2e-5, 1e-6])
    paid = item_tokens(known.items.inputs)[:, None] * usd_a_token
    priced = replace(known, recorded=replace(known.recorded, costs=paid))
    registry = Home(tmp_path).models
    found = train_task("t", priced, IDENTITIES, registry)
    inputs, _ = planted("language", 60, 9)
    plans = planned((registry, found), inputs, np.ones(60, np.bool_))
    told = [expected_usd_by(plan, SERVICES) for plan in plans]
    assert all(usd is not None for usd in told)
    expected = item_tokens(inputs)[:, None] * usd_a_token
    np.testing.assert_allclose(np.array(told), expected, rtol=0.05)
    (row_of_old,) = [replace(plan, expected_scores=None) for plan in plans[:1]]
    assert expected_usd_by(row_of_old, SERVICES) is None


def test_items_unlike_all_that_was_learned_follow_the_default_and_drift_is_counted(
    trained,
) -> None:
    inputs, _ = planted("code", 60, 5)
    plans = planned(trained, inputs, np.ones(60, np.bool_))
    new = [plan for plan in plans if plan.familiarity < UNFAMILIAR_BELOW]
    assert len(new) >= 15
    for plan in plans:
        assert (plan.strategy == "default") == (plan in new)
    assert "unlike all that the learned model was trained on" in new[0].reason
    (drift,) = content_drifts(rows_to_arrow(PROCESSING_PLANS, plans))
    assert (drift.task, drift.items, drift.unfamiliar) == ("t", 60, len(new))
    assert drift.is_drift and "the content has changed" in drift.words


def test_items_that_follow_the_default_are_counted_at_its_price(trained) -> None:
    registry, found = trained
    model = stored(registry, found.trained)
    inputs, _ = planted("code", 60, 5)
    batch = BatchInputs({f"c{n}": n for n in range(60)}, KnownItems(inputs, np.ones(60, np.bool_)))
    prices = {name: Price(50.0, 0.25) for name in SERVICES}
    policy, profiles = policy_that_learns(), profiles_of(inputs)
    expected = ExpectedPrices({}, dict.fromkeys(SERVICES, 0.25))
    items, others_usd, others_ms = count_learned_items(
        profiles, policy, prices, expected, {"t": batch.expected(model)}
    )
    plans = planned(trained, inputs, np.ones(60, np.bool_))
    new = sum(plan.strategy == "default" for plan in plans)
    assert items == {"t": LearnedItems(60, new, 0.25 * new, 50.0 * new)} and new >= 15
    assert (others_usd, others_ms) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("items", "unfamiliar", "drifts"),
    [(100, 0, False), (20, 4, False), (50, 5, True), (200, 9, False)],
)
def test_a_few_unfamiliar_items_are_no_drift(items, unfamiliar, drifts) -> None:
    plans = [
        row(PlanRow, item_id=str(n), task="t", familiarity=0.0 if n < unfamiliar else 0.5)
        for n in range(items)
    ]
    plans.append(row(PlanRow, item_id="unknown", task="other"))
    (drift,) = content_drifts(rows_to_arrow(PROCESSING_PLANS, plans))
    assert (drift.items, drift.is_drift) == (items, drifts)


def test_plans_that_no_model_reads_content_for_have_no_drift() -> None:
    assert content_drifts(PROCESSING_PLANS.schema.empty_table()) == []
    assert pa.types.is_list(PROCESSING_PLANS.schema.field("expected_scores").type)


def test_plans_from_before_familiarity_was_declared_tell_nothing_of_drift() -> None:
    plans = PROCESSING_PLANS.schema.empty_table().drop_columns(["expected_scores", "familiarity"])
    assert content_drifts(plans) == []


def test_what_fewer_outcomes_teach_rests_on_content_too() -> None:
    known = records("code", 1)
    rows = list(frontier_rows("t", known.recorded, known.items))
    (few,) = (row for row in rows if row.view == "labels")
    single = max(row.accuracy for row in rows if row.policy.startswith("always "))
    assert few.labels == 100
    assert few.accuracy > single + 0.1
    without = frontier_rows("t", known.recorded)
    (blind,) = (row for row in without if row.view == "labels")
    assert blind.accuracy <= single + 0.02
