"""What a roll-out has gathered over its batches, kept in the home."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.betting import Bounds, Wealth
from orchestration_assets.evidence.cohort_comparison import CohortEvidence
from orchestration_assets.processing.rollout_watch import Gathered, added, look_at, nothing_gathered
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
    home: Home, rollout: str, config: Rollout, batch: str, own: Gathered, items: int
) -> tuple[dict[RolloutMetric, CohortEvidence], int]:
    """Adds what a batch has gathered from so many items that the policy on trial answered, in place
    of what it had before; the sum over all batches, and of their items."""

    def change(now: Mapping[str, Any] | None) -> Mapping[str, Any]:
        others = _without(home, rollout, config, _total(config, now), now, batch)
        number = (now["number"] if now else 0) + 1
        batches = {**(now["batches"] if now else {}), batch: number}
        total = added(others, own)
        counted = {**(now.get("items", {}) if now else {}), batch: items}
        # what a look has shown stays shown
        looks = look_at(config, total)
        total = {
            metric: replace(one, shown=Bounds(looks[metric].low, looks[metric].high))
            for metric, one in total.items()
        }
        gathered = {"own": _plain(own), "total": _plain(total)}
        return {"number": number, "batches": batches, "items": counted, **gathered}

    note = ChangeNote(user_name(), datetime.now(UTC), f"batch {batch}")
    stands = home.state(_name(rollout)).update(change, note).value
    return _total(config, stands), sum(stands["items"].values())


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
        one.powers - other.powers,
        one.pairs - other.pairs,
        one.control - other.control,
        one.canary_sum - other.canary_sum,
        one.control_sum - other.control_sum,
        one.shown,
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
            "powers": np.round(one.powers, _DIGITS).tolist(),
            "shown": [one.shown.low, one.shown.high],
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
            powers = np.array(one.get("powers", np.zeros((len(wealth.above), 3))))
            pairs, control, (own, other) = one["pairs"], one["control"], one["sums"]
            shown = Bounds(*one.get("shown", (None, None)))
            found[metric] = CohortEvidence(wealth, powers, pairs, control, own, other, shown)
    return found
