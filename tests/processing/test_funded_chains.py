"""Money that is too short for a chain of tasks: what it buys, and that every call is accounted."""

from collections import Counter

import pytest

from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.schemas.comparisons import AnswerCondition
from orchestration_assets.schemas.enums import ProcessingModel, Status
from orchestration_assets.schemas.items import Item, Task
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.schemas.task_inputs import AnswerTest, Otherwise, TaskInputs
from orchestration_assets.selection.answer_conditions import TURNED_AWAY
from resources.ai_services.http.chat import ChatService
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.feature_cache.lmdb_store import LmdbStore
from tests.ai_services.http.samples import LABELS, chat
from tests.processing.services import choice
from tests.rows import row

ITEMS = 40
USD = 0.01


def load(name: str) -> Item:
    return Item(name, f"hash-{name}", f"{name}.txt", f"This is the text of item {name}.")


@pytest.mark.parametrize("otherwise", list(Otherwise))
@pytest.mark.parametrize("share", [0.2, 0.6, 5.0])
def test_a_chain_spends_no_more_than_there_is_and_logs_every_call(
    tmp_path, drill, share: float, otherwise: Otherwise
) -> None:
    prompt = {
        "user": "{{ task.name }} {% for t in answers %}{{ answers[t] }}{% endfor %} {{ content }}"
    }
    services = {
        name: ChatService(
            name,
            chat(drill.url, model=name, concurrency=8, prompt=prompt, price={"call_usd": USD}),
        )
        for name in ("first", "second")
    }
    tasks = {n: Task(n, "1", LABELS.kind, LABELS.labels, question="Which?") for n in ("t0", "t1")}
    unlike = AnswerTest("t0", "", AnswerCondition(ne=LABELS.labels[0]))
    answer = LABELS.labels[1] if otherwise is Otherwise.ANSWER else None
    inputs = {"t1": TaskInputs(("t0",), ("t0",), (unlike,), otherwise, answer)}
    plans = [
        row(PlanRow, batch="b", item_id=f"i{n:03}", content_hash=f"hash-i{n:03}", task=name,
            model=ProcessingModel.PARALLEL, option="default", services=("first", "second"),
            calls_max=2, cost_usd_max=2 * USD)
        for n in range(ITEMS) for name in tasks
    ]  # fmt: skip
    way = choice("parallel", "first", "second")
    choices = {(name, "default"): way for name in tasks}
    work = BatchWork(choices, tasks, services, inputs=inputs)
    cap = share * 2 * ITEMS * USD
    budget = SpendBudget(cap)
    cache = AnswerCache(LmdbStore(tmp_path))
    done = process_plans(plans, work, cache, load, BatchLimits(8, budget))
    spent = len(drill.billed) * USD
    assert spent <= cap + 1e-9
    assert spent == pytest.approx(sum(call.cost_usd for call in done.calls))
    rows = done.interpretations[ProcessingModel.PARALLEL]
    keys = [(r.item_id, r.task, r.service, r.round) for r in rows]
    assert len(keys) == len(set(keys))
    ended = {(d.item_id, d.task) for d in done.decisions if d.action in TURNED_AWAY}
    final = {(r.item_id, r.task) for r in rows if r.final}
    assert ended | final == {(plan.item_id, plan.task) for plan in plans}
    assert not ended & final
    # the last of the questions is decided by the answers that stand in the end
    of_item = {r.item_id: set() for r in rows}
    for r in rows:
        if r.task == "t0" and r.status is Status.OK:
            of_item[r.item_id].add(r.answer)
    for item, task in ended:
        if task == "t1" and otherwise is not Otherwise.ANSWER:
            assert not of_item[item] or LABELS.labels[0] in of_item[item]
    if share >= 5.0:
        assert not Counter(r.status for r in rows)[Status.OVER_BUDGET]
