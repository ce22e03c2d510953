"""Rows of ``selection_frontier`` about regions: who is best on what content."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answers import Floats, RecordedAnswers, random_halves
from orchestration_assets.schemas.selection import FrontierRow
from orchestration_assets.selection.region_names import (
    exact_condition,
    region_name,
    region_sentence,
    summary,
)
from orchestration_assets.selection.regions import (
    FEWEST,
    ContentRegion,
    ContentRegions,
    find_regions,
)

_SEED = 1


def regions_of(
    recorded: RecordedAnswers, inputs: ItemInputs, prices: Floats | None = None, seed: int = _SEED
) -> ContentRegions | None:
    """Regions found on one random half of the items and measured on the other; None for fewer than
    two services, or for too few items for a single region.

    ``inputs`` are of the same items in the same order; ``prices`` (K,) as for
    :func:`~orchestration_assets.selection.regions.find_regions`.
    """
    if recorded.n_items < 2 * FEWEST or recorded.n_services < 2:
        return None
    inside, outside = random_halves(recorded.n_items, seed)
    return find_regions(
        recorded.take(inside),
        inputs.profiles.take(pa.array(inside)),
        recorded.take(outside),
        inputs.profiles.take(pa.array(outside)),
        prices,
    )


def region_rows(
    task: str, recorded: RecordedAnswers, inputs: ItemInputs, prices: Floats | None = None
) -> Iterator[FrontierRow]:
    """One row a region and service; none where there is too little to tell.

    Place 0 is all content, where the row of the service to ask says whether regions differ; in the
    others it has the sentence about the region.
    """
    found = regions_of(recorded, inputs, prices)
    if found is None:
        return
    seconds = np.nan_to_num(recorded.milliseconds.mean(axis=0))
    regions = (found.overall, *(found.regions if found.differ else ()))
    for place, region in enumerate(regions):
        for service in range(len(found.services)):
            yield _row(task, found, place, region, service, float(seconds[service]))


def _row(
    task: str, found: ContentRegions, place: int, region: ContentRegion, service: int, ms: float
) -> FrontierRow:
    score, lead = region.scores[service], region.leads[service]
    asked = service == region.service
    sentence = region_sentence(found, region) if asked else ""
    if asked and place == 0:
        sentence = f"{sentence}; {summary(found)}"
    return FrontierRow(
        task=task,
        view="region",
        policy=found.services[service],
        place=place,
        items=region.items,
        labels=found.found_on,
        accuracy=score.mean,
        accuracy_low=score.low,
        accuracy_high=score.high,
        effective=score.effective,
        usd=region.prices[service],
        ms=ms,
        calls=1.0,
        regret=None,
        change=None if asked else -lead.mean,
        change_low=None if asked else -lead.high,
        change_high=None if asked else -lead.low,
        words=sentence,
        region=region_name(region.conditions),
        condition=exact_condition(region.conditions),
        best=found.services[region.service],
    )
