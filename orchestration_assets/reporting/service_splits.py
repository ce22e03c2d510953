"""How services split into supporters and dissenters of the answers that are disputed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import CappedCounts, grouped
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
    families: Mapping[str, str],
    present: tuple[str, ...],
) -> CappedCounts[ServiceSplit]:
    """The splits of one task's disputed questions, the most frequent first.

    ``by_family`` follows ``present``.
    """
    rows = resolutions.filter(pa.array(is_disputed(resolutions, disputes)))
    items = rows["item_id"].to_pylist()
    sides = zip(
        *(
            (tuple(sorted(names)) for names in rows[side].to_pylist())
            for side in ("supporters", "dissenters")
        ),
        strict=True,
    )
    counted = []
    for (supporters, dissenters), places in grouped(sides).items():
        of_family = Counter(families.get(items[place], NO_FAMILY) for place in places)
        counted.append(
            ServiceSplit(
                supporters=supporters,
                dissenters=dissenters,
                questions=len(places),
                of=len(items),
                by_family=tuple(of_family[name] for name in present),
            )
        )
    counted.sort(key=lambda split: (-split.questions, split.supporters, split.dissenters))
    return CappedCounts(tuple(counted[:_MAX_SPLITS]), len(counted))


def answered_by_several(resolutions: pa.Table) -> pa.Table:
    """The standing answers that at least two services took part in: only these have a spread."""
    took_part = pc.add(
        pc.list_value_length(resolutions.column("supporters")),
        pc.list_value_length(resolutions.column("dissenters")),
    )
    return resolutions.filter(pc.greater_equal(took_part, 2))
