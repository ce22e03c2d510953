"""Usage of language models under the names that Dagster's own integrations give it.

dagster-openai adds up ``openai.calls``, ``openai.total_tokens``, ``openai.prompt_tokens`` and
``openai.completion_tokens`` on an asset: what plots or alerts on these names needs no other.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from orchestration_assets.processing.asker import CALLED
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.row_list import RowList
from orchestration_assets.schemas.storable_values import fits_int64
from orchestration_assets.schemas.tables import CallRow, InterpretationRow

_COLUMNS: Final = ("item_id", "task", "origin", "tokens_in", "tokens_out")


def usage_by_model(
    calls: RowList[CallRow],
    interpretations: Mapping[ProcessingModel, RowList[InterpretationRow]],
) -> dict[ProcessingModel, dict[str, int]]:
    """Processing model -> the usage of its calls; nothing where no service counted tokens.

    A call is one that a service answered with its usage, as there; tokens that a service does not
    write, as for embeddings, and numbers that no table holds are left out.
    """
    counted = [
        (item, task, _storable(tokens_in), _storable(tokens_out))
        for item, task, origin, tokens_in, tokens_out in calls.of_columns(*_COLUMNS)
        if origin == CALLED and tokens_in is not None
    ]
    if not counted:
        return {}
    model_of = {
        pair: model
        for model, rows in interpretations.items()
        for pair in rows.of_columns("item_id", "task")
    }
    usage: dict[ProcessingModel, Counter[str]] = {}
    for item, task, tokens_in, tokens_out in counted:
        model = model_of.get((item, task))
        if model is None or tokens_in is None:
            continue
        counts = usage.setdefault(model, Counter())
        counts["openai.calls"] += 1
        counts["openai.prompt_tokens"] += tokens_in
        counts["openai.total_tokens"] += tokens_in + (tokens_out or 0)
        if tokens_out is not None:
            counts["openai.completion_tokens"] += tokens_out
    return {model: dict(counts) for model, counts in usage.items()}


def _storable(tokens: int | None) -> int | None:
    return tokens if tokens is not None and fits_int64(tokens) else None
