"""A taught service and its teacher are one voice, in whatever way both were asked."""

import asyncio

import numpy as np
import pytest

from orchestration_assets.processing.answer_cache import AnswerCache, answer_key
from orchestration_assets.processing.asker import Asker
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.processing.plan_result import lead
from orchestration_assets.processing.taught_models import store_taught
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Question, Task
from orchestration_assets.schemas.services import TaughtConfig
from orchestration_assets.services.taught.lessons import TeacherAnswer
from orchestration_assets.services.taught.taught_service import TaughtService, TaughtState
from orchestration_assets.services.taught.teaching import teach, unpack_taught
from resources.feature_cache.lmdb_store import LmdbStore
from resources.home import Home
from tests.processing.services import ABSTAIN, TASKS, Scripted, by_name, choice, ok, question


def pupil(name: str, teacher: Scripted, answer: str, version: str = "v1") -> TaughtService:
    """A service that was taught to say ``answer`` about what the test asks, with certainty."""
    asked = question()
    text = asked.item.text or "text"
    other = [TeacherAnswer(f"o{n}", f"another matter {n}", "z") for n in range(100)]
    own = [TeacherAnswer(f"t{n}", f"{text} {n}", answer) for n in range(100)]
    config = TaughtConfig(
        type="taught", by=teacher.name, task=asked.task.name, at_most=0.2, audit_share=0.001
    )
    task = Task(asked.task.name, "1", AnswerKind.LABEL)
    taught = teach([*own, *other], task, config, "1")
    assert taught.answers(taught.guess(text))
    return TaughtService(name, config, teacher, TaughtState(taught, version))


@pytest.fixture
def run(tmp_path):
    def call(taken, *services):
        asker = Asker(by_name(*services), AnswerCache(LmdbStore(tmp_path / "answers")))
        return asyncio.run(execute(taken, question(), asker.ask, TASKS))

    return call


def finals(done) -> set[str]:
    return {one.service for one in done.answered if one.final}


@pytest.mark.parametrize("model", ["parallel", "sequential", "hybrid"])
def test_where_both_answer_only_the_teacher_is_heard(run, model) -> None:
    dear = Scripted("dear", ok("b", 0.6))
    done = run(choice(model, "pupil", "dear"), pupil("pupil", dear, "a"), dear)
    assert {one.service for one in done.answered} == {"pupil", "dear"}
    assert finals(done) == {"dear"}
    leading = lead(done.answered, question())
    assert (leading.answer, leading.supporters, leading.dissenters) == ("b", ("dear",), ())


def test_agreement_of_both_makes_nothing_surer(run) -> None:
    dear = Scripted("dear", ok("a", 0.6))
    both = run(choice("parallel", "pupil", "dear"), pupil("pupil", dear, "a"), dear)
    alone = run(choice("parallel", "dear"), dear)
    assert lead(both.answered, question()).certainty == lead(alone.answered, question()).certainty


def test_two_that_one_teacher_taught_are_one_voice_too(run) -> None:
    dear = Scripted("dear", ABSTAIN)
    first, second = pupil("first", dear, "a"), pupil("second", dear, "a")
    done = run(choice("parallel", "first", "second", "dear"), first, second, dear)
    assert finals(done) == {"first", "dear"}
    assert lead(done.answered, question()).supporters == ("first",)


def test_it_is_heard_where_its_teacher_gives_no_answer(run) -> None:
    dear = Scripted("dear", ABSTAIN)
    done = run(choice("parallel", "pupil", "dear"), pupil("pupil", dear, "a"), dear)
    assert lead(done.answered, question()).answer == "a"


def test_both_are_one_answer_where_two_are_asked_for(run) -> None:
    dear, other = Scripted("dear", ok("a", 0.99)), Scripted("other", ok("a", 0.99))
    taken = choice("sequential", "pupil", "dear", "other", stop_at=0.5, min_readings=2)
    done = run(taken, pupil("pupil", dear, "a"), dear, other)
    assert {one.service for one in done.answered} == {"pupil", "dear", "other"}


def test_a_kept_answer_is_of_the_version_that_gave_it() -> None:
    dear = Scripted("dear", ok("a"))
    asked: Question = question()
    first = pupil("pupil", dear, "a")
    second = first.knowing(TaughtState(first.state.taught, "v2"))
    assert answer_key(asked, first) != answer_key(asked, second)
    assert answer_key(asked, first) == answer_key(asked, first.knowing(first.state))


def test_what_is_in_force_answers_as_it_will_when_it_is_read_again(tmp_path) -> None:
    dear, home = Scripted("dear", ABSTAIN), Home(tmp_path / "home")
    own = pupil("pupil", dear, "a")
    assert own.state.taught is not None
    state = store_taught(home.models, own, own.state.taught)
    assert state.taught is not None
    artefact = home.models.usable("taught.pupil")
    assert artefact is not None
    read = unpack_taught(artefact.arrays, artefact.facts)
    assert np.array_equal(state.taught.model.ridge.coefficients, read.model.ridge.coefficients)
