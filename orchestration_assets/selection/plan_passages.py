"""What of knowledge the services of a plan are shown: found and pinned when the plan is made."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader, SupersededError
from orchestration_assets.knowledge.passage_sizes import PassageSize, mean_size, mean_size_of_source
from orchestration_assets.knowledge.retrieval import Retrieval
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.schemas.knowledge_config import PassageRequest
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, PlanRow, accepted_items
from orchestration_assets.selection.shown_context import ShownPieces
from resources.home import Home
from resources.knowledge_store import KnowledgeStore


def with_passages(
    plans: Iterable[PlanRow], policy: Policy, home: Home, batch: str
) -> tuple[Iterable[PlanRow], Mapping[str, str]]:
    """The plans with the passages that are found for their items; the versions of the corpora.

    Raises KnowledgeError for a corpus that was never indexed. An item that cannot be read any more
    has none: its questions fail for the same reason.
    """
    asked = {name: task.passages for name, task in policy.tasks.items() if task.passages}
    if not asked:
        return plans, {}
    rows = list(plans)
    wanted = {row.item_id for row in rows if row.task in asked}
    if not wanted:
        return rows, {}
    retrieval = Retrieval(
        home.knowledge, sorted({corpus for request in asked.values() for corpus in request.of})
    )
    texts = _texts(home, batch, wanted, policy.content.read_s)
    found = [
        row
        if (request := asked.get(row.task)) is None
        else replace(row, passages=_found(retrieval, texts.get(row.item_id, ""), request))
        for row in rows
    ]
    return found, retrieval.versions


def passages_by_task(
    policy: Policy, retrieval: Retrieval, text: str
) -> dict[str, tuple[RetrievedPassage, ...]]:
    """What each task that shows passages would be shown about a text."""
    return {
        name: _found(retrieval, text, task.passages)
        for name, task in policy.tasks.items()
        if task.passages
    }


def indexed_corpora(policy: Policy, store: KnowledgeStore) -> Retrieval | None:
    """The corpora that tasks are shown passages of; None where there is none, or one that was never
    indexed."""
    asked = _corpora_asked(policy)
    return Retrieval(store, asked) if asked and not not_indexed(policy, store) else None


def usual_passages(
    policy: Policy, store: KnowledgeStore, *, reads_sources: bool = False
) -> dict[str, ShownPieces]:
    """What each task that shows passages is usually shown, in tokens, before any are looked for:
    passages of the mean size of its corpora.

    Of a corpus that is not indexed yet they are those of some of its documents where
    ``reads_sources``, else full ones.
    """
    asked = {name: task.passages for name, task in policy.tasks.items() if task.passages}
    sizes = {
        corpus: mean_size(store, corpus)
        or (mean_size_of_source(policy.knowledge[corpus]) if reads_sources else None)
        or PassageSize(policy.knowledge[corpus].passage_tokens)
        for corpus in _corpora_asked(policy)
    }
    usual: dict[str, ShownPieces] = {}
    for name, request in asked.items():
        own = [sizes[corpus] for corpus in request.of]
        count = min(request.at_most, sum(one.passages or request.at_most for one in own))
        tokens = round(sum(one.tokens for one in own) / len(own))
        usual[name] = {"passages": (tokens,) * count}
    return usual


def not_indexed(policy: Policy, store: KnowledgeStore) -> tuple[str, ...]:
    """The corpora that tasks are shown passages of, and that were never indexed."""
    return tuple(one for one in _corpora_asked(policy) if store.current(one) is None)


def _corpora_asked(policy: Policy) -> list[str]:
    return sorted(
        {one for task in policy.tasks.values() if task.passages for one in task.passages.of}
    )


def _found(
    retrieval: Retrieval, text: str, request: PassageRequest
) -> tuple[RetrievedPassage, ...]:
    return retrieval.search(text, request.of, request.at_most)


def _texts(home: Home, batch: str, items: set[str], read_seconds: float) -> dict[str, str]:
    manifest = home.tables.read(CONTENT_MANIFEST.name, batch)
    rows = manifest.filter(pc.is_in(manifest["item_id"], pa.array(sorted(items))))
    texts = {}
    with ContentReader(home, home.batches.source(batch), read_seconds) as reader:
        for row in accepted_items(rows):
            with suppress(SupersededError, ContentError):
                texts[row.item_id] = reader.text(row)
    return texts
