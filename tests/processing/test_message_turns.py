"""Messages of a thread are asked about in turn where answers about earlier ones are remembered."""

import asyncio
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.processing.answer_cache import AnswerCache, answer_key
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.processing.message_turns import MessageTurns
from orchestration_assets.processing.thread_memories import ThreadMemories
from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.schemas.conversations import ConversationMemory, MemoryLevel
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Question, Reading, Task
from resources.feature_cache.lmdb_store import LmdbStore
from tests.processing.services import ABSTAIN, Scripted, by_name, choice, item, ok
from tests.processing.threads import Told, plans_about

ABOUT = Task("about", "1", AnswerKind.LABEL, ("a", "b"))
STATED = Task("stated", "1", AnswerKind.SET)
TASKS = {"about": "reader", "stated": "notes"}
FACTS = ConversationConfig(facts_from="stated")
THREADS = {"ada": [f"m{n}" for n in range(1, 13)], "ben": ["m1", "m2", "m3"], "eve": ["m1"]}


class Conversation:
    """A batch of messages; ``seen`` is what each question about one showed of facts."""

    def __init__(self, tmp_path, config: ConversationConfig, stated, about=None) -> None:
        self.told = Told(THREADS)
        self.memories = ThreadMemories(self.told, config, ["about"])
        self.seen: dict[str, list[str]] = {}
        self.over: set[str] = set()
        self.at_work: Counter[str] = Counter()
        self.side_by_side = 0
        self.stated, self.said = stated, about
        self.cache = AnswerCache(LmdbStore(tmp_path / "answers"))

    def process(self, in_flight: int = 8, only=None):
        notes = Scripted("notes", self._note, seconds=0.001)
        reads = frozenset({"memory"})
        reader = Scripted("reader", self._read, reads=reads, seconds=0.001)
        work = BatchWork(
            {(task, "default"): choice("sequential", name) for task, name in TASKS.items()},
            {"about": ABOUT, "stated": STATED},
            by_name(notes, reader),
            memories=self.memories,
        )
        plans = plans_about(only or list(self.told.items), TASKS)
        limits = BatchLimits(in_flight)
        return process_plans(plans, work, self.cache, self.told.load, limits)

    def _note(self, question: Question) -> Reading:
        self.over.add(question.item.item_id)
        return self.stated(question)

    def _read(self, question: Question) -> Reading:
        assert question.memory is not None
        me = self.told.items[question.item.item_id]
        assert question.memory.speaker == me.speaker
        facts = [one for one in question.memory.pieces if one.level is MemoryLevel.FACT]
        self.seen[me.item_id] = sorted(one.text for one in facts)
        before = {f"{me.speaker}-{n}" for n in range(1, me.number)}
        assert before <= self.over, f"{me.item_id} was asked before {before - self.over}"
        return ok("a") if self.said is None else self.said(question)


def stating(question: Question) -> Reading:
    return ok((f"said: {question.item.text}",))


@pytest.mark.parametrize("in_flight", [1, 3, 64])
def test_a_message_sees_the_facts_of_all_before_it_and_none_of_later_ones(
    tmp_path, in_flight
) -> None:
    conversation = Conversation(tmp_path, FACTS, stating)
    done = conversation.process(in_flight)
    # the newest of what is said replaces those before
    assert conversation.seen["ada-1"] == []
    for number in range(2, 13):
        (fact,) = conversation.seen[f"ada-{number}"]
        assert f"m{number - 1}" in fact
    readings = [one for rows in done.interpretations.values() for one in rows]
    assert {one.status for one in readings} == {Status.OK}
    assert len(readings) == 2 * 16


def test_what_is_not_answered_is_missing_and_nobody_waits_for_it(tmp_path) -> None:
    def stated(question: Question) -> Reading:
        if question.item.item_id == "ada-2":
            return Reading(Status.DEFERRED, reason="its service is away")
        if question.item.item_id == "ada-4":
            raise RuntimeError("broken")
        return ABSTAIN if question.item.item_id == "ben-1" else stating(question)

    conversation = Conversation(tmp_path, FACTS, stated)
    conversation.process()
    assert "m1" in conversation.seen["ada-3"][0]
    assert "m3" in conversation.seen["ada-5"][0]
    assert conversation.seen["ben-2"] == []


