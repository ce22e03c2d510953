"""Regions stand out only where their interval and the number of tests allow it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.intervals import wilson
from orchestration_assets.reporting.dispute_regions import exceedance, holm, regions


def corpus(**counts: tuple[int, int]):
    """Extension -> (items, disputed ones)."""
    features, disputed = {}, set()
    for extension, (items, at_odds) in counts.items():
        for n in range(items):
            features[f"{extension}{n}"] = {"extension": extension}
            if n < at_odds:
                disputed.add((f"{extension}{n}", "type"))
    return {"type": sorted(features)}, disputed, features


def test_content_with_more_disputes_than_elsewhere_stands_out_with_its_interval() -> None:
    found = regions(*corpus(rst=(40, 31), py=(200, 4)))
    first = found[0]
    assert (first.value, first.disputed, first.compared) == ("rst", 31, 40)
    assert first.stands_out
    assert (first.low, first.high) == wilson(31, 40)
    assert (first.disputed_elsewhere, first.compared_elsewhere) == (4, 200)
    assert not any(one.stands_out for one in found[1:])


def test_few_items_are_no_region() -> None:
    assert regions(*corpus(rst=(19, 19), py=(200, 4))) == ()
    assert regions(*corpus(rst=(200, 100))) == ()
    assert regions(*corpus(rst=(100, 0), py=(100, 0))) == ()


def test_chance_does_not_stand_out() -> None:
    """A hundred made-up features that tell nothing."""
    rng = random.Random(5)
    items = [f"i{n}" for n in range(600)]
    features = {item: {f"f{k}": rng.choice("ab") for k in range(100)} for item in items}
    disputed = {(item, "type") for item in items if rng.random() < 0.2}
    found = regions({"type": items}, disputed, features)
    assert len(found) == 200
    assert any(one.low > one.share_elsewhere for one in found), "without correction some would"
    assert not any(one.stands_out for one in found)


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_the_exact_test_is_a_chance_and_falls_with_what_is_found(whole, elsewhere, data) -> None:
    total = data.draw(st.integers(0, whole + elsewhere))
    low, high = max(0, total - elsewhere), min(whole, total)
    chances = [exceedance(k, whole, total - k, elsewhere) for k in range(low, high + 1)]
    assert chances[0] == pytest.approx(1.0)
    assert all(0 <= chance <= 1 for chance in chances)
    assert chances == sorted(chances, reverse=True)


@given(st.lists(st.floats(0, 1), max_size=30))
def test_corrected_chances_keep_their_order_and_are_no_smaller(chances) -> None:
    corrected = holm(chances)
    assert all(0 <= p <= after <= 1 for p, after in zip(chances, corrected, strict=True))
    order = sorted(range(len(chances)), key=chances.__getitem__)
    ordered = [corrected[place] for place in order]
    assert ordered == sorted(ordered)
    if chances:
        assert min(corrected) == min(1.0, min(chances) * len(chances))
