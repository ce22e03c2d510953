"""Regions of content in which another service is best, found on one half and tried on the other.

Reads every set at or below DIR (or ORCHESTRATION_EVAL_DATA): ``<set>/data.parquet`` with one row an
item and service. Of the training half, or of so many labels of it, one part finds the regions and
the other measures them, as the assets do; all figures are of the test half, which neither has seen:
"region" is the mean score of asking in each region the service named for it, "single" that of the
service named for all content; "best there" is in how many regions the service named has the highest
score, or one within two points of it. "By chance" is how often anything was found with the items'
scores shuffled among them, which 5 % may be.
"""

import sys
import time
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks._output import table, write_json
from benchmarks._recorded_texts import find_recorded_texts, item_inputs, load_recorded_texts
from benchmarks._selection_arguments import parse_set_arguments, set_arguments
from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answer_files import RecordedAnswersError
from orchestration_assets.evidence.recorded_answers import RecordedAnswers, random_halves
from orchestration_assets.selection.region_names import region_sentence, summary
from orchestration_assets.selection.region_rows import regions_of
from orchestration_assets.selection.regions import AS_GOOD, ContentRegions

SHUFFLES = 40


def main(arguments: Sequence[str]) -> int:
    """``DIR [--labels N] [--items N] [--seeds K] [--sets NAME,...] [--json FILE]``"""
    parser = set_arguments("selection_regions", __doc__)
    parser.add_argument("--items", type=int, help="items of each set to use, the first ones (all)")
    given = parse_set_arguments(parser, arguments)
    figures: dict[str, Any] = {}
    try:
        for path in find_recorded_texts(given.dir):
            if given.sets is None or path.parent.name in given.sets:
                try:
                    texts = load_recorded_texts(path)
                except RecordedAnswersError as error:
                    print(f"left out: {str(error).splitlines()[0]}", file=sys.stderr)
                    continue
                recorded = texts.recorded.take(slice(0, given.items))
                inputs = item_inputs(texts.texts[: given.items])
                runs = [measure(recorded, inputs, seed, given.labels) for seed in given.seeds]
                figures[recorded.name] = {"seeds": [run for run in runs if run]}
                print(f"{recorded.name}: done", file=sys.stderr, flush=True)
    except RecordedAnswersError as error:
        parser.error(str(error))
    _show(figures)
    write_json(given.json, figures)
    return 0


def measure(
    recorded: RecordedAnswers, inputs: ItemInputs, seed: int, labels: int | None
) -> dict[str, Any]:
    """All figures of one set and seed; empty where there are too few items."""
    inside, outside = random_halves(recorded.n_items, seed)
    if labels is not None:
        inside = np.sort(np.random.default_rng(seed + 1_000).permutation(inside)[:labels])
    train, known = recorded.take(inside), inputs.take(inside)
    began = time.process_time()
    found = regions_of(train, known, seed=seed)
    seconds = time.process_time() - began
    if found is None:
        return {}
    test, unseen = recorded.take(outside), inputs.take(outside)
    return {
        "seed": seed,
        "labels": train.n_items,
        "seconds": seconds,
        **_tried(found, test, unseen),
        "by_chance": _found_by_chance(train, known, seed),
        "summary": summary(found),
        "sentences": [region_sentence(found, region) for region in found.regions],
    }


def _tried(found: ContentRegions, test: RecordedAnswers, unseen: ItemInputs) -> dict[str, Any]:
    places = found.places(unseen.profiles)
    named = np.array([region.service for region in found.regions])[places]
    rows = np.arange(test.n_items)
    single = found.overall.service
    best = 0
    for place, region in enumerate(found.regions):
        means = test.scores[places == place].mean(axis=0) if (places == place).any() else None
        best += means is not None and bool(means[region.service] >= means.max() - AS_GOOD)
    return {
        "regions": len(found.regions) if found.differ else 0,
        "best_there": best if found.differ else 0,
        "region": float(test.scores[rows, named].mean()),
        "region_usd": 1_000 * float(test.costs[rows, named].mean()),
        "single": float(test.scores[:, single].mean()),
        "single_usd": 1_000 * float(test.costs[:, single].mean()),
    }


def _found_by_chance(train: RecordedAnswers, known: ItemInputs, seed: int) -> float:
    """How often a split held although the scores belong to other items."""
    held = 0
    for shuffle in range(SHUFFLES):
        order = np.random.default_rng((seed, shuffle)).permutation(train.n_items)
        found = regions_of(train.take(order), known, seed=shuffle)
        held += found is not None and found.held > 0
    return held / SHUFFLES


def _show(figures: dict[str, Any]) -> None:
    head = (
        *("set", "labels", "regions", "best there", "region", "single"),
        *("USD", "single USD", "by chance", "s"),
    )
    keys = (
        *("labels", "regions", "best_there", "region", "single"),
        *("region_usd", "single_usd", "by_chance", "seconds"),
    )
    rows = [
        [name, *(fmean(run[key] for run in figure["seeds"]) for key in keys)]
        for name, figure in figures.items()
        if figure["seeds"]
    ]
    print(table("Regions on unseen items, USD of 1,000 calls", head, rows))
    for name, figure in figures.items():
        for run in figure["seeds"][:1]:
            print(f"\n{name}: {run['summary']}")
            for sentence in run["sentences"]:
                print(f"  {sentence}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
