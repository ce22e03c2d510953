import pytest

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.schemas.enums import ProcessingModel, Status
from orchestration_assets.schemas.tables import AcceptedItem, PlanRow
from resources.feature_cache.lmdb_store import LmdbStore
from resources.home import Home
from tests.processing.services import TASK, Scripted, by_name, choice, item, ok
from tests.rows import row


def plan(name: str, model: str = "sequential", **changes):
    usual = {"batch": "b1", "task": "t", "option": model, "services": ("one", "two")}
    given = usual | changes | {"item_id": name, "content_hash": f"hash-{name}"}
    return row(PlanRow, model=ProcessingModel(model), **given)


def process(tmp_path, plans, load=item, advance=lambda n: None, services=None):
    services = services or (Scripted("one", ok("a", 0.9)), Scripted("two", ok("b", 0.9)))
    cache = AnswerCache(LmdbStore(tmp_path / "answers"))
    work = BatchWork(CHOICES, {"t": TASK}, by_name(*services))
    return process_plans(plans, work, cache, load, BatchLimits(4), advance)


CHOICES = {
    ("t", "sequential"): choice("sequential", "one", "two", stop_at=0.5),
    ("t", "parallel"): choice("parallel", "one", "two"),
}


def test_rows_come_in_the_order_of_the_plans(tmp_path) -> None:
    plans = [plan(f"i{n}", "parallel") for n in range(20)]
    slow_first = Scripted("one", lambda q: ok("a"), seconds=0.001)
    done = process(tmp_path, plans, services=(slow_first, Scripted("two", ok("b"))))
    rows = done.interpretations[ProcessingModel.PARALLEL]
    assert [(r.item_id, r.service) for r in rows] == [
        (f"i{n}", service) for n in range(20) for service in ("one", "two")
    ]


def test_each_model_fills_its_own_table_and_the_logs_hold_both(tmp_path) -> None:
    done = process(tmp_path, [plan("i1"), plan("i2", "parallel")])
    assert [r.item_id for r in done.interpretations[ProcessingModel.SEQUENTIAL]] == ["i1"]
    assert [r.item_id for r in done.interpretations[ProcessingModel.PARALLEL]] == ["i2", "i2"]
    assert {row.item_id for row in done.decisions} == {"i1", "i2"}
    assert len(done.calls) == 3


def test_an_item_that_cannot_be_read_fails_alone_and_keeps_its_rows(tmp_path) -> None:
    def load(name: str):
        if name == "i1":
            raise OSError("disk on fire")
        return item(name)

    done = process(tmp_path, [plan("i1"), plan("i2")], load)
    rows = {r.item_id: r for r in done.interpretations[ProcessingModel.SEQUENTIAL]}
    assert rows["i1"].status is Status.FAILED
    assert "disk on fire" in str(rows["i1"].reason)
    assert rows["i2"].status is Status.OK
    assert {row.item_id for row in done.decisions} == {"i1", "i2"}


def test_progress_counts_items(tmp_path) -> None:
    seen = []
    process(tmp_path, [plan(f"i{n}") for n in range(7)], advance=seen.append)
    assert sum(seen) == 7


def test_no_plans_yield_empty_tables(tmp_path) -> None:
    done = process(tmp_path, [])
    assert not any(done.interpretations.values())
    assert not done.calls


class Killed(BaseException):
    """Ends the run as nothing that the run itself would catch."""


def test_finished_answers_survive_a_run_that_dies(tmp_path) -> None:
    def load(name: str):
        if name == "i9":
            raise Killed
        return item(name)

    first = Scripted("one", ok("a", 0.9))
    with pytest.raises(Killed):
        process(tmp_path, [plan(f"i{n}") for n in range(10)], load, services=(first,))
    again = Scripted("one", ok("a", 0.9))
    process(tmp_path, [plan(f"i{n}") for n in range(10)], services=(again,))
    assert {q.item.item_id for q in again.asked} == {"i9"}


