from dataclasses import replace

import pytest

from orchestration_assets.disagreement.label_weights import WeighedAnswers
from orchestration_assets.disagreement.resolution import ResolutionRules, resolve, resolve_plans
from orchestration_assets.evidence.standing import Roles
from orchestration_assets.schemas.answers import answer_of
from orchestration_assets.schemas.enums import (
    AnswerKind,
    ResolutionPolicy,
    ResolutionStatus,
    Status,
)
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import RESOLUTIONS
from tests.disagreement.batches import PLAN, task
from tests.evidence.answers import ABSTAINED, FAILED, ok

LABEL = task(AnswerKind.LABEL)
JUDGED = Roles(frozenset({"judge"}), {"judge": ("x", "y")})


def test_the_answer_with_more_weight_stands_and_every_reading_is_kept() -> None:
    row = resolve(PLAN, (("x", ok("a", 0.6)), ("y", ok("b", 0.9)), ("z", ABSTAINED)), LABEL)
    assert (row.answer, row.supporters, row.dissenters) == ("b", ("y",), ("x",))
    assert [(kept.service, kept.answer) for kept in row.readings] == [
        ("x", "a"),
        ("y", "b"),
        ("z", None),
    ]
    assert row.reason == "y outweighs x"
    backed = resolve(PLAN, (("x", ok("a", 0.6)), ("y", ok("b", 0.9)), ("z", ok("b"))), LABEL)
    assert backed.reason == "y and z outweigh x"


def test_error_risk_grows_with_contradiction() -> None:
    agreed = resolve(PLAN, (("x", ok("a")), ("y", ok("a"))), LABEL)
    split = resolve(PLAN, (("x", ok("a")), ("y", ok("b", 0.8))), LABEL)
    assert agreed.error_risk is not None and split.error_risk is not None
    assert agreed.error_risk < split.error_risk


@pytest.mark.parametrize(
    ("heard", "status"),
    [
        ((("x", ABSTAINED), ("y", ABSTAINED)), ResolutionStatus.ABSTAINED),
        ((("x", ABSTAINED), ("y", FAILED)), ResolutionStatus.FAILED),
        ((), ResolutionStatus.FAILED),
        ((("x", FAILED), ("y", ok("a"))), ResolutionStatus.RESOLVED),
    ],
)
def test_an_item_without_an_answer_says_why(heard, status) -> None:
    row = resolve(PLAN, heard, LABEL)
    assert row.status is status
    assert (row.answer is None) == (status is not ResolutionStatus.RESOLVED)
    assert row.reason


def test_a_judge_decides_against_the_others_and_the_risk_shows() -> None:
    heard = (("x", ok("a", 0.9)), ("y", ok("a", 0.9)), ("judge", ok("b", 0.6)))
    row = resolve(PLAN, heard, LABEL, JUDGED)
    assert (row.answer, row.supporters, row.dissenters) == ("b", ("judge",), ())
    assert row.reason == "judge decides, overruling x, y"
    assert row.error_risk is not None and row.error_risk > 0.5
    assert len(row.readings) == 3


KNOWN = WeighedAnswers({"a": 0.97, "b": 0.02}, "a", 0.03, "calibration v1, 400 verdicts")


@pytest.mark.parametrize("overruling", ["b", "new"])
@pytest.mark.parametrize("saw", [("x", "y"), ("x",)])
def test_a_calibration_says_nothing_of_the_answer_that_overrules_what_it_knows(
    overruling, saw
) -> None:
    heard = (("x", ok("a", 0.9)), ("y", ok("a", 0.8)), ("judge", ok(overruling, 0.95)))
    roles = Roles(frozenset({"judge"}), {"judge": saw})
    row = resolve(PLAN, heard, LABEL, roles, weighed=KNOWN)
    unweighed = resolve(PLAN, heard, LABEL, roles)
    assert (row.answer, row.error_risk) == (overruling, unweighed.error_risk)
    assert 0.0 < row.error_risk < 1.0
    assert row.risk_basis == (
        "stated confidences, unchecked: calibration v1, 400 verdicts speaks of the readings that "
        "were overruled, and makes their a 0.970 sure"
    )
    assert all(reading.weight > 0.0 for reading in row.readings)


def test_a_calibration_speaks_of_what_an_unaided_service_or_it_itself_says() -> None:
    heard = (("x", ok("a", 0.9)), ("y", ok("b", 0.8)), ("judge", ok("a", 0.5)))
    agreed = resolve(PLAN, heard, LABEL, JUDGED, weighed=KNOWN)
    assert (agreed.error_risk, agreed.risk_basis) == (0.03, KNOWN.basis)
    # an escalation that was shown nothing is one of those that were weighed
    chosen = resolve(PLAN, heard[:2], LABEL, Roles(frozenset({"y"})), weighed=KNOWN)
    assert (chosen.answer, chosen.risk_basis) == ("b", KNOWN.basis)
    assert chosen.error_risk == pytest.approx(0.98)


def test_services_that_a_judge_settled_between_remain_a_dispute() -> None:
    heard = (("x", ok("a", 0.9)), ("y", ok("b", 0.9)), ("judge", ok("c", 0.6)))
    row = resolve(PLAN, heard, LABEL, JUDGED)
    assert (row.answer, row.supporters, row.dissenters) == ("c", ("judge",), ("x", "y"))
    kept = resolve(PLAN, (*heard[:2], ("judge", ok("b", 0.6))), LABEL, JUDGED)
    assert (kept.answer, kept.supporters, kept.dissenters) == ("b", ("y", "judge"), ("x",))


