"""What the plans of a batch show beside the content, read back from their table."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import column_names, decode
from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from orchestration_assets.selection.shown_context import ShownPieces, pieces_of
from resources.table_store import TableStore


@dataclass(frozen=True, slots=True)
class ShownInPlan:
    """The columns of a plan that say what prompts show beside the content."""

    item_id: str
    task: str
    passages: tuple[RetrievedPassage, ...] | None


def shown_in_plans(
    tables: TableStore, batch: str, policy: Policy, items: Collection[str] | None = None
) -> list[ShownInPlan]:
    """What the plans of a batch show, of its tasks that show anything; of some items, if given.

    Raises TableMissingError and DamagedFileError.
    """
    tasks = [name for name, task in policy.tasks.items() if task.passages]
    if not tasks:
        return []
    plans = tables.read(PROCESSING_PLANS.name, batch, list(column_names(ShownInPlan)))
    wanted = pc.is_in(plans["task"], pa.array(tasks, pa.string()))
    if items is not None:
        wanted = pc.and_(wanted, pc.is_in(plans["item_id"], pa.array(sorted(items), pa.string())))
    return list(decode(ShownInPlan, plans.filter(wanted)))


def as_asked_now(plans: Sequence[ShownInPlan], policy: Policy) -> list[ShownInPlan]:
    """What plans showed, as far as a policy would show it again: of the corpora that are searched
    now, as many as are shown now; none of a task that never showed as many."""
    most: Counter[str] = Counter()
    for one in plans:
        most[one.task] = max(most[one.task], len(one.passages or ()))
    kept = []
    for one in plans:
        request = policy.tasks[one.task].passages
        if request is not None and one.passages is not None and most[one.task] >= request.at_most:
            held = [found for found in one.passages if found.corpus in request.of]
            kept.append(replace(one, passages=tuple(held[: request.at_most])))
    return kept


def shown_by_question(
    tables: TableStore, batch: str, policy: Policy
) -> dict[tuple[str, str], ShownPieces]:
    """(item, task) -> what its plan shows, in tokens."""
    shown = shown_in_plans(tables, batch, policy)
    return {(one.item_id, one.task): pieces_of(one) for one in shown}
