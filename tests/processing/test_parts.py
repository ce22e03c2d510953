"""Services over real HTTP asked of parts: what is asked again, what is joined, what is lost."""

import re
from collections import Counter
from dataclasses import replace
from hashlib import blake2b

import pytest

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.embedded_plans import process_embedded
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.processing.near_copy_sharing import process_sharing
from orchestration_assets.processing.take_up import kept, plans_to_take_up
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel, Status
from orchestration_assets.schemas.items import Item, Reading, Task
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.parts import JoinBy, MissingParts, PartsBy, TaskParts
from orchestration_assets.schemas.record_answers import RecordAnswer, record_of
from orchestration_assets.schemas.record_fields import FieldType, RecordField
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    DECISION_LOG,
    INTERPRETATIONS,
    PlanRow,
)
from orchestration_assets.schemas.task_inputs import TaskInputs
from orchestration_assets.services.contract import EmbeddedService
from resources.ai_services.http.chat import ChatService
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http.samples import chat
from tests.chat_servers import chat_server
from tests.processing.services import choice
from tests.rows import row

MODEL = ProcessingModel.PARALLEL
SECTIONS = TaskParts(PartsBy.SECTIONS, JoinBy.UNION)
DUTIES = Task(
    "duties",
    "1",
    AnswerKind.RECORD,
    fields=(
        RecordField(
            "duties",
            FieldType.LIST,
            fields=(RecordField("who", FieldType.TEXT), RecordField("sum", FieldType.NUMBER)),
        ),
    ),
    parts=SECTIONS,
)
WORDS = Task("words", "1", AnswerKind.SET, parts=TaskParts(PartsBy.CHUNKS, JoinBy.UNION, 200))
TONE = Task(
    "tone", "1", AnswerKind.LABEL, ("a", "b"), parts=TaskParts(PartsBy.SECTIONS, JoinBy.VOTE)
)
PROMPT = "{% for o in earlier %}{{ o.service }} said {{ o.answer }}\n{% endfor %}{{ content }}"


def contract(sections: int, edited: int | None = None) -> str:
    clauses = (
        f"## Clause {n}\n\nParty {n} must pay {n * 10} EUR.{' Edited.' if n == edited else ''}\n\n"
        for n in range(1, sections + 1)
    )
    return "".join(clauses)


def duties(prompt: str) -> tuple[object, float]:
    found = re.findall(r"Party (\d+) must pay (\d+)", prompt)
    assert len(found) <= 1
    return {"duties": [{"who": who, "sum": int(amount)} for who, amount in found]}, 0.9


class Asking:
    """Services at one server, asked about texts by name; answers are kept in ``folder``."""

    def __init__(self, url, folder, task, way=None, names=("one",), **changes) -> None:
        settings = {"prompt": {"user": PROMPT}, "timeouts": {"total_s": 20.0}, **changes}
        self.services = {
            name: ChatService(name, chat(url, model=name, **settings)) for name in names
        }
        self.tasks = task if isinstance(task, tuple) else (task,)
        self.way = way or choice(MODEL, *names)
        self.folder, self.inputs = folder, {}
        self.budget = SpendBudget()

    def plans(self, texts: dict[str, str]) -> list[PlanRow]:
        most = sum(one.cost_usd for one in self.services.values())
        return [
            row(PlanRow, batch="b", item_id=name, content_hash=content_hash(text), task=task.name,
                model=MODEL, option="default", services=self.way.services, calls_max=1,
                cost_usd_max=most * 100, parts=100)
            for name, text in sorted(texts.items()) for task in self.tasks
        ]  # fmt: skip

    def process(self, texts: dict[str, str], plans=None):
        tasks = {task.name: task for task in self.tasks}
        ways = {(name, "default"): self.way for name in tasks}
        work = BatchWork(ways, tasks, self.services, inputs=self.inputs)

        def load(name: str) -> Item:
            return Item(name, content_hash(texts[name]), f"{name}.md", texts[name])

        cache = AnswerCache(LmdbStore(self.folder))
        limits = BatchLimits(8, self.budget)
        plans = self.plans(texts) if plans is None else plans
        return process_plans(plans, work, cache, load, limits)


