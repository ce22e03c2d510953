"""Items that wait for an unavailable service hold up nobody else."""

from collections import Counter

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.schemas.enums import ProcessingModel, Status
from resources.ai_services.drill.faults import Fault, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.http.chat import ChatService
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http.samples import LABELS, chat
from tests.processing.services import Scripted, by_name, choice, item, ok
from tests.processing.test_run import plan

ITEMS = 40


def process(tmp_path, url: str, beside: Scripted, **breaker):
    remote = ChatService("one", chat(url, concurrency=1, breaker=breaker))
    work = BatchWork(
        {("t", "parallel"): choice("parallel", "one", "two")},
        {"t": LABELS},
        by_name(remote, beside),
    )
    cache = AnswerCache(LmdbStore(tmp_path / "answers"))
    plans = [plan(f"i{n:02}", "parallel") for n in range(ITEMS)]
    return process_plans(plans, work, cache, item, BatchLimits(4))


def statuses(done, service: str) -> Counter[Status]:
    rows = done.interpretations[ProcessingModel.PARALLEL]
    return Counter(row.status for row in rows if row.service == service)


def test_others_are_asked_about_every_item_while_one_service_is_down(tmp_path) -> None:
    """It comes back only once the other one has been asked about all of them."""
    server = DrillServer(FaultScript(faults=(Fault(kind="error"),)))
    asked = 0

    def answer(question):
        nonlocal asked
        asked += 1
        if asked == ITEMS:
            server.script = FaultScript()
        return ok("red")

    with serving(server) as url:
        done = process(tmp_path, url, Scripted("two", answer), open_s=0.1, wait_s=60.0)
    assert statuses(done, "two") == {Status.OK: ITEMS}
    assert statuses(done, "one") == {Status.OK: ITEMS}
    assert done.circuits_opened["one"] >= 1


def test_what_was_not_to_be_had_is_deferred_and_the_rest_stands(tmp_path) -> None:
    server = DrillServer(FaultScript(faults=(Fault(kind="error"),)))
    with serving(server) as url:
        done = process(tmp_path, url, Scripted("two", ok("red")), open_s=0.05, wait_s=0.2)
        assert statuses(done, "one") == {Status.DEFERRED: ITEMS}
        assert statuses(done, "two") == {Status.OK: ITEMS}
        server.script = FaultScript()
        requests = len(server.log)
        again = process(tmp_path, url, Scripted("two", ok("red")))
    assert statuses(again, "one") == {Status.OK: ITEMS}
    assert len(server.log) == requests + ITEMS
    # only the missing questions are asked
    assert {row.origin for row in again.calls if row.service == "two"} == {"cache"}
