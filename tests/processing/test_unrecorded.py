"""A ledger that cannot be written ends the run; answers that came are kept all the same."""

import resource
import threading

import pytest

from orchestration_assets.processing.answer_cache import AnswerCache, CarriedAnswers
from orchestration_assets.processing.event_loop import BatchLimits
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.resilience.spend_budget import SpendBudget
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