def content_hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def tables(done) -> list:
    stored = (
        (INTERPRETATIONS[MODEL], done.interpretations[MODEL]),
        (DECISION_LOG, done.decisions),
        (PART_READINGS, done.parts),
    )
    return [rows_to_arrow(table, rows).select(table.stable_columns) for table, rows in stored]


def readings(done) -> dict[str, tuple]:
    return {one.service: one for one in done.interpretations[MODEL]}


def test_one_edited_section_of_200_is_one_question_and_the_answer_that_of_a_fresh_run(
    tmp_path,
) -> None:
    with chat_server(duties) as server:
        first = Asking(server.url, tmp_path / "kept", DUTIES)
        first.process({"contract": contract(200)})
        assert len(server.asked) == 200
        server.asked.clear()
        again = first.process({"contract": contract(200, edited=120)})
        (asked,) = server.asked
        assert asked.startswith("## Clause 120\n\nParty 120 must pay 1200 EUR. Edited.\n")
        assert "Clause 119" not in asked
        fresh = Asking(server.url, tmp_path / "fresh", DUTIES)
        assert tables(again) == tables(fresh.process({"contract": contract(200, edited=120)}))
    (reading,) = again.interpretations[MODEL]
    assert len(re.findall("who", reading.answer_record)) == 200
    assert Counter(one.origin for one in again.parts) == {"cache": 199, "called": 1}
    assert [one.part for one in again.calls] == list(range(1, 201))
    calls = rows_to_arrow(CALL_LOG, again.calls)
    assert calls.group_by(list(CALL_LOG.key)).aggregate([]).num_rows == 200
    text = contract(200, edited=120)
    part = again.parts[119]
    assert text[part.start : part.end].startswith("## Clause 120")
    assert part.part_hash == content_hash(text[part.start : part.end])


def test_a_document_longer_than_the_window_is_read_without_loss(tmp_path) -> None:
    text = " ".join(f"word{n}." for n in range(3000))

    def say(prompt: str):
        if len(prompt) > 2000:
            return 400
        return re.findall(r"word\d+", prompt)[:1] + re.findall(r"word\d+", prompt)[-1:], 0.9

    with chat_server(say) as server:
        limits = {"context": {"window_tokens": 1024, "content_tokens": 400}}
        done = Asking(server.url, tmp_path, WORDS, **limits).process({"long": text})
        sent = "".join(server.asked)
    assert set(re.findall(r"word\d+", sent)) == {f"word{n}" for n in range(3000)}
    assert {one.content_share for one in done.calls} == {1.0}
    (reading,) = done.interpretations[MODEL]
    assert {"word0", "word2999"} <= set(reading.answer_set)
    with chat_server(say) as server:
        whole = replace(WORDS, parts=None)
        cut = Asking(server.url, tmp_path, whole, **limits).process({"long": text})
    assert cut.calls[0].content_share < 0.3


def test_equal_parts_of_other_items_are_asked_about_once(tmp_path) -> None:
    texts = {"a": contract(40), "b": contract(40, edited=7), "c": contract(40)}
    with chat_server(duties) as server:
        asking = Asking(server.url, tmp_path, DUTIES)

        def process(plans):
            return asking.process(texts, plans)

        leaders = {"b": "a", "c": "a"}
        done = process_sharing(asking.plans(texts), leaders, process, {}, {"duties"})
    # near-copies share the answers about their equal parts, and have places of their own
    assert len(server.asked) == 41
    rows = {(one.item_id, one.part): one for one in done.parts}
    assert rows["b", 7].part_hash != rows["a", 7].part_hash
    assert {rows["b", n].answer_key == rows["a", n].answer_key for n in (1, 6, 8, 40)} == {True}
    assert {row.shared_from for row in done.interpretations[MODEL]} == {None}