def test_threads_go_side_by_side(tmp_path) -> None:
    other = asyncio.Event()

    class Waiting(Scripted):
        async def ask(self, question: Question) -> Reading:
            # the first thread goes on once the second one is over
            if question.item.item_id == "ada-2":
                await other.wait()
            if question.item.item_id == "ben-3":
                other.set()
            return await super().ask(question)

    conversation = Conversation(tmp_path, FACTS, stating)
    reader = Waiting("reader", conversation._read, reads=frozenset({"memory"}))
    work = BatchWork(
        {(task, "default"): choice("sequential", name) for task, name in TASKS.items()},
        {"about": ABOUT, "stated": STATED},
        by_name(Scripted("notes", stating), reader),
        memories=conversation.memories,
    )
    conversation.over |= set(conversation.told.items)
    plans = plans_about(list(conversation.told.items), TASKS)
    # ada's messages wait for each other and hold no place that ben's need
    process_plans(plans, work, conversation.cache, conversation.told.load, BatchLimits(2))
    assert len(conversation.seen) == 16


def test_without_facts_of_tasks_nobody_waits(tmp_path) -> None:
    last = asyncio.Event()

    class Backwards(Scripted):
        async def ask(self, question: Question) -> Reading:
            if question.item.item_id == "ada-12":
                last.set()
            await last.wait()
            return await super().ask(question)

    told = Told(THREADS)
    reader = Backwards("reader", ok("a"), reads=frozenset({"memory"}))
    work = BatchWork(
        {("about", "default"): choice("sequential", "reader")},
        {"about": ABOUT},
        by_name(reader),
        memories=ThreadMemories(told, ConversationConfig(), ["about"]),
    )
    cache = AnswerCache(LmdbStore(tmp_path / "answers"))
    plans = plans_about(list(told.items), {"about": "reader"})
    process_plans(plans, work, cache, told.load, BatchLimits(64))
    before = {one.item.item_id: one.memory.messages for one in reader.asked if one.memory}
    assert before == {name: one.number - 1 for name, one in told.items.items()}


def test_another_fact_asks_later_messages_again_and_no_others(tmp_path) -> None:
    conversation = Conversation(tmp_path, FACTS, stating)
    conversation.process()
    conversation.seen.clear()
    conversation.memories.note("ada-10", "stated", ("said: something else",))
    asked_again = ["ada-3", "ada-10", "ada-11", "ada-12", "ben-2"]
    kept = {
        name: conversation.memories.of(name, "about") for name in ("ada-10", "ada-11", "ada-12")
    }
    assert "something else" in str(kept["ada-11"])
    assert "something else" not in str(kept["ada-10"])
    # whoever is asked anew states what it stated: the fact is as it was
    conversation.process(only=[one for one in asked_again if one != "ada-10"])
    assert list(conversation.seen) == ["ada-11"]


def test_the_key_holds_what_may_be_shown() -> None:
    service = Scripted("s", ok("a"), reads=frozenset({"memory"}))
    memory = ConversationMemory((), 3, "d1", "Ada")

    def key(memory: ConversationMemory | None, service: Scripted = service) -> str:
        return answer_key(Question(ABOUT, item(), memory=memory), service)

    assert key(memory) == key(ConversationMemory((), 7, "d1", "Ada"))
    others = [None, ConversationMemory((), 3, "d2", "Ada"), ConversationMemory((), 3, "d1", "Ben")]
    assert len({key(memory), *map(key, others)}) == 4
    # who is not shown it answers whatever came before
    blind = Scripted("s", ok("a"))
    assert key(memory, blind) == key(None, blind)


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    chance=st.integers(0, 10_000),
)
def test_whoever_waits_gets_its_turn_and_nobody_before_it(lengths, chance) -> None:
    seed = random.Random(chance)
    told = Told({f"t{n}": ["x"] * length for n, length in enumerate(lengths)})
    places = {name: (one.speaker or "", one.number) for name, one in told.items.items()}
    plans = plans_about(list(told.items), TASKS)
    over: set[str] = set()
    waiting = 0

    def count(questions: int) -> None:
        nonlocal waiting
        waiting += questions

    async def drive() -> None:
        turns = MessageTurns(plans, places, frozenset({"stated"}), frozenset({"about"}), count)

        async def ask(name: str) -> None:
            await turns.take(name, "about")
            me = told.items[name]
            assert {f"{me.speaker}-{n}" for n in range(1, me.number)} <= over

        async def note(name: str) -> None:
            for _ in range(seed.randint(0, 5)):
                await asyncio.sleep(0)
            over.add(name)
            # an item may end without its task having been asked
            turns.over(name, seed.choice(["stated", None]))

        works = [*map(ask, told.items), *map(note, told.items)]
        seed.shuffle(works)
        await asyncio.wait_for(asyncio.gather(*works), 60)

    asyncio.run(drive())
    assert waiting == 0
