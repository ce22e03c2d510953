"""Thresholds of vectors: what is usual between two services, and whether it may be used."""

from dataclasses import replace
from hashlib import blake2b

import numpy as np
import pytest

from orchestration_assets.disagreement.calibration_registry import (
    promote_thresholds,
    thresholds_in_use,
)
from orchestration_assets.disagreement.pairs import disagreements
from orchestration_assets.disagreement.thresholds import (
    MIN_VERDICTS,
    calibrate_vectors,
    in_force,
    in_words,
)
from orchestration_assets.disagreement.vector_history import Space, VectorReadings
from orchestration_assets.disagreement.vectors import BatchThresholds
from orchestration_assets.evidence.vector_thresholds import (
    SizeThreshold,
    ThresholdsInUse,
    pack,
)
from orchestration_assets.schemas.enums import AnswerKind, Consequence
from resources.home import Home
from tests.disagreement.batches import plan, task
from tests.evidence.answers import ok

IDENTITIES = {"x": "1 p", "y": "1 q"}
VECTOR = task(AnswerKind.VECTOR, 0.9)


def spaces(count: int, noise: float, seed: int = 0, topics: int = 40):
    """Two services that see the same topics, the second with noise of its own."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(topics, 16))
    seen = centres[rng.integers(topics, size=count)] + 0.5 * rng.normal(size=(count, 16))
    turn, _ = np.linalg.qr(rng.normal(size=(16, 16)))
    other = (seen + noise * rng.normal(size=seen.shape)) @ turn
    return seen.astype(np.float32), other.astype(np.float32)


def recorded(first, second, identities=IDENTITIES) -> VectorReadings:
    contents = sorted(
        blake2b(str(n).encode(), digest_size=16).hexdigest() for n in range(len(first))
    )
    batch = {"x": Space(tuple(contents), first), "y": Space(tuple(contents), second)}
    return VectorReadings(dict(identities), [batch], set(contents))


def found_in(first, second, known: BatchThresholds | None):
    names = [f"i{n:04d}" for n in range(len(first))]
    readings = {
        (name, "t"): (("x", ok(tuple(map(float, a)))), ("y", ok(tuple(map(float, b)))))
        for name, a, b in zip(names, first, second, strict=True)
    }
    given = {"t": known} if known else {}
    return list(disagreements(map(plan, names), readings, {"t": VECTOR}, given))


def learnt(noise: float = 1.0, count: int = 900) -> ThresholdsInUse:
    found = calibrate_vectors("t", recorded(*spaces(count, noise)), 0.9, 0.05, None)
    assert found.thresholds is not None
    return ThresholdsInUse(found.thresholds, "v1")


def test_what_is_usual_is_learnt_for_each_size_and_passes_on_contents_held_back() -> None:
    found = calibrate_vectors("t", recorded(*spaces(900, 1.0)), 0.9, 0.05, None)
    tried = {row.size: row for row in found.rows}
    assert max(tried) == 680
    assert tried[680].promoted
    assert tried[680].flagged == pytest.approx(0.05, abs=0.05)
    assert tried[680].found > 0.9
    assert tried[680].error < tried[680].error_before
    # the more items are compared, the finer is what is usual
    assert tried[680].disagree_at < tried[120].disagree_at
    assert found.thresholds is not None
    sizes = [one.size for one in found.thresholds.pairs["x", "y"].sizes]
    assert sizes == [size for size, row in tried.items() if row.promoted]


def test_models_that_differ_more_get_another_threshold() -> None:
    near, far = (learnt(noise).thresholds.pairs["x", "y"].of_size(120) for noise in (0.6, 1.0))
    assert isinstance(near, SizeThreshold)
    assert isinstance(far, SizeThreshold)
    assert near.from_shift(0.05) < 0.6 * far.from_shift(0.05)


def test_models_so_alike_that_the_policy_errs_less_keep_it() -> None:
    found = calibrate_vectors("t", recorded(*spaces(900, 0.3)), 0.9, 0.05, None)
    largest = found.rows[-1]
    assert not largest.promoted
    assert largest.error > largest.error_before


def test_spaces_with_nothing_in_common_get_no_threshold() -> None:
    first, _ = spaces(600, 0.1)
    unrelated = np.random.default_rng(3).permutation(first)
    found = calibrate_vectors("t", recorded(first, unrelated), 0.9, 0.05, None)
    assert found.thresholds is None
    assert not any(row.promoted for row in found.rows)


def test_too_few_contents_promote_nothing_and_say_so() -> None:
    found = calibrate_vectors("t", recorded(*spaces(MIN_VERDICTS - 30, 1.0)), 0.9, 0.05, None)
    (row,) = found.rows
    assert (found.thresholds, row.size, row.version) == (None, 0, None)
    assert f"{MIN_VERDICTS} are needed: disagree_at holds" in row.reason


def test_the_same_vectors_give_the_same_thresholds_and_version(tmp_path) -> None:
    store = Home(tmp_path).models
    versions = set()
    for _ in range(2):
        found = calibrate_vectors("t", recorded(*spaces(600, 1.0)), 0.9, 0.05, None)
        versions.add(promote_thresholds(store, "t", found.thresholds).version)
    assert len(versions) == 1
    kept = thresholds_in_use(store, "t")
    assert kept is not None
    assert pack(kept.thresholds)[1] == pack(found.thresholds)[1]
    assert thresholds_in_use(store, "other") is None


def test_what_is_in_use_stays_where_the_new_is_worse_and_goes_when_a_model_changed() -> None:
    good = learnt()
    # the second service falls apart in later content: half of what it says is anything
    first, second = spaces(600, 1.0, seed=1)
    second[::2] = np.random.default_rng(5).permutation(second[::2])
    worse = calibrate_vectors("t", recorded(first, second), 0.9, 0.05, good)
    kept = worse.thresholds or good.thresholds
    for row in worse.rows:
        if not row.promoted:
            old = [one for one in good.thresholds.pairs["x", "y"].sizes if one.size == row.size]
            assert [one for one in kept.pairs["x", "y"].sizes if one.size == row.size] == old
    changed = IDENTITIES | {"y": "2 q"}
    fresh = calibrate_vectors("t", recorded(*spaces(400, 1.0), changed), 0.9, 0.05, good)
    assert fresh.thresholds is not None
    pair = fresh.thresholds.pairs["x", "y"]
    assert pair.identities == ("1 p", "2 q")
    assert max(one.size for one in pair.sizes) <= 400
    named = in_force("t", fresh.rows, good)
    assert {row.version for row in named if row.identity_b == "2 q"} == {None}
    tried = {row.size for row in fresh.rows}
    kept_sizes = {one.size for one in good.thresholds.pairs["x", "y"].sizes}
    assert {row.size for row in named if row.version == "v1"} == kept_sizes - tried
    assert in_words(fresh.rows)["t: x and y"].startswith("nothing in force; ")
    named = in_force("t", fresh.rows, ThresholdsInUse(fresh.thresholds, "v2"))
    assert in_words(named)["t: x and y"].startswith("v2 holds at ")
    assert {row.version for row in named if row.promoted} == {"v2"}


def test_what_is_in_force_is_named_even_when_nothing_is_recorded_of_it() -> None:
    good = learnt()
    nothing = calibrate_vectors("t", VectorReadings(), 0.9, 0.05, good)
    assert (nothing.thresholds, nothing.rows) == (None, ())
    rows = in_force("t", nothing.rows, good)
    sizes = good.thresholds.pairs["x", "y"].sizes
    assert [(row.version, row.size) for row in rows] == [("v1", one.size) for one in sizes]
    assert rows[-1].disagree_at == sizes[-1].from_shift(0.05)
    assert "not tried again" in rows[0].reason


def test_a_batch_is_judged_by_what_is_usual_for_the_pair() -> None:
    first, second = spaces(500, 1.0, seed=2)
    second[7] = second[8] if not np.allclose(first[7], first[8], atol=2) else second[9]
    fixed = found_in(first, second, None)
    known = found_in(first, second, BatchThresholds(learnt(), IDENTITIES))
    assert len(known) < len(fixed)
    assert "i0007" in {row.item_id for row in known}
    for row in known:
        assert row.basis.startswith("thresholds v1: 95% of")
        assert row.unusual is not None
        assert row.unusual >= 0.945
        assert 0.0 < row.severity <= 1.0
    assert {(row.basis, row.unusual) for row in fixed} == {("disagree_at 0.9", None)}


def test_an_item_that_neither_service_holds_near_to_anything_is_not_compared() -> None:
    first, second = spaces(500, 1.0, seed=2)
    rng = np.random.default_rng(1)
    known = BatchThresholds(learnt(), IDENTITIES)
    # a direction of its own in either space: further from all than unrelated contents are
    alone = [np.pad(space, ((0, 0), (0, 1))) for space in (first, second)]
    for space in alone:
        space[3] = 0.05 * np.append(rng.normal(size=16), 40.0)
    assert "i0003" in {row.item_id for row in found_in(*alone, None)}
    assert "i0003" not in {row.item_id for row in found_in(*alone, known)}


@pytest.mark.parametrize(
    ("identities", "count", "why"),
    [
        ({"x": "1 p", "y": "2 q"}, 500, "thresholds v1 are not valid, y was 1 q and is 2 q"),
        ({"x": "1 p"}, 500, "thresholds v1 are not valid, y is not installed"),
        (IDENTITIES, 1_500, "thresholds v1: nothing is known about 1500 items compared at once"),
    ],
)
def test_where_thresholds_do_not_hold_the_policy_does_and_says_why(identities, count, why) -> None:
    first, second = spaces(count, 1.0, seed=2)
    fixed = found_in(first, second, None)
    rows = found_in(first, second, BatchThresholds(learnt(), identities))
    assert rows
    assert all(row.basis.startswith(f"disagree_at 0.9: {why}") for row in rows)
    assert {row.consequence for row in rows} == {Consequence.NONE}
    bare = [[replace(row, basis="", sentence="") for row in side] for side in (rows, fixed)]
    assert bare[0] == bare[1]


def test_a_pair_that_was_never_calibrated_is_named() -> None:
    other = BatchThresholds(
        ThresholdsInUse(replace(learnt().thresholds, pairs={}), "v1"), IDENTITIES
    )
    rows = found_in(*spaces(200, 0.5), other)
    assert {row.basis for row in rows} == {"disagree_at 0.9: thresholds v1 do not know this pair"}
