"""Plans that ask only services of this process: the same rows without an event loop."""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration_assets.processing import batch as processing_batch
from orchestration_assets.processing import embedded_plans
from orchestration_assets.processing.answer_cache import AnswerCache, answer_key
from orchestration_assets.processing.batch import record_finder
from orchestration_assets.processing.concurrent_calls import WaitingError, completed
from orchestration_assets.processing.embedded_asker import EmbeddedAsker
from orchestration_assets.processing.embedded_plans import embedded_items, process_embedded
from orchestration_assets.processing.event_loop import (
    BatchLimits,
    BatchResult,
    BatchWork,
    process_plans,
)
from orchestration_assets.processing.sure_questions import sure_questions
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.policy import Choice
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CALL_LOG, DECISION_LOG, INTERPRETATIONS, PlanRow
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.registry import load_embedded
from resources.feature_cache.lmdb_store import LmdbStore
from tests.evidence.records_drawn import FIELDS
from tests.processing.services import TASK, TASKS, Scripted, by_name, ok
from tests.processing.test_nestings import SERVICES, TEXT, nestings, say
from tests.rows import row

CHOICES = {name: Choice.model_validate(choice) for name, choice in nestings().items()}


class Embedded(EmbeddedService):
    """Says what the generated services of the nestings say, in this process."""

    kinds = frozenset(AnswerKind)
    expected_ms = 1.0
    version = "1"

    def __init__(self, name: str, cost_usd: float = 0.0) -> None:
        super().__init__()
        self.name = name
        self.cost_usd = cost_usd
        self.asked: list[Question] = []

    def answer(self, question: Question) -> Reading:
        self.asked.append(question)
        return say(self.name, question)


class Together(Embedded):
    """Answers several questions at once, unless one of them is what it breaks at."""

    def answers(self, questions: Sequence[Question]) -> list[Reading]:
        self.at_once += len(questions)
        return [say(self.name, question) for question in questions]

    at_once = 0


def services() -> list[Embedded]:
    return [Embedded(name, cost_usd=n / 8) for n, name in enumerate(SERVICES)]


def work_of(*asked) -> BatchWork:
    choices = {("t", name): choice for name, choice in CHOICES.items()}
    return BatchWork(choices, TASKS, by_name(*asked))


def plans_of(items: dict[str, str]) -> list[PlanRow]:
    return [
        row(PlanRow, batch="b", item_id=item, content_hash=item, path=item, task="t", option=name,
            model=CHOICES[name].model, kind=TASK.kind, services=CHOICES[name].admissible)
        for item, name in sorted(items.items())
    ]  # fmt: skip


class Torn(str):
    """A text that breaks what takes a part of it, as reading in rounds does."""

    def __getitem__(self, part: object) -> str:
        raise RuntimeError("torn")


def load(item_id: str) -> Item:
    if item_id.endswith("unreadable"):
        raise OSError("the disk is gone")
    if item_id.endswith("broken"):
        return Item(item_id, item_id, item_id, Torn(f"{item_id}\n{TEXT}"), {})
    return Item(item_id, item_id, f"{item_id}.txt", f"{item_id}\n{TEXT}", {})


def stable(done: BatchResult) -> dict[str, object]:
    """The tables without the columns that may differ between two runs."""
    tables = {**{one.name: (one, done.interpretations[m]) for m, one in INTERPRETATIONS.items()}}
    tables |= {"decisions": (DECISION_LOG, done.decisions), "calls": (CALL_LOG, done.calls)}
    return {
        name: rows_to_arrow(table, rows).select(table.stable_columns)
        for name, (table, rows) in tables.items()
    }


def both(tmp_path, plans: list[PlanRow]) -> tuple[BatchResult, BatchResult]:
    here, there = services(), services()
    loop = AnswerCache(LmdbStore(tmp_path / "loop"))
    without = AnswerCache(LmdbStore(tmp_path / "without"))
    expected = process_plans(plans, work_of(*there), loop, load, BatchLimits(8))
    done = process_embedded(plans, work_of(*here), without, load)
    assert [len(one.asked) for one in here] == [len(one.asked) for one in there]
    return done, expected