@pytest.mark.parametrize("missing", list(MissingParts))
def test_a_part_that_fails_is_told_and_only_it_is_asked_again(tmp_path, missing) -> None:
    broken = {"Clause 3\n"}

    def say(prompt: str):
        return 400 if any(words in prompt for words in broken) else duties(prompt)

    task = replace(DUTIES, parts=replace(SECTIONS, missing=missing))
    with chat_server(say) as server:
        asking = Asking(server.url, tmp_path, task)
        done = asking.process({"contract": contract(6)})
        (reading,) = done.interpretations[MODEL]
        assert "1 of 6 parts have no answer: part 3 (Clause 3)" in reading.reason
        partial = missing is MissingParts.ANSWER
        assert reading.status is (Status.OK if partial else Status.FAILED)
        if partial:
            assert reading.confidence < 0.9
            assert '"who":"2"' in reading.answer_record
            assert '"who":"3"' not in reading.answer_record
        statuses = [one.status for one in done.parts]
        assert Counter(statuses) == {Status.OK: 5, Status.FAILED: 1}
        broken.clear()
        server.asked.clear()
        (whole,) = asking.process({"contract": contract(6)}).interpretations[MODEL]
    assert len(server.asked) == 1
    assert (whole.status, whole.confidence, whole.reason) == (Status.OK, 0.9, None)


def test_more_parts_than_at_most_are_told_and_nothing_is_paid_for_in_vain(tmp_path) -> None:
    with chat_server(duties) as server:
        few = replace(DUTIES, parts=replace(SECTIONS, at_most=4))
        done = Asking(server.url, tmp_path, few).process({"contract": contract(6)})
        assert server.asked == []
        assert {(one.status, one.origin) for one in done.parts} == {(Status.FAILED, "not_called")}
        (reading,) = done.interpretations[MODEL]
        assert "the item has 6 parts, at_most is 4" in reading.reason
        some = replace(DUTIES, parts=replace(few.parts, missing=MissingParts.ANSWER))
        done = Asking(server.url, tmp_path, some).process({"contract": contract(6)})
    assert len(server.asked) == 4
    assert done.interpretations[MODEL][0].status is Status.OK
    assert [one.origin for one in done.parts] == ["called"] * 4 + ["not_called"] * 2


def test_a_judge_is_shown_what_others_said_of_the_same_part(tmp_path) -> None:
    def say(prompt: str):
        return ("b" if "Clause 2" in prompt and "said" not in prompt else "a"), 0.9

    way = choice(MODEL, "one", "two", judge={"service": "judge", "when": "always"})
    names = ("one", "two", "judge")
    with chat_server(say) as server:
        asking = Asking(server.url, tmp_path, TONE, way, names)
        asking.process({"contract": contract(5)})
        judged = [prompt for prompt in server.asked if "said" in prompt]
        assert len(judged) == 5
        for prompt in judged:
            expected = "b" if "Clause 2\n" in prompt else "a"
            assert re.findall(r"said (\w)", prompt) == [expected] * 2
        server.asked.clear()
        done = asking.process({"contract": contract(5, edited=4)})
    assert len(server.asked) == 3
    assert [one.service for one in done.interpretations[MODEL] if one.decides] == ["judge"]


