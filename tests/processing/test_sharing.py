"""Near-copies share what one of them was told: once asked, marked, counted, nothing lost."""

from functools import partial

import pyarrow as pa
import pytest

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.processing.near_copy_sharing import near_copy_leaders, process_sharing
from orchestration_assets.schemas.enums import ProcessingModel, Status
from resources.feature_cache.lmdb_store import LmdbStore
from tests.processing.services import TASK, Scripted, by_name, item, ok
from tests.processing.test_run import CHOICES, plan


def shared(tmp_path, plans, leader_of, services):
    work = BatchWork(CHOICES, {"t": TASK}, by_name(*services))
    cache = AnswerCache(LmdbStore(tmp_path / "answers"))
    process = partial(process_plans, work=work, cache=cache, load_item=item, limits=BatchLimits(4))
    return process_sharing(plans, leader_of, process)


@pytest.fixture
def services() -> tuple[Scripted, Scripted]:
    return Scripted("one", ok("a", 0.9)), Scripted("two", ok("b", 0.9))


def readings(done, model=ProcessingModel.PARALLEL):
    return [(r.item_id, r.service, r.answer, r.shared_from) for r in done.interpretations[model]]


def test_a_group_is_asked_once_and_every_member_has_its_rows_marked(tmp_path, services) -> None:
    plans = [plan(name, "parallel") for name in ("i1", "i2", "i3")]
    done = shared(tmp_path, plans, {"i1": "i2"}, services)
    assert [len(service.asked) for service in services] == [2, 2]
    assert readings(done) == [
        (name, service, answer, "i2" if name == "i1" else None)
        for name in ("i1", "i2", "i3")
        for service, answer in (("one", "a"), ("two", "b"))
    ]
    calls = {(call.item_id, call.service): call for call in done.calls}
    assert {calls["i1", name].origin for name in ("one", "two")} == {"shared"}
    assert sum(call.cost_usd for call in done.calls) == 4 * 0.5
    assert {row.action for row in done.decisions if row.item_id == "i1"} == {"share"}
    last = {row.item_id: (row.answer, row.certainty) for row in done.decisions}
    assert last["i1"] == last["i2"] and last["i1"][0] == "a"
    rows = done.interpretations[ProcessingModel.PARALLEL]
    assert {row.decides for row in rows if row.item_id == "i1"} == {True}
    (copied, *_) = done.interpretations[ProcessingModel.PARALLEL]
    assert copied.content_hash == "hash-i1"


def test_a_copy_that_is_processed_in_another_way_is_asked_about_itself(tmp_path, services) -> None:
    plans = [plan("i1"), plan("i2", "parallel")]
    done = shared(tmp_path, plans, {"i1": "i2"}, services)
    assert {row[3] for row in readings(done)} == {None}
    assert {row.item_id for row in done.decisions} == {"i1", "i2"}


def test_a_failure_is_not_shared(tmp_path) -> None:
    def moody(question):
        if question.item.item_id == "i2":
            raise RuntimeError("not today")
        return ok("a")

    services = (Scripted("one", moody), Scripted("two", ok("b")))
    plans = [plan("i1", "parallel"), plan("i2", "parallel")]
    done = shared(tmp_path, plans, {"i1": "i2"}, services)
    statuses = {
        (row.item_id, row.service): row.status
        for row in done.interpretations[ProcessingModel.PARALLEL]
    }
    assert statuses["i2", "one"] is Status.FAILED
    assert statuses["i1", "one"] is Status.OK
    assert [row[0] for row in readings(done)] == ["i1", "i1", "i2", "i2"]


def test_without_copies_nothing_is_different(tmp_path, services) -> None:
    plans = [plan("i1", "parallel"), plan("i2")]
    done = shared(tmp_path, plans, {}, services)
    assert {row.action for row in done.decisions} <= {"ask", "stop"}
    assert len(done.calls) == 3


def test_the_leader_is_the_representative_or_the_first_copy_of_an_earlier_one() -> None:
    table = pa.table(
        {
            "item_id": ["d", "c", "b", "a", "e"],
            "batch": ["b2"] * 5,
            "representative": ["x", "x", "a", "a", "e"],
            "representative_batch": ["b1", "b1", "b2", "b2", "b2"],
        }
    )
    assert near_copy_leaders(table) == {"d": "c", "b": "a"}
