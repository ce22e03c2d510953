"""What of knowledge the services of a plan are shown: found and pinned when the plan is made."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader, SupersededError
from orchestration_assets.knowledge.retrieval import Retrieval
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.schemas.knowledge_config import PassageRequest
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, PlanRow, accepted_items
from resources.home import Home


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
