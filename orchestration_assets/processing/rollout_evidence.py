"""What a roll-out has gathered over its batches, kept in the home."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.betting import Wealth
from orchestration_assets.evidence.cohort_comparison import CohortEvidence
from orchestration_assets.processing.rollout_watch import Gathered, added, nothing_gathered
from orchestration_assets.schemas.rollout import Rollout, RolloutMetric
from orchestration_assets.settings import user_name
from resources.home import Home
from resources.versioned_state import ChangeNote

_DIGITS: Final = 6


def gathered_before(home: Home, rollout: str, config: Rollout, batch: str) -> Gathered:
    """What all other batches of a roll-out have gathered."""
    version = home.state(_name(rollout)).current()
    total = _total(config, None if version is None else version.value)
    return _without(home, rollout, config, total, None if version is None else version.value, batch)


def keep_gathered(
    home: Home, rollout: str, config: Rollout, batch: str, own: Gathered
) -> dict[RolloutMetric, CohortEvidence]:
    """Adds what a batch has gathered, in place of what it had before; the sum over all batches."""

    def change(now: Mapping[str, Any] | None) -> Mapping[str, Any]:
        others = _without(home, rollout, config, _total(config, now), now, batch)
        number = (now["number"] if now else 0) + 1
        batches = {**(now["batches"] if now else {}), batch: number}
        total = added(others, own)
        return {"number": number, "batches": batches, "own": _plain(own), "total": _plain(total)}

    note = ChangeNote(user_name(), datetime.now(UTC), f"batch {batch}")
    return _total(config, home.state(_name(rollout)).update(change, note).value)


def _without(
    home: Home,
    rollout: str,
    config: Rollout,
    total: Gathered,
    now: Mapping[str, Any] | None,
    batch: str,
) -> Gathered:
    """The total less what the batch itself has added, which is carried out again."""
    number = now["batches"].get(batch) if now else None
    if number is None:
        return total
    own = _read(config, home.state(_name(rollout)).version(number).value["own"])
    return {metric: _less(total[metric], own[metric]) for metric in RolloutMetric}


def _less(one: CohortEvidence, other: CohortEvidence) -> CohortEvidence:
    return CohortEvidence(
        Wealth(one.wealth.above - other.wealth.above, one.wealth.below - other.wealth.below),
        one.pairs - other.pairs,
        one.control - other.control,
        one.canary_sum - other.canary_sum,
        one.control_sum - other.control_sum,
    )


def _name(rollout: str) -> str:
    return f"rollout-{rollout}"


def _total(config: Rollout, value: Mapping[str, Any] | None) -> dict[RolloutMetric, CohortEvidence]:
    return nothing_gathered(config) if value is None else _read(config, value["total"])


def _plain(gathered: Gathered) -> dict[str, Any]:
    return {
        metric.value: {
            "above": np.round(one.wealth.above, _DIGITS).tolist(),
            "below": np.round(one.wealth.below, _DIGITS).tolist(),
            "pairs": one.pairs,
            "control": one.control,
            "sums": [one.canary_sum, one.control_sum],
        }
        for metric, one in gathered.items()
    }


def _read(config: Rollout, plain: Mapping[str, Any]) -> dict[RolloutMetric, CohortEvidence]:
    found = nothing_gathered(config)
    for metric in found:
        if (one := plain.get(metric.value)) is not None:
            wealth = Wealth(np.array(one["above"]), np.array(one["below"]))
            found[metric] = CohortEvidence(wealth, one["pairs"], one["control"], *one["sums"])
    return found
