"""Conditions on features that part items into regions of content."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa

from orchestration_assets.evidence.recorded_answers import Bools, Floats

_NEAR_CUT: Final = 0.04
_CUTS: Final = np.array([(n / 10 - _NEAR_CUT, n / 10 + _NEAR_CUT) for n in range(1, 10)])
_STEPS: Final = (10, 5, 2)
_FEW_VALUES: Final = 2


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Items whose ``feature`` lies above ``over`` and not above ``at_most``, None where that end is
    open; with ``unknown`` also those without a value."""

    feature: str
    over: float | None = None
    at_most: float | None = None
    unknown: bool = False

    def holds(self, profiles: pa.Table) -> Bools:
        """(n,) whether it holds of each item."""
        values = numbers(profiles, self.feature)
        known = ~np.isnan(values)
        inside = known.copy()
        if self.over is not None:
            inside &= np.where(known, values, -math.inf) > self.over
        if self.at_most is not None:
            inside &= np.where(known, values, math.inf) <= self.at_most
        held: Bools = inside | ~known if self.unknown else inside
        return held


@dataclass(frozen=True, slots=True)
class ValueSet:
    """Items whose ``feature`` has one of ``values`` (None: it has none); not ``inside``: another.

    Booleans have the values "true" and "false". ``seen`` are the other values that there were,
    where they are few: a name for what lies outside.
    """

    feature: str
    values: tuple[str | None, ...]
    inside: bool = True
    seen: tuple[str | None, ...] = ()

    def holds(self, profiles: pa.Table) -> Bools:
        """(n,) whether it holds of each item."""
        kinds = categories(profiles, self.feature)
        among = np.fromiter((kind in self.values for kind in kinds), np.bool_, len(kinds))
        return among if self.inside else ~among


Condition = NumberRange | ValueSet


def numbers(profiles: pa.Table, feature: str) -> Floats:
    """(n,) values of a numeric feature; NaN where an item has none."""
    values: Floats = profiles[feature].cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def categories(profiles: pa.Table, feature: str) -> list[str | None]:
    """(n,) values of a feature of text or of a boolean one; None where an item has none."""
    values: list[str | None] = profiles[feature].cast(pa.string()).to_pylist()
    return values


def is_number(profiles: pa.Table, feature: str) -> bool:
    """Whether a feature is parted by thresholds; else by its values."""
    kind = profiles.schema.field(feature).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def all_hold(conditions: Iterable[Condition], profiles: pa.Table) -> Bools:
    """(n,) whether all conditions hold of each item."""
    held = np.ones(profiles.num_rows, dtype=np.bool_)
    for condition in conditions:
        held &= condition.holds(profiles)
    return held


def opposite(condition: Condition, profiles: pa.Table) -> Condition:
    """Where a set or a range that is open at one end does not hold; ``profiles``: of items that
    there were."""
    if isinstance(condition, NumberRange):
        return NumberRange(
            condition.feature, condition.at_most, condition.over, not condition.unknown
        )
    others = _sorted(set(categories(profiles, condition.feature)) - {*condition.values})
    few = others if len(others) <= _FEW_VALUES else ()
    return ValueSet(condition.feature, condition.values, not condition.inside, few)


