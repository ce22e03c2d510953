"""From recorded vectors to thresholds of a task's pairs of services, and whether they may be used.

Nobody can judge a vector, so there is no gold: what is usual is what a pair of services shows on
the recorded contents; what unrelated spaces would show is what it shows when the contents of one
are shuffled. Contents that neither service holds near to any other are left out: their neighbours
are chance, and so is every difference between them. A threshold passes a gate before it is used, on
contents that it has not seen: usual ones may not reach it more often than was asked for, half of
the shuffled ones must, and both errors together may be no larger than those of what is in use now.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np

from orchestration_assets.disagreement.calibration import is_held_out
from orchestration_assets.disagreement.vector_history import Space, VectorReadings
from orchestration_assets.evidence.intervals import wilson
from orchestration_assets.evidence.neighbourhoods import (
    Float32Array,
    nearest,
    overlap_distance,
    shift,
    similarities,
)
from orchestration_assets.evidence.recorded_answers import Bools, Floats
from orchestration_assets.evidence.vector_thresholds import (
    SIZES,
    UNRELATED,
    Pair,
    PairThresholds,
    SizeThreshold,
    ThresholdsInUse,
    VectorThresholds,
    has_near_neighbour,
    quantiles,
)
from orchestration_assets.schemas.disagreement import VectorThresholdRow

MIN_VERDICTS: Final = 300
"""Contents compared at one size below which the quantiles of a threshold would be guesses."""

_FEWEST: Final = 100
_FOUND_AT_LEAST: Final = 0.5
_PAIRS_MOST: Final = 4_000_000


@dataclass(frozen=True)
class ThresholdsFound:
    """``thresholds`` are to be promoted, None when what is in use stays in use."""

    thresholds: VectorThresholds | None
    rows: tuple[VectorThresholdRow, ...]


@dataclass(frozen=True)
class _Compared:
    """Contents compared at one size, as they are or shuffled: (n,) each."""

    shift: Floats
    overlap: Floats
    tops: tuple[Floats, Floats]
    held_out: Bools

    def split(self, kept: Bools) -> "_Compared":
        return _Compared(
            self.shift[kept],
            self.overlap[kept],
            (self.tops[0][kept], self.tops[1][kept]),
            self.held_out[kept],
        )


def calibrate_vectors(
    task: str,
    readings: VectorReadings,
    disagree_at: float,
    share: float,
    in_use: ThresholdsInUse | None,
) -> ThresholdsFound:
    """What the recorded vectors of a task teach about every pair of its services.

    ``share`` of the usual contents may reach a threshold; ``disagree_at`` is the overlap distance
    that holds where there is none. What is in use stays for the pairs and sizes where the new
    does not pass, as long as it is valid.
    """
    rows: list[VectorThresholdRow] = []
    pairs: dict[Pair, PairThresholds] = {}
    for first, second in combinations(sorted(readings.identities), 2):
        before = _valid(in_use, (first, second), readings.identities, share)
        known = (readings.identities[first], readings.identities[second])
        sizes: dict[int, SizeThreshold] = {one.size: one for one in before.sizes} if before else {}
        blank = _blank(task, (first, second), known)
        found = list(_tried(blank, readings.batches, disagree_at, share, sizes))
        for made, _ in found:
            if made is not None:
                sizes[made.size] = made
        rows += [row for _, row in found]
        if sizes:
            ordered = tuple(sizes[size] for size in sorted(sizes))
            pairs[first, second] = PairThresholds((first, second), known, ordered)
    if not any(row.promoted for row in rows):
        return ThresholdsFound(None, tuple(rows))
    return ThresholdsFound(VectorThresholds(share, pairs), tuple(rows))


def in_force(
    task: str, rows: Sequence[VectorThresholdRow], in_use: ThresholdsInUse | None
) -> tuple[VectorThresholdRow, ...]:
    """The rows with the version in force, where it has a threshold of that pair and size; and one
    more for each that is in force and was not tried again."""
    if in_use is None:
        return tuple(rows)
    held = {
        (*pair.services, *pair.identities, one.size): one
        for pair in in_use.thresholds.pairs.values()
        for one in pair.sizes
    }
    found = []
    for row in rows:
        same = held.pop(_key(row), None)
        found.append(row if same is None else replace(row, version=in_use.version))
    known = {(row.service_a, row.service_b, row.size) for row in found}
    for (first, second, *identities, size), one in held.items():
        if (first, second, size) in known:
            continue  # of models that have changed since: the row is about those of now
        blank = _blank(task, (first, second), (identities[0], identities[1]))
        found.append(
            replace(
                blank,
                size=size,
                version=in_use.version,
                reason="in force, and not tried again: too little is recorded of these services",
                contents=one.contents,
                near_a=one.near_at[0],
                near_b=one.near_at[1],
                median_shift=float(np.median(one.usual)),
                disagree_at=one.from_shift(in_use.thresholds.share),
            )
        )
    return tuple(sorted(found, key=_key))


def _key(row: VectorThresholdRow) -> tuple[str, str, str, str, int]:
    return row.service_a, row.service_b, row.identity_a, row.identity_b, row.size


def in_words(rows: Sequence[VectorThresholdRow]) -> dict[str, str]:
    """Task and pair of services -> what was found at its sizes, in one line."""
    found = {}
    pairs = dict.fromkeys((row.task, row.service_a, row.service_b) for row in rows)
    for task, first, second in pairs:
        named = f"{task}: {first} and {second}"
        own = [
            row for row in rows if (row.task, row.service_a, row.service_b) == (task, first, second)
        ]
        held = [row for row in own if row.version is not None]
        if not held:
            found[named] = f"nothing in force; {own[-1].reason}"
            continue
        sizes = f"{held[0].size} to {held[-1].size} compared at once"
        found[named] = (
            f"{held[0].version} holds at {len(held)} of {len(own)} sizes ({sizes}), "
            f"{sum(row.promoted for row in own)} promoted now"
        )
    return found


def _valid(
    in_use: ThresholdsInUse | None, pair: Pair, identities: Mapping[str, str], share: float
) -> PairThresholds | None:
    if in_use is None or in_use.thresholds.share != share:
        return None
    known = in_use.thresholds.pairs.get(pair)
    return known if known is not None and known.mismatch(identities) is None else None


def _tried(
    blank: VectorThresholdRow,
    batches: Sequence[Mapping[str, Space]],
    disagree_at: float,
    share: float,
    before: Mapping[int, SizeThreshold],
) -> Iterator[tuple[SizeThreshold | None, VectorThresholdRow]]:
    """Every size that there is enough content for; one row of size 0 where there is for none."""
    pair = (blank.service_a, blank.service_b)
    spaces = [
        (batch[pair[0]], batch[pair[1]])
        for batch in batches
        if pair[0] in batch and pair[1] in batch
    ]
    both = [(tuple(sorted(set(a.contents) & set(b.contents))), a, b) for a, b in spaces]
    most = 0
    for size in SIZES:
        windows = list(_windows(both, size))
        contents = size * len(windows)
        most = max(most, contents)
        if contents >= MIN_VERDICTS:
            yield _one_size(
                replace(blank, size=size), windows, disagree_at, share, before.get(size)
            )
    if most < MIN_VERDICTS:
        words = f"{most} contents were compared, {MIN_VERDICTS} are needed: disagree_at holds"
        yield None, replace(blank, contents=most, reason=words)


def _windows(
    both: Sequence[tuple[tuple[str, ...], Space, Space]], size: int
) -> Iterator[tuple[tuple[str, ...], Float32Array, Float32Array]]:
    """Contents of one batch each, ``size`` at a time, in the order of their hashes."""
    for contents, first, second in both:
        for start in range(0, len(contents) - size + 1, size):
            part = contents[start : start + size]
            yield part, first.of(part), second.of(part)


def _one_size(
    row: VectorThresholdRow,
    windows: Sequence[tuple[tuple[str, ...], Float32Array, Float32Array]],
    disagree_at: float,
    share: float,
    before: SizeThreshold | None,
) -> tuple[SizeThreshold | None, VectorThresholdRow]:
    near_at = _near_at([first for _, first, _ in windows]), _near_at([b for _, _, b in windows])
    as_is = _joined([_compare(contents, a, b, None) for contents, a, b in windows])
    shuffled = _joined(
        [_compare(contents, a, b, seed) for seed, (contents, a, b) in enumerate(windows)]
    )
    there, there_null = (
        one.split(has_near_neighbour(*one.tops, near_at)) for one in (as_is, shuffled)
    )
    learnt, learnt_null = (one.split(~one.held_out) for one in (there, there_null))
    tried, tried_null = (one.split(one.held_out) for one in (there, there_null))
    row = replace(
        row,
        contents=len(as_is.shift),
        held_out=len(tried.shift),
        near_a=near_at[0],
        near_b=near_at[1],
        alone=1.0 - len(there.shift) / len(as_is.shift),
    )
    fewest = min(len(one.shift) for one in (learnt, learnt_null))
    if fewest < _FEWEST or not len(tried.shift) or not len(tried_null.shift):
        words = f"only {fewest} contents to learn from lie near to another: disagree_at holds"
        return None, replace(row, reason=words)
    made = SizeThreshold(
        row.size,
        near_at,
        quantiles(learnt.shift),
        quantiles(learnt_null.shift),
        len(there.shift),
    )
    reached, found = (_reached(made, share, one) for one in (tried, tried_null))
    flagged, power = float(reached.mean()), float(found.mean())
    lowest, _ = wilson(int(reached.sum()), len(reached))
    usual, unrelated = (_in_use(before, disagree_at, share, one) for one in (tried, tried_null))
    error = flagged + 1.0 - power
    error_before = float(usual.mean() + 1.0 - unrelated.mean())
    passed = lowest <= share and power >= _FOUND_AT_LEAST and error <= error_before
    words = (
        f"{'promoted' if passed else 'not promoted'}: of {len(tried.shift)} held-out contents "
        f"{flagged:.1%} reach it ({share:.0%} may), of shuffled ones {power:.0%}; both errors "
        f"{error:.3f}, {error_before:.3f} for what is in use"
    )
    row = replace(
        row,
        promoted=passed,
        reason=words,
        median_shift=float(np.median(made.usual)),
        disagree_at=made.from_shift(share),
        flagged=flagged,
        found=power,
        error=error,
        error_before=error_before,
    )
    return (made if passed else None), row


def _near_at(windows: Sequence[Float32Array]) -> float:
    """The cosine that 99 of 100 pairs of contents stay below, over the first 4,000,000 pairs."""
    found: list[Floats] = []
    pairs = 0
    for vectors in windows:
        if pairs >= _PAIRS_MOST:
            break
        similar = similarities(vectors)
        upper = similar[np.triu_indices(len(similar), 1)].astype(np.float64)
        found.append(upper)
        pairs += len(upper)
    return float(np.quantile(np.concatenate(found), UNRELATED))


def _compare(
    contents: tuple[str, ...], first: Float32Array, second: Float32Array, shuffle: int | None
) -> _Compared:
    """One window; ``shuffle`` seeds the order in which the second service's contents are dealt."""
    if shuffle is not None:
        second = second[np.random.default_rng(shuffle).permutation(len(second))]
    a, b = similarities(first), similarities(second)
    near_a, near_b = nearest(a), nearest(b)
    return _Compared(
        shift(near_a, a, near_b, b),
        overlap_distance(near_a, near_b),
        (a.max(axis=1).astype(np.float64), b.max(axis=1).astype(np.float64)),
        np.array([is_held_out(content) for content in contents]),
    )