def test_what_an_item_breaks_is_its_own_failure_and_what_was_answered_stays(tmp_path) -> None:
    import orchestration_assets.processing.sequential as module

    real = module.lead

    def breaks(answered, question):
        if question.item.item_id == "i2" and answered:
            raise ZeroDivisionError("what nobody foresaw")
        return real(answered, question)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "lead", breaks)
        done = process(tmp_path, [plan(f"i{n}") for n in range(4)])
    rows = done.interpretations[ProcessingModel.SEQUENTIAL]
    broken = [row for row in rows if row.item_id == "i2"]
    assert [(r.service, r.round, r.status, r.final) for r in broken] == [
        ("one", 0, Status.OK, False),
        ("one", 1, Status.FAILED, True),
        ("two", 0, Status.FAILED, True),
    ]
    assert "what nobody foresaw" in str(broken[1].reason)
    assert {row.status for row in rows if row.item_id != "i2"} == {Status.OK}
    # what was called is in the log, once
    assert [c.service for c in done.calls if c.item_id == "i2" and c.origin == "called"] == ["one"]


def test_a_heavy_item_is_loaded_while_the_others_go_on(tmp_path) -> None:
    import threading

    light = threading.Event()
    loop_thread = threading.get_ident()
    threads = {}

    def load(name: str):
        threads[name] = threading.get_ident()
        if name == "i0":
            assert light.wait(20.0), "the others did not go on"
        elif name == "i9":
            light.set()
        return item(name)

    services = (Scripted("one", ok("a", 0.9)),)
    work = BatchWork(CHOICES, {"t": TASK}, by_name(*services))
    cache = AnswerCache(LmdbStore(tmp_path / "answers"))
    plans = [plan(f"i{n}") for n in range(10)]
    done = process_plans(plans, work, cache, load, BatchLimits(4), is_heavy={"i0"}.__contains__)
    rows = done.interpretations[ProcessingModel.SEQUENTIAL]
    assert {row.status for row in rows} == {Status.OK}
    assert threads.pop("i0") != loop_thread
    assert set(threads.values()) == {loop_thread}


def test_who_waits_for_an_answer_that_breaks_fails_alike(tmp_path) -> None:
    """Two items of equal content ask the same question; what breaks is said by both, not by all."""
    from dataclasses import replace

    from orchestration_assets.processing.asker import Asker

    real = Asker._call

    async def breaks(self, name, question, key, deadline):
        if "twin" in question.item.text:
            import asyncio

            await asyncio.sleep(0.01)
            raise ZeroDivisionError("what nobody foresaw")
        return await real(self, name, question, key, deadline)

    def load(name: str):
        found = item(name)
        return replace(found, content_hash="twin", text="twin") if name in ("i1", "i2") else found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Asker, "_call", breaks)
        done = process(tmp_path, [plan(f"i{n}") for n in range(5)], load)
    rows = done.interpretations[ProcessingModel.SEQUENTIAL]
    failed = {row.item_id for row in rows if row.status is Status.FAILED}
    assert failed == {"i1", "i2"}


def test_heavy_items_are_read_beside_the_others_and_each_gets_its_own_content(tmp_path) -> None:
    from hashlib import blake2b

    from orchestration_assets.content.content_reader import ContentReader
    from orchestration_assets.processing.batch import separate_loader
    from orchestration_assets.schemas.source_urls import file_address

    source = tmp_path / "source"
    source.mkdir()
    rows = {}
    for number in range(40):
        data = f"text {number} ".encode() * (400_000 if number % 8 == 0 else 5)
        path = source / f"i{number:02}"
        path.write_bytes(data)
        digest, address = blake2b(data, digest_size=16).hexdigest(), file_address(path)
        rows[path.name] = AcceptedItem(
            path.name, address, path.name, digest, len(data), "utf-8", kept=False, record=None
        )
    heavy = {name for name, row in rows.items() if row.size_bytes > 100_000}

    def read_by(reader):
        # a text that is not what its hash says would be refused
        return lambda name: item(name, reader.text(rows[name])[:20])

    work = BatchWork(CHOICES, {"t": TASK}, by_name(Scripted("one", ok("a", 0.9))))
    cache = AnswerCache(LmdbStore(tmp_path / "answers"))
    address = file_address(source)
    with (
        ContentReader(Home(tmp_path), address) as light,
        ContentReader(Home(tmp_path), address) as beside,
    ):
        load = separate_loader(heavy, read_by(light), read_by(beside))
        plans = [plan(name) for name in rows]
        done = process_plans(plans, work, cache, load, BatchLimits(8), is_heavy=heavy.__contains__)
    assert {row.status for row in done.interpretations[ProcessingModel.SEQUENTIAL]} == {Status.OK}
