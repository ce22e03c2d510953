"""Why one service was chosen for an item rather than another: what of the item moved the model, and
how both did on items like it.

What a feature does to the expected scores is measured once, after training, by exchange: items of
the training data are given all features of one topic from others that have the feature in one range
(partial dependence, Friedman 2001, 8.2, on blocks of features that go together), and the model is
asked again. A reason then takes no call of the model, only the ranges that the item falls into.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answers import Floats, Ints
from orchestration_assets.evidence.weighted_estimates import Estimate
from orchestration_assets.schemas.feature_words import FEATURE_WORDS, FeatureTopic
from orchestration_assets.selection.region_conditions import (
    categories,
    condition_of,
    is_number,
    number_ranges,
    numbers,
)
from orchestration_assets.selection.region_names import (
    region_name,
    result_words,
    usd,
    value_words,
)
from orchestration_assets.selection.regions import PLAINNESS, ContentRegion, ContentRegions

WORTH_SAYING: Final = 0.02
"""Difference of expected scores from which on a feature is a reason."""

_EXCHANGES: Final = 64
_FEWEST: Final = 10
_MOST_VALUES: Final = 8
_RANGES: Final = 4
_REASONS: Final = 2
_NOTHING: Final = "the model sees nothing in the item that speaks for either"


class ScorePredictor(Protocol):
    """Expects (n, K) scores of items before any call."""

    def expected_scores(self, items: ItemInputs) -> Floats: ...


@dataclass(frozen=True)
class FeatureEffect:
    """How far the expected scores of ``K`` services move with one feature.

    A number falls into one of the ranges between ``bounds``, ascending, or else has no value; a
    category is one of ``values``, or else another. ``moves`` (ranges or values + 1, K) are the
    means where the feature is so, less those over all items; the last row is that of the rest.
    """

    feature: str
    bounds: tuple[float, ...]
    values: tuple[str | None, ...]
    moves: Floats

    def rows(self, profiles: pa.Table) -> Ints:
        """(n,) which row of ``moves`` holds for each item."""
        rest = len(self.moves) - 1
        if is_number(profiles, self.feature):
            values = numbers(profiles, self.feature)
            # a number at a bound is not above it
            rows = np.searchsorted(np.array(self.bounds), values, side="left")
            return np.where(np.isnan(values), rest, rows)
        place = {value: row for row, value in enumerate(self.values)}
        kinds = categories(profiles, self.feature)
        return np.fromiter((place.get(kind, rest) for kind in kinds), np.int64, len(kinds))


@dataclass(frozen=True)
class ChoiceReasons:
    """What reasons are taken from: the regions of content, the effects of features, and the mean
    expected score of each service on the items that were learned from, ``usual`` (K,)."""

    regions: ContentRegions
    effects: tuple[FeatureEffect, ...]
    usual: tuple[float, ...]


def learn_reasons(
    predictor: ScorePredictor, items: ItemInputs, regions: ContentRegions, seed: int = 0
) -> ChoiceReasons:
    """Measures what each feature does to what ``predictor`` expects, on items of its training.

    Only effects that may be worth saying are kept.
    """
    if not len(items):
        return ChoiceReasons(regions, (), (0.0,) * len(regions.services))
    rng = np.random.default_rng(seed)
    backgrounds = rng.integers(0, len(items), _EXCHANGES)
    usual = predictor.expected_scores(items.take(backgrounds)).mean(axis=0)
    effects = []
    for feature in FEATURE_WORDS:
        if feature in items.profiles.column_names:
            effect = _effect(predictor, items, feature, backgrounds, usual, rng)
            if effect is not None and np.ptp(effect.moves, axis=1).max() >= WORTH_SAYING:
                effects.append(effect)
    overall = predictor.expected_scores(items).mean(axis=0)
    return ChoiceReasons(regions, tuple(effects), tuple(overall.tolist()))


def _effect(
    predictor: ScorePredictor,
    items: ItemInputs,
    feature: str,
    backgrounds: Ints,
    usual: Floats,
    rng: np.random.Generator,
) -> FeatureEffect | None:
    profiles = items.profiles
    bounds: tuple[float, ...] = ()
    values: tuple[str | None, ...] = ()
    if is_number(profiles, feature):
        bounds = _bounds(feature, numbers(profiles, feature))
        ranges = len(bounds) + 1
    else:
        values = _values(categories(profiles, feature))
        ranges = len(values)
    if ranges < 2:
        return None
    shape = FeatureEffect(feature, bounds, values, np.zeros((ranges + 1, len(usual))))
    rows = shape.rows(profiles)
    topic = FEATURE_WORDS[feature].topic
    together = [
        name
        for name, words in FEATURE_WORDS.items()
        if words.topic is topic and name in profiles.column_names
    ]
    for row in range(ranges + 1):
        alike = np.flatnonzero(rows == row)
        if len(alike) >= _FEWEST:
            donors = alike[rng.integers(0, len(alike), len(backgrounds))]
            exchanged = _exchanged(items, donors, backgrounds, together)
            shape.moves[row] = predictor.expected_scores(exchanged).mean(axis=0) - usual
    return shape


def _exchanged(
    items: ItemInputs, donors: Ints, backgrounds: Ints, features: Sequence[str]
) -> ItemInputs:
    """The items at ``backgrounds`` with ``features`` of those at ``donors``."""
    taken = items.take(backgrounds)
    given, profiles = items.profiles.take(pa.array(donors)), taken.profiles
    for name in features:
        place = profiles.schema.get_field_index(name)
        profiles = profiles.set_column(place, profiles.schema.field(name), given[name])
    return replace(taken, profiles=profiles)


def _bounds(feature: str, values: Floats) -> tuple[float, ...]:
    """At most :data:`_RANGES` - 1 rounded thresholds."""
    listed = [one.over for one in number_ranges(feature, values, _FEWEST) if one.over is not None]
    spread = np.linspace(0, len(listed) - 1, min(len(listed), _RANGES - 1)).round().astype(int)
    return tuple(listed[place] for place in spread)


def _values(kinds: Sequence[str | None]) -> tuple[str | None, ...]:
    """The most frequent values that are not rare."""
    counts = {value: kinds.count(value) for value in set(kinds)}
    frequent = sorted(
        (value for value in counts if counts[value] >= _FEWEST),
        key=lambda value: (-counts[value], value or ""),
    )
    return tuple(frequent[:_MOST_VALUES])


def reasons(
    known: ChoiceReasons, items: ItemInputs, expected: Floats, chosen: Ints, runner_up: Ints
) -> list[str]:
    """Why ``chosen`` (n,) rather than ``runner_up`` (n,), positions of services, for each item, on
    which the model expects scores ``expected`` (n, K).

    How both services did on items of the same region, or on all where regions do not differ; and
    the two features that moved the model most towards the chosen service. Where no feature did by
    itself, how far the item as a whole did, its words included, beyond what is usual.
    """
    regions = known.regions
    rows, usual = np.arange(len(items)), np.array(known.usual)
    ahead = expected[rows, chosen] - expected[rows, runner_up]
    beyond = ahead - (usual[chosen] - usual[runner_up])
    places = regions.places(items.profiles)
    data: dict[tuple[int, int, int], str] = {}
    found = []
    moves = _moved(known.effects, items, chosen, runner_up)
    for place, moved, service, other, more in zip(
        places, moves, chosen, runner_up, beyond.tolist(), strict=True
    ):
        key = (int(place), int(service), int(other))
        if key not in data:
            region = regions.regions[place] if regions.differ else regions.overall
            data[key] = _record(regions, region, key[1], key[2])
        found.append(f"{data[key]}; {_because(moved, more, regions.services[service])}")
    return found


def _because(moved: str, beyond: float, service: str) -> str:
    if moved:
        return f"the model counts {moved} for {service}"
    if abs(beyond) < WORTH_SAYING:
        return _NOTHING
    side = "for" if beyond > 0.0 else "against"
    by = f"{abs(beyond):.2f}".removeprefix("0")
    return f"the model counts its words and features together {side} {service} ({by})"


def _moved(
    effects: Sequence[FeatureEffect], items: ItemInputs, chosen: Ints, runner_up: Ints
) -> Iterator[str]:
    """By item, the features that moved the model most towards the chosen service; "" for none."""
    n = len(items)
    if not effects:
        yield from [""] * n
        return
    ahead = np.empty((n, len(effects)))
    for place, effect in enumerate(effects):
        rows = effect.rows(items.profiles)
        ahead[:, place] = effect.moves[rows, chosen] - effect.moves[rows, runner_up]
    plain = np.array([PLAINNESS ** FEATURE_WORDS[one.feature].plainness for one in effects])
    ranked = np.argsort(-np.where(ahead >= WORTH_SAYING, ahead * plain, 0.0), axis=1, kind="stable")
    topics = [FEATURE_WORDS[effect.feature].topic for effect in effects]
    columns = [items.profiles[effect.feature].to_pylist() for effect in effects]
    for item in range(n):
        said: dict[FeatureTopic, str] = {}
        for place in ranked[item]:
            by = ahead[item, place]
            if by < WORTH_SAYING or len(said) == _REASONS:
                break
            if topics[place] not in said:
                words = value_words(effects[place].feature, columns[place][item])
                said[topics[place]] = f"{words} (+{by:.2f})".replace("+0.", "+.")
        yield " and ".join(said.values())


def _record(regions: ContentRegions, region: ContentRegion, chosen: int, runner_up: int) -> str:
    """How both services did on the items of a region."""
    items = f"{region.items:,} such items" if region.conditions else f"{region.items:,} items"
    joined = "on" if regions.graded else "of"
    said = (
        f"{region_name(region.conditions)}: {regions.services[chosen]} "
        f"{result_words(regions, region, chosen)} {joined} {items}"
    )
    if chosen == runner_up:
        return said
    dearer = region.prices[runner_up] - region.prices[chosen]
    price = f" for {usd(abs(dearer))} USD {'more' if dearer > 0.0 else 'less'}" if dearer else ""
    other = result_words(regions, region, runner_up)
    return f"{said}, {regions.services[runner_up]} {other}{price}"


def plain_reasons(known: ChoiceReasons) -> dict[str, Any]:
    """The reasons as plain data, for files."""
    effects = [
        {
            "feature": one.feature,
            "bounds": list(one.bounds),
            "values": list(one.values),
            "moves": one.moves.tolist(),
        }
        for one in known.effects
    ]
    return {"regions": asdict(known.regions), "effects": effects, "usual": list(known.usual)}


def reasons_of(plain: Mapping[str, Any]) -> ChoiceReasons:
    """What :func:`plain_reasons` gave. Raises KeyError for other data."""
    regions = dict(plain["regions"])
    regions["services"] = tuple(regions["services"])
    regions["overall"] = _region_of(regions["overall"])
    regions["regions"] = tuple(_region_of(one) for one in regions["regions"])
    return ChoiceReasons(
        ContentRegions(**regions),
        tuple(
            FeatureEffect(
                one["feature"], tuple(one["bounds"]), tuple(one["values"]), np.array(one["moves"])
            )
            for one in plain["effects"]
        ),
        tuple(plain["usual"]),
    )


def _region_of(plain: Mapping[str, Any]) -> ContentRegion:
    return ContentRegion(
        **{
            **plain,
            "conditions": tuple(condition_of(one) for one in plain["conditions"]),
            "scores": tuple(Estimate(**one) for one in plain["scores"]),
            "leads": tuple(Estimate(**one) for one in plain["leads"]),
            "prices": tuple(plain["prices"]),
        }
    )
