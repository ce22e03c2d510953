"""An answer or a figure that no table can hold costs its own row, and no other."""

from datetime import UTC, datetime

from orchestration_assets.processing.batch import result_tables
from orchestration_assets.processing.event_loop import BatchResult
from orchestration_assets.schemas.enums import ProcessingModel, Status
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    INTERPRETATIONS,
    CallRow,
    InterpretationRow,
)


def interpretation(item: str, **changes) -> InterpretationRow:
    fields = {
        "batch": "b",
        "item_id": item,
        "content_hash": "c",
        "task": "t",
        "service": "s",
        "service_version": "1",
        "step": 0,
        "round": 0,
        "final": True,
        "decides": True,
        "saw": (),
        "status": Status.OK,
        "answer": "yes",
        "answer_set": None,
        "answer_score": None,
        "answer_vector": None,
        "answer_record": None,
        "confidence": 0.5,
        "alternatives": (),
        "evidence": None,
        "reason": None,
        "answer_key": "k",
    }
    return InterpretationRow(**fields | changes)


def call(item: str, **changes) -> CallRow:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    fixed = ("b", item, "t", "s", 0, 0, 1, "called", Status.OK, 0.0, now, 1.0)
    return CallRow(*fixed, **changes)


def test_one_answer_that_cannot_be_stored_is_a_failed_row() -> None:
    processed = BatchResult()
    model = ProcessingModel.SEQUENTIAL
    processed.interpretations[model] += [
        interpretation("good"),
        interpretation("half", answer="a\ud83d"),
        interpretation("bad", answer=None, answer_score=10**400, confidence="sure"),
    ]
    processed.calls += [call("good", tokens_in=7), call("bad", tokens_in=2**70, tokens_out=2**80)]
    tables = {name: (table, figures) for name, table, figures in result_tables(processed)}
    table, figures = tables[INTERPRETATIONS[model].name]
    good, half, bad = table.to_pylist()
    assert (good["answer"], half["answer"]) == ("yes", "a\ufffd")
    assert (bad["status"], bad["answer_score"]) == ("failed", None)
    assert bad["reason"].startswith("the answer cannot be stored: answer_score cannot hold")
    usage = {"openai.calls": 1, "openai.prompt_tokens": 7, "openai.total_tokens": 7}
    assert figures == {"ok": 2, "failed": 1} | usage
    calls = tables[CALL_LOG.name][0].to_pylist()
    assert [(row["tokens_in"], row["tokens_out"]) for row in calls] == [(7, None), (None, None)]


def test_tokens_that_services_claim_add_up_beyond_64_bits() -> None:
    processed = BatchResult()
    processed.calls += [call("a", tokens_in=2**63 - 1), call("b", tokens_in=2**63 - 1)]
    figures = {name: told for name, _, told in result_tables(processed)}
    assert figures[CALL_LOG.name]["tokens_in"] == 2**64 - 2
