"""What a policy says of taught services, and what is wrong with it."""

import pytest
import yaml

from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.schemas.services import TaughtConfig

BASE = {
    "version": 2,
    "services": {
        "kind_of_file": {"implementation": "magika"},
        "other": {"implementation": "grammar"},
        "title": {"implementation": "declared_title"},
        "words": {"implementation": "tfidf_keywords"},
        "pupil": {"type": "taught", "by": "kind_of_file", "task": "kind"},
    },
    "tasks": {
        "kind": {
            "question": "What is it?",
            "default": {
                "model": "sequential",
                "services": ["pupil", "kind_of_file"],
                "stop_at": 0.9,
            },
        },
        "name": {
            "question": "How is it called?",
            "kind": "text",
            "default": {"model": "sequential", "services": ["title"]},
        },
    },
}


def policy(**taught) -> dict:
    raw = yaml.safe_load(yaml.safe_dump(BASE))
    raw["services"]["pupil"] |= taught
    return raw


def problems(raw: dict) -> str:
    with pytest.raises(PolicyError) as raised:
        parse_policy(yaml.safe_dump(raw), "policy.yaml")
    return str(raised.value)


def test_a_taught_service_names_its_teacher_and_its_task() -> None:
    loaded = parse_policy(yaml.safe_dump(policy()), "policy.yaml").policy
    config = loaded.services["pupil"]
    assert isinstance(config, TaughtConfig)
    assert (config.by, config.task, config.at_most) == ("kind_of_file", "kind", 0.005)


@pytest.mark.parametrize(
    ("taught", "words"),
    [
        ({"by": "kind_of_fil"}, "services.pupil.by"),
        ({"by": "pupil"}, "is a taught service itself"),
        ({"by": "title"}, "does not give answers of kind label"),
        ({"task": "kin"}, "no such task"),
        ({"task": "name", "by": "title"}, "cannot be taught: it asks for a text, and only label"),
        ({"at_most": 0.0}, "services.pupil.at_most"),
        ({"audit_share": 0.0}, "services.pupil.audit_share"),
        ({"lessons": 10}, "services.pupil.lessons"),
        ({"guarantee": "sure"}, "services.pupil.guarantee"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(taught, words) -> None:
    assert words in problems(policy(**taught))


def test_it_is_asked_about_no_other_task() -> None:
    raw = policy()
    raw["tasks"]["second"] = raw["tasks"]["kind"]
    assert "was taught kind and knows nothing of this task" in problems(raw)


def test_it_judges_nobody() -> None:
    raw = policy()
    default = {"model": "parallel", "services": ["kind_of_file", "other"]}
    raw["tasks"]["kind"]["default"] = {**default, "judge": {"service": "pupil"}}
    assert "it cannot judge them" in problems(raw)


def test_it_is_no_service_of_a_learned_selection() -> None:
    raw = policy()
    raw["tasks"]["kind"]["learned"] = {"services": ["pupil", "kind_of_file"]}
    assert "name it under learned.taught" in problems(raw)


def learned(**more) -> dict:
    raw = policy()
    raw["services"]["second"] = {"implementation": "magika"}
    raw["tasks"]["kind"]["learned"] = {"services": ["kind_of_file", "second"], **more}
    return raw


def test_it_may_be_asked_before_what_was_learned() -> None:
    loaded = parse_policy(yaml.safe_dump(learned(taught=["pupil"])), "policy.yaml").policy
    choices = loaded.tasks["kind"].choices
    assert choices["learned"].services == ("pupil", "kind_of_file", "second")
    assert choices["explore"].services == ("kind_of_file", "second")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"taught": ["other"]}, "is no taught service"),
        ({"taught": ["nobody"]}, "no such service"),
        ({"taught": ["pupil", "pupil"]}, "a service may be named once"),
        (
            {"taught": ["pupil"], "services": ["second", "other"]},
            "is asked by learned without kind_of_file, its teacher",
        ),
    ],
)
def test_what_cannot_be_asked_before_it_is_named(more, words) -> None:
    assert words in problems(learned(**more))


def test_nobody_may_ask_it_without_its_teacher() -> None:
    raw = policy()
    raw["tasks"]["kind"]["rules"] = [
        {
            "name": "short",
            "because": "it is short",
            "when": {"chars": {"lt": 100}},
            "choose": {"model": "sequential", "services": ["pupil", "other"]},
        }
    ]
    assert "is asked by short without kind_of_file, its teacher" in problems(raw)
