"""The memory of a thread: what stands, what gave way, and that earlier memories never change."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.conversations.choice import best_places
from orchestration_assets.conversations.fold import ThreadMemory, nothing
from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.schemas.conversations import Fact, MemoryLevel, Message

ASKED = "What is the deadline of Atlas?"
WORDS = (
    "the deadline of Atlas is 12 May",
    "The deadline of Atlas is now 14 May.",
    "I think the deadline of Atlas is 20 June.",
    "Sorry, no, make that 15 May.",
    "Is the deadline of Atlas 1 May?",
    "my desk is B204",
    "Lunch on Tuesday?",
    "We agreed on 300 EUR as the budget of Atlas.",
    "Printers want the Harper brochure on 14 March",
    "Harper brochure slipped, printers want 16 March",
    "password: hunter22aB",
    "Der Bericht wird am Montag fertig.",
    "",
)
said = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from(("Ann", "Ben", None))), max_size=9
)


def told(
    messages: Sequence[tuple[str, str | None]], config: ConversationConfig | None = None
) -> ThreadMemory:
    memory = nothing(config or ConversationConfig())
    for number, (text, speaker) in enumerate(messages, start=1):
        memory = memory.remember(Message(f"i{number}", number, text, speaker))
    return memory


def standing(memory: ThreadMemory) -> list[tuple[str, str, str]]:
    facts = [one for one in memory.facts() if one.superseded_by is None]
    return [(one.subject, one.attribute, one.value) for one in facts]


def shown(memory: ThreadMemory, level: MemoryLevel, text: str = ASKED) -> list[str]:
    return [one.text for one in memory.pieces(text).pieces if one.level is level]


def test_a_newer_fact_supersedes_the_older_one_and_both_are_kept() -> None:
    memory = told([(WORDS[0], "Ann"), ("ok", "Ben"), (WORDS[1], "Ben"), (WORDS[3], "Ann")])
    facts = [(one.value, one.number, one.superseded_by) for one in memory.facts()]
    assert facts == [("12 May", 1, 3), ("14 May", 3, 4), ("15 May", 4, None)]
    (fact,) = shown(memory, MemoryLevel.FACT)
    assert fact == "Atlas, deadline: 15 May (before: 14 May [3], 12 May [1])"
    # to another question it is told without its past
    (fact,) = shown(memory, MemoryLevel.FACT, "Who has seen my umbrella?")
    assert fact == "Atlas, deadline: 15 May"


def test_what_another_speaker_states_without_correcting_stands_beside_it() -> None:
    memory = told([(WORDS[0], "Ann"), ("The deadline of Atlas is 20 June.", "Ben")])
    pieces = memory.pieces(ASKED).pieces
    facts = {(one.speaker, one.text) for one in pieces if one.level is MemoryLevel.FACT}
    assert facts == {("Ann", "Atlas, deadline: 12 May"), ("Ben", "Atlas, deadline: 20 June")}
    # who says otherwise himself has changed his mind; who only believes has not
    assert standing(told([(WORDS[0], "Ann"), (WORDS[0].replace("12", "13"), "Ann")])) == [
        ("Atlas", "deadline", "13 May")
    ]
    assert len(standing(told([(WORDS[0], "Ann"), (WORDS[2], "Ann")]))) == 2


def test_values_of_another_sort_or_subject_do_not_give_way() -> None:
    memory = told(
        [
            ("The review of Atlas is on Monday.", "Ann"),
            ("The review of Atlas is at 10:30.", "Ann"),
            ("The review of Borealis is now on Friday.", "Ann"),
            ("My address is 4 Mill Lane.", "Ann"),
            ("My address is now 9 Hill Road.", "Ben"),
        ]
    )
    assert [one.superseded_by for one in memory.facts()] == [None] * 5


def test_facts_and_summaries_of_tasks_take_the_place_of_the_rules() -> None:
    fact = Fact("Atlas", "deadline", "12 May", 0, "", "facts_of_message")
    memory = nothing(ConversationConfig())
    memory = memory.remember(
        Message("a", 1, WORDS[1], "Ann"), facts=(fact,), summary="All is well."
    )
    memory = memory.remember(Message("b", 2, WORDS[0], "Ben"), facts=())
    newer = Fact("atlas", "Deadline", "15 May", 0, "", "facts_of_message")
    memory = memory.remember(Message("c", 3, "hm", "Ben"), facts=(newer,))
    kept = [(one.value, one.number, one.item_id, one.superseded_by) for one in memory.facts()]
    assert kept == [("12 May", 1, "a", 3), ("15 May", 3, "c", None)]
    assert shown(memory, MemoryLevel.SUMMARY) == ["All is well."]


def test_a_message_that_holds_a_secret_is_not_cut_into_pieces() -> None:
    long = "The password: hunter22aB is for the gate. " + "It rains and it pours again. " * 20
    memory = told([(long, "Ann")] + [("ok", "Ben")] * 25)
    assert not shown(memory, MemoryLevel.FACT)
    pieces = [one for one in memory.pieces("password").pieces if "hunter22aB" in one.text]
    assert pieces and all(one.text == long and not one.brief for one in pieces)


def test_an_unknown_language_has_no_facts_but_events_and_recent_messages() -> None:
    german = [("Der Bericht liegt bei Frau Ott im Regal.", "Ann"), ("Schön, danke!", "Ben")]
    memory = told(german + [("ja", "Ann"), ("nein", "Ben")] * 15)
    assert shown(memory, MemoryLevel.FACT) == []
    assert len(shown(memory, MemoryLevel.RECENT)) == 20
    events = [o for o in memory.pieces("Wo liegt der Bericht?").pieces if o.level == "event"]
    assert max(events, key=lambda one: one.priority).text == german[0][0]


def test_the_policy_bounds_what_may_be_shown() -> None:
    config = ConversationConfig(core=("Be kind.",), recent=2, facts=1, events=1)
    memory = told([(words, "Ann") for words in WORDS], config)
    levels = [one.level for one in memory.pieces(ASKED).pieces]
    assert [levels.count(one) for one in ("core", "recent", "fact", "event")] == [1, 2, 1, 1]


def test_clauses_that_are_joined_are_facts_of_their_own() -> None:
    memory = told([("The deadline of Atlas is 12 May and my desk is B204, ok.", "Ann")])
    assert standing(memory) == [("Atlas", "deadline", "12 May"), ("Ann", "desk", "B204")]
    memory = told([("If the deadline of Atlas is 12 May and my desk is B204, ok.", "Ann")])
    assert standing(memory) == []


def test_messages_come_in_their_order() -> None:
    memory = told([(WORDS[0], "Ann")]).remember(Message("x", 30, WORDS[1], "Ben"))
    assert [one.superseded_by for one in memory.facts()] == [30, None]
    with pytest.raises(ValueError, match="message 30 does not follow message 30"):
        memory.remember(Message("y", 30, "b"))


@given(said, said)
def test_memories_never_change_and_are_the_same_for_the_same_messages(first, more) -> None:
    before = told(first)
    facts, digest = list(before.facts()), before.pieces(ASKED).digest
    memory = before
    for number, (text, speaker) in enumerate(more, start=len(first) + 1):
        memory = memory.remember(Message(f"i{number}", number, text, speaker))
        # the same length told otherwise goes its own way
        before.remember(Message("other", len(first) + 1, "The deadline of Atlas is now 1 July."))
    assert (list(before.facts()), before.pieces(ASKED).digest) == (facts, digest)
    again = told([*first, *more])
    assert memory.pieces(ASKED) == again.pieces(ASKED)
    assert list(memory.facts()) == list(again.facts())
    # whatever gave way is still there, and names a later message that states another
    later = list(again.facts())
    assert [(one.value, one.number) for one in later[: len(facts)]] == [
        (one.value, one.number) for one in facts
    ]
    stating = {one.number for one in later}
    assert all(
        one.superseded_by > one.number or one.superseded_by in stating
        for one in later
        if one.superseded_by is not None
    )


@given(said)
def test_every_message_is_recent_or_may_be_an_event(messages) -> None:
    memory = told(messages, ConversationConfig(recent=3, events=100)).pieces(ASKED)
    numbers = [
        o.number for o in memory.pieces if o.level in (MemoryLevel.RECENT, MemoryLevel.EVENT)
    ]
    assert sorted(numbers) == list(range(1, len(messages) + 1))
    assert memory.messages == len(messages)


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), max_size=40), st.integers(0, 45))
def test_of_equal_scores_the_later_come_first(scores: list[float], at_most: int) -> None:
    places = sorted(range(len(scores)), key=lambda place: (-scores[place], -place))
    assert best_places(np.array(scores), at_most) == places[:at_most]


@given(said)
def test_of_every_length_those_facts_stand_that_were_not_superseded_by_then(messages) -> None:
    config = ConversationConfig(facts=100, events=0, recent=0)
    lengths = [told([], config)]
    for number, (text, speaker) in enumerate(messages, start=1):
        lengths.append(lengths[-1].remember(Message(f"i{number}", number, text, speaker)))
    for earlier in lengths:
        # what has no name is told by its message
        named = [one for one in earlier.facts() if not one.sentence]
        stand = sorted(one.number for one in named if one.superseded_by is None)
        # all share a log, which has gone on
        shown = [one for one in earlier.pieces(ASKED).pieces if one.level is MemoryLevel.FACT]
        assert sorted(one.number or 0 for one in shown) == stand
