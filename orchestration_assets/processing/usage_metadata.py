"""Usage of language models under the names that Dagster's own integrations give it.

dagster-openai adds up ``openai.calls``, ``openai.total_tokens``, ``openai.prompt_tokens`` and
``openai.completion_tokens`` on an asset: what plots or alerts on these names needs no other.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from orchestration_assets.processing.asker import CALLED
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.storable_values import fits_int64
from orchestration_assets.schemas.tables import CallRow, InterpretationRow


def usage_by_model(
    calls: Iterable[CallRow],
    interpretations: Mapping[ProcessingModel, Iterable[InterpretationRow]],
) -> dict[ProcessingModel, dict[str, int]]:
    """Processing model -> the usage of its calls; nothing where no service counted tokens.

    A call is one that a service answered with its usage, as there; tokens that a service does not
    write, as for embeddings, and numbers that no table holds are left out.
    """
    model_of = {
        (row.item_id, row.task): model for model, rows in interpretations.items() for row in rows
    }
    usage: dict[ProcessingModel, Counter[str]] = {}
    for call in calls:
        model = model_of.get((call.item_id, call.task))
        tokens_in, tokens_out = _storable(call.tokens_in), _storable(call.tokens_out)
        if model is None or call.origin != CALLED or tokens_in is None:
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
