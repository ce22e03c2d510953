"""When a learned model may decide, and which of its operating points."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.policy import Choice, Learned
from orchestration_assets.selection.active_selector import (
    ActiveSelector,
    CurrentPrices,
    LearnedItems,
    artefact_name,
    choose_points,
    load_active_selector,
)
from orchestration_assets.selection.baselines import Cascade, SingleService
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.learned_model import LearnedModel
from orchestration_assets.selection.learner import CONTENT
from orchestration_assets.selection.strategies import describe_point, is_sampled
from orchestration_assets.selection.trained_selector import (
    OperatingPoint,
    TrainedSelector,
    pack_selector,
)
from orchestration_assets.selection.training import KEPT, MIN_ITEMS, PROMOTED, train_task
from orchestration_assets.selection.training_records import TrainingRecords
from orchestration_assets.services.identity import service_identity
from resources.home import Home
from resources.model_registry import ModelRegistry
from tests.evidence.made import made

TASK = Task("t", "1", AnswerKind.LABEL, ("a", "b"), question="which?")
LEARNED = Learned(services=("s0", "s1"))
PRICES = {"s0": Price(1.0, 0.001), "s1": Price(10.0, 0.01)}


@dataclass
class Named:
    version: str
    fingerprint: str = "f"
    reads: frozenset[str] = frozenset()


SERVICES = {"s0": Named("1"), "s1": Named("1")}


def trained_selector() -> TrainedSelector:
    points = (
        OperatingPoint("usd", "single", 0, 0.0, 0.90, (0.0, 1.0)),
        OperatingPoint("usd", "cascade", 1, 1.0, 0.92, (1.0, 0.5)),
        OperatingPoint("usd", "single", 2, 9.0, 0.70, (1.0, 0.0)),
    )
    fixed = (SingleService(1), Cascade((0, 1), (0.8,)), SingleService(0))
    usd, ms = np.array([0.001, 0.01]), np.array([1.0, 10.0])
    alone = np.array([0.7, 0.9])
    return TrainedSelector(("s0", "s1"), ("a", "b"), 1, alone, usd, ms, points, fixed, None, {})


@pytest.fixture
def registry(home) -> ModelRegistry:
    registry = Home(home).models
    arrays, selector = pack_selector(trained_selector())
    manifest = {
        "selector": selector,
        "services": {name: service_identity(one, TASK) for name, one in SERVICES.items()},
        "words": "learned",
    }
    version = registry.store(artefact_name("t"), arrays, manifest).version
    registry.promote(artefact_name("t"), version)
    return registry


def test_a_promoted_model_of_unchanged_services_is_in_force(registry) -> None:
    found = load_active_selector(registry, TASK, LEARNED, SERVICES)
    assert isinstance(found, ActiveSelector)
    assert found.selector.points == trained_selector().points


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (Named("2"), "s1 changed code or model (1 -> 2)"),
        (Named("1", "g"), "s1 changed parameters or prompt (f -> g)"),
    ],
)
def test_a_service_that_changed_puts_it_out_of_force(registry, changed, why) -> None:
    found = load_active_selector(registry, TASK, LEARNED, SERVICES | {"s1": changed})
    assert found == f"{why} since the learned model was evaluated"


@pytest.mark.parametrize(
    "changes", [{"labels": ("a", "c")}, {"version": "2"}, {"labels": ("b", "a")}]
)
def test_a_task_that_changed_puts_it_out_of_force(registry, changes) -> None:
    found = load_active_selector(registry, replace(TASK, **changes), LEARNED, SERVICES)
    assert isinstance(found, str)
    assert found.startswith("s0 changed task, labels or question (")


def test_the_words_of_a_question_count_for_services_that_are_shown_them(registry) -> None:
    asked = replace(TASK, question="which one?")
    assert isinstance(load_active_selector(registry, asked, LEARNED, SERVICES), ActiveSelector)
    shown = Named("1", reads=frozenset({"question"}))
    assert service_identity(shown, asked) != service_identity(shown, TASK)


def test_without_a_model_or_for_other_services_the_reason_is_said(registry) -> None:
    assert (
        load_active_selector(registry, replace(TASK, name="u"), LEARNED, SERVICES)
        == "no learned model is promoted yet"
    )
    other = Learned(services=("s0", "s9"))
    assert load_active_selector(registry, TASK, other, SERVICES | {"s9": Named("1")}) == (
        "the learned model is about other services (s1, s9)"
    )


def chosen(usd: float | None = None, ms: float | None = None, aim: str = "accuracy", now=None):
    model = ActiveSelector("v", LearnedModel(trained_selector()))
    learned = LEARNED.model_copy(update={"aim": aim})
    found = choose_points(
        {"t": (model, learned)}, {"t": LearnedItems(100)}, now or CurrentPrices(PRICES), usd, ms
    )
    return found["t"]


def test_the_budget_of_the_batch_chooses_the_point() -> None:
    assert chosen().point == 1
    assert chosen(usd=0.61).point == 1
    assert chosen(usd=0.5).point == 2
    assert chosen(ms=250.0).point == 2
    assert chosen(usd=0.0001).point == 2  # nothing fits: the cheapest, and the cap stops the rest


def test_prices_that_drifted_since_it_was_learned_count_as_they_are_now() -> None:
    dearer, cheaper = {"s1": Price(10.0, 0.1)}, {"s1": Price(10.0, 0.001)}
    assert chosen(usd=1.0).point == 1
    assert chosen(usd=1.0, now=CurrentPrices(PRICES | dearer)).point == 2
    assert chosen(usd=1.0, now=CurrentPrices(PRICES, dearer)).point == 2
    assert chosen(usd=0.2).point == 2
    assert chosen(usd=0.2, now=CurrentPrices(PRICES, cheaper)).point == 1


def test_calls_under_way_at_once_share_the_deadline() -> None:
    assert chosen(ms=250.0).point == 2
    assert chosen(ms=250.0, now=CurrentPrices(PRICES, concurrency={"s1": 10.0})).point == 1


def test_the_aim_of_price_takes_the_cheapest_that_matches_the_best_service() -> None:
    found = chosen(aim="price")
    assert found.mean_usd == pytest.approx(0.006)
    assert found.accuracy >= 0.9


def test_the_words_name_accuracy_price_and_the_best_single_service() -> None:
    assert describe_point(chosen()) == (
        "learned: a second service where the first is not sure; right in 92.0% of unseen outcomes "
        "for $0.006 and 6 ms an item, where s1 alone is right in 90.0%"
    )


def test_the_explored_share_is_stable_and_about_as_large_as_said() -> None:
    found = [is_sampled("t", f"item {n}", 0.1) for n in range(5_000)]
    assert found == [is_sampled("t", f"item {n}", 0.1) for n in range(5_000)]
    assert sum(found) / 5_000 == pytest.approx(0.1, abs=0.02)
    assert not any(is_sampled("t", f"item {n}", 0.0) for n in range(100))
    assert all(is_sampled("t", f"item {n}", 1.0) for n in range(100))


def test_the_gate_holds_a_model_that_is_worse_on_held_out_gold(home) -> None:
    """First a model of good records, then one of records whose gold was shuffled."""
    registry = Home(home).models
    good = made(1_200, accuracies=(0.7, 0.9), prices=(0.001, 0.01))
    identities = {"s0": "1", "s1": "1"}
    records = TrainingRecords(good, 1_200, 0, standing=good.scores[:, 0])
    first = train_task("t", records, identities, registry)
    assert first.outcome == PROMOTED
    assert first.version == first.trained
    assert first.accuracy is not None and first.best_single_accuracy is not None
    assert first.accuracy >= first.best_single_accuracy - 0.02
    assert first.calibration_error is not None and first.calibration_error < 0.1
    aside = np.array([is_sampled("gate t", one, 0.25) for one in good.items])
    shuffled = np.where(aside, good.gold, np.random.default_rng(0).permutation(good.gold))
    worse = train_task(
        "t", TrainingRecords(replace(good, gold=shuffled), 1_200, 0), identities, registry
    )
    assert worse.outcome == KEPT
    assert worse.version == first.version != worse.trained
    assert "not promoted" in worse.words
    again = train_task("t", records, identities, registry)
    assert (again.outcome, again.version) == ("unchanged", first.version)


def _voted(seed: int, n_items: int) -> TrainingRecords:
    """Three services of about equal accuracy whose majority, which stood, beats each by far."""
    good = made(n_items, accuracies=(0.80, 0.82, 0.81), prices=(0.01, 0.01, 0.01), seed=seed)
    votes = [np.bincount(row, minlength=len(good.labels)).argmax() for row in good.answers]
    return TrainingRecords(good, n_items, 0, standing=np.array(votes) == good.gold)


@pytest.mark.parametrize("n_items", [60, 130, 200])
def test_what_is_worse_than_what_stood_is_hardly_ever_promoted(tmp_path, n_items) -> None:
    services = dict.fromkeys(("s0", "s1", "s2"), "1")
    rows = [
        train_task("t", _voted(seed, n_items), services, Home(tmp_path / str(seed)).models)
        for seed in range(12)
    ]
    assert not any(row.outcome == PROMOTED and row.gain < 0.0 for row in rows)
    assert sum(row.outcome == PROMOTED for row in rows) <= 1


def test_a_gain_that_may_as_well_be_a_loss_is_no_reason_to_promote(tmp_path) -> None:
    good = made(200, accuracies=(0.7, 0.9), prices=(0.001, 0.01))
    held_out = np.array([is_sampled("gate t", one, 0.25) for one in good.items])
    model = train_task(
        "t", TrainingRecords(good, 200, 0), {"s0": "1", "s1": "1"}, Home(tmp_path / "a").models
    )
    # as often right as what is learned, and about other items
    missed = round((1.0 - model.accuracy) * model.held_out)
    stood = np.ones(200, dtype=bool)
    wrong_of_learned = np.flatnonzero(held_out & (good.scores[:, 1] == 0.0))
    others = np.setdiff1d(np.flatnonzero(held_out), wrong_of_learned)
    stood[others[:missed]] = False
    records = TrainingRecords(good, 200, 0, standing=stood)
    row = train_task("t", records, {"s0": "1", "s1": "1"}, Home(tmp_path / "b").models)
    assert row.gain == pytest.approx(0.0, abs=0.05)
    assert (row.outcome, row.current) == (KEPT, "what stood")
    assert "by a standard error less, -2.0 is the least" in row.words


def test_too_few_held_out_items_promote_nothing_and_a_clear_case_of_300_does(tmp_path) -> None:
    good = made(300, accuracies=(0.7, 0.95), prices=(0.001, 0.01))
    stood = good.scores[:, 0]
    outcomes = []
    for count in (100, 300):
        records = TrainingRecords(good.take(np.arange(count)), count, 0, standing=stood[:count])
        registry = Home(tmp_path / str(count)).models
        row = train_task("t", records, {"s0": "1", "s1": "1"}, registry)
        outcomes.append(row.outcome)
        if count == 100:
            assert f"at least {MIN_ITEMS} are needed, about" in row.words
    assert outcomes == ["none", PROMOTED]


def _reading_content() -> ActiveSelector:
    """The same operating points, whose steps rest on what an item is like."""
    selector = trained_selector()
    points = tuple(replace(point, family=CONTENT) for point in selector.points)
    return ActiveSelector("v", LearnedModel(replace(selector, points=points)))


@given(
    st.integers(1, 400),
    st.floats(0.0, 1.0),
    st.floats(0.0, 0.05),
    st.floats(0.0, 6.0),
    st.sampled_from(["accuracy", "price"]),
)
def test_with_the_default_of_unfamiliar_items_the_batch_stays_within_its_budget(
    count, share, default_usd, budget, aim
) -> None:
    model, unfamiliar = _reading_content(), round(share * count)
    others = LearnedItems(count, unfamiliar, unfamiliar * default_usd, 0.0)
    learned = LEARNED.model_copy(update={"aim": aim})
    chosen = choose_points(
        {"t": (model, learned)}, {"t": others}, CurrentPrices(PRICES), budget, None
    )["t"]
    familiar = count - unfamiliar
    prices = [model.selector.points[at].mean_price(chosen.usd) for at in range(3)]
    spent = familiar * prices[chosen.point] + others.default_usd
    if chosen.better is not None:
        spent += chosen.better_share * familiar * (prices[chosen.better] - prices[chosen.point])
    if familiar * min(prices) + others.default_usd <= budget:
        assert spent <= budget + 1e-9
    elif familiar:
        assert prices[chosen.point] == min(prices)


def test_a_cheap_default_of_unfamiliar_items_leaves_more_for_the_others() -> None:
    model, now = _reading_content(), CurrentPrices(PRICES)
    points = [
        choose_points({"t": (model, LEARNED)}, {"t": items}, now, 0.35, None)["t"].point
        for items in (LearnedItems(100), LearnedItems(100, 50, 0.01, 0.0))
    ]
    assert points == [2, 1]


def test_where_steps_rest_on_answers_alone_unfamiliar_items_are_decided_like_others() -> None:
    model = ActiveSelector("v", LearnedModel(trained_selector()))
    items = LearnedItems(100, 100, 900.0, 0.0)
    found = choose_points({"t": (model, LEARNED)}, {"t": items}, CurrentPrices(PRICES), 0.61, None)
    assert found["t"].point == 1


def _judged_default(when: str = "always") -> Choice:
    choice = {"model": "parallel", "services": ["s0", "s1"]}
    return Choice.model_validate(choice | {"judge": {"service": "judge", "when": when}})


@pytest.mark.parametrize("accuracies", [(0.7, 0.9), (0.9, 0.9999)])
def test_what_is_learned_of_a_judge_is_held_against_what_the_judge_chooses(
    tmp_path, accuracies
) -> None:
    """Saving calls is no gain where the answers that the judge prefers are lost."""
    good = made(1_200, accuracies=accuracies, prices=(0.001, 0.01))
    records = TrainingRecords(good, 0, 0, standing=np.ones(1_200), by_judge=True)
    services = {"s0": "1", "s1": "1"}
    row = train_task("t", records, services, Home(tmp_path).models, _judged_default())
    assert (row.current, row.current_accuracy) == ("the judged default", 1.0)
    if row.outcome == KEPT:
        assert "by a standard error more, -2.0 is the least" in row.words
    assert row.outcome == (PROMOTED if max(accuracies) > 0.99 else KEPT)


def test_one_answer_that_a_judge_would_not_have_chosen_keeps_no_model_from_being_promoted(
    tmp_path,
) -> None:
    good = made(600, accuracies=(0.6, 0.9999), prices=(0.001, 0.01))
    held_out = [n for n, item in enumerate(good.items) if is_sampled("gate t", item, 0.25)]
    answers, wrong = good.answers.copy(), held_out[0]
    answers[wrong, 1] = (good.gold[wrong] + 1) % good.n_labels
    records = TrainingRecords(
        replace(good, answers=answers), 0, 0, standing=np.ones(600), by_judge=True
    )
    services = {"s0": "1", "s1": "1"}
    row = train_task("t", records, services, Home(tmp_path).models, _judged_default())
    assert (row.current, row.outcome) == ("the judged default", PROMOTED)
    assert row.accuracy is not None and row.accuracy < 1.0


def test_a_judge_elsewhere_in_the_policy_does_not_decide_for_the_default(tmp_path) -> None:
    good = made(1_200, accuracies=(0.7, 0.9), prices=(0.001, 0.01))
    records = TrainingRecords(good, 0, 0, standing=np.ones(1_200), by_judge=True)
    default = Choice.model_validate({"model": "parallel", "services": ["s0", "s1"]})
    services = {"s0": "1", "s1": "1"}
    row = train_task("t", records, services, Home(tmp_path).models, default)
    assert row.current == "the best single service"
    assert row.current_accuracy == row.best_single_accuracy


def test_a_judged_default_of_services_in_order_is_not_what_they_say_without_the_judge(
    tmp_path,
) -> None:
    good = made(1_200, accuracies=(0.7, 0.9), prices=(0.001, 0.01))
    choice = _judged_default().model_copy(update={"model": ProcessingModel.SEQUENTIAL})
    records = TrainingRecords(good, 1_200, 0, standing=np.ones(1_200))
    row = train_task("t", records, {"s0": "1", "s1": "1"}, Home(tmp_path).models, choice)
    assert (row.current, row.outcome) == ("what stood", KEPT)
