"""Resolving a batch while a policy is tried: each item by the policy that answered it."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.disagreement.batch_tables import InterpretedBatch, resolve_batch
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.records import TableResult


def by_policy(batch: InterpretedBatch) -> Iterator[InterpretedBatch]:
    """The batch, in parts that one policy answered each; that in force first."""
    trial = batch.plans["trial_hash"]
    if trial.null_count == len(trial):
        yield batch
        return
    yield _part(batch, batch.plans.filter(pc.is_null(trial)))
    for name in sorted(set(trial.drop_null().to_pylist())):
        plans = batch.plans.filter(pc.equal(trial, name))
        place = plans.schema.get_field_index("policy_hash")
        field = plans.schema.field(place)
        yield _part(batch, plans.set_column(place, field, plans["trial_hash"]))


def resolve_cohorts(batch: InterpretedBatch) -> TableResult:
    """The answer that stands for each plan, in the order of the plans.

    What is learned of services from the batch is learned of each policy's items apart: two services
    of one name may not be the same.
    """
    parts = [resolve_batch(part) for part in by_policy(batch)]
    if len(parts) == 1:
        return parts[0]
    table = pa.concat_tables([part.table for part in parts])
    place = {pair: n for n, pair in enumerate(values(table, "item_id", "task"))}
    rows = [place[pair] for pair in values(batch.plans, "item_id", "task")]
    figures = dict(parts[0].figures)
    for part in parts[1:]:
        for name, figure in part.figures.items():
            before = figures.get(name)
            counts = isinstance(figure, int) and isinstance(before, int)
            figures[name] = before + figure if counts else before or figure
    return TableResult(table.take(rows), figures, [w for part in parts for w in part.warnings])


def _part(batch: InterpretedBatch, plans: pa.Table) -> InterpretedBatch:
    items = plans["item_id"].combine_chunks()
    tables = {
        name: table.filter(pc.is_in(table["item_id"], items))
        for name, table in batch.by_name.items()
    }
    return replace(batch, plans=plans, by_name=tables)
