"""The four models with their judges, routers and escalations: order, overlap, stops, failures."""

import asyncio
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker
from orchestration_assets.processing.excerpt import excerpt
from orchestration_assets.processing.hybrid import waves
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.schemas.enums import Status
from resources.feature_cache.lmdb_store import LmdbStore
from tests.processing.services import ABSTAIN, TASKS, Scripted, by_name, choice, ok, question
from tests.processing.virtual_time import run_in_virtual_time


@pytest.fixture
def asker(tmp_path):
    def build(*services):
        return Asker(by_name(*services), AnswerCache(LmdbStore(tmp_path / "answers")))

    return build


@pytest.fixture
def run(asker):
    """Carries out a choice; gives the execution and the virtual seconds that it took."""

    def call(taken, *services, asked=None):
        work = execute(taken, asked or question(), asker(*services).ask, TASKS)
        return run_in_virtual_time(work)

    return call


def names(execution) -> list[str]:
    return [one.service for one in execution.answered]


def actions(execution) -> list[str]:
    return [decision.action for decision in execution.decisions]


class TestSequential:
    def test_a_cascade_stops_as_soon_as_the_answer_is_sure(self, run) -> None:
        cheap, dear = Scripted("cheap", ok("a", 0.99)), Scripted("dear", ok("b"))
        done, _ = run(choice("sequential", "cheap", "dear", stop_at=0.95), cheap, dear)
        assert names(done) == ["cheap"]
        assert dear.asked == []
        assert "0.95 is enough" in done.decisions[-1].reason

    @pytest.mark.parametrize(
        ("first", "reason"),
        [
            (ok("a", 0.6), "a is only"),
            (ABSTAIN, "no answer yet"),
            (RuntimeError("broken"), "no answer yet"),
        ],
    )
    def test_a_cascade_goes_on_while_the_answer_is_unsure(self, run, first, reason) -> None:
        services = Scripted("cheap", first), Scripted("dear", ok("a", 0.9))
        done, _ = run(choice("sequential", "cheap", "dear", stop_at=0.95), *services)
        assert names(done) == ["cheap", "dear"]
        assert done.decisions[1].reason.startswith(reason)

    def test_a_cascade_that_meets_a_contradiction_asks_the_next_service(self, run) -> None:
        services = [Scripted(n, ok(a, 0.9)) for n, a in (("one", "a"), ("two", "b"), ("x", "b"))]
        taken = choice("sequential", "one", "two", "x", stop_at=0.95, min_readings=2)
        done, _ = run(taken, *services)
        assert len(done.answered) == 3
        assert "contradict" in done.decisions[2].reason
        assert done.decisions[-1].answer == "b"

    def test_min_readings_keeps_a_sure_answer_from_standing_alone(self, run) -> None:
        services = [Scripted(name, ok("a", 0.99)) for name in ("one", "two", "three")]
        taken = choice("sequential", "one", "two", "three", stop_at=0.9, min_readings=2)
        assert names(run(taken, *services)[0]) == ["one", "two"]

    def test_a_chain_shows_each_step_the_earlier_answers(self, run) -> None:
        services = Scripted("one", ok("a")), Scripted("two", ABSTAIN), Scripted("three", ok("b"))
        done, _ = run(choice("sequential", "one", "two", "three", chain=True), *services)
        seen = [[name for name, _ in service.asked[0].earlier] for service in services]
        assert seen == [[], ["one"], ["one", "two"]]
        assert services[2].asked[0].earlier[0][1].answer == "a"
        assert len(done.answered) == 3

    def test_a_cascade_keeps_its_steps_independent(self, run) -> None:
        services = Scripted("one", ok("a", 0.4)), Scripted("two", ok("a", 0.4))
        run(choice("sequential", "one", "two", stop_at=0.99), *services)
        assert services[1].asked[0].earlier == ()

    def test_calls_do_not_overlap(self, run) -> None:
        services = [Scripted(f"s{n}", ok("a"), seconds=1.0) for n in range(4)]
        _, seconds = run(choice("sequential", "s0", "s1", "s2", "s3"), *services)
        assert seconds == pytest.approx(4.0)


