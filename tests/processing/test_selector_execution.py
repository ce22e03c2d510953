"""A learned plan asks as it is worth, and says so."""

import asyncio
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from orchestration_assets.disagreement.label_weights import learned_weights
from orchestration_assets.disagreement.resolution import resolve_plans
from orchestration_assets.evidence.recorded_answers import MISSING, RecordedAnswers
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker
from orchestration_assets.processing.plan_result import roles_of
from orchestration_assets.processing.selector_execution import run_learned
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.selection.learner import CONTENT, STACK, fit_selector
from orchestration_assets.selection.trained_selector import build_trained_selector
from orchestration_assets.selection.training_records import ANY_ANSWER
from resources.feature_cache.lmdb_store import LmdbStore
from tests.evidence.made import made
from tests.processing.services import ABSTAIN, TASK, Scripted, by_name, ok, question
from tests.rows import row


@pytest.fixture(scope="module")
def model():
    train = made(1_500, accuracies=(0.75, 0.9), prices=(0.0001, 0.01))
    selector = fit_selector(train, n_rates=10)
    return build_trained_selector(
        {"usd": selector},
        train.scores.mean(axis=0),
        train.prices,
        train.milliseconds.mean(axis=0),
    )


def chosen_point(model, family) -> int:
    return max(
        n
        for n, one in enumerate(model.points)
        if one.family == family and min(one.ask_shares) > 0.05
    )


def run(model, tmp_path, first, second, family=STACK):
    point = chosen_point(model, family)
    services = by_name(Scripted("s0", first), Scripted("s1", second))

    async def carry_out():
        async with Asker(services, AnswerCache(LmdbStore(tmp_path / "answers"))) as asker:
            return await run_learned(model, point, question(), asker.ask)

    return asyncio.run(carry_out())


def test_a_sure_answer_is_enough_and_the_next_services_gain_and_price_are_said(
    model, tmp_path
) -> None:
    done = run(model, tmp_path, ok("a", 0.99), ok("b", 0.5))
    assert [one.service for one in done.answered] == ["s0"]
    ask, stop = done.decisions
    assert (ask.action, ask.services) == ("ask", ("s0",))
    assert "nothing is known yet; s0: expected gain 0." in ask.reason
    assert ask.reason.endswith("for $0.0001 and 1 ms")
    assert stop.answer == "a" and stop.certainty is not None and stop.certainty > 0.8
    assert "s1 would add 0.0" in stop.reason and "its price is worth 0." in stop.reason


def test_an_unsure_answer_is_followed_by_the_service_that_is_worth_it(model, tmp_path) -> None:
    done = run(model, tmp_path, ok("a", 0.3), ok("b", 0.95))
    assert [one.service for one in done.answered] == ["s0", "s1"]
    assert re.search(
        r" is 0\.\d+ sure; s1: expected gain 0\.\d+ for \$0\.01 ", done.decisions[1].reason
    )
    assert done.decisions[-1].answer == "b"


@pytest.mark.parametrize("silent", [ABSTAIN, RuntimeError("down")])
def test_a_service_without_an_answer_is_not_asked_again(model, tmp_path, silent) -> None:
    done = run(model, tmp_path, silent, ok("b", 0.9))
    assert [one.service for one in done.answered] == ["s0", "s1"]
    assert "no answer yet" in done.decisions[1].reason
    assert done.decisions[-1].answer == "b"


def test_certainties_are_probabilities(model, tmp_path) -> None:
    done = run(model, tmp_path, ok("a", 0.3), ok("a", 0.4))
    assert all(0.0 <= (one.certainty or 0.0) <= 1.0 for one in done.decisions)
    assert not np.isnan(done.decisions[-1].certainty)


@pytest.mark.parametrize("family", [STACK, "fixed"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ok("a", 0.3), ok("b", 0.95)),
        (ok("a", 0.3), ABSTAIN),
        (ok("a", 0.3), RuntimeError("down")),
        (ABSTAIN, RuntimeError("down")),
        (replace(ok("a"), status=Status.FALLBACK), ABSTAIN),
    ],
)
def test_log_and_table_hold_the_same_answer(model, tmp_path, family, first, second) -> None:
    """Also where the service whose answer a fixed policy would take gives none."""
    families = {one.family for one in model.points}
    chosen = STACK if family == STACK else min(families - {STACK})
    done = run(model, tmp_path, first, second, chosen)
    plan = row(PlanRow, item_id="i", task="t", artefact="v", point=chosen_point(model, chosen))
    readings = {("i", "t"): tuple((one.service, one.reading) for one in done.answered)}
    roles = {("i", "t"): roles_of(done.answered)}
    weighed = learned_weights([plan], readings, {"v": model})
    (resolved,) = resolve_plans([plan], readings, {"t": TASK}, roles, None, weighed)
    assert resolved.answer == done.decisions[-1].answer
    if any(one.reading.answer for one in done.answered):
        assert resolved.answer is not None
        assert {one.service for one in done.answered if one.decides}
    else:
        assert done.decisions[-1].reason == "no service gave an answer"


