"""What stands when services disagree, by each of the five policies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.disagreement.label_weights import WeighedAnswers
from orchestration_assets.disagreement.resolution import ResolutionRules, ranked, resolve, triage
from orchestration_assets.evidence.standing import Roles
from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.schemas.enums import (
    AnswerKind,
    Manner,
    ResolutionPolicy,
    ResolutionStatus,
    Triage,
)
from orchestration_assets.schemas.policy import Review
from tests.disagreement.batches import PLAN, task
from tests.evidence.answers import ABSTAINED, ok

LABEL = task(AnswerKind.LABEL)
SPLIT = (("words", ok("a", 0.6)), ("meaning", ok("b", 0.9)), ("other", ABSTAINED))
MANNERS = {"t": {"words": Manner.LITERAL, "meaning": Manner.SEMANTIC}}


def rules(policy: ResolutionPolicy) -> ResolutionRules:
    return ResolutionRules({"t": policy}, MANNERS)


@pytest.mark.parametrize(
    ("policy", "answer", "status"),
    [
        (ResolutionPolicy.WEIGHT, "b", ResolutionStatus.RESOLVED),
        (ResolutionPolicy.LITERAL, "a", ResolutionStatus.RESOLVED),
        (ResolutionPolicy.SEMANTIC, "b", ResolutionStatus.RESOLVED),
        (ResolutionPolicy.PRESERVE_ALL, None, ResolutionStatus.PRESERVED),
        (ResolutionPolicy.FAIL, None, ResolutionStatus.FAILED),
    ],
)
def test_each_policy_decides_a_dispute_and_keeps_every_reading(policy, answer, status) -> None:
    row = resolve(PLAN, SPLIT, LABEL, rules=rules(policy))
    assert (row.answer, row.status, row.policy) == (answer, status, policy)
    assert [one.service for one in row.readings] == ["words", "meaning", "other"]
    assert row.reason
    assert (row.error_risk is None) == (answer is None)


@pytest.mark.parametrize("policy", ResolutionPolicy)
def test_where_services_agree_all_policies_are_alike(policy) -> None:
    heard = (("words", ok("a", 0.6)), ("meaning", ok("a", 0.9)))
    row = resolve(PLAN, heard, LABEL, rules=rules(policy))
    assert (row.answer, row.status) == ("a", ResolutionStatus.RESOLVED)


def test_a_manner_that_nobody_answered_in_leaves_it_to_weight_and_says_so() -> None:
    heard = (("words", ABSTAINED), ("meaning", ok("b", 0.9)), ("third", ok("c", 0.5)))
    row = resolve(PLAN, heard, LABEL, rules=rules(ResolutionPolicy.LITERAL))
    assert row.answer == "b"
    assert "no service that reads in the literal manner answered" in row.reason


def test_what_was_learnt_overrules_stated_confidence_and_the_basis_says_so() -> None:
    known = WeighedAnswers({"a": 0.8, "b": 0.15}, "a", 0.2, "calibration 7, 300 verdicts")
    row = resolve(PLAN, SPLIT, LABEL, weighed=known)
    assert row.answer == "a"
    assert row.error_risk == pytest.approx(0.2)
    assert row.risk_basis == "calibration 7, 300 verdicts"
    assert row.triage is Triage.REVIEW
    judged = Roles(frozenset({"meaning"}), {"meaning": ("words",)})
    decided = resolve(PLAN, SPLIT, LABEL, judged, weighed=known)
    # what was learnt is of readings without each other, and says nothing of one that saw another
    assert (decided.answer, decided.triage) == ("b", Triage.REVIEW)
    assert "speaks of the readings that were overruled" in decided.risk_basis
    assert decided.error_risk == resolve(PLAN, SPLIT, LABEL, judged).error_risk


def test_readings_are_ranked_by_weight_with_silence_last() -> None:
    known = WeighedAnswers({"a": 0.8, "b": 0.15}, "a", 0.2, "calibration")
    row = resolve(PLAN, SPLIT, LABEL, weighed=known)
    assert [one.service for one in ranked(row.readings)] == ["words", "meaning", "other"]
    plain = resolve(PLAN, SPLIT, LABEL)
    assert [one.service for one in ranked(plain.readings)] == ["meaning", "words", "other"]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_triage_is_monotone_in_risk(one, other, bound) -> None:
    review = Review(accept_above=max(bound, 0.5), reject_below=min(bound, 0.5))
    order = [Triage.ACCEPT, Triage.REVIEW, Triage.REJECT]
    low, high = sorted((one, other))
    assert order.index(triage(low, review)) <= order.index(triage(high, review))


def test_the_bands_are_those_of_the_policy() -> None:
    assert [triage(risk, Review()) for risk in (0.05, 0.1, 0.4, 0.41)] == [
        Triage.ACCEPT,
        Triage.REVIEW,
        Triage.REVIEW,
        Triage.REJECT,
    ]


POLICY = """
version: 2
services: {{names: {{implementation: extension_map}}, model: {{implementation: magika}}}}
tasks:
  content_type:
    question: What is it?
    resolve: literal
    {manners}
    default: {{model: parallel, services: [names, model]}}
"""


def test_a_manner_must_have_a_service_that_the_task_asks() -> None:
    parsed = parse_policy(POLICY.format(manners="manners: {names: literal}"), "p")
    assert parsed.policy.tasks["content_type"].resolve is ResolutionPolicy.LITERAL
    with pytest.raises(PolicyError, match="needs a service with that manner"):
        parse_policy(POLICY.format(manners=""), "p")
    with pytest.raises(PolicyError, match="never asked by this task"):
        parse_policy(POLICY.format(manners="manners: {names: literal, nobody: literal}"), "p")
