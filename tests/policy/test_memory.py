"""What a policy says of conversations is checked when it is read, and compared with another."""

import pytest

from orchestration_assets.command.policy_check import check
from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.recomputation import answers_asked_again
from orchestration_assets.policy.rollout import incomparable

POLICY = """
version: 2
content:
  records: [{files: "*.jsonl", text: text, thread: chat}]
conversation: {facts_from: stated, summary_from: told}
services:
  model: &model
    type: openai_chat
    base_url: http://127.0.0.1:8377/v1
    model: small
    prompt: {user: "{{ content }}"}
  reader:
    <<: *model
    prompt: {user: "{{ memory.text }} {{ memory.speaker }} {{ content }}"}
tasks:
  about:
    question: What about?
    labels: [a, b]
    memory: true
    default: {model: sequential, services: [reader]}
  stated:
    question: What is stated?
    kind: set
    labels: [c, d]
    default: {model: sequential, services: [model]}
  told:
    question: What happened?
    kind: text
    default: {model: sequential, services: [model]}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "policy")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("given", "instead", "said"),
    [
        (
            "facts_from: stated",
            "facts_from: statd",
            "conversation.facts_from",
        ),
        ("facts_from: stated", "facts_from: about", "it takes one of kind record or set"),
        ("summary_from: told", "summary_from: stated", "it takes one of kind text"),
        ("    memory: true\n", "", "shows memory, and the task about has none"),
    ],
)
def test_what_cannot_be_remembered_is_refused_with_the_remedy(given, instead, said) -> None:
    (told,) = problems(POLICY.replace(given, instead))
    assert said in told


@pytest.mark.parametrize("column", ["position", "speaker"])
def test_a_place_without_its_conversation_is_refused(column) -> None:
    (told,) = problems(POLICY.replace("thread: chat", f"{column}: said"))
    assert f"content.records[0].{column}" in told
    assert "says nothing without `thread`" in told


def test_no_service_is_taught_out_of_the_order_of_messages() -> None:
    taught = "  quick: {type: taught, by: reader, task: about}\ntasks:"
    said = problems(
        POLICY.replace("\ntasks:", "\n" + taught).replace("[reader]", "[quick, reader]")
    )
    assert any("needs messages to be asked about in their order" in one for one in said)


@pytest.mark.parametrize(
    ("given", "instead", "said"),
    [
        (", thread: chat", "", "tasks.about.memory: no records name their thread"),
        ("services: [reader]", "services: [model]", "no service that is asked shows it"),
        ("    memory: true\n    default: {model: sequential, services: [reader]}",
         "    default: {model: sequential, services: [model]}", "no task is shown it"),
    ],
)  # fmt: skip
def test_memory_without_effect_is_a_warning(given, instead, said, tmp_path, capsys) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.replace(given, instead))
    assert check(path) == 0
    (warned,) = [one for one in capsys.readouterr().err.splitlines() if "warning" in one]
    assert said in warned


def test_what_is_remembered_decides_which_answers_are_asked_again() -> None:
    before = parse_policy(POLICY, "policy").policy

    def again(given: str, instead: str) -> dict[str, list[str]]:
        assert given in POLICY
        return answers_asked_again(before, parse_policy(POLICY.replace(given, instead), "p").policy)

    assert again("summary_from: told", "summary_from: told, recent: 3") == {"about": ["reader"]}
    # other facts are other memories
    changed = again("labels: [c, d]", "labels: [c, d, e]")
    assert changed == {"about": ["reader"], "stated": ["model"]}
    assert again("labels: [a, b]", "labels: [a, c]") == {"about": ["reader"]}


def test_facts_of_some_messages_are_not_tried_on_others() -> None:
    policy = parse_policy(POLICY, "policy").policy
    assert any("conversation" in one for one in incomparable(policy, policy))
