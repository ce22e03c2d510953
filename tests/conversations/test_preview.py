"""Forecasts count what prompts show of conversations: the prompts that are sent are the measure."""

import json
from pathlib import Path

import pytest

from orchestration_assets.policy.load import parse_policy
from orchestration_assets.schemas.conversations import ConversationMemory, MemoryLevel, MemoryPiece
from orchestration_assets.schemas.services import ChatConfig
from orchestration_assets.selection.expected_price import ExpectedPrices
from orchestration_assets.selection.shown_context import pieces_of, shown_tokens
from orchestration_assets.selection.shown_conversations import (
    memory_by_question,
    told_of_message,
    usual_memory,
)
from orchestration_assets.selection.shown_plans import ShownInPlan
from orchestration_assets.services.pool import build_services
from orchestration_assets.text.token_estimates import token_estimate
from resources.home import Home
from tests.conversations.runs import POLICY, message, project

LOADED = parse_policy(POLICY.format(url="http://127.0.0.1:9/v1"), "policy.yaml").policy


def test_memory_grows_with_the_messages_before_until_its_tokens_are_spent() -> None:
    before = {f"i{n}": n for n in range(200)}
    shown = memory_by_question(LOADED, before, 38.0)
    judge = build_services(LOADED.services)["judge"]
    tokens = [shown_tokens(judge, shown[f"i{n}", "mood"]) for n in range(200)]
    assert tokens == sorted(tokens)
    assert tokens[0] == 0
    assert tokens[10] == pytest.approx(10 * 38, abs=16)
    assert tokens[-1] == 2048
    assert {task for _, task in shown} == {"mood"}, "other tasks show none"
    assert memory_by_question(LOADED, {}, 38.0) == {}
    # a long message is mostly told in brief, and what a message states is told beside it
    assert told_of_message(LOADED, "word " * 9_000) < 600
    assert told_of_message(LOADED, "The desk is B204.") > told_of_message(LOADED, "Was it there?")


def test_what_a_question_remembers_is_priced_as_far_as_it_fits() -> None:
    pieces = tuple(MemoryPiece(MemoryLevel.RECENT, "word " * 40, 1.0) for _ in range(100))
    judge = build_services(LOADED.services)["judge"]

    class Asked(ShownInPlan):
        memory = ConversationMemory(pieces, 100, "d")

    assert shown_tokens(judge, pieces_of(Asked("i", "mood", None))) == 2048


def test_a_preview_counts_what_prompts_will_show(tmp_path: Path) -> None:
    with project(tmp_path) as found:
        found.write("1.jsonl", *(message(one, n) for n in range(14, 0, -1) for one in "ab"))
        source = str(found.source)
        ahead = json.loads(found.call("preview", source, "--json")[1])
        found.run()
        sent = sum(token_estimate(one.rpartition("|| ")[0]) for one in found.server.asked)
        assert ahead["memory_tokens"] == pytest.approx(sent, rel=0.3)
        back = json.loads(found.call("preview", "--json")[1])
        assert back["memory_tokens"] == ahead["memory_tokens"]
        # what was asked with the same memory is kept
        assert back["answers_kept"] == back["answers_asked"] == 56
        assert f"about {back['memory_tokens']:,} tokens" in found.call("preview")[1]
        # learned plans are priced by what their calls show in the mean
        home = Home(found.home)
        (batch,) = home.tables.batches("thread_messages")
        usual = usual_memory(LOADED, home.tables, batch)
        assert usual.keys() == {"mood"}
        judge = build_services(LOADED.services)["judge"]
        shown = shown_tokens(judge, usual["mood"])
        assert shown == pytest.approx(sent / 28, rel=0.3)
        dear = ChatConfig.model_validate(
            {**LOADED.services["judge"].model_dump(), "price": {"input_usd": 1_000}}
        )
        priced = build_services({"judge": dear})
        prices = ExpectedPrices(priced, shown=usual)
        memory_usd = prices.of_call("judge", 0.0, usual["mood"]) - prices.of_call("judge", 0.0)
        assert memory_usd == pytest.approx(shown / 1_000)
        choice = LOADED.tasks["mood"].default
        assert prices.of_choice("mood", choice, 0.0) > ExpectedPrices(priced).of_choice(
            "mood", choice, 0.0
        )
        # what comes now is shown what is known
        found.write("2.jsonl", message("a", 15))
        more = json.loads(found.call("preview", source, "--json")[1])
        mean = ahead["memory_tokens"] / 28
        assert more["memory_tokens"] > 1.5 * mean
