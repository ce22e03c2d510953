"""A taught service before what was learned: it answers, or its teacher must, or all is decided."""

import asyncio
from dataclasses import replace

import pytest

from orchestration_assets.disagreement.label_weights import learned_weights
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker
from orchestration_assets.processing.selector_execution import run_learned
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.selection.learner import STACK, fit_selector
from orchestration_assets.selection.trained_selector import build_trained_selector
from orchestration_assets.services.taught.audit import audit
from orchestration_assets.services.taught.taught_service import AUDIT, LESSON, TaughtState
from orchestration_assets.services.taught.teaching import suspend
from resources.feature_cache.lmdb_store import LmdbStore
from tests.evidence.made import made
from tests.processing.services import ABSTAIN, Scripted, by_name, ok, question
from tests.processing.test_taught_voices import pupil
from tests.rows import row


@pytest.fixture(scope="module")
def model():
    train = made(1_500, accuracies=(0.75, 0.9), prices=(0.0001, 0.01))
    selector = fit_selector(train, n_rates=10)
    solo, times = train.scores.mean(axis=0), train.milliseconds.mean(axis=0)
    return build_trained_selector({"usd": selector}, solo, train.prices, times)


@pytest.fixture
def run(model, tmp_path):
    point = max(
        n
        for n, one in enumerate(model.points)
        if one.family == STACK and min(one.ask_shares) > 0.05
    )
    cheap, dear = Scripted("s0", ok("b", 0.99)), Scripted("s1", ok("c", 0.9))

    def call(taught, dear=dear, asked=None):
        services = by_name(cheap, dear, taught)

        async def carry_out():
            async with Asker(services, AnswerCache(LmdbStore(tmp_path / "answers"))) as asker:
                return await run_learned(
                    model, point, asked or question(), asker.ask, taught=[taught]
                )

        return asyncio.run(carry_out())

    return call


def taught(**config):
    own = pupil("pupil", Scripted("s1", ABSTAIN), "a")
    return replace_config(own, **config) if config else own


def replace_config(own, **config):
    changed = own.config.model_copy(update=config)
    return type(own)(own.name, changed, own.teacher, own.state)


def names(done) -> list[str]:
    return [one.service for one in done.answered]


def test_what_it_is_sure_of_it_answers_alone(run) -> None:
    done = run(taught())
    assert names(done) == ["pupil"]
    assert done.decisions[-1].answer == "a"
    assert [one.action for one in done.decisions] == ["ask", "stop"]
    assert "pupil comes first: s1 taught it" in done.decisions[0].reason


def test_a_lesson_is_asked_of_its_teacher_whatever_was_learned(run) -> None:
    done = run(taught().knowing(TaughtState(lesson=True)))
    assert names(done) == ["pupil", "s1"]
    assert done.decisions[1].reason.startswith(LESSON)
    assert done.decisions[-1].answer == "c"


def test_what_is_no_lesson_is_decided_as_it_was_learned_though_it_was_taught_nothing(run) -> None:
    done = run(taught().knowing(TaughtState()))
    assert "pupil" not in names(done)
    assert names(done)[0] == "s0"


def test_so_is_an_audit_and_what_counts_as_one_though_it_is_not_sure(run) -> None:
    done = run(taught(audit_share=1.0))
    assert names(done) == ["pupil", "s1"]
    assert (done.decisions[1].reason, done.decisions[-1].answer) == (AUDIT, "c")
    other = replace(question(), item=replace(question().item, text="of nothing known"))
    unsure = run(taught(audit_share=1.0), asked=other)
    assert names(unsure) == ["pupil", "s1"]
    assert "not sure enough" in unsure.decisions[1].reason


def test_what_it_passes_on_is_decided_as_it_was_learned(run) -> None:
    other = replace(question(), item=replace(question().item, text="of nothing known"))
    done = run(taught(), asked=other)
    assert names(done)[:2] == ["pupil", "s0"]
    assert "nothing is known yet; s0: expected gain" in done.decisions[1].reason


def test_a_suspended_one_is_not_asked_and_makes_no_lesson_of_everything(run) -> None:
    own = taught()
    known = own.state.taught
    assert known is not None
    stopped = suspend(known, audit([True] * 10, known.allowed), own.config, "b1")
    done = run(own.knowing(TaughtState(stopped, "v2")))
    assert names(done)[0] == "s0"


def test_where_its_teacher_fails_the_others_are_asked(run) -> None:
    done = run(taught(audit_share=1.0), dear=Scripted("s1", ValueError("down")))
    assert names(done) == ["pupil", "s1", "s0"]
    assert done.decisions[-1].answer == "b"


def test_its_answer_is_not_weighed_by_a_model_that_does_not_know_it(model, run) -> None:
    done = run(taught())
    plan = row(PlanRow, item_id="item", task="t", kind=AnswerKind.LABEL, artefact="v", point=0)
    readings = {("item", "t"): [(one.service, one.reading) for one in done.answered]}
    assert learned_weights([plan], readings, {"v": model}) == {}
