"""What processing a batch needs beside its plans, and the tables that it yields."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.reader import Read, read_text
from orchestration_assets.processing.asking import CACHE, CALLED
from orchestration_assets.processing.run import Processed
from orchestration_assets.schemas.enums import Outcome
from orchestration_assets.schemas.features import FEATURE_NAMES
from orchestration_assets.schemas.items import Item, Task
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CALL_LOG, DECISION_LOG, INTERPRETATIONS


def build_tasks(policy: Policy | None) -> dict[str, Task]:
    """The policy's tasks as services see them."""
    configs = policy.tasks.items() if policy else ()
    return {name: Task(name, task.version, task.kind, task.labels) for name, task in configs}


def item_loader(manifest: pa.Table, profiles: pa.Table, read: Read) -> Callable[[str], Item]:
    """A function from item id to the item with its content, read and verified when called."""
    accepted = manifest.filter(pc.equal(manifest["outcome"], Outcome.ACCEPTED)).to_pylist()
    rows: Mapping[str, Mapping[str, Any]] = {row["item_id"]: row for row in accepted}
    features = profiles.select(["item_id", *FEATURE_NAMES]).to_pylist()
    by_item = {row.pop("item_id"): row for row in features}

    def load(item_id: str) -> Item:
        row = rows[item_id]
        text = read_text(row, read)
        return Item(item_id, row["content_hash"], row["path"], text, by_item[item_id])

    return load


def tables_of(processed: Processed) -> Iterator[tuple[str, pa.Table, dict[str, int | float]]]:
    """Name, table and telling figures of each table that processing yields."""
    for model, rows in processed.interpretations.items():
        table = rows_to_arrow(INTERPRETATIONS[model], rows)
        yield INTERPRETATIONS[model].name, table, dict(Counter(row.status.value for row in rows))
    decisions = rows_to_arrow(DECISION_LOG, processed.decisions)
    yield DECISION_LOG.name, decisions, dict(Counter(row.action for row in processed.decisions))
    calls = processed.calls
    figures: dict[str, int | float] = {
        "calls": sum(row.origin == CALLED for row in calls),
        "from_cache": sum(row.origin == CACHE for row in calls),
        "cost_usd": sum(row.cost_usd for row in calls),
    }
    yield CALL_LOG.name, rows_to_arrow(CALL_LOG, calls), figures
