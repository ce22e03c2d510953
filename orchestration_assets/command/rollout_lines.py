"""What a run says of a policy on trial: a line a batch in which something was decided."""

from collections.abc import Iterator, Sequence

from orchestration_assets.schemas.rollout import ROLLOUT_DECISIONS, RolloutAction, RolloutMetric
from resources.table_store import TableStore

_LIMITED = (RolloutMetric.ERRORS, RolloutMetric.LATENCY)


def rollout_lines(store: TableStore, batches: Sequence[str]) -> Iterator[str]:
    """The last look at a roll-out in each batch, with its action and the metrics with a limit."""
    for batch in batches:
        if not store.exists(ROLLOUT_DECISIONS.name, batch):
            continue
        rows = list(ROLLOUT_DECISIONS.rows(store.read(ROLLOUT_DECISIONS.name, batch)))
        last = [row for row in rows if row.look == rows[-1].look and row.metric in _LIMITED]
        if not last:
            continue
        first = last[0]
        undone = f", {first.undone:,} items undone" if first.undone else ""
        why = first.reason.partition("; ")[0].partition(": ")[2]
        if first.action is not RolloutAction.GO_ON:
            why = f"{first.action.value.replace('_', ' ')}, {why}"
        yield f"{first.policy_hash} on {first.share:.0%} of the items: {why}{undone}"
        yield from (f"  {row.reason.rpartition('; ')[2]}" for row in last)
