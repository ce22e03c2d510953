"""Usage of language models by processing model, under the names of Dagster's integrations."""

from orchestration_assets.processing.usage_metadata import usage_by_model
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.row_list import RowList
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    INTERPRETATIONS,
    CallRow,
    InterpretationRow,
)
from tests.rows import row


def test_what_was_called_and_counted_is_added_up_by_model() -> None:
    calls = [
        row(CallRow, item_id=item, task="t", origin=origin, tokens_in=read, tokens_out=written)
        for item, origin, read, written in (
            ("a", "called", 10, 2),
            ("a", "called", 5, None),
            ("a", "cache", 99, 99),
            ("b", "called", 7, 1),
            ("b", "called", None, None),
            ("gone", "called", 3, 3),
        )
    ]
    readings = {model: RowList(table) for model, table in INTERPRETATIONS.items()}
    readings[ProcessingModel.PARALLEL].append(row(InterpretationRow, item_id="a", task="t"))
    readings[ProcessingModel.SEQUENTIAL].append(row(InterpretationRow, item_id="b", task="t"))
    every, embedding = RowList(CALL_LOG), RowList(CALL_LOG)
    every += calls
    embedding += calls[1:2]
    names = ("calls", "prompt_tokens", "total_tokens", "completion_tokens")

    def usage(*counts: int) -> dict[str, int]:
        return {f"openai.{name}": count for name, count in zip(names, counts, strict=True)}

    assert usage_by_model(every, readings) == {
        ProcessingModel.PARALLEL: usage(2, 15, 17, 2),
        ProcessingModel.SEQUENTIAL: usage(1, 7, 8, 1),
    }
    # embeddings write no tokens
    assert usage_by_model(embedding, readings) == {
        ProcessingModel.PARALLEL: {
            "openai.calls": 1,
            "openai.prompt_tokens": 5,
            "openai.total_tokens": 5,
        }
    }