def test_every_nesting_gives_the_rows_that_the_event_loop_gives(tmp_path) -> None:
    items = {f"{n:02d} {name}": name for n in range(4) for name in CHOICES}
    done, expected = both(tmp_path, plans_of(items))
    assert stable(done) == stable(expected)
    assert {row_.status for row_ in done.interpretations["parallel"]} >= {Status.OK, Status.FAILED}
    # what may differ between runs is here the same but for the clocks
    assert [(c.origin, c.called, c.cost_usd) for c in done.calls] == [
        (c.origin, c.called, c.cost_usd) for c in expected.calls
    ]


def test_so_do_services_that_answer_many_at_once(tmp_path) -> None:
    plans = plans_of({f"{n:02d} {name}": name for n in range(4) for name in CHOICES})
    loop, kept = AnswerCache(LmdbStore(tmp_path / "loop")), LmdbStore(tmp_path / "at once")
    expected = process_plans(plans, work_of(*services()), loop, load, BatchLimits(8))
    at_once = [Together(name, cost_usd=n / 8) for n, name in enumerate(SERVICES)]
    done = process_embedded(plans, work_of(*at_once), AnswerCache(kept), load)
    assert stable(done) == stable(expected)
    assert [(c.origin, c.cost_usd) for c in done.calls] == [
        (c.origin, c.cost_usd) for c in expected.calls
    ]
    assert sum(one.at_once for one in at_once) > 0
    # where one question breaks a service, all are asked alone: that one's failure is its own
    assert any(one.at_once and one.asked for one in at_once)
    again = [Together(name) for name in SERVICES]
    process_embedded(plans, work_of(*again), AnswerCache(kept), load)
    failing = {row.service for row in done.interpretations["parallel"] if row.status == "failed"}
    assert {one.name for one in again if one.at_once} <= failing


def test_quotes_of_records_answered_together_are_looked_for_in_the_content(tmp_path) -> None:
    """As when each is answered alone: what does not stand there is told."""
    task = Task("facts", "1", AnswerKind.RECORD, fields=FIELDS, quotes=True)

    class Quoting(Together):
        def answers(self, questions: Sequence[Question]) -> list[Reading]:
            self.at_once += len(questions)
            return [self.answer(question) for question in questions]

        def answer(self, question: Question) -> Reading:
            name = FIELDS[0].name
            record = RecordAnswer(((name, "x"),), ((name, question.item.text[::-1]),))
            return Reading(Status.OK, record, 0.5)

    questions = [("a", Question(task, load(f"i{n}"))) for n in range(3)]
    told = []
    for at_once in (False, True):
        service = Quoting("a")
        asker = EmbeddedAsker({"a": service}, AnswerCache(LmdbStore(tmp_path / str(at_once))))
        asker.recall(questions)
        if at_once:
            asker.answer_ahead(questions)
        told.append([completed(asker.ask(*one)).reading for one in questions])
        assert service.at_once == 3 * at_once
    assert told[0] == told[1]
    assert all(one.answer.ungrounded for one in told[0])


def test_two_services_of_one_implementation_keep_identities_of_their_own(tmp_path) -> None:
    topics = {"storage": ["archive"], "travel": ["train"]}
    asked = {
        "few": load_embedded("word_labels", {"labels": topics}),
        "more": load_embedded("word_labels", {"labels": {**topics, "food": ["bread"]}}),
    }
    asker = EmbeddedAsker(asked, AnswerCache(LmdbStore(tmp_path)))
    question = Question(TASK, Item("i", "h", "p", "archive", {}))
    told = {name: completed(asker.ask(name, question)).service_version for name in asked}
    assert told == {name: service_identity(one, TASK) for name, one in asked.items()}
    assert told["few"] != told["more"]


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.builds(
            "".join,
            st.tuples(
                st.text("abc 0", min_size=1), st.sampled_from(["", " unreadable", " broken"])
            ),
        ),
        st.sampled_from(sorted(CHOICES)),
        max_size=12,
    ),
    st.integers(1, 5),
)
def test_so_does_any_batch_whatever_its_items_do(tmp_path_factory, items, portion) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(embedded_plans, "_PORTION_ITEMS", portion)
        done, expected = both(tmp_path_factory.mktemp("answers"), plans_of(items))
    assert stable(done) == stable(expected)