@cache
def content_model(labels: tuple[str, ...], times: float = 0.0):
    """Three services that are each right on items of another kind, two times in three else; what
    is expected of each item of training tells its kind."""
    random = np.random.default_rng(3)
    n, k = 900, 3
    kinds = random.integers(0, k, n)
    chance = np.where(np.arange(k) == kinds[:, None], 0.95, 0.65)
    right = random.random((n, k)) < chance
    gold = random.integers(0, max(len(labels), 2), n)
    wrong = (gold[:, None] + random.integers(1, 3, (n, k))) % 3
    free = len(labels) == 1
    train = RecordedAnswers(
        "t",
        ("s0", "s1", "s2"),
        labels,
        tuple(map(str, range(n))),
        np.zeros((n, k), np.int64) if free else np.where(right, gold[:, None], wrong),
        np.full((n, k), np.nan),
        np.ones((n, k), np.bool_),
        np.full(n, MISSING) if free else gold,
        np.full((n, k), 1e-4),
        np.full((n, k), 100.0),
        right.astype(np.float64) if free else None,
    )
    prices, waiting = train.prices, np.full(k, times)
    selector = fit_selector(train, prices, 10, expected=chance, times=waiting if times else None)
    solo = train.scores.mean(axis=0)
    return build_trained_selector({"usd": selector}, solo, prices, train.milliseconds.mean(axis=0))


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        (AnswerKind.TEXT, ("it rains", "it snows", "it hails")),
        (AnswerKind.SET, (("rain",), ("snow",), ("hail", "wind"))),
        (AnswerKind.SCORE, (0.1, 0.5, 0.9)),
    ],
)
def test_answers_that_are_no_labels_stand_by_what_was_expected_of_their_service(
    tmp_path, kind, answers
) -> None:
    model = content_model((ANY_ANSWER,))
    point = max(n for n, one in enumerate(model.points) if one.family == CONTENT)
    task = replace(TASK, kind=kind, labels=())
    replies = {
        name: Reading(Status.OK, answer)
        for name, answer in zip(model.services, answers, strict=True)
    }
    services = by_name(*(Scripted(name, replies[name]) for name in model.services))

    async def carry_out():
        async with Asker(services, AnswerCache(LmdbStore(tmp_path / "answers"))) as asker:
            asked = replace(question(), task=task)
            return await run_learned(model, point, asked, asker.ask, np.array([0.65, 0.95, 0.65]))

    done = asyncio.run(carry_out())
    ask, stop = done.decisions
    assert [one.service for one in done.answered if one.decides] == ["s1"]
    assert ask.services == ("s1",)
    assert ask.reason.startswith("expected before any call: s1 0.95, s0 0.65, s2 0.65; s1: ")
    assert (stop.answer, stop.certainty) == (answers[1], pytest.approx(0.95, abs=0.1))
    assert "the answer of s1 is expected to be 0.9" in stop.reason


def test_services_are_asked_at_once_where_waiting_has_a_price(tmp_path) -> None:
    model = content_model(("a", "b", "c"), times=0.01)
    even = np.full((1, 3), 0.75)
    points = [
        n
        for n in range(len(model.points))
        if (steps := model.first_steps(n, even)) is not None and steps.ask.sum() > 1
    ]
    at_work, most = 0, 0

    async def carry_out():
        services = by_name(*(Scripted(name, ok("a", 0.9)) for name in model.services))
        async with Asker(services, AnswerCache(LmdbStore(tmp_path / "answers"))) as asker:

            async def ask(name, asked):
                nonlocal at_work, most
                at_work += 1
                most = max(most, at_work)
                await asyncio.sleep(0)
                found = await asker.ask(name, asked)
                at_work -= 1
                return found

            return await run_learned(model, points[0], question(), ask, even[0])

    done = asyncio.run(carry_out())
    assert len(done.decisions[0].services) > 1
    assert " at once: expected gain " in done.decisions[0].reason
    assert most == len(done.decisions[0].services)
    assert done.decisions[-1].answer == "a"


@pytest.mark.parametrize(
    ("usd", "first"), [((1e-4, 1e-4, 1e-4), "s1"), ((1e-4, 1.0, 1e-4), "s0"), (None, "s1")]
)
def test_a_service_is_asked_by_what_its_call_costs_on_the_item(tmp_path, usd, first) -> None:
    model = content_model((ANY_ANSWER,))
    point = max(n for n, one in enumerate(model.points) if one.family == CONTENT)
    services = by_name(*(Scripted(name, Reading(Status.OK, "rain")) for name in model.services))

    async def carry_out():
        async with Asker(services, AnswerCache(LmdbStore(tmp_path / "answers"))) as asker:
            asked = replace(question(), task=replace(TASK, kind=AnswerKind.TEXT, labels=()))
            expected, prices = np.array([0.75, 0.8, 0.6]), None if usd is None else np.array(usd)
            return await run_learned(model, point, asked, asker.ask, expected, prices)

    decisions = asyncio.run(carry_out()).decisions
    assert decisions[0].services == (first,)
    assert "for $0.0001 and" in decisions[0].reason
