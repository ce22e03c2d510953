"""Answers of tasks as facts of a conversation."""

import pytest

from orchestration_assets.conversations.fold import nothing
from orchestration_assets.conversations.stated_facts import MOST_FACTS, facts_stated
from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.schemas.conversations import Message
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY

MESSAGE = Message("m1", 1, "text", "Ada")


def stated(answer) -> list[tuple[str, str, str]]:
    found = facts_stated(answer, MESSAGE, "stated")
    assert {(one.number, one.item_id, one.source) for one in found} <= {(1, "m1", "stated")}
    return [(one.subject, one.attribute, one.value) for one in found]


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        (None, []),
        ("a text", []),
        (3.0, []),
        (("colour: red", "urgent"), [("", "colour", "red"), ("", "stated urgent", "urgent")]),
        (
            RecordAnswer((("order", "4711"), ("items", 2.0), ("paid", True), ("note", "a\nb"))),
            [("", "order", "4711"), ("", "items", "2"), ("", "paid", "yes"), ("", "note", "a b")],
        ),
        (
            RecordAnswer((("subject", "order 4711"), ("address", "York"))),
            [("order 4711", "address", "York")],
        ),
        (
            RecordAnswer(
                (
                    (
                        "facts",
                        (
                            RecordAnswer((("subject", "lamp"), ("attribute", "colour"),
                                          ("value", "red"))),
                            RecordAnswer((("subject", "lamp"), ("price", 12.5))),
                        ),
                    ),
                    ("tags", (RecordAnswer(((ENTRY, "a"),)), RecordAnswer(((ENTRY, "b"),)))),
                )
            ),
            [("lamp", "colour", "red"), ("lamp", "price", "12.5"), ("", "tags", "a, b")],
        ),
    ],
)  # fmt: skip
def test_what_an_answer_states(answer, facts) -> None:
    assert stated(answer) == facts


def test_no_answer_states_without_end() -> None:
    assert len(stated(tuple(f"k{n}: {'v' * 10_000}" for n in range(1_000)))) == MOST_FACTS
    assert max(len(value) for _, _, value in stated(("k: " + "v" * 10_000,))) <= 400


def test_a_later_value_of_the_same_field_replaces_the_earlier_one() -> None:
    memory = nothing(ConversationConfig(facts_from="stated", recent=0))
    for number, place in enumerate(("Leeds", "York"), 1):
        message = Message(f"m{number}", number, "It is as I say.", "Ada")
        answer = RecordAnswer((("address", place),))
        memory = memory.remember(message, facts_stated(answer, message, "stated"))
    assert [(one.value, one.superseded_by) for one in memory.facts()] == [
        ("Leeds", 2),
        ("York", None),
    ]
