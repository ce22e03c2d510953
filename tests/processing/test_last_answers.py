"""Signals while questions are asked: answers under way come in, and nothing else is begun."""

import os
import signal
import threading

import pytest

from orchestration_assets.processing import last_answers
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.processing.last_answers import held_signals
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.items import Item
from orchestration_assets.schemas.tables import PlanRow
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http.samples import LABELS, chat
from tests.processing.services import choice
from tests.rows import row

ITEMS, AT_ONCE = 40, 4


def process(url: str, cache: AnswerCache, limits: BatchLimits | None = None) -> None:
    config = chat(url, concurrency=AT_ONCE, timeouts={"total_s": 30.0})
    plans = [
        row(
            PlanRow,
            batch="b",
            item_id=f"i{n:02}",
            content_hash=f"hash-i{n:02}",
            task=LABELS.name,
            model=ProcessingModel.SEQUENTIAL,
            option="default",
            services=("s",),
        )
        for n in range(ITEMS)
    ]
    work = BatchWork(
        {(LABELS.name, "default"): choice("sequential", "s")},
        {LABELS.name: LABELS},
        {"s": ChatService("s", config)},
    )
    load = lambda name: Item(name, f"hash-{name}", name, f"The text of {name}.")  # noqa: E731
    process_plans(plans, work, cache, load, limits or BatchLimits(AT_ONCE))


def interrupted(server: DrillServer, count: int, number: int, times: int = 1) -> threading.Thread:
    """Sends this process the signal once so many requests came."""

    def wait() -> None:
        while len(server.log) < count:
            threading.Event().wait(0.002)
        for _ in range(times):
            os.kill(os.getpid(), number)
            threading.Event().wait(0.2)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.fixture
def terminable():
    """As the command has it: SIGTERM raises what Ctrl-C does; a shell may have had that ignored."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_answers_under_way_are_kept_and_no_other_call_is_begun(
    tmp_path, terminable, number
) -> None:
    server = DrillServer(FaultScript(median_ms=150))
    store = LmdbStore(tmp_path)
    with serving(server) as url:
        thread = interrupted(server, 2 * AT_ONCE, number)
        with pytest.raises(KeyboardInterrupt):
            process(url, AnswerCache(store))
        thread.join()
        assert len(server.log) <= 4 * AT_ONCE
        asked = [call.key for call in server.log]
        assert store.get_many(asked).keys() == set(asked)
        process(url, AnswerCache(store))
    assert len(server.log) == len({call.key for call in server.log}) == ITEMS


def test_who_does_not_answer_is_waited_for_no_longer_than_patience(
    tmp_path, terminable, monkeypatch
) -> None:
    monkeypatch.setattr(last_answers, "PATIENCE_S", 0.1)
    server = DrillServer(FaultScript(median_ms=3_600_000))
    with serving(server) as url:
        thread = interrupted(server, AT_ONCE, signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            process(url, AnswerCache(LmdbStore(tmp_path)))
        thread.join()
    assert len(server.log) == AT_ONCE


def test_a_second_signal_ends_it_at_once(tmp_path, terminable, monkeypatch) -> None:
    monkeypatch.setattr(last_answers, "PATIENCE_S", 3600.0)
    server = DrillServer(FaultScript(median_ms=3_600_000))
    with serving(server) as url:
        thread = interrupted(server, AT_ONCE, signal.SIGINT, times=2)
        with pytest.raises(KeyboardInterrupt):
            process(url, AnswerCache(LmdbStore(tmp_path)))
        thread.join()


def test_handlers_are_as_before_and_a_signal_that_raises_nothing_ends_the_block_too() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        mine = signal.getsignal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt), held_signals() as held:
            signal.raise_signal(signal.SIGTERM)
            assert (held.came, came) == (signal.SIGTERM, [])
        assert came == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_ignored_signal_stays_ignored_and_other_threads_hold_nothing() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_signals() as held:
            signal.raise_signal(signal.SIGINT)
        assert held.came is None
    finally:
        signal.signal(signal.SIGINT, before)
    handler = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def elsewhere() -> None:
        with held_signals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [handler]
