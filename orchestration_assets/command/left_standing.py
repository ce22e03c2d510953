"""What earlier batches of a source lack and only ``--reprocess`` gives them.

A run does nothing of that by itself, so one that finds nothing new says it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow.compute as pc

from orchestration_assets.reporting.formatting import plural
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.tables import INTERPRETATIONS, PROCESSING_PLANS
from resources.damage import leaving_out_damage
from resources.table_store import TableStore

_LOOKED_AT: Final = 20


def left_standing(tables: TableStore, batches: Sequence[str], policy_hash: str) -> tuple[str, ...]:
    """Lines about the newest 20 of the batches of a source, oldest first: which were planned under
    another policy than that of the hash, and how many readings there was no money for."""
    planned = set(tables.batches(PROCESSING_PLANS.name))
    newest = [batch for batch in batches if batch in planned][-_LOOKED_AT:]
    return (*_other_policy(tables, newest, policy_hash), *_unpaid(tables, newest))


def _other_policy(tables: TableStore, batches: Sequence[str], policy_hash: str) -> Iterator[str]:
    others = []
    for batch in batches:
        with leaving_out_damage():
            plans = tables.read(PROCESSING_PLANS.name, batch, ["policy_hash"])
            if plans.num_rows and not pc.any(pc.equal(plans["policy_hash"], policy_hash)).as_py():
                others.append(batch)
    if others:
        count = len(others)
        yield (
            f"{count:,} {plural(count, 'batch', 'batches')} of this source, the newest "
            f"{others[-1]}, {plural(count, 'was', 'were')} made under another policy than "
            f"{policy_hash}: --reprocess plans again under this one, and takes answers that are "
            "kept from the cache"
        )


def _unpaid(tables: TableStore, batches: Sequence[str]) -> Iterator[str]:
    unpaid = 0
    for batch in batches:
        for table in INTERPRETATIONS.values():
            with leaving_out_damage():
                if tables.exists(table.name, batch):
                    status = tables.read(table.name, batch, ["status"])["status"]
                    unpaid += pc.sum(pc.equal(status, str(Status.OVER_BUDGET))).as_py() or 0
    if unpaid:
        yield (
            f"{unpaid:,} {plural(unpaid, 'reading')} of earlier batches "
            f"{plural(unpaid, 'was', 'were')} over budget: raise --budget-usd or "
            "execution.budget_usd, then run again with --reprocess"
        )
