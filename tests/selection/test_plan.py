import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.comparisons import Comparison
from orchestration_assets.schemas.enums import ProcessingModel, ProfileStatus
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import ItemProfile
from orchestration_assets.selection.conditions import first_failure, holds
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.plan import plan_items

PRICES = {"cheap": Price(0.1, 0.0), "dear": Price(5.0, 0.002)}
FEATURES = {"extension": "h", "word_count": 12, "readability": None}


def profile(status=ProfileStatus.OK, **features) -> ItemProfile:
    return ItemProfile("i1", "h1", "a.h", status, FEATURES | features)


PROFILE = profile()


def policy(**task) -> Policy:
    services = {name: {"implementation": name} for name in PRICES}
    default = {"model": "sequential", "services": ["cheap", "dear"], "stop_at": 0.9}
    body = {"question": "?", "default": default, **task}
    return Policy.model_validate({"version": 2, "services": services, "tasks": {"t": body}})


def plans(profile=PROFILE, **task):
    return list(plan_items("b1", iter([profile]), policy(**task), "hash", PRICES))


RULES = [
    {
        "name": "short",
        "because": "few words",
        "when": {"word_count": {"lt": 20}},
        "choose": {"model": "parallel", "services": ["cheap", "dear"]},
    },
    {
        "name": "header",
        "because": "a header",
        "when": {"extension": "h"},
        "choose": {"model": "sequential", "services": ["dear"]},
    },
]


def test_the_first_rule_that_holds_decides_and_says_what_it_saw() -> None:
    (plan,) = plans(rules=RULES)
    assert (plan.strategy, plan.rule, plan.model) == ("rules", "short", ProcessingModel.PARALLEL)
    assert (plan.option, plan.services) == ("short", ("cheap", "dear"))
    assert plan.reason == "few words"
    assert [(one.feature, one.value) for one in plan.inputs] == [("word_count", "12")]


def test_every_option_not_taken_is_kept_with_its_reason_and_price() -> None:
    (plan,) = plans(rules=RULES)
    rejected = {option.option: option for option in plan.rejected}
    assert rejected["header"].reason == "rule short comes first"
    assert rejected["default"].reason == "rule short holds"
    assert rejected["header"].cost_usd_max == 0.002
    (other,) = plans(profile(word_count=50), rules=RULES)
    assert other.rule == "header"
    assert {o.option: o.reason for o in other.rejected}["short"] == "word_count is 50"


def test_without_a_rule_the_default_applies_and_shows_what_the_rules_looked_at() -> None:
    (plan,) = plans(profile(word_count=50, extension="py"), rules=RULES)
    assert (plan.strategy, plan.rule) == ("default", None)
    assert {one.feature for one in plan.inputs} == {"word_count", "extension"}


def test_a_task_that_does_not_apply_gets_no_plan() -> None:
    assert plans(applies_to={"word_count": {"ge": 13}}) == []
    assert len(plans(applies_to={"word_count": {"ge": 12}})) == 1


def test_an_item_without_a_profile_gets_no_plan() -> None:
    assert plans(profile(ProfileStatus.SUPERSEDED)) == []


@pytest.mark.parametrize(
    ("comparison", "value", "expected"),
    [
        ({"lt": 3}, 2, True),
        ({"lt": 3}, 3, False),
        ({"ge": 3, "le": 5}, 5, True),
        ({"ge": 3, "le": 5}, 6, False),
        ({"in": ["a", "b"]}, "b", True),
        ({"not_in": ["a", "b"]}, "b", False),
        ({"ne": "a"}, "b", True),
        ({"missing": True}, None, True),
        ({"missing": False}, None, False),
        ({"lt": 3}, None, False),
        ({"eq": False}, False, True),
    ],
)
def test_comparisons(comparison, value, expected) -> None:
    condition = {"feature": Comparison.model_validate(comparison)}
    assert holds(condition, {"feature": value}) is expected


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3), max_size=4))
def test_a_condition_holds_exactly_when_nothing_fails(profile) -> None:
    condition = {"a": 1, "b": Comparison(ge=2)}
    assert holds(condition, profile) == (first_failure(condition, profile) is None)
    assert holds({}, profile)
