import numpy as np
import pytest

from orchestration_assets.evidence.neighbourhoods import MIN_ITEMS, NEIGHBOURS, WINDOW
from orchestration_assets.evidence.vector_thresholds import (
    SIZES,
    PairThresholds,
    SizeThreshold,
    VectorThresholds,
    pack,
    quantiles,
    unpack,
    window_size,
)

SHIFTS = np.arange(1_001) / 1_000


def of(size: int) -> SizeThreshold:
    return SizeThreshold(size, (0.3, 0.4), quantiles(SHIFTS * 0.4), quantiles(SHIFTS), 1_001)


PAIR = PairThresholds(("a", "b"), ("1 x", "2 y"), (of(60), of(120)))


def test_no_more_than_the_share_reaches_the_threshold() -> None:
    threshold = of(60)
    assert threshold.from_shift(0.05) == pytest.approx(0.38)
    assert threshold.unusual(0.38) == pytest.approx(0.95, abs=0.006)
    assert (threshold.unusual(0.0), threshold.unusual(0.9)) == (0.0, 1.0)
    assert threshold.strength(0.25) == pytest.approx(0.5)
    assert threshold.strength(0.9) == 1.0


@pytest.mark.parametrize(
    ("count", "size"),
    [(60, 60), (89, 60), (120, 120), (179, 120), (59, None), (119, None), (180, None)],
)
def test_what_holds_is_what_was_calibrated_for_about_as_many_items(count, size) -> None:
    found = PAIR.of_size(count)
    if size is None:
        assert isinstance(found, str)
        assert str(count) in found
    else:
        assert isinstance(found, SizeThreshold)
        assert found.size == size


def test_another_code_model_or_parameter_invalidates_and_is_named() -> None:
    assert PAIR.mismatch({"a": "1 x", "b": "2 y", "c": "3"}) is None
    assert PAIR.mismatch({"a": "1 x", "b": "2 z"}) == "b was 2 y and is 2 z"
    assert PAIR.mismatch({"a": "1 x"}) == "b is not installed"


def test_thresholds_come_back_equal_from_arrays_and_facts() -> None:
    thresholds = VectorThresholds(0.05, {("a", "b"): PAIR})
    arrays, facts = pack(thresholds)
    back = unpack(arrays, facts)
    again, same_facts = pack(back)
    assert facts == same_facts
    assert all(np.array_equal(arrays[name], again[name]) for name in arrays)
    with pytest.raises(ValueError, match="format 7 of vector thresholds, expected 1"):
        unpack(arrays, facts | {"format": 7})


def test_windows_are_as_large_as_the_measure_cuts_them() -> None:
    assert [window_size(n, WINDOW) for n in (0, 30, WINDOW, WINDOW + 2)] == [0, 30, WINDOW, 1_025]
    assert SIZES[0] >= MIN_ITEMS > 2 * NEIGHBOURS
    assert SIZES[-1] <= WINDOW < 1.5 * SIZES[-1]