def test_a_service_joins_what_was_answered_and_is_kept_by_what_it_was_shown(tmp_path) -> None:
    def say(prompt: str):
        if prompt.startswith("join"):
            return f"{prompt.count('Part ')} parts joined", 0.8
        return f"about {re.search(r'Clause (.)', prompt)[1]}", 0.9

    way = TaskParts(PartsBy.SECTIONS, JoinBy.SERVICE, joiner="joiner")
    task = Task("summary", "1", AnswerKind.TEXT, parts=way)
    prompt = {"user": "{% if parts %}join {% for p in parts %}{{ p.heading }}={{ p.answer }};"
                      "{% endfor %}{% endif %}{{ content }}"}  # fmt: skip
    with chat_server(say) as server:
        asking = Asking(server.url, tmp_path, task, choice(MODEL, "one"), ("one", "joiner"),
                        prompt=prompt)  # fmt: skip
        done = asking.process({"contract": contract(3)})
        (reading,) = done.interpretations[MODEL]
        assert reading.answer == "3 parts joined"
        assert reading.evidence.startswith("joiner joins 3 parts")
        assert "Clause 2=about 2;" in server.asked[-1]
        assert "Part 2 of 3: Clause 2\nabout 2" in server.asked[-1]
        assert [one.called for one in done.calls] == ["one"] * 3 + ["joiner"]
        server.asked.clear()
        # the edited part is answered as before: there is nothing to join anew
        asking.process({"contract": contract(3, edited=2)})
    assert len(server.asked) == 1


def test_answers_that_are_too_long_to_join_at_once_are_joined_in_groups(tmp_path) -> None:
    def say(prompt: str):
        found = re.findall(r"<(\d+)>", prompt)
        if prompt.startswith("## Clause"):
            return f"<{re.search('Clause ([0-9]+)', prompt)[1]}>" + " word" * 40, 0.9
        return "".join(f"<{number}>" for number in found), 0.9

    way = TaskParts(PartsBy.SECTIONS, JoinBy.SERVICE, joiner="joiner")
    task = Task("summary", "1", AnswerKind.TEXT, parts=way)
    with chat_server(say) as server:
        limits = {"context": {"window_tokens": 4096, "content_tokens": 400}}
        asking = Asking(
            server.url, tmp_path, task, choice(MODEL, "one"), ("one", "joiner"), **limits
        )
        done = asking.process({"contract": contract(40)})
        (reading,) = done.interpretations[MODEL]
        # no part is lost on the way
        assert re.findall(r"<(\d+)>", reading.answer) == [str(n) for n in range(1, 41)]
        assert {one.content_share for one in done.calls} == {1.0}
        joins = len(server.asked) - 40
        assert joins > 2
        server.asked.clear()
        again = asking.process({"contract": contract(40)})
    assert server.asked == []
    assert tables(again) == tables(done)


def test_entries_of_a_list_are_asked_about_one_by_one(tmp_path) -> None:
    def say(prompt: str):
        if prompt.startswith("who:"):
            return ("a" if "who: 2" in prompt else "b"), 0.9
        return {"duties": [{"who": str(n), "sum": n} for n in range(1, 4)]}, 0.9

    whole = replace(DUTIES, parts=None)
    way = TaskParts(PartsBy.ENTRIES, JoinBy.VOTE, of_task="duties", of_field="duties")
    task = replace(TONE, parts=way)
    with chat_server(say) as server:
        asking = Asking(server.url, tmp_path, (whole, task))
        asking.inputs = {"tone": TaskInputs(("duties",), ("duties",))}
        done = asking.process({"contract": contract(3)})
        assert sum(prompt.startswith("who:") for prompt in server.asked) == 3
    (reading,) = (one for one in done.interpretations[MODEL] if one.task == "tone")
    assert reading.answer == "b"
    assert [one.answer for one in done.parts] == ["b", "a", "b"]


def test_a_budget_is_kept_to_and_what_it_held_back_is_told(tmp_path) -> None:
    price = {"price": {"call_usd": 0.01}}
    with chat_server(duties) as server:
        asking = Asking(server.url, tmp_path, DUTIES, **price)
        asking.budget = SpendBudget(0.505)
        done = asking.process({f"c{n}": contract(20).replace("Party", f"Day {n} Party") for n in
                               range(4)})  # fmt: skip
    paid = sum(one.cost_usd for one in done.calls)
    assert paid <= 0.505
    statuses = Counter(one.status for one in done.interpretations[MODEL])
    # whole items are paid for, not some parts of each
    assert statuses == {Status.OK: 2, Status.OVER_BUDGET: 2}
    assert len(server.asked) == 40


