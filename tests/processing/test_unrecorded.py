"""A ledger that cannot be written ends the run; answers that came are kept all the same, and none
before what it cost stands in the ledger."""

import asyncio
import resource
import threading
from collections.abc import Mapping

import pyarrow.compute as pc
import pytest

from orchestration_assets.processing.answer_cache import AnswerCache, CarriedAnswers
from orchestration_assets.processing.event_loop import BatchLimits
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.spending import SpendingState
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.spending.ledger import SpendingLedger
from resources.spending.records import Part
from resources.spending.writer import SpendingPurpose, SpendingWriter, UnrecordedError
from tests.processing.test_last_answers import AT_ONCE, process


def test_answers_whose_cost_cannot_be_recorded_are_kept(tmp_path) -> None:
    server, store = DrillServer(FaultScript(median_ms=300)), CarriedAnswers({})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        while len(server.log) < AT_ONCE:
            threading.Event().wait(0.002)
        # the system refuses every further byte, as a full disk does
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))

    filling = threading.Thread(target=fill)
    writer = SpendingWriter(tmp_path, SpendingPurpose("batch", "b"))
    budget = SpendBudget(recorder=writer)
    with serving(server) as url, writer:
        filling.start()
        try:
            with pytest.raises(UnrecordedError, match="spending cannot be recorded"):
                process(url, AnswerCache(store), limits=BatchLimits(AT_ONCE, budget))
        finally:
            filling.join()
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert store.given.keys() >= {call.key for call in server.log if call.finished}
    assert len(store.given) == AT_ONCE


def test_what_an_answer_cost_is_recorded_before_it_is_kept(tmp_path) -> None:
    ledger, kept = SpendingLedger(tmp_path), []

    class Store(CarriedAnswers):
        def put_many(self, values: Mapping[str, bytes]) -> None:
            super().put_many(values)
            settled = pc.sum(pc.equal(ledger.rows(["state"])["state"], SpendingState.SETTLED))
            kept.append((len(self.given), settled.as_py() or 0))

        put_group = put_many

    async def answered() -> None:
        with SpendingWriter(tmp_path, SpendingPurpose("batch", "b")) as writer:
            cache = AnswerCache(Store({}), writer.write_settled)

            def answer(key: str) -> None:
                number = writer.reserve("s", "m", (Part("t", 1.0, ("i",)),), 0.5, 1.0)
                charge = {"estimated": False, "tokens_in": 1, "tokens_out": 1, "status": "ok"}
                writer.settle(number, 0.5, **charge)
                cache.put(key, Reading(Status.OK, "yes"))

            # each is kept in the round in which it came
            answer("one")
            cache.flush()
            saving = cache.save()
            answer("two")
            await saving

    asyncio.run(answered())
    assert kept == [(1, 1), (2, 2)]
