"""Profiles of a fifth of an item against those of all of it, for several ways to choose the fifth.

``python -m benchmarks sampling [FOLDER] [--share S] [--limit N] [--json FILE]``: takes the text
files of FOLDER (default: the standard library) of 30,000 to 400,000 characters, profiles each
whole, without a clock, and again from a share of its characters: its lead, random sections,
sections at equal distances, those of most TF-IDF weight, and those that the profiler takes. What
grammars find is left out, as they read the lead in any case. Prints the mean error of every
feature in standard deviations of that feature over the corpus (counts by their logarithm), and how
many decisions change: the options that the packaged policy chooses, and on which side of the
corpus's median each score falls.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks._corpora import CorpusText, standard_library, texts_of
from benchmarks._output import table, write_json
from orchestration_assets.policy.load import load_policy
from orchestration_assets.profiling import sampling
from orchestration_assets.profiling.profiler import (
    Profile,
    ReadLimits,
    Sampler,
    load_everything,
    profile,
)
from orchestration_assets.schemas.comparisons import on_features
from orchestration_assets.schemas.enums import FeatureFamily
from orchestration_assets.schemas.features import FEATURES
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.selection.conditions import holds
from orchestration_assets.text import prose

_SMALLEST, _LARGEST = 30_000, 400_000
_SEED: Final = 5
_WITHOUT_END: Final = 1 << 40
# Differences below so much of a feature's range over the corpus are none.
_LEAST_SPREAD: Final = 0.02
_MEASURED: Final = tuple(
    feature
    for feature in FEATURES
    if feature.type in (int, float)
    and (feature.family is not FeatureFamily.BASIC or feature.name in ("word_count", "line_count"))
    and feature.family is not FeatureFamily.CODE
    and feature.name not in ("secret_count", "entry_count", "depth_max")
)


def _random(_text: str, spans: Sequence[sampling.Span], _chars: int) -> list[int]:
    return random.Random(_SEED).sample(range(len(spans)), len(spans))


def _even(text: str, spans: Sequence[sampling.Span], chars: int) -> list[int]:
    wanted = max(int(chars * len(spans) / len(text)), 1)
    spread = [(2 * number + 1) * len(spans) // (2 * wanted) for number in range(wanted)]
    return list(dict.fromkeys([*spread, *range(len(spans))]))


def _heaviest(text: str, spans: Sequence[sampling.Span], _chars: int) -> list[int]:
    weights = sampling.weights(text, spans)
    return [int(number) for number in np.argsort(-weights, kind="stable")]


SAMPLERS: Final[Mapping[str, Sampler]] = {
    "lead": sampling.sample_start,
    "random": sampling.sampler_by(_random),
    "even": sampling.sampler_by(_even),
    "most TF-IDF": sampling.sampler_by(_heaviest),
    "profiler's": sampling.sample,
}


def main(arguments: Sequence[str]) -> int:
    """``[FOLDER] [--share S] [--limit N] [--json FILE]``; 2 without files of that size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks sampling")
    parser.add_argument("folder", nargs="?", type=Path, default=standard_library())
    parser.add_argument("--share", type=float, default=0.2, help="of the characters, 0 to 1")
    parser.add_argument("--limit", type=int, default=200, help="at most so many files")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    items = [text for text in texts_of(given.folder) if _SMALLEST <= len(text.text) <= _LARGEST]
    if not items:
        print(f"{given.folder}: no text files of that size", file=sys.stderr)
        return 2
    figures = measure(items[: given.limit], given.share)
    print(_show(figures, f"{len(items[: given.limit])} files of {given.folder}"))
    write_json(given.json, figures)
    return 0


def measure(items: Sequence[CorpusText], share: float) -> dict[str, Any]:
    """Errors and changed decisions of every sampler."""
    load_everything()
    policy = load_policy().policy
    with _prose_without_end():
        whole = [_profiled(item, 1, sampling.sample_start) for item in items]
        expected = _matrix(whole)
        spread = np.nanstd(expected, axis=0) + _LEAST_SPREAD
        scores = [n for n, f in enumerate(_MEASURED) if f.family is FeatureFamily.SCORE]
        median = np.nanmedian(expected[:, scores], axis=0)
        options = [_options(policy, found) for found in whole]
        figures: dict[str, Any] = {"items": len(items), "share": share, "samplers": {}}
        for name, sampler in SAMPLERS.items():
            began = time.thread_time()
            found = [_profiled(item, share, sampler) for item in items]
            took = time.thread_time() - began
            values = _matrix(found)
            errors = np.nanmean(np.abs(values - expected) / spread, axis=0)
            crossed = (values[:, scores] > median) != (expected[:, scores] > median)
            changed = [
                _options(policy, one) != old for one, old in zip(found, options, strict=True)
            ]
            figures["samplers"][name] = {
                "mean_error": float(np.nanmean(errors)),
                "median_error": float(np.nanmedian(errors)),
                "score_error": float(np.mean(errors[scores])),
                "scores_crossing_median": float(crossed.mean()),
                "items_with_another_option": float(np.mean(changed)),
                "coverage": float(np.mean([one.coverage for one in found])),
                "ms_an_item": 1000 * took / len(items),
                "errors": {f.name: float(e) for f, e in zip(_MEASURED, errors, strict=True)},
            }
    return figures


@contextmanager
def _prose_without_end() -> Iterator[None]:
    """The prose of all of an item, which is otherwise that of its first 16,384 characters."""
    cap = prose.PROSE_CHARS
    prose.prose_of.cache_clear()
    prose.PROSE_CHARS = _WITHOUT_END  # type: ignore[misc]
    try:
        yield
    finally:
        prose.PROSE_CHARS = cap  # type: ignore[misc]
        prose.prose_of.cache_clear()


def _profiled(item: CorpusText, share: float, sampler: Sampler) -> Profile:
    chars = _WITHOUT_END if share == 1 else int(share * len(item.text))
    # As much code for all: so scores differ by what the samplers chose alone.
    reading = ReadLimits(chars, sampler)
    return profile(
        item.path, item.text, size_bytes=item.size_bytes, clock=_standing, limits=reading
    )


def _standing() -> float:
    return 0.0


def _matrix(profiles: Sequence[Profile]) -> NDArray[np.float64]:
    rows = [[_number(found.features[feature.name]) for feature in _MEASURED] for found in profiles]
    values = np.array(rows)
    counts = [feature.type is int for feature in _MEASURED]
    values[:, counts] = np.log1p(values[:, counts])
    return values


def _number(value: object) -> float:
    return float("nan") if value is None else float(str(value))


def _options(policy: Policy, found: Profile) -> list[str | None]:
    """What the policy chooses for each task; None where the task does not apply."""
    return [
        next((rule.name for rule in task.rules if holds(rule.when, found.features)), "default")
        if holds(on_features(task.applies_to), found.features)
        else None
        for task in policy.tasks.values()
    ]


def _show(figures: dict[str, Any], corpus: str) -> str:
    samplers: dict[str, dict[str, Any]] = figures["samplers"]
    keys = [key for key in next(iter(samplers.values())) if key != "errors"]
    errors = [
        (feature.name, *(one["errors"][feature.name] for one in samplers.values()))
        for feature in _MEASURED
    ]
    return "\n".join(
        [
            table(
                f"A share of {figures['share']:.0%} against the whole: {corpus}",
                ("figure", *samplers),
                [(key, *(one[key] for one in samplers.values())) for key in keys],
            ),
            table(
                "Mean error, in standard deviations over the corpus",
                ("feature", *samplers),
                errors,
            ),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
