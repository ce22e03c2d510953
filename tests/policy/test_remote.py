"""What a policy says of services over HTTP, and what is wrong with it."""

import pytest
import yaml

from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.schemas.services import ChatConfig, EmbeddedConfig

BASE = {
    "version": 2,
    "services": {
        "names": {"implementation": "extension_map"},
        "model": {
            "type": "openai_chat",
            "base_url": "http://localhost:1/v1",
            "model": "m",
            "prompt": {"user": "{{ content }}"},
        },
        "vectors": {
            "type": "openai_embeddings",
            "base_url": "http://localhost:1/v1",
            "model": "e",
        },
    },
    "tasks": {
        "kind": {
            "question": "What is it?",
            "labels": ["a", "b"],
            "default": {"model": "parallel", "services": ["names", "model"]},
        }
    },
}


def policy(**changes):
    raw = yaml.safe_load(yaml.safe_dump(BASE))
    raw["services"]["model"] |= changes
    return yaml.safe_dump(raw)


def test_a_service_says_where_it_is_and_has_every_protection_by_default() -> None:
    services = parse_policy(policy(), "p").policy.services
    assert isinstance(services["names"], EmbeddedConfig)
    model = services["model"]
    assert isinstance(model, ChatConfig)
    assert model.breaker.window == 20
    assert model.retries.attempts == 3
    assert model.timeouts.total_s == 60.0
    assert "secret" in model.guard.redact
    assert services["vectors"].timeouts.total_s == 30.0


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"type": "openai_chatt"}, "services.model", "openai_chat"),
        ({"base_url": "ftp://x"}, "services.model.base_url", "must start with http"),
        ({"modle": "x"}, "services.model.modle", "did you mean 'model'"),
        ({"prompt": {"user": "{{ contnt }}"}}, "services.model.prompt.user", "names contnt"),
        ({"prompt": {"user": "{% if %}"}}, "services.model.prompt.user", "line 1"),
        ({"prompts": {"knd": {"user": "x"}}}, "services.model.prompts.knd", "did you mean 'kind'"),
        ({"fallbacks": ["nams"]}, "services.model.fallbacks[0]", "did you mean 'names'"),
        ({"fallbacks": ["model"]}, "services.model.fallbacks[0]", "itself"),
        ({"fallbacks": ["vectors"]}, "services.model.fallbacks[0]", "no kind of answer"),
        ({"parameters": {"stream": True}}, "services.model.parameters.stream", "by the service"),
        ({"api_key_env": "sk-123-secret"}, "services.model.api_key_env", "looks like a key itself"),
        ({"retries": {"attempts": 0}}, "services.model.retries.attempts", "greater than"),
        ({"breaker": {"window": 5}}, "services.model.breaker", "must not exceed window"),
        (
            {"known_item": {"task": "kin", "text": "x", "expect": "a"}},
            "services.model.known_item.task",
            "did you mean 'kind'",
        ),
        ({"max_output_tokens": 9000}, "services.model.max_output_tokens", "no room"),
        ({"max_output_name": "max tokens"}, "services.model.max_output_name", "pattern"),
        ({"base_url_env": "ORCHESTRATION_X"}, "services.model.base_url_env", "both are given"),
        ({"base_url": None}, "services.model", "neither is given"),
        (
            {"base_url": None, "base_url_env": "AWS_SECRET_ACCESS_KEY"},
            "services.model.base_url_env",
            "ORCHESTRATION_",
        ),
        ({"headers": {"x y": "1"}}, "services.model.headers", "no name of an HTTP header"),
        ({"headers": {"Host": "x"}}, "services.model.headers", "set by the service itself"),
        ({"headers": {"x-a": "1\r\nx-b: 2"}}, "services.model.headers", "one line"),
        ({"headers": {"api-key": "abc"}}, "services.model.headers", "header_env"),
        ({"headers": {"x-a": "Bearer abc"}}, "services.model.headers", "header_env"),
        ({"header_env": {"api-key": "Bearer x"}}, "services.model.header_env.api-key", "name the"),
        (
            {"headers": {"X-A": "1"}, "header_env": {"x-a": "A"}},
            "services.model.header_env",
            "x-a is set in headers too",
        ),
        (
            {"api_key_env": "A", "header_env": {"Authorization": "B"}},
            "services.model.api_key_env",
            "header_env sets authorization",
        ),
    ],
)
def test_each_problem_is_named_with_its_place(changes, path, words) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(policy(**changes), "p")
    found = {problem.path: str(problem) for problem in caught.value.problems}
    assert path in found, found
    assert words in found[path]
    # what was pasted into the wrong place is shown to nobody
    assert "Bearer" not in found[path]


def test_what_real_services_need_can_be_set() -> None:
    model = parse_policy(
        policy(
            base_url=None,
            base_url_env="ORCHESTRATION_MODEL_URL",
            headers={"X-Team": "archive"},
            header_env={"api-key": "MODEL_KEY"},
            max_output_name=None,
        ),
        "p",
    ).policy.services["model"]
    assert isinstance(model, ChatConfig)
    assert model.base_url_env == "ORCHESTRATION_MODEL_URL"
    assert model.header_env == {"api-key": "MODEL_KEY"}
    assert model.max_output_name is None


def test_a_service_is_not_asked_for_a_kind_that_it_does_not_give() -> None:
    raw = yaml.safe_load(policy())
    raw["tasks"]["kind"]["default"]["services"] = ["vectors"]
    with pytest.raises(PolicyError, match="does not give answers of kind label"):
        parse_policy(yaml.safe_dump(raw), "p")


def test_members_of_a_panel_must_be_shown_what_the_others_answer() -> None:
    raw = yaml.safe_load(yaml.safe_dump(BASE))
    raw["tasks"]["kind"]["default"] = {
        "model": "iterative",
        "services": ["names", "model"],
        "panel": {"max_rounds": 2},
    }
    with pytest.raises(PolicyError) as raised:
        parse_policy(yaml.safe_dump(raw), "p")
    assert "services.model.prompt" in str(raised.value)
    assert "model is in the panel of kind" in str(raised.value)
    raw["services"]["model"]["prompt"]["user"] = "{{ content }}{% for one in earlier %}{% endfor %}"
    assert parse_policy(yaml.safe_dump(raw), "p").policy.tasks["kind"].default.panel is not None


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ({"model": "parallel", "services": ["names", "model"]}, "belongs to the iterative model"),
        ({"model": "iterative", "services": ["names"]}, "needs two services"),
        ({"model": "iterative", "services": ["names", "model"], "rounds": {}}, "rounds or a panel"),
    ],
)
def test_a_panel_that_cannot_be_is_refused(way, said) -> None:
    raw = yaml.safe_load(yaml.safe_dump(BASE))
    raw["tasks"]["kind"]["default"] = {**way, "panel": {}}
    with pytest.raises(PolicyError, match=said):
        parse_policy(yaml.safe_dump(raw), "p")
