"""Panels: who is shown what, who moves, when they end, and whose answers count."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.processing.plan_result import lead
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from resources.feature_cache.lmdb_store import LmdbStore
from tests.processing.services import ABSTAIN, TASKS, Scripted, by_name, choice, ok, question
from tests.processing.virtual_time import run_in_virtual_time


def panel(*services: str, **fields):
    return choice("iterative", *services, panel=fields)


def stubborn(name: str, answer: str, sure: float = 0.9) -> Scripted:
    return Scripted(name, ok(answer, sure))


def led(name: str, first: str, then: str) -> Scripted:
    """Says one thing at first, and another once it is shown what others say."""
    return Scripted(name, lambda asked: ok(then if asked.earlier else first))


@pytest.fixture
def asker(tmp_path):
    numbers = itertools.count()

    def build(*services):
        folder = tmp_path / f"answers{next(numbers)}"
        return Asker(by_name(*services), AnswerCache(LmdbStore(folder)))

    return build


@pytest.fixture
def run(asker):
    def call(taken, *services, ask=None):
        ask = ask or asker(*services).ask
        return run_in_virtual_time(execute(taken, question(), ask, TASKS))[0]

    return call


def test_first_answers_are_given_without_each_other_and_the_crowd_is_no_new_voice(run) -> None:
    members = stubborn("s", "a"), stubborn("t", "a"), led("u", "b", "a")
    done = run(panel("s", "t", "u"), *members)
    assert [member.asked[0].earlier for member in members] == [(), (), ()]
    assert [(one.service, one.round) for one in done.answered] == [
        (name, n) for n in (0, 1) for name in "stu"
    ]
    assert done.decisions[-1].reason == "no two members differ"
    assert "u moves from b to a, that of s and t" in done.decisions[1].reason
    finals = {one.service: one for one in done.answered if one.final}
    assert {name for name, one in finals.items() if one.decides} == {"s", "t"}
    assert finals["u"].follows == ("s", "t")
    assert [one.service for one in done.answered if one.voice] == ["s", "t", "u"]

    stands, unmoved = done.leading, run(panel("s", "t", "u", max_rounds=1), *members).leading
    assert stands.answer == "a" and stands.supporters == ("s", "t", "u")
    # three say it now, and it is as sure as when two did against one
    assert stands.error_risk == unmoved.error_risk > 0.0


def test_a_minority_is_kept_as_readings_and_dissents(run) -> None:
    done = run(panel("s", "t", "u"), stubborn("s", "a"), stubborn("t", "a"), stubborn("u", "b"))
    assert done.decisions[-1].reason == "nobody moved"
    assert len(done.answered) == 6
    assert done.leading.dissenters == ("u",)
    assert {one.service: one.reading.answer for one in done.answered if one.final} == {
        "s": "a",
        "t": "a",
        "u": "b",
    }


def test_who_finds_an_answer_that_nobody_had_shown_decides_with_those_that_hold(run) -> None:
    done = run(panel("s", "t"), stubborn("s", "a", 0.6), led("t", "b", "c"))
    assert {one.service for one in done.answered if one.decides} == {"s", "t"}
    assert "t moves from b to c, which nobody gave" in done.decisions[1].reason


def test_members_that_agree_are_not_asked_again(run) -> None:
    members = stubborn("s", "a"), stubborn("t", "a")
    done = run(panel("s", "t"), *members)
    assert [len(member.asked) for member in members] == [1, 1]
    assert done.decisions[-1].reason == "no two members differ"


def test_members_that_never_settle_stop_at_the_maximum(run) -> None:
    def other(name, first):
        return Scripted(
            name, lambda asked: ok(asked.earlier[1][1].answer if asked.earlier else first)
        )

    done = run(panel("s", "t", max_rounds=4), other("s", "a"), other("t", "b"))
    assert done.decisions[-1].reason == "maximum of 4 rounds"
    assert max(one.round for one in done.answered) == 3
    # whoever is back at its first answer holds it
    assert done.leading.answer in ("a", "b")


def test_a_member_without_an_answer_follows_and_has_no_voice(run) -> None:
    shy = Scripted("u", lambda asked: ok("a") if asked.earlier else ABSTAIN)
    done = run(panel("s", "t", "u"), stubborn("s", "a"), stubborn("t", "b", 0.6), shy)
    last = next(one for one in done.answered if one.service == "u" and one.final)
    assert (last.reading.answer, last.decides, last.follows) == ("a", False, ("s",))
    alone = run(panel("s", "t"), stubborn("s", "a"), stubborn("t", "b", 0.6))
    assert done.leading.error_risk == alone.leading.error_risk


def test_the_money_ends_a_panel_and_what_was_said_stands(asker) -> None:
    broke = asker(stubborn("s", "a"), stubborn("t", "b", 0.6))
    refused = Reading(Status.OVER_BUDGET, reason="no money is left")

    async def ask(name, asked):
        result = await broke.ask(name, asked)
        return replace(result, reading=refused) if asked.earlier else result

    done, _ = run_in_virtual_time(execute(panel("s", "t"), question(), ask, TASKS))
    assert done.decisions[-1].reason == "the money ended in round 2"
    assert done.leading.answer == "a"
    assert {one.reading.answer for one in done.answered if one.final} == {"a", "b"}


def test_a_rerun_asks_nothing_and_names_do_not_matter_where_hidden(run, asker) -> None:
    members = stubborn("s", "a"), led("t", "b", "a"), stubborn("u", "c")
    ask = asker(*members).ask
    first = run(panel("s", "t", "u"), ask=ask)
    asked = [len(member.asked) for member in members]
    again = run(panel("s", "t", "u"), ask=ask)
    assert [len(member.asked) for member in members] == asked
    assert [one.reading for one in again.answered] == [one.reading for one in first.answered]

    # the others have exchanged their answers: who looks on is asked the same
    swapped = stubborn("s", "c"), Scripted("t", ok("b")), stubborn("u", "a")
    run(panel("s", "t", "u"), *swapped)
    told = members[1].asked[1].earlier
    assert told == swapped[1].asked[1].earlier
    assert [name for name, _ in told] == ["you", "another", "another"]
    assert [reading.confidence for _, reading in told] == [None, None, None]


def test_names_and_confidences_are_told_where_the_policy_says_so(run) -> None:
    member = stubborn("s", "a")
    taken = panel("s", "t", names="shown", confidences="shown", max_rounds=2)
    run(taken, member, stubborn("t", "b", 0.7))
    told = member.asked[1].earlier
    assert [(name, one.answer, one.confidence) for name, one in told] == [
        ("you", "a", 0.9),
        ("t", "b", 0.7),
    ]


def test_a_panel_that_is_escalated_to_keeps_the_voices_of_before(run) -> None:
    taken = choice(
        "parallel",
        "s",
        "t",
        "u",
        escalate={
            "below": 0.99,
            "to": {"model": "iterative", "services": ["s", "t", "u"], "panel": {}},
        },
    )
    done = run(taken, stubborn("s", "a"), stubborn("t", "a"), led("u", "b", "a"))
    alone = run(panel("s", "t", "u"), stubborn("s", "a"), stubborn("t", "a"), led("u", "b", "a"))
    assert done.leading is None or done.leading.error_risk == alone.leading.error_risk
    assert lead(done.answered, question()).error_risk == alone.leading.error_risk
    assert len(done.answered) == 6


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([*"abc", "hold", "none"])),
        min_size=2,
        max_size=5,
    ),
    st.integers(1, 4),
)
@settings(deadline=None, max_examples=60)
def test_no_talk_makes_an_answer_surer_than_the_first_answers_do(tmp_path_factory, says, most):
    def member(name, first, then):
        def say(asked):
            if not asked.earlier or then == "hold":
                return ok(first)
            return ABSTAIN if then == "none" else ok(then)

        return Scripted(name, say)

    members = [member(f"s{n}", *one) for n, one in enumerate(says)]
    cache = AnswerCache(LmdbStore(tmp_path_factory.mktemp("answers")))
    taken = panel(*(one.name for one in members), max_rounds=most)
    ask = Asker(by_name(*members), cache).ask
    done, _ = run_in_virtual_time(execute(taken, question(), ask, TASKS))
    voices = [one for one in done.answered if one.voice]
    assert len(voices) == len(members) and {one.round for one in voices} == {0}
    assert len({(one.service, one.round) for one in done.answered}) == len(done.answered)
    assert max(len(member.asked) for member in members) <= most
    assert sum(one.final for one in done.answered) == len(members)
    agreeing = sum(one.reading.answer == done.leading.answer for one in voices)
    # of equally sure first answers the share that agrees bounds the certainty
    if agreeing <= len(voices) / 2:
        assert done.leading.certainty <= 0.5 + 1e-9
    assert any(one.decides for one in done.answered)