class TestParallel:
    def test_calls_overlap(self, run) -> None:
        """Four services of one second each take one virtual second, not four."""
        services = [Scripted(f"s{n}", ok("a"), seconds=1.0) for n in range(4)]
        _, seconds = run(choice("parallel", "s0", "s1", "s2", "s3"), *services)
        assert seconds == pytest.approx(1.0)

    def test_the_merge_keeps_the_order_of_the_plan_whoever_is_first(self, run) -> None:
        services = [Scripted(f"s{n}", ok("a"), seconds=3.0 - n) for n in range(3)]
        done, _ = run(choice("parallel", "s0", "s1", "s2"), *services)
        assert names(done) == ["s0", "s1", "s2"]

    def test_one_failure_cancels_no_other_call(self, run) -> None:
        services = (
            Scripted("good", ok("a"), seconds=2.0),
            Scripted("bad", RuntimeError("no model"), seconds=1.0),
        )
        done, seconds = run(choice("parallel", "good", "bad"), *services)
        good, bad = (one.reading for one in done.answered)
        assert (good.status, good.answer) == (Status.OK, "a")
        assert (bad.status, bad.reason) == (Status.FAILED, "RuntimeError: no model")
        assert seconds == pytest.approx(2.0)


LONG = "\n".join(f"line {n} of a long text that is read in rounds" for n in range(2000))


def iterative(*services: str, **rounds):
    return choice("iterative", *services, rounds={"first_chars": 1000, **rounds})


class TestIterative:
    def reads(self, service) -> list[float]:
        return [round(asked.coverage, 2) for asked in service.asked]

    def test_it_stops_when_the_answer_has_settled_and_keeps_every_round(self, run) -> None:
        answers = iter([("x", "y"), ("a", "b"), ("a", "b")])
        service = Scripted("s", lambda asked: ok(next(answers)))
        done, _ = run(iterative("s"), service, asked=question("i", "words", LONG))
        assert [one.round for one in done.answered] == [0, 1, 2]
        assert [one.final for one in done.answered] == [False, False, True]
        assert actions(done) == ["round", "round", "round", "stop"]
        assert done.decisions[-1].reason.startswith("converged")
        gains = [decision.gain for decision in done.decisions[:3]]
        assert gains[0] is None and gains[1] > 0.9 and gains[2] == 0.0

    def test_each_round_reads_more_of_the_content(self, run) -> None:
        service = Scripted("s", lambda asked: ok((asked.item.text[-9:],)))
        run(iterative("s", max_rounds=3), service, asked=question("i", "words", LONG))
        lengths = [len(asked.item.text) for asked in service.asked]
        assert lengths == sorted(set(lengths))
        assert service.asked[-1].coverage < 1.0

    def test_a_short_text_takes_one_round(self, run) -> None:
        service = Scripted("s", ok(("a",)))
        done, _ = run(iterative("s"), service, asked=question("i", "words", "short"))
        assert self.reads(service) == [1.0]
        assert done.decisions[-1].reason == "the whole content was read"

    def test_it_stops_at_the_maximum_of_rounds(self, run) -> None:
        service = Scripted("s", lambda asked: ok((str(len(asked.item.text)),)))
        done, _ = run(iterative("s", max_rounds=3), service, asked=question("i", "words", LONG))
        assert len(service.asked) == 3
        assert done.decisions[-1].reason == "maximum of 3 rounds"

    def test_it_stops_when_a_round_gains_nothing(self, run) -> None:
        service = Scripted("s", lambda asked: ok((str(len(asked.item.text)),), 0.5))
        done, _ = run(iterative("s", min_gain=0.05), service, asked=question("i", "words", LONG))
        assert len(service.asked) == 2
        assert done.decisions[-1].reason.startswith("no gain")

    def test_it_stops_when_time_is_over(self, run) -> None:
        service = Scripted("s", lambda asked: ok((str(len(asked.item.text)),)), seconds=1.0)
        taken = iterative("s", max_ms=1500)
        done, seconds = run(taken, service, asked=question("i", "words", LONG))
        assert len(service.asked) == 2
        assert seconds == pytest.approx(2.0)
        assert done.decisions[-1].reason.startswith("time")

    def test_a_round_may_see_the_answers_of_the_round_before(self, run) -> None:
        service = Scripted("s", lambda asked: ok((str(len(asked.item.text)),)))
        taken = iterative("s", max_rounds=2, sees_earlier=True)
        run(taken, service, asked=question("i", "words", LONG))
        (name, before) = service.asked[1].earlier[0]
        assert name == "s" and before.answer
        assert service.asked[0].earlier == ()

    def test_rounds_of_the_same_excerpt_are_asked_once(self, asker) -> None:
        service = Scripted("s", lambda asked: ok((str(len(asked.item.text)),)))
        taken, asked, ask = (
            iterative("s", max_rounds=3),
            question("i", "words", LONG),
            asker(service),
        )
        for _ in range(2):
            run_in_virtual_time(execute(taken, asked, ask.ask, TASKS))
        assert len(service.asked) == 3