def test_what_was_answered_is_kept_and_found_by_either_way(tmp_path) -> None:
    plans = plans_of({f"i{n}": name for n, name in enumerate(sorted(CHOICES)[::7])})
    store = LmdbStore(tmp_path)
    first = process_embedded(plans, work_of(*services()), AnswerCache(store), load)
    here, there = services(), services()
    again = process_embedded(plans, work_of(*here), AnswerCache(store), load)
    loop = process_plans(plans, work_of(*there), AnswerCache(store), load, BatchLimits(8))
    assert stable(first) == stable(again) == stable(loop)
    failures = sum(row_.status is Status.FAILED for row_ in again.calls)
    assert 0 < sum(len(one.asked) for one in here) <= failures < len(again.calls)
    assert [c.origin for c in again.calls] == [c.origin for c in loop.calls]


def test_answers_are_kept_in_portions_and_when_the_batch_ends_early(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(embedded_plans, "_PORTION_ITEMS", 2)
    monkeypatch.setattr(embedded_plans, "SAVE_EVERY", 4)
    name = "parallel/None, on to nothing"
    plans = plans_of({f"i{n}": name for n in range(6)})
    store = LmdbStore(tmp_path)

    class Killed(BaseException):
        pass

    def advance(items: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        process_embedded(plans, work_of(*services()), AnswerCache(store), load, advance)
    again = process_embedded(plans, work_of(*services()), AnswerCache(store), load)
    assert {c.item_id for c in again.calls if c.origin == "cache"} == {"i0"}


def test_only_items_whose_every_service_is_of_this_process_go_without_the_loop() -> None:
    choices = {
        ("t", "mixed"): Choice.model_validate(
            {
                "model": "sequential",
                "services": ["a"],
                "judge": {"service": "http", "when": "always"},
            }
        ),
        ("t", "own"): Choice.model_validate({"model": "sequential", "services": ["a", "b"]}),
    }
    own = [Embedded("a"), Embedded("b")]
    shown = replace_reads(Embedded("b"), frozenset({"neighbours"}))
    plans = [
        row(PlanRow, item_id=item, task="t", option=option, services=("a",))
        for item, option in [("i1", "mixed"), ("i1", "own"), ("i2", "own")]
    ]
    work = BatchWork(choices, TASKS, by_name(*own, Scripted("http", ok("a"))))
    assert embedded_items(plans, work) == {"i2"}
    assert embedded_items(plans, replace(work, services=by_name(own[0], shown))) == frozenset()


def replace_reads(service: Embedded, reads: frozenset[str]) -> Embedded:
    service.reads = reads  # type: ignore[misc]
    return service


def test_sure_questions_are_asked_whatever_services_answer(tmp_path) -> None:
    items = {f"{n} {name}": name for n in range(2) for name in CHOICES}
    work = work_of(*services())
    process_embedded(plans_of(items), work, AnswerCache(LmdbStore(tmp_path)), load)
    asked = {
        (service.name, question.item.item_id, answer_key(question, service))
        for service in work.services.values()
        for question in service.asked
    }
    for item_id, name in items.items():
        sure = sure_questions(CHOICES[name], Question(TASK, load(item_id)), TASKS)
        keys = {(one, item_id, answer_key(question, work.services[one])) for one, question in sure}
        assert keys and keys <= asked, name


@given(
    st.lists(st.tuples(st.text("ab1", max_size=3), st.integers(0, 9)), unique_by=lambda p: p[0]),
    st.data(),
)
def test_an_item_is_found_in_whatever_order_tables_stand_and_items_are_asked(rows, data) -> None:
    table = pa.table(
        {"item_id": [name for name, _ in rows], "value": [value for _, value in rows]},
        pa.schema([("item_id", pa.string()), ("value", pa.int64())]),
    )
    decoded: list[int] = []

    def records(block: pa.Table) -> list[tuple[str, int]]:
        decoded.append(block.num_rows)
        return list(values(block, "item_id", "value"))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(processing_batch, "_BLOCK_ITEMS", 2)
        record = record_finder(table, records)
        for name, value in data.draw(st.permutations(rows)):
            assert record(name) == (name, value)
        decoded.clear()
        record = record_finder(table, records)
        for name, value in sorted(rows):
            assert record(name) == (name, value)
        assert sum(decoded) == len(rows) and max(decoded, default=0) <= 2
        with pytest.raises(KeyError):
            record("never")


def test_a_call_that_waits_without_a_loop_is_an_error_and_not_a_hang() -> None:
    class Waits:
        def __await__(self):
            yield

    async def call() -> None:
        await Waits()

    with pytest.raises(WaitingError, match="answer over HTTP"):
        completed(call())