def test_a_fallback_that_judges_decides_like_the_judge_itself() -> None:
    instead = replace(ok("b", 0.6), status=Status.FALLBACK)
    row = resolve(PLAN, (("x", ok("a")), ("y", ok("a")), ("judge", instead)), LABEL, JUDGED)
    assert (row.answer, row.supporters) == ("b", ("judge",))
    assert row.error_risk is not None and 0.5 < row.error_risk < 1.0


def test_steps_of_a_chain_are_no_dispute() -> None:
    heard = (("x", ok("a", 0.9)), ("y", ok("b", 0.9)))
    row = resolve(PLAN, heard, LABEL, Roles(frozenset({"y"}), {"y": ("x",)}))
    assert (row.answer, row.supporters, row.dissenters) == ("b", ("y",), ())
    assert row.reason == "y decides, overruling x"


def test_an_escalation_decides_against_what_it_escalated() -> None:
    heard = (("x", ok("a", 0.6)), ("y", ok("b", 0.5)))
    row = resolve(PLAN, heard, LABEL, Roles(frozenset({"y"})))
    assert (row.answer, row.dissenters) == ("b", ("x",))
    assert row.reason == "y decides, against x"


def test_a_judge_is_overruled_where_an_escalation_to_a_member_of_its_panel_stands() -> None:
    heard = (("x", ok("a", 0.9)), ("y", ok("b", 0.8)), ("judge", ok("b", 0.4)))
    roles = Roles(frozenset({"x"}), {"x": (), "y": (), "judge": ("x", "y")})
    row = resolve(PLAN, heard, LABEL, roles)
    assert (row.answer, row.supporters, row.dissenters) == ("a", ("x",), ("y",))
    assert row.reason == "x decides, overruling judge, against y"


def test_a_policy_for_disagreement_leaves_what_a_judge_decided() -> None:
    heard = (("x", ok("a")), ("y", ok("b")), ("judge", ok("b")))
    rules = ResolutionRules({"t": ResolutionPolicy.FAIL})
    assert resolve(PLAN, heard, LABEL, JUDGED, rules).answer == "b"
    assert resolve(PLAN, heard[:2], LABEL, None, rules).status is ResolutionStatus.FAILED


def test_a_judge_that_abstains_leaves_it_to_the_others_and_that_is_said() -> None:
    heard = (("x", ok("a", 0.9)), ("y", ok("b", 0.6)), ("judge", ABSTAINED))
    row = resolve(PLAN, heard, LABEL, replace(JUDGED, decides=frozenset({"x", "y"})))
    assert row.answer == "a"
    assert row.reason == (
        "judge was to decide but gave no answer, abstained (cannot tell): x outweighs y"
    )
    assert [kept.service for kept in row.readings] == ["x", "y", "judge"]


def test_each_question_has_its_own_roles() -> None:
    plans = [PLAN, replace(PLAN, item_id="j")]
    heard = (("x", ok("a", 0.9)), ("judge", ok("b", 0.5)))
    rows = list(
        resolve_plans(
            plans,
            {("i", "t"): heard, ("j", "t"): heard},
            {"t": LABEL},
            {("i", "t"): JUDGED},
        )
    )
    assert [row.answer for row in rows] == ["b", "a"]


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        (AnswerKind.LABEL, "a", "a"),
        (AnswerKind.SET, ("a", "b"), ("b", "a")),
        (AnswerKind.TEXT, "some words", "some words"),
        (AnswerKind.SCORE, 0.25, 0.25),
        (AnswerKind.VECTOR, (1.0, 0.0), (0.5, 0.5)),
    ],
)
def test_an_answer_of_any_kind_is_stored_whole(kind, first, second) -> None:
    row = resolve(PLAN, (("x", ok(first)), ("y", ok(second, 0.8))), task(kind))
    (stored,) = RESOLUTIONS.rows(rows_to_arrow(RESOLUTIONS, [row]))
    assert answer_of(stored) == first
    assert stored.kind is kind
    assert (stored.error_risk is None) == (kind is not AnswerKind.LABEL)
    assert stored.supporters == ("x", "y")


def test_a_mean_that_nobody_is_near_says_so() -> None:
    row = resolve(PLAN, (("x", ok(0.0)), ("y", ok(1.0))), task(AnswerKind.SCORE, 0.3))
    assert row.answer_score == 0.5
    assert row.reason == "between x, y, which lie apart"


def test_of_a_panel_the_reason_says_who_moved_and_copies_make_nothing_surer() -> None:
    first = {"x": ok("a"), "y": ok("a"), "z": ok("b")}
    alone = resolve(PLAN, tuple(first.items()), LABEL)
    last = (("x", ok("a")), ("y", ok("a")), ("z", ok("a")))
    saw = {"x": ("y", "z"), "y": ("x", "z"), "z": ("x", "y")}
    roles = Roles(frozenset({"x", "y"}), saw, first, {"z": ("x", "y")})
    row = resolve(PLAN, last, LABEL, roles)
    assert row.reason == "x, y, z agree; z moved from b to a, as x, y said"
    assert (row.answer, row.error_risk) == ("a", alone.error_risk)
    assert row.readings[0].weight == alone.readings[0].weight