def _joined(parts: Sequence[_Compared]) -> _Compared:
    return _Compared(
        np.concatenate([one.shift for one in parts]),
        np.concatenate([one.overlap for one in parts]),
        (
            np.concatenate([one.tops[0] for one in parts]),
            np.concatenate([one.tops[1] for one in parts]),
        ),
        np.concatenate([one.held_out for one in parts]),
    )


def _reached(threshold: SizeThreshold, share: float, contents: _Compared) -> Bools:
    there = has_near_neighbour(*contents.tops, threshold.near_at)
    found: Bools = there & (contents.shift > 0.0) & (contents.shift >= threshold.from_shift(share))
    return found


def _in_use(
    before: SizeThreshold | None, disagree_at: float, share: float, contents: _Compared
) -> Bools:
    """What is said to disagree now: by the threshold in use, else from ``disagree_at`` on."""
    if before is not None:
        return _reached(before, share, contents)
    found: Bools = (contents.overlap > 0.0) & (contents.overlap >= disagree_at)
    return found


def _blank(task: str, pair: Pair, identities: Pair) -> VectorThresholdRow:
    return VectorThresholdRow(
        task=task,
        service_a=pair[0],
        service_b=pair[1],
        size=0,
        identity_a=identities[0],
        identity_b=identities[1],
        version=None,
        promoted=False,
        reason="",
        contents=0,
        held_out=0,
        near_a=None,
        near_b=None,
        alone=None,
        median_shift=None,
        disagree_at=None,
        flagged=None,
        found=None,
        error=None,
        error_before=None,
    )
