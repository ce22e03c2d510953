"""The time of a batch is one, in however many parts it is carried out."""

import time

from orchestration_assets.policy.load import parse_policy
from orchestration_assets.processing import batch as processing
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.batch import batch_limits, build_work
from orchestration_assets.processing.event_loop import process_plans
from orchestration_assets.schemas.enums import ProcessingModel, Status
from orchestration_assets.schemas.items import Item
from orchestration_assets.schemas.tables import PlanRow
from resources.ai_services.drill.server import DrillServer, serving
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.feature_cache.lmdb_store import LmdbStore
from resources.home import Home
from tests.rows import row

POLICY = """
version: 2
services:
  model: {{type: openai_chat, base_url: "{url}", model: m, prompt: {{user: "{{{{ content }}}}"}}}}
tasks:
  t:
    question: What is it?
    labels: [a, b]
    default: {{model: sequential, services: [model]}}
execution: {{batch_deadline_s: 100}}
"""


def plan(name: str) -> PlanRow:
    return row(
        PlanRow,
        batch="b",
        item_id=name,
        content_hash=f"hash-{name}",
        task="t",
        model=ProcessingModel.SEQUENTIAL,
        option="default",
        services=("model",),
    )


def test_what_an_earlier_part_took_a_later_one_has_no_more(tmp_path, monkeypatch) -> None:
    server, home = DrillServer(), Home(tmp_path / "home")
    with serving(server) as url:
        policy = parse_policy(POLICY.format(url=url), "policy.yaml").policy
        work = build_work(policy)
        cache = AnswerCache(LmdbStore(tmp_path / "answers"))

        def carry_out(name: str, limits) -> Status:
            def load(item: str) -> Item:
                return Item(item, f"hash-{item}", f"{item}.txt", f"text of {item}")

            done = process_plans([plan(name)], work, cache, load, limits)
            (reading,) = done.interpretations[ProcessingModel.SEQUENTIAL]
            return reading.status

        now = time.monotonic()
        limits = batch_limits(policy, SpendBudget(), home, "b", work)
        carry_out("first", limits)
        asked = len(server.log)
        assert asked > 0
        # the first part has taken a hundred seconds
        monkeypatch.setattr(processing, "monotonic", lambda: now - 100.0)
        limits = batch_limits(policy, SpendBudget(), home, "b", work)
        assert carry_out("second", limits) is Status.TIMEOUT
        assert len(server.log) == asked
