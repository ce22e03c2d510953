"""Graphs of tasks, carried out: nothing waits for ever, and every plan ends in exactly one way."""

import tempfile
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestration_assets.disagreement.readings import group_answers
from orchestration_assets.disagreement.resolution import resolve_plans
from orchestration_assets.disagreement.turned_away import turned_away
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.task_graph import connected, in_order
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.batch import build_work
from orchestration_assets.processing.embedded_plans import process_embedded
from orchestration_assets.processing.event_loop import (
    BatchLimits,
    BatchResult,
    BatchWork,
    process_plans,
)
from orchestration_assets.processing.known_inputs import KnownInputs
from orchestration_assets.processing.near_copy_sharing import process_sharing
from orchestration_assets.processing.take_up import plans_to_take_up
from orchestration_assets.schemas.comparisons import AnswerCondition, Comparison
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    DECISION_LOG,
    INTERPRETATIONS,
    PlanRow,
)
from orchestration_assets.schemas.task_inputs import AnswerTest, Inputs, Otherwise, TaskInputs
from orchestration_assets.selection.answer_conditions import TURNED_AWAY
from orchestration_assets.services.contract import EmbeddedService
from resources.feature_cache.lmdb_store import LmdbStore
from tests.processing.services import by_name, choice
from tests.rows import row

LABELS = ("a", "b", "c")


def drawn(*words: object) -> int:
    return blake2b(repr(words).encode(), digest_size=1).digest()[0]


class Oracle(EmbeddedService):
    """Answers, abstains or breaks, as item, task and what it is shown have it."""

    kinds = frozenset(AnswerKind)
    expected_ms = 1.0
    version = "1"
    reads = frozenset({"answers"})

    def __init__(self, name: str, seed: int = 0) -> None:
        super().__init__()
        self.name, self.seed = name, seed
        self.asked: list[Question] = []

    def answer(self, question: Question) -> Reading:
        self.asked.append(question)
        chance = drawn(self.name, self.seed, question.item.item_id, question.task.name)
        if chance < 25:
            raise RuntimeError("it broke")
        if chance < 50:
            return Reading(Status.ABSTAINED, reason="cannot tell")
        last = [answer for _, answer in question.answers if answer is not None]
        answer = LABELS[(chance + sum(map(ord, map(str, last)))) % 3]
        return Reading(Status.OK, answer, 0.4 + chance / 450)


@st.composite
def graphs(draw: st.DrawFn) -> Inputs:
    names = [f"t{n}" for n in range(draw(st.integers(2, 7)))]
    order = draw(st.permutations(names))
    inputs: dict[str, TaskInputs] = {}
    for place, name in enumerate(order):
        before = draw(st.lists(st.sampled_from(order[:place]), unique=True)) if place else []
        if not before:
            continue
        tests = tuple(AnswerTest(task, "", draw(conditions())) for task in before[:2])
        otherwise = draw(st.sampled_from(Otherwise))
        answer = draw(st.sampled_from(LABELS)) if otherwise is Otherwise.ANSWER else None
        shown = tuple(before[: draw(st.integers(0, len(before)))])
        inputs[name] = TaskInputs(tuple(before), shown, tests, otherwise, answer)
    assume(inputs)
    return inputs


def conditions() -> st.SearchStrategy[AnswerCondition]:
    risk = st.sampled_from([0.2, 0.4, 0.6]).map(lambda most: Comparison(lt=most))
    return st.one_of(
        st.sampled_from(LABELS).map(lambda label: AnswerCondition(eq=label)),
        st.sampled_from(LABELS).map(lambda label: AnswerCondition(ne=label)),
        risk.map(lambda one: AnswerCondition(risk=one)),
        st.booleans().map(lambda missing: AnswerCondition(missing=missing)),
        st.tuples(st.sampled_from(LABELS), risk).map(
            lambda pair: AnswerCondition(**{"in": (pair[0], "b"), "risk": pair[1]})
        ),
    )


def tasks_of(inputs: Inputs) -> dict[str, Task]:
    names = {*inputs, *(one for each in inputs.values() for one in each.waits_for)}
    return {name: Task(name, "1", AnswerKind.LABEL, LABELS) for name in sorted(names)}


def work_of(inputs: Inputs, services: list[Oracle], **more) -> BatchWork:
    tasks = tasks_of(inputs)
    way = choice("parallel", *(one.name for one in services))
    choices = {(name, "default"): way for name in tasks}
    return BatchWork(choices, tasks, by_name(*services), inputs=inputs, **more)