@given(st.text(alphabet="ab \n", max_size=3000), st.integers(200, 4000))
def test_an_excerpt_is_bounded_and_made_of_the_text(text, chars) -> None:
    part = excerpt(text, chars)
    assert len(part) <= max(chars, 0)
    assert part == text if len(text) <= chars else text.startswith(part.split("\n\n")[0])
    assert excerpt(text, chars) == part


class TestHybrid:
    def test_a_service_sees_only_what_it_waits_for(self, run) -> None:
        services = [Scripted(name, ok("a")) for name in "abcd"]
        done, _ = run(choice("hybrid", *"abcd", after={"c": ["a"], "d": ["b", "c"]}), *services)
        seen = {s.name: [name for name, _ in s.asked[0].earlier] for s in services}
        assert seen == {"a": [], "b": [], "c": ["a"], "d": ["b", "c"]}
        assert actions(done) == ["wave", "wave", "wave", "stop"]

    def test_the_makespan_is_the_critical_path(self, run) -> None:
        """Waves would take 3 + 3 + 1 = 7 seconds; along the graph it is 3 + 1 + 1 = 5."""
        seconds = {"slow": 3.0, "quick": 1.0, "after_slow": 1.0, "after_quick": 3.0, "last": 1.0}
        services = [Scripted(name, ok("a"), seconds=took) for name, took in seconds.items()]
        after = {
            "after_slow": ["slow"],
            "after_quick": ["quick"],
            "last": ["after_slow", "after_quick"],
        }
        done, took = run(choice("hybrid", *seconds, after=after), *services)
        assert took == pytest.approx(5.0)
        assert names(done)[-1] == "last"

    def test_a_failed_dependency_is_shown_and_stops_nobody(self, run) -> None:
        services = Scripted("a", RuntimeError("down")), Scripted("b", ok("b"))
        done, _ = run(choice("hybrid", "a", "b", after={"b": ["a"]}), *services)
        assert services[1].asked[0].earlier[0][1].status is Status.FAILED
        assert done.answered[1].reading.answer == "b"

    @pytest.mark.parametrize(
        ("after", "words"),
        [
            ({"a": ["b"], "b": ["a"]}, "cycle"),
            ({"a": ["a"]}, "cycle"),
            ({"a": ["x"]}, "not among the services"),
        ],
    )
    def test_a_graph_that_cannot_be_walked_is_refused(self, after, words) -> None:
        with pytest.raises(ValueError, match=words):
            choice("hybrid", "a", "b", after=after)

    @given(st.data())
    def test_waves_hold_every_service_once_after_its_dependencies(self, data) -> None:
        services = [f"s{n}" for n in range(data.draw(st.integers(1, 8)))]
        after = {
            name: data.draw(st.lists(st.sampled_from(services[:n]), unique=True))
            for n, name in enumerate(services)
            if n
        }
        planned = waves(choice("hybrid", *services, after=after))
        wave_of = {name: number for number, wave in enumerate(planned) for name in wave}
        assert sorted(wave_of) == sorted(services)
        assert all(wave_of[b] < wave_of[name] for name, waits in after.items() for b in waits)


class TestJudge:
    def test_a_judge_is_asked_only_when_answers_disagree(self, run) -> None:
        judge = Scripted("judge", ok("b", 0.7))
        taken = choice("parallel", "x", "y", judge={"service": "judge"})
        agreed, _ = run(taken, Scripted("x", ok("a")), Scripted("y", ok("a")), judge)
        assert names(agreed) == ["x", "y"] and judge.asked == []
        split, _ = run(
            taken, Scripted("x", ok("a"), version="2"), Scripted("y", ok("b"), version="2"), judge
        )
        assert names(split) == ["x", "y", "judge"]
        assert [name for name, _ in judge.asked[0].earlier] == ["x", "y"]
        assert split.decisions[-1].action == "judge"
        # as sure as all readings make it: y says b too
        assert split.decisions[-1].answer == "b"
        assert 0.7 < split.decisions[-1].certainty < 1.0

    def test_a_judge_may_be_asked_every_time(self, run) -> None:
        services = Scripted("x", ok("a")), Scripted("judge", ok("a"))
        taken = choice("parallel", "x", judge={"service": "judge", "when": "always"})
        assert names(run(taken, *services)[0]) == ["x", "judge"]

    def test_a_judge_must_not_judge_itself(self) -> None:
        with pytest.raises(ValueError, match="must not be one of"):
            choice("parallel", "x", judge={"service": "x"})


