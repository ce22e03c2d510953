"""Values that no form of sentence names: which one takes the place of which."""

from collections.abc import Sequence

import pytest

from orchestration_assets.conversations.fold import ThreadMemory, nothing
from orchestration_assets.conversations.thread_log import Taken, ThreadLog
from orchestration_assets.conversations.value_mentions import value_mentions
from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.schemas.conversations import MemoryLevel, Message


def messages_of(said: Sequence[tuple[str, str]]) -> list[Message]:
    return [
        Message(f"i{number}", number, text, speaker)
        for number, (speaker, text) in enumerate(said, start=1)
    ]


def between(first: tuple[str, str], second: tuple[str, str]) -> list[Message]:
    chat = [("Ben", "Good morning everyone, how was the cake?"), ("Ann", "the lamp broke, 3 times")]
    return messages_of([chat[0], first, chat[1], ("Ben", "thanks a lot"), second])


def relation(first: tuple[str, str], second: tuple[str, str]) -> str:
    log = ThreadLog()
    for message in between(first, second):
        log.add(Taken(message, None, None))
    facts = map(log.facts.__getitem__, range(len(log.facts)))
    own = [one for one in facts if one.fact.number == 5]
    if any(one.replaces is not None for one in own):
        return "supersedes"
    return "may" if any(one.perhaps is not None for one in own) else "none"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # said again otherwise by the same speaker; in words of change by another
        ("they quoted us 900 EUR for the roof repair", "A: roof repair: 950 EUR", "supersedes"),
        ("room for the standup: C204", "B: standup room moves to D110", "supersedes"),
        ("the gate code is 4471", "B: gate code changed, 9920 works", "supersedes"),
        ("Der Termin beim Zahnarzt ist am 12.03.2026",
         "A: Der Termin beim Zahnarzt ist am 19.03.2026", "supersedes"),
        # the value before is named and denied
        ("Kiln firing for the mugs at 18:30",
         "B: the mugs' kiln firing isn't at 18:30, it's at 20:15", "supersedes"),
        # another speaker, without a word of change
        ("moving truck arrives at 7:00", "B: moving truck only arrives at 8:00", "may"),
        # asked, supposed, believed, denied
        ("dinner under Moretti at 19:30", "A: dinner under Moretti at 20:15?", "none"),
        ("dinner under Moretti at 19:30",
         "A: if dinner under Moretti were at 20:15 I could come", "none"),
        ("dinner under Moretti at 19:30", "A: maybe dinner under Moretti at 20:15", "none"),
        ("dinner under Moretti at 19:30", "A: dinner under Moretti is not at 20:15", "none"),
        # of something else, somebody else, another sort
        ("Flight to Oslo leaves 9:40", "A: Flight to Crete now leaves 11:15", "none"),
        ("Karl said his budget is 500 EUR", "A: Nina said her budget is now 800 EUR", "none"),
        ("my locker takes 4471", "B: my locker takes 9920 now", "none"),
        ("the pool is 26 degrees", "A: the pool opens at 9:30 now", "none"),
    ],
)  # fmt: skip
def test_the_rare_words_of_two_sentences_say_whether_they_are_of_the_same(
    first: str, second: str, expected: str
) -> None:
    speaker = {"A": "Ann", "B": "Ben"}[second[0]]
    assert relation(("Ann", first), (speaker, second[3:])) == expected


def test_what_a_message_replaces_is_told_beside_it_and_what_gave_way_is_kept() -> None:
    said = [("Ann", "Kayaks from Brodie, they charge 45 EUR"), ("Ben", "fine"), ("Ann", "hm")]
    said.append(("Ben", "Brodie raised what they charge for kayaks, 60 EUR"))
    memory: ThreadMemory = nothing(ConversationConfig(recent=1))
    for message in messages_of([*said, ("Ann", "ok")]):
        memory = memory.remember(message)
    facts = [(one.value, one.number, one.superseded_by) for one in memory.facts()]
    assert facts == [("45 EUR", 1, 4), ("60 EUR", 4, None)]
    events = {
        one.number: one.text
        for one in memory.pieces("What do kayaks from Brodie cost?").pieces
        if one.level is MemoryLevel.EVENT
    }
    assert events[4] == f"{said[3][1]} (before: 45 EUR [1])"
    assert events[1] == said[0][1]


def test_an_answer_is_about_what_was_asked_and_a_secret_is_no_value() -> None:
    asked = "When does the ferry to Crete leave?"
    (found,) = value_mentions("At 7:45.", "Ben", "Ann", asked)
    assert {"ferry", "crete"} <= found.words
    assert value_mentions("At 7:45. password: hunter22aB", "Ben", "Ann", asked) == []