def plans_of(inputs: Inputs, items: list[str], services: list[Oracle]) -> list[PlanRow]:
    return [
        row(PlanRow, batch="b", item_id=item, content_hash=item, path=item, task=name,
            option="default", model=ProcessingModel.PARALLEL, kind=AnswerKind.LABEL,
            services=tuple(one.name for one in services))
        for item in items for name in sorted(tasks_of(inputs))
        # not every task is asked of every item
        if drawn(item, name) > 20
    ]  # fmt: skip


def load(item_id: str) -> Item:
    if drawn(item_id) < 10:
        raise OSError("the disk is gone")
    return Item(item_id, item_id, f"{item_id}.txt", f"This is {item_id}.", {})


def stable(done: BatchResult) -> dict[str, object]:
    tables = {**{one.name: (one, done.interpretations[m]) for m, one in INTERPRETATIONS.items()}}
    tables |= {"decisions": (DECISION_LOG, done.decisions), "calls": (CALL_LOG, done.calls)}
    return {
        name: rows_to_arrow(table, rows).select(table.stable_columns)
        for name, (table, rows) in tables.items()
    }


def resolved(plans: list[PlanRow], done: BatchResult, work: BatchWork) -> list:
    tables = [rows_to_arrow(INTERPRETATIONS[m], done.interpretations[m]) for m in INTERPRETATIONS]
    readings, roles = group_answers(tables)
    unasked = turned_away(rows_to_arrow(DECISION_LOG, done.decisions), work.inputs)
    assert not unasked.keys() & readings.keys()
    return list(resolve_plans(plans, readings, work.tasks, roles, unasked=unasked))


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(0, 1000))
def test_every_plan_of_every_graph_ends_in_exactly_one_way(inputs: Inputs, seed: int) -> None:
    items = [f"i{seed}-{n}" for n in range(6)]
    with tempfile.TemporaryDirectory() as folder:
        caches = [AnswerCache(LmdbStore(Path(folder) / name)) for name in ("loop", "here")]
        services = [Oracle("x"), Oracle("y")]
        plans, work = plans_of(inputs, items, services), work_of(inputs, services)
        there = process_plans(plans, work, caches[0], load, BatchLimits(4))
        here = process_embedded(plans, work, caches[1], load)
        # in the event loop and without one
        assert stable(there) == stable(here)
        rows = resolved(plans, here, work)
        assert [(row.item_id, row.task) for row in rows] == [(p.item_id, p.task) for p in plans]
        asked = {(r.item_id, r.task) for r in here.interpretations[ProcessingModel.PARALLEL]}
        ended = {(r.item_id, r.task) for r in here.decisions if r.action in TURNED_AWAY}
        assert asked | ended == {(plan.item_id, plan.task) for plan in plans}
        assert not asked & ended
        # again, all that can be kept is
        before = sum(len(one.asked) for one in services)
        again = process_embedded(plans, work, caches[1], load)
        assert stable(again) == stable(here)
        readings = [row for rows in here.interpretations.values() for row in rows]
        failed = sum(row.status is Status.FAILED for row in readings)
        assert sum(len(one.asked) for one in services) - before <= failed


@settings(max_examples=30, deadline=None)
@given(graphs(), st.integers(0, 1000), st.data())
def test_a_batch_in_parts_yields_what_it_yields_as_a_whole(
    inputs: Inputs, seed: int, data: st.DataObject
) -> None:
    items = [f"i{seed}-{n}" for n in range(4)]
    services = [Oracle("x")]
    plans = plans_of(inputs, items, services)
    order = in_order(sorted(tasks_of(inputs)), inputs)
    cut = data.draw(st.integers(1, len(order)))
    with tempfile.TemporaryDirectory() as folder:
        caches = [AnswerCache(LmdbStore(Path(folder) / name)) for name in ("whole", "parts")]
        whole = process_embedded(plans, work_of(inputs, services), caches[0], load)
        known = KnownInputs(inputs, tasks_of(inputs))
        work = work_of(inputs, services, given=known)
        parts = [
            known.add(process_embedded([p for p in plans if p.task in some], work, caches[1], load))
            for some in (order[:cut], order[cut:])
        ]
    pairs = {(row.item_id, row.task, row.decision): row for row in whole.decisions}
    found = {(row.item_id, row.task, row.decision): row for p in parts for row in p.decisions}
    assert found == pairs