def merged(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """The same in at most one condition a feature, in the order in which features come first."""
    by_feature: dict[str, Condition] = {}
    for condition in conditions:
        before = by_feature.get(condition.feature)
        by_feature[condition.feature] = (
            condition if before is None else _intersection(before, condition)
        )
    return tuple(by_feature.values())


def _intersection(one: Condition, other: Condition) -> Condition:
    if isinstance(one, NumberRange) and isinstance(other, NumberRange):
        over = [x.over for x in (one, other) if x.over is not None]
        at_most = [x.at_most for x in (one, other) if x.at_most is not None]
        return NumberRange(
            one.feature,
            max(over, default=None),
            min(at_most, default=None),
            one.unknown and other.unknown,
        )
    assert isinstance(one, ValueSet) and isinstance(other, ValueSet)
    if not one.inside and not other.inside:
        values = _sorted({*one.values, *other.values})
        return ValueSet(one.feature, values, inside=False, seen=other.seen)
    inner, outer = (one, other) if one.inside else (other, one)
    kept = {value for value in inner.values if (value in outer.values) == outer.inside}
    return ValueSet(one.feature, _sorted(kept))


def _sorted(values: Iterable[str | None]) -> tuple[str | None, ...]:
    return tuple(sorted(values, key=lambda value: (value is None, value or "")))


def rounded_between(low: float, high: float) -> float:
    """The number of the fewest digits from ``low`` to ``high``, multiples of 10, 5 and 2 first.

    Raises ValueError when ``low`` is above ``high`` or one is not finite.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"no number from {low} to {high}")
    if low <= 0.0 <= high:
        return 0.0
    exponent = math.floor(math.log10(max(abs(low), abs(high))))
    for power in range(exponent, exponent - 17, -1):
        for step in _STEPS:
            unit = Decimal(step).scaleb(power)
            rounded = float((Decimal(low) / unit).to_integral_value(ROUND_CEILING) * unit)
            if low <= rounded <= high:
                return rounded
    return low


def number_ranges(
    feature: str, values: Floats, least: int, unknown: bool = True
) -> Iterator[NumberRange]:
    """Ranges above rounded thresholds near the deciles of values (n,), with at least ``least``
    items on either side."""
    known = np.sort(values[~np.isnan(values)])
    if len(known) < least:
        return
    # the lower of the two values that a quantile lies between
    around = known[np.floor((len(known) - 1) * _CUTS).astype(np.int64)]
    # of most features several cuts lie between the same values
    thresholds = {rounded_between(low, high) for low, high in set(map(tuple, around.tolist()))}
    for threshold in sorted(thresholds):
        above = len(known) - int(np.searchsorted(known, threshold, side="right"))
        if least <= above <= len(values) - least:
            yield NumberRange(feature, over=threshold)


def value_sets(
    feature: str, kinds: Sequence[str | None], outcomes: Floats, least: int, most: int = 3
) -> Iterator[ValueSet]:
    """Sets of at most ``most`` values with at least ``least`` items inside and as many outside.

    Several values go together where the outcomes (n, K) of their items lie side by side on the
    main axis of the means (Breiman et al. 1984, 4.2, for one outcome).
    """
    names = _sorted(set(kinds))
    code = {name: number for number, name in enumerate(names)}
    codes = np.fromiter((code[kind] for kind in kinds), np.int64, len(kinds))
    counts = np.bincount(codes, minlength=len(names))
    sums = np.stack([np.bincount(codes, column, len(names)) for column in outcomes.T], axis=1)
    means = sums / counts[:, None]
    # values of few items are nowhere in particular: they stay in the rest
    placed = [place for place in range(len(names)) if counts[place] >= max(least // 2, 2)]
    if not placed:
        return
    centred = (means[placed] - outcomes.mean(axis=0)) * np.sqrt(counts[placed])[:, None]
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    order = [placed[place] for place in np.argsort(means[placed] @ axis, kind="stable")]
    sets = {(place,) for place in placed}
    for size in range(2, most + 1):
        sets |= {tuple(sorted(order[:size])), tuple(sorted(order[-size:]))}
    for chosen in sorted(sets, key=lambda one: (len(one), one)):
        inside = int(counts[list(chosen)].sum())
        if least <= inside <= len(kinds) - least:
            yield ValueSet(feature, _sorted(names[place] for place in chosen))


def condition_of(plain: Mapping[str, Any]) -> Condition:
    """The condition that has these fields. Raises KeyError for other data."""
    if "values" in plain:
        values, seen = tuple(plain["values"]), tuple(plain["seen"])
        return ValueSet(plain["feature"], values, plain["inside"], seen)
    return NumberRange(plain["feature"], plain["over"], plain["at_most"], plain["unknown"])
