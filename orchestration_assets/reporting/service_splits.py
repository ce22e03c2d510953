"""How services split into supporters and dissenters of the answers that are disputed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import CappedCounts, groups
from orchestration_assets.reporting.disputed import is_disputed
from orchestration_assets.reporting.intake import NO_FAMILY

_MAX_SPLITS = 8


@dataclass(frozen=True, slots=True)
class ServiceSplit:
    """One way to split: who gave or backed the answer that stands, and who gave another."""

    supporters: tuple[str, ...]
    dissenters: tuple[str, ...]
    questions: int
    of: int
    by_family: tuple[int, ...]


def service_splits(
    resolutions: pa.Table,
    disputes: pa.Table,
    families: "pd.Series[str]",
    present: tuple[str, ...],
) -> CappedCounts[ServiceSplit]:
    """The splits of one task's disputed questions, the most frequent first.

    ``by_family`` follows ``present``.
    """
    rows = resolutions.filter(pa.array(is_disputed(resolutions, disputes)))
    family = families.reindex(rows.column("item_id").to_pandas()).fillna(NO_FAMILY).to_numpy()
    splits = pd.DataFrame(
        {
            "for": [tuple(sorted(names)) for names in rows.column("supporters").to_pylist()],
            "against": [tuple(sorted(names)) for names in rows.column("dissenters").to_pylist()],
            "family": np.asarray(family, dtype=object),
        }
    )
    counted = [
        ServiceSplit(
            supporters=supporters,
            dissenters=dissenters,
            questions=len(group),
            of=len(splits),
            by_family=tuple(int((group["family"] == name).sum()) for name in present),
        )
        for (supporters, dissenters), group in groups(splits, ["for", "against"])
    ]
    counted.sort(key=lambda split: (-split.questions, split.supporters, split.dissenters))
    return CappedCounts(tuple(counted[:_MAX_SPLITS]), len(counted))


def answered_by_several(resolutions: pa.Table) -> pa.Table:
    """The standing answers that at least two services took part in: only these have a spread."""
    took_part = pc.add(
        pc.list_value_length(resolutions.column("supporters")),
        pc.list_value_length(resolutions.column("dissenters")),
    )
    return resolutions.filter(pc.greater_equal(took_part, 2))
