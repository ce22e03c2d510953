"""Usage of language models under the names that Dagster's own integrations give it.

dagster-openai adds up ``openai.calls``, ``openai.total_tokens``, ``openai.prompt_tokens`` and
``openai.completion_tokens`` on an asset: what plots or alerts on these names needs no other.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from orchestration_assets.processing.asker import CALLED
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.tables import CallRow, InterpretationRow


def usage_by_model(
    calls: Iterable[CallRow],
    interpretations: Mapping[ProcessingModel, Iterable[InterpretationRow]],
) -> dict[ProcessingModel, dict[str, int]]:
    """Processing model -> the usage of its calls; nothing where no service counted tokens.

    A call is one that a service answered with its usage, as there; tokens that a service does not
    write, as for embeddings, are left out.
    """
    model_of = {
        (row.item_id, row.task): model for model, rows in interpretations.items() for row in rows
    }
    usage: dict[ProcessingModel, Counter[str]] = {}
    for call in calls:
        model = model_of.get((call.item_id, call.task))
        if model is None or call.origin != CALLED or call.tokens_in is None:
            continue
        counts = usage.setdefault(model, Counter())
        counts["openai.calls"] += 1
        counts["openai.prompt_tokens"] += call.tokens_in
        counts["openai.total_tokens"] += call.tokens_in + (call.tokens_out or 0)
        if call.tokens_out is not None:
            counts["openai.completion_tokens"] += call.tokens_out
    return {model: dict(counts) for model, counts in usage.items()}