def test_what_was_deferred_is_taken_up_part_by_part(tmp_path) -> None:
    down = {"yes"}

    def say(prompt: str):
        return 503 if down and re.search("Clause [56]", prompt) else duties(prompt)

    quick = {"breaker": {"open_s": 0.05, "wait_s": 0.2, "min_attempts": 1, "window": 2},
             "retries": {"attempts": 2, "backoff_s": 0.01}, "concurrency": 1}  # fmt: skip
    with chat_server(say) as server:
        asking = Asking(server.url, tmp_path, DUTIES, **quick)
        texts = {"contract": contract(6), "other": contract(2)}
        plans = asking.plans(texts)
        first = asking.process(texts)
        assert {one.status for one in first.parts} >= {Status.OK, Status.DEFERRED}
        due = plans_to_take_up(plans, first)
        assert [one.item_id for one in due] == ["contract"]
        down.clear()
        server.asked.clear()
        again = asking.process(texts, due)
    assert 1 <= len(server.asked) <= 2
    assert again.interpretations[MODEL][0].status is Status.OK
    assert {one.item_id for one in kept(first, [p for p in plans if p not in due]).parts} == {
        "other"
    }


def test_a_changed_task_or_prompt_of_headings_asks_again_where_it_must(tmp_path) -> None:
    with chat_server(duties) as server:
        shows = {"prompt": {"user": "{{ part.heading }}: {{ content }}"}}
        asking = Asking(server.url, tmp_path, DUTIES, **shows)
        asking.process({"contract": contract(8)})
        server.asked.clear()
        longer = contract(8) + "## Last\n\nNothing.\n"
        asking.process({"contract": longer})
        # the prompt shows headings, not numbers: another part more changes no other question
        assert len(server.asked) == 1
        server.asked.clear()
        counts = {"prompt": {"user": "{{ part.number }} of {{ part.of }}: {{ content }}"}}
        numbered = Asking(server.url, tmp_path, DUTIES, **counts)
        numbered.process({"contract": contract(8)})
        numbered.process({"contract": longer})
    assert len(server.asked) == 17


class Quoting(EmbeddedService):
    """Quotes for every part what stands in the first one."""

    name = "quoting"
    kinds = frozenset({AnswerKind.RECORD})
    expected_ms = 1.0
    reads = frozenset({"part.heading"})

    def answer(self, question) -> Reading:
        who = RecordAnswer((("who", question.part.heading),))
        return Reading(
            Status.OK,
            RecordAnswer((("duties", (who,)),), (("duties[0].who", "Party 1 must pay 10 EUR."),)),
            0.9,
        )


def test_quotes_are_looked_for_in_the_part_that_they_are_given_for(tmp_path) -> None:
    text = contract(3)
    item = Item("contract", content_hash(text), "contract.md", text)
    way = choice(MODEL, "quoting")
    work = BatchWork({("duties", "default"): way}, {"duties": DUTIES}, {"quoting": Quoting()})
    plan = row(PlanRow, batch="b", item_id=item.item_id, content_hash=item.content_hash,
               task="duties", model=MODEL, option="default", services=("quoting",))  # fmt: skip
    cache = AnswerCache(LmdbStore(tmp_path))
    done = process_embedded([plan], work, cache, lambda name: item)
    (reading,) = done.interpretations[MODEL]
    record = record_of(reading.answer_record)
    assert [path for path, _ in record.quotes] == [f"duties[{n}].who" for n in range(3)]
    assert record.ungrounded == ("duties[1].who", "duties[2].who")
    again = process_embedded([plan], work, cache, lambda name: item)
    assert {call.origin for call in again.calls} == {"cache"}
    assert tables(again) == tables(done)
