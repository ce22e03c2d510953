import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.consensus import Consensus, consensus, support_of
from orchestration_assets.evidence.distances import distance
from orchestration_assets.evidence.posterior import posterior
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_answers import leaves, pattern_of
from tests.evidence.answers import ABSTAINED, FAILED, TASKS, kinds, ok, votes

LABEL, SET, TEXT, SCORE, VECTOR, RECORD = (TASKS[kind] for kind in AnswerKind)
heard = kinds.flatmap(lambda kind: st.tuples(st.just(TASKS[kind]), votes(kind)))


def named(*readings):
    return [(name, reading) for name, reading in zip("xyzuvw", readings, strict=False)]


def test_a_label_is_weighed_by_the_posterior() -> None:
    given_readings = named(ok("a", 0.6), ok("b", 0.9), ok("a", 0.5))
    found = consensus(given_readings, LABEL)
    combined = posterior([reading for _, reading in given_readings])
    assert (found.answer, found.certainty) == (combined.answer, combined.probability)
    assert found.error_risk == 1.0 - combined.probability
    assert found.spread == combined.entropy
    assert (found.supporters, found.dissenters) == (("y",), ("x", "z"))


def test_a_set_keeps_what_half_of_the_confidence_names() -> None:
    found = consensus(
        named(ok(("bank", "Berlin"), 0.8), ok(("banks", "school"), 0.4), ok(("berlin",), 0.5)), SET
    )
    assert found.answer == ("Berlin", "bank")


def test_sets_that_share_nothing_yield_the_best_supported_members() -> None:
    found = consensus(named(ok(("a", "b"), 0.4), ok(("c", "d"), 0.4), ok(("e",), 0.5)), SET)
    assert found.answer == ("e", "a")  # the median set has two members
    assert found.spread == 1.0


def test_a_text_is_the_one_nearest_to_all_others() -> None:
    texts = ("the tax on fuel rises", "the fuel tax rises again", "cats sleep a lot")
    found = consensus(named(*(ok(text, 0.7) for text in texts)), TEXT)
    assert found.answer in texts[:2]
    assert found.dissenters == ("z",)


def test_of_two_texts_the_surer_stands_then_the_earlier() -> None:
    assert consensus(named(ok("cats", 0.5), ok("dogs", 0.6)), TEXT).answer == "dogs"
    assert consensus(named(ok("cats", 0.6), ok("dogs", 0.6)), TEXT).answer == "cats"


def test_a_score_is_the_confidence_weighted_mean() -> None:
    found = consensus(named(ok(0.0, 0.9), ok(1.0, 0.3)), SCORE)
    assert found.answer == pytest.approx(0.25)
    assert found.spread == pytest.approx(0.2)
    assert found.certainty == pytest.approx(0.6 * 0.8)


def test_scores_without_any_confidence_weigh_alike() -> None:
    assert consensus(named(ok(0.0, 0.0), ok(1.0, 0.0)), SCORE).answer == 0.5


def test_opposite_scores_leave_nobody_near_their_mean() -> None:
    found = consensus(named(ok(-2.0), ok(3.0)), SCORE)
    assert (found.supporters, found.dissenters) == ((), ("x", "y"))


def test_a_vector_is_the_surest_services_and_everybody_supports_it() -> None:
    found = consensus(named(ok((1.0, 0.0), 0.5), ok((0.0, 1.0), 0.7), ok((9.0,), 0.7)), VECTOR)
    assert found.answer == (0.0, 1.0)
    assert (found.spread, found.dissenters) == (None, ())
    assert found.supporters == ("x", "y", "z")


def test_nobody_answering_is_no_consensus() -> None:
    assert consensus(named(ABSTAINED, FAILED), TEXT) == Consensus(None, 0.0, None, None, (), ())


def test_a_standing_answer_is_weighed_against_all_readings() -> None:
    given_readings = named(ok("a", 0.9), ok("a", 0.9), ok("b", 0.6))
    found = support_of("b", given_readings, LABEL)
    assert (found.supporters, found.dissenters) == (("z",), ("x", "y"))
    assert found.error_risk is not None and found.error_risk > 0.5


@given(heard)
def test_figures_are_bounded_and_only_ok_readings_vote(drawn) -> None:
    task, given_votes = drawn
    found = consensus(given_votes, task)
    voters = [name for name, reading in given_votes if reading.status is Status.OK]
    assert (found.answer is None) == (not voters)
    assert 0.0 <= found.certainty <= 1.0
    with_risk = task.kind in (AnswerKind.LABEL, AnswerKind.RECORD)
    assert (found.error_risk is not None) == (with_risk and bool(voters))
    assert found.spread is None or 0.0 <= found.spread <= 1.0
    assert sorted(found.supporters + found.dissenters) == sorted(voters)


@given(heard)
def test_the_answer_is_among_or_between_what_was_said(drawn) -> None:
    task, given_votes = drawn
    said = [reading.answer for _, reading in given_votes if reading.status is Status.OK]
    answer = consensus(given_votes, task).answer
    if not said:
        return
    if task.kind is AnswerKind.SCORE:
        assert min(said) <= answer <= max(said)
    elif task.kind is AnswerKind.SET:
        assert set(answer) <= {member for members in said for member in members}
    elif task.kind is AnswerKind.RECORD:
        values = {(pattern_of(path), value) for one in said for path, value in leaves(one)}
        assert {(pattern_of(path), value) for path, value in leaves(answer)} <= values
    else:
        assert answer in said


@given(heard, st.randoms())
def test_the_order_of_asking_settles_ties_and_nothing_else(drawn, random) -> None:
    task, given_votes = drawn
    shuffled = random.sample(given_votes, len(given_votes))
    first, second = consensus(given_votes, task), consensus(shuffled, task)
    assert math.isclose(first.certainty, second.certainty, abs_tol=1e-9)
    assert first.spread == pytest.approx(second.spread)
    if task.kind in (AnswerKind.SET, AnswerKind.SCORE):
        assert first.answer == second.answer


@given(heard)
def test_one_voice_is_heard_as_it_is(drawn) -> None:
    task, given_votes = drawn
    for vote in given_votes:
        if vote[1].status is Status.OK:
            alone = consensus([vote], task)
            assert distance(alone.answer, vote[1].answer, task) == 0.0
            assert alone.dissenters == ()


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_wider_gaps_and_lower_confidence_make_a_score_less_sure(near, far, confidence) -> None:
    near, far = sorted((near, far))
    task = Task("s", "1", AnswerKind.SCORE, disagree_at=0.5)
    close = consensus(named(ok(0.0, confidence), ok(near, confidence)), task)
    wide = consensus(named(ok(0.0, confidence), ok(far, confidence)), task)
    halved = consensus(named(ok(0.0, confidence / 2), ok(near, confidence / 2)), task)
    assert close.certainty >= wide.certainty
    assert close.certainty >= halved.certainty
