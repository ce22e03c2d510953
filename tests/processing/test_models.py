"""Sequential and parallel execution: order, early exit, threaded state, overlap, failures."""

import asyncio

import pytest

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asking import Asker
from orchestration_assets.processing.execution import Steps
from orchestration_assets.processing.parallel import run_parallel
from orchestration_assets.processing.sequential import run_sequential
from orchestration_assets.schemas.enums import Status
from resources.feature_cache.lmdb_store import LmdbStore
from tests.processing.services import ABSTAIN, Scripted, by_name, ok, question
from tests.processing.virtual_time import run_in_virtual_time


@pytest.fixture
def asker(tmp_path):
    def build(*services):
        return Asker(by_name(*services), AnswerCache(LmdbStore(tmp_path / "answers")))

    return build


def sequential(asker, steps, *services):
    return asyncio.run(run_sequential(steps, question(), asker(*services).ask))


def test_a_cascade_stops_as_soon_as_the_answer_is_sure(asker) -> None:
    cheap, dear = Scripted("cheap", ok("a", 0.99)), Scripted("dear", ok("b"))
    done = sequential(asker, Steps(("cheap", "dear"), stop_at=0.95), cheap, dear)
    assert [one.service for one in done.answered] == ["cheap"]
    assert dear.asked == []
    assert done.decisions[-1].action == "stop"
    assert "0.95 is enough" in done.decisions[-1].reason


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (ok("a", 0.6), "a is only"),
        (ABSTAIN, "no answer yet"),
        (RuntimeError("broken"), "no answer yet"),
    ],
)
def test_a_cascade_goes_on_while_the_answer_is_unsure(asker, first, reason) -> None:
    services = Scripted("cheap", first), Scripted("dear", ok("a", 0.9))
    done = sequential(asker, Steps(("cheap", "dear"), stop_at=0.95), *services)
    assert [one.service for one in done.answered] == ["cheap", "dear"]
    assert done.decisions[1].reason.startswith(reason)


def test_a_cascade_that_meets_a_contradiction_asks_the_next_service(asker) -> None:
    services = (
        Scripted("one", ok("a", 0.9)),
        Scripted("two", ok("b", 0.9)),
        Scripted("three", ok("b", 0.9)),
    )
    steps = Steps(("one", "two", "three"), stop_at=0.95, min_readings=2)
    done = sequential(asker, steps, *services)
    assert len(done.answered) == 3
    assert "contradict" in done.decisions[2].reason
    assert done.decisions[-1].answer == "b"


def test_min_readings_keeps_a_sure_answer_from_standing_alone(asker) -> None:
    services = Scripted("one", ok("a", 0.99)), Scripted("two", ok("a", 0.99))
    third = Scripted("three", ok("a"))
    steps = Steps(("one", "two", "three"), stop_at=0.9, min_readings=2)
    done = sequential(asker, steps, *services, third)
    assert [one.service for one in done.answered] == ["one", "two"]


def test_a_chain_shows_each_step_the_earlier_answers(asker) -> None:
    services = Scripted("one", ok("a")), Scripted("two", ABSTAIN), Scripted("three", ok("b"))
    done = sequential(asker, Steps(("one", "two", "three"), chain=True), *services)
    seen = [[name for name, _ in service.asked[0].earlier] for service in services]
    assert seen == [[], ["one"], ["one", "two"]]
    assert services[2].asked[0].earlier[0][1].answer == "a"
    assert len(done.answered) == 3


def test_a_cascade_keeps_its_steps_independent(asker) -> None:
    services = Scripted("one", ok("a", 0.4)), Scripted("two", ok("a", 0.4))
    sequential(asker, Steps(("one", "two"), stop_at=0.99), *services)
    assert services[1].asked[0].earlier == ()


def test_parallel_calls_overlap(asker) -> None:
    """Four services of one second each take one virtual second, not four."""
    services = [Scripted(str(n), ok("a"), seconds=1.0) for n in range(4)]
    steps = Steps(tuple("0123"))
    _, seconds = run_in_virtual_time(run_parallel(steps, question(), asker(*services).ask))
    assert seconds == pytest.approx(1.0)


def test_sequential_calls_do_not_overlap(asker) -> None:
    services = [Scripted(str(n), ok("a"), seconds=1.0) for n in range(4)]
    steps = Steps(tuple("0123"))
    _, seconds = run_in_virtual_time(run_sequential(steps, question(), asker(*services).ask))
    assert seconds == pytest.approx(4.0)


def test_the_merge_keeps_the_order_of_the_plan_whoever_is_first(asker) -> None:
    services = [Scripted(str(n), ok("a"), seconds=3.0 - n) for n in range(3)]
    done, _ = run_in_virtual_time(
        run_parallel(Steps(tuple("012")), question(), asker(*services).ask)
    )
    assert [one.service for one in done.answered] == ["0", "1", "2"]


def test_one_failure_cancels_no_other_call(asker) -> None:
    services = (
        Scripted("good", ok("a"), seconds=2.0),
        Scripted("bad", RuntimeError("no model"), seconds=1.0),
    )
    done, seconds = run_in_virtual_time(
        run_parallel(Steps(("good", "bad")), question(), asker(*services).ask)
    )
    good, bad = (one.reading for one in done.answered)
    assert (good.status, good.answer) == (Status.OK, "a")
    assert (bad.status, bad.reason) == (Status.FAILED, "RuntimeError: no model")
    assert seconds == pytest.approx(2.0)


def test_a_service_never_has_more_calls_under_way_than_it_allows(asker) -> None:
    service = Scripted("one", ok("a"), seconds=1.0)
    service.concurrency = 2

    async def ask_all():
        one = asker(service)
        return await asyncio.gather(*(one.ask("one", question(str(n))) for n in range(6)))

    answered, seconds = run_in_virtual_time(ask_all())
    assert seconds == pytest.approx(3.0)
    assert len(answered) == 6