def test_near_copies_share_whole_chains_or_nothing(tmp_path) -> None:
    inputs = {"t1": TaskInputs(("t0",), ("t0",))}
    services = [Oracle("x")]
    items = ["copy", "leader"]
    plans = plans_of(inputs, items, services)
    work = work_of(inputs, services)

    def process_with(broken: str):
        cache = AnswerCache(LmdbStore(tmp_path / broken))
        asked: list[list[str]] = []

        class Breaks(Oracle):
            def answer(self, question: Question) -> Reading:
                if (question.item.item_id, question.task.name) == ("leader", broken):
                    raise RuntimeError("it broke")
                return Reading(Status.OK, "a", 0.9)

        own = work_of(inputs, [Breaks("x")])

        def process(some):
            asked.append([f"{plan.item_id} {plan.task}" for plan in some])
            return process_embedded(some, own, cache, load)

        done = process_sharing(plans, {"copy": "leader"}, process, inputs)
        return asked, resolved(plans, done, work)

    asked, rows = process_with("nothing")
    assert asked == [["leader t0", "leader t1"], []]
    assert {row.status for row in rows} == {"resolved"}
    for broken in ("t0", "t1"):
        asked, rows = process_with(broken)
        assert asked == [["leader t0", "leader t1"], ["copy t0", "copy t1"]]
        assert {row.status for row in rows if row.item_id == "copy"} == {"resolved"}


@pytest.mark.parametrize(
    ("judged", "alone"),
    [
        ((), []),
        ({("copy", "t0")}, ["copy t0", "copy t1"]),
        ({("leader", "t0")}, ["copy t0", "copy t1"]),
        ({("other", "t0")}, []),
    ],
)
def test_near_copies_share_nothing_that_builds_on_a_verdict(tmp_path, judged, alone) -> None:
    inputs = {"t1": TaskInputs(("t0",), ("t0",))}
    services = [Oracle("x")]
    plans = plans_of(inputs, ["copy", "leader"], services)
    work = replace(work_of(inputs, services), judged=dict.fromkeys(judged, "b"))
    cache, asked = AnswerCache(LmdbStore(tmp_path)), []

    def process(some):
        asked.extend(f"{plan.item_id} {plan.task}" for plan in some)
        return process_embedded(some, work, cache, load)

    done = process_sharing(plans, {"copy": "leader"}, process, inputs, judged=judged)
    assert [one for one in asked if one.startswith("copy")] == alone
    by_verdict = {one.item_id for one in done.decisions if one.reason == "t0 is b by verdict"}
    assert by_verdict == {item for item, _ in judged} - {"other"}


def test_what_hangs_on_a_deferred_question_is_due_with_it(tmp_path) -> None:
    inputs = {"t1": TaskInputs(("t0",), ()), "t2": TaskInputs(("t1",), ())}

    class Away(Oracle):
        def answer(self, question: Question) -> Reading:
            if question.item.item_id == "one" and question.task.name == "t0":
                return Reading(Status.DEFERRED, reason="away")
            return Reading(Status.OK, "a", 0.9)

    services = [Away("x")]
    plans = [
        row(PlanRow, batch="b", item_id=item, content_hash=item, path=item, task=name,
            option="default", model=ProcessingModel.PARALLEL, kind=AnswerKind.LABEL,
            services=("x",))
        for item in ("one", "two") for name in ("t0", "t1", "t2")
    ]  # fmt: skip
    cache = AnswerCache(LmdbStore(tmp_path))
    work = work_of(inputs, services)
    done = process_embedded(plans, work, cache, lambda i: Item(i, i, i, i))
    assert {r.task: r.status for r in resolved(plans, done, work) if r.item_id == "one"} == {
        "t0": "deferred", "t1": "deferred", "t2": "deferred",
    }  # fmt: skip
    due = plans_to_take_up(plans, done, inputs)
    assert [(plan.item_id, plan.task) for plan in due] == [
        ("one", "t0"), ("one", "t1"), ("one", "t2"),
    ]  # fmt: skip


def test_tasks_that_hang_together_are_found_through_others() -> None:
    inputs = {"b": TaskInputs(("a",), ()), "d": TaskInputs(("c", "b"), ())}
    found = connected(["a", "b", "c", "d", "e"], inputs)
    assert found["a"] == found["c"] == {"a", "b", "c", "d"}
    assert found["e"] == {"e"}


def test_of_the_packaged_policy_only_the_facts_of_documents_wait() -> None:
    inputs = build_work(load_policy(None).policy).inputs
    assert {task: one.waits_for for task, one in inputs.items()} == {"facts": ("content_type",)}