class TestEscalation:
    def taken(self, below: float = 0.9):
        sub_plan = {"model": "sequential", "services": ["cheap", "dear"]}
        return choice("parallel", "cheap", escalate={"below": below, "to": sub_plan})

    def test_an_unsure_answer_goes_on_to_the_sub_plan_and_the_change_is_recorded(self, run) -> None:
        services = Scripted("cheap", ok("a", 0.5)), Scripted("dear", ok("b", 0.99))
        done, _ = run(self.taken(), *services)
        assert names(done) == ["cheap", "dear"]
        assert len(services[0].asked) == 1
        assert "escalate" in actions(done)
        assert done.decisions[-1].reason == "escalation changed the answer: a -> b"

    def test_a_sure_answer_stays(self, run) -> None:
        services = Scripted("cheap", ok("a", 0.99)), Scripted("dear", ok("b", 0.99))
        done, _ = run(self.taken(), *services)
        assert names(done) == ["cheap"]
        assert services[1].asked == []

    def test_a_failed_service_is_tried_again_by_the_sub_plan(self, run) -> None:
        tries = iter([RuntimeError("once"), ok("a", 0.9)])

        def say(asked):
            said = next(tries)
            if isinstance(said, Exception):
                raise said
            return said

        done, _ = run(self.taken(), Scripted("cheap", say), Scripted("dear", ok("a", 0.9)))
        assert [(one.service, one.round, one.final) for one in done.answered] == [
            ("cheap", 0, False),
            ("cheap", 1, True),
            ("dear", 0, True),
        ]


class TestRouter:
    ROUTE: ClassVar = {
        "task": "route",
        "service": "router",
        "to": {"left": {"model": "sequential", "services": ["l"]}},
        "otherwise": {"model": "parallel", "services": ["l", "r"]},
    }

    @pytest.mark.parametrize(
        ("said", "asked", "words"),
        [
            (ok("left"), ["router", "l"], "left has its own sub-plan"),
            (ok("right"), ["router", "l", "r"], "general one takes over"),
            (ABSTAIN, ["router", "l", "r"], "routing failed"),
            (RuntimeError("down"), ["router", "l", "r"], "routing failed"),
        ],
    )
    def test_it_hands_the_item_to_a_sub_plan(self, run, said, asked, words) -> None:
        services = Scripted("router", said), Scripted("l", ok("a")), Scripted("r", ok("a"))
        done, _ = run(choice("hybrid", route=self.ROUTE), *services)
        assert names(done) == asked
        assert done.decisions[0].action == "route"
        assert words in done.decisions[0].reason
        assert services[0].asked[0].task.name == "route"

    def test_its_reading_is_kept_but_takes_no_part_in_the_answer(self, run) -> None:
        services = Scripted("router", ok("left")), Scripted("l", ok("a"))
        done, _ = run(choice("hybrid", route=self.ROUTE), *services)
        assert [one.final for one in done.answered] == [False, True]
        assert done.decisions[-1].answer == "a"


def test_an_answer_of_the_wrong_kind_is_rejected_not_believed(run) -> None:
    done, _ = run(choice("sequential", "s"), Scripted("s", ok(0.5)))
    assert done.answered[0].reading.status is Status.REJECTED_OUTPUT
    assert "no label" in str(done.answered[0].reading.reason)


def test_a_service_never_has_more_calls_under_way_than_it_allows(asker) -> None:
    service = Scripted("one", ok("a"), seconds=1.0)
    service.concurrency = 2

    async def ask_all():
        one = asker(service)
        return await asyncio.gather(*(one.ask("one", question(str(n))) for n in range(6)))

    answered, seconds = run_in_virtual_time(ask_all())
    assert seconds == pytest.approx(3.0)
    assert len(answered) == 6
