"""Of a long conversation only so many messages are remembered, and what is lost is said."""

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.conversations import thread_log
from orchestration_assets.conversations.fold import beyond_memory, nothing
from orchestration_assets.processing.thread_memories import ThreadMemories
from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.text.prompts.shown_memory import shown_memory
from tests.processing.threads import Told

TEXTS = [f"The room of guest {number} is B{number}." for number in range(1, 61)]


@given(st.integers(0, 3_000), st.integers(1, 300))
def test_more_than_three_quarters_are_remembered_and_the_oldest_give_way_in_order(
    before: int, at_most: int
) -> None:
    beyond = beyond_memory(before, at_most)
    assert beyond <= beyond_memory(before + 1, at_most)
    if before <= at_most:
        assert beyond == 0
    else:
        assert at_most - max(1, at_most // 4) < before - beyond <= at_most


@given(st.permutations(range(1, 61)))
def test_what_is_remembered_does_not_rest_on_what_was_asked_before(order: list[int]) -> None:
    config = ConversationConfig(messages=12, recent=2)
    memories = ThreadMemories(Told({"ada": TEXTS}), config, ["about"])
    for number in order[:12]:
        found = memories.of(f"ada-{number}", "about")
        first = beyond_memory(number - 1, 12)
        alone = nothing(config, first)
        for message in Told({"ada": TEXTS}).messages("ada")[first : number - 1]:
            alone = alone.remember(message)
        wanted = alone.pieces(TEXTS[number - 1])
        assert found is not None
        assert (found.digest, found.pieces) == (wanted.digest, wanted.pieces)
        assert (found.messages, found.beyond) == (number - 1, first)
        left_out = shown_memory(found, (), 100_000).left_out
        assert (f"({first} beyond conversation.messages)" in (left_out or "")) == (first > 0)


def test_a_whole_conversation_takes_up_each_message_a_few_times_at_most(monkeypatch) -> None:
    taken = []
    add = thread_log.ThreadLog.add

    def counted(log: thread_log.ThreadLog, one: thread_log.Taken) -> None:
        taken.append(one.message.number)
        add(log, one)

    monkeypatch.setattr(thread_log.ThreadLog, "add", counted)
    texts = ["A word."] * 400
    memories = ThreadMemories(Told({"ada": texts}), ConversationConfig(messages=20), ["about"])
    for number in range(1, 401):
        memories.of(f"ada-{number}", "about")
    assert len(taken) <= 4 * 400
