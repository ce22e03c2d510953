"""What a policy would have done is told only where every feature that decides it was computed."""

import pytest

from orchestration_assets.disagreement.replay import RecordedBatch, ReplayPolicy, replay
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.answer_cache import answer_key
from orchestration_assets.schemas.enums import ProfileStatus, Status
from orchestration_assets.schemas.items import Item, Question, Reading
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import ItemProfile
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.unrecorded_features import unrecorded_for_rules
from orchestration_assets.services.pool import build_services

WORDS = {"implementation": "word_labels", "parameters": {"labels": {"a": ["x"], "b": ["y"]}}}
BOTH = {"model": "parallel", "services": ["s0", "s1"]}
CODE = {"name": "code", "because": "code", "when": {"family": "code"}, "choose": BOTH}
LOUD = {
    "name": "loud",
    "because": "loud",
    "when": {"word_count": {"ge": 5}, "marks": {"ge": 1}},
    "choose": BOTH,
}


def policy_with(**task) -> Policy:
    default = {"model": "sequential", "services": ["s0"]}
    asked = {"question": "Which?", "labels": ["a", "b"], "default": default}
    services = {"s0": WORDS, "s1": WORDS}
    return Policy.model_validate(
        {"version": 2, "services": services, "tasks": {"t": {**asked, **task}}}
    )


@pytest.mark.parametrize(
    ("features", "unknown"),
    [
        ({"family": "prose", "word_count": 9}, "marks"),
        # computed, and of no value: known to be missing
        ({"family": "prose", "word_count": 9, "marks": None}, None),
        # another comparison of the same rule fails, or a rule before holds, whatever it were
        ({"family": "prose", "word_count": 1}, None),
        ({"family": "code", "word_count": 9}, None),
        ({}, "family"),
    ],
)
def test_a_feature_counts_only_where_it_decides(features, unknown) -> None:
    task = policy_with(rules=[CODE, LOUD]).tasks["t"]
    assert unrecorded_for_rules(task, features) == unknown


@pytest.mark.parametrize(
    ("task", "answerable"),
    [
        ({}, True),
        ({"rules": [LOUD]}, False),
        ({"applies_to": {"marks": {"ge": 1}}}, False),
        ({"applies_to": {"marks": {"missing": True}}}, False),
        # a directive comes before all rules
        (
            {
                "rules": [LOUD],
                "directives": [
                    {
                        "name": "all",
                        "because": "all",
                        "choose": {"model": "sequential", "services": ["s0"]},
                    }
                ],
            },
            True,
        ),
    ],
)
def test_a_replay_guesses_no_feature(task, answerable) -> None:
    policy = policy_with(**task)
    services, asked = build_services(policy.services), build_tasks(policy)["t"]
    profile = ItemProfile("i", "hash", "a.txt", ProfileStatus.OK, {"word_count": 9})
    key = answer_key(
        Question(asked, Item("i", "hash", "a.txt", "", profile.features)), services["s0"]
    )
    log = RecordedBatch(
        "b",
        [profile],
        {key: Reading(Status.OK, "a", 0.9)},
        {("i", "t"): "a"},
        {("i", "t"): ["s0"]},
    )
    prices = {name: Price(1.0, one.cost_usd) for name, one in services.items()}
    (one,) = replay(log, ReplayPolicy(policy, "p", services, prices))
    assert (one.other is not None) is answerable
    if not answerable:
        assert one.why == "the feature marks, which it depends on, was not computed of it"
