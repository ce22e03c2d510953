"""Whether the content of a batch has become another than what was learned from."""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.selection.expectations import UNFAMILIAR_BELOW

DRIFT_SHARE: Final = 0.05
"""Share of unfamiliar items of a task from which its content has drifted."""

_FEWEST: Final = 5  # unfamiliar items; of a small batch a single one is no drift


@dataclass(frozen=True, slots=True)
class ContentDrift:
    """How many ``items`` of a task, of those that the learned model knows how to read, are
    ``unfamiliar``."""

    task: str
    items: int
    unfamiliar: int

    @property
    def is_drift(self) -> bool:
        return self.unfamiliar >= _FEWEST and self.unfamiliar > DRIFT_SHARE * self.items

    @property
    def words(self) -> str:
        """What it means, in one line."""
        found = f"{self.task}: {self.unfamiliar} of {self.items} items are unlike what was learned"
        if not self.is_drift:
            return found
        return (
            f"{found}: the content has changed, and these follow the default; give verdicts about "
            "them, and train again with the job learn_selection"
        )


def content_drifts(plans: pa.Table) -> list[ContentDrift]:
    """One a task whose plans say how familiar their items are, by name."""
    if "familiarity" not in plans.column_names:
        return []  # the plans were written before it was declared
    known = plans.filter(pc.is_valid(plans["familiarity"]))
    unfamiliar = pc.less(known["familiarity"], UNFAMILIAR_BELOW).cast(pa.int64())
    counted = known.select(["task"]).append_column("unfamiliar", unfamiliar)
    groups = counted.group_by("task").aggregate([("unfamiliar", "sum"), ("unfamiliar", "count")])
    return sorted(
        (
            ContentDrift(row["task"], row["unfamiliar_count"], row["unfamiliar_sum"])
            for row in groups.to_pylist()
        ),
        key=lambda drift: drift.task,
    )
