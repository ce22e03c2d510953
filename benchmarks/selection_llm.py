"""Choosing among recorded LLM services, on questions that nothing was fitted to.

FILE is a Parquet table with item, service, prediction, gold, score and cost_usd. LLM services
state no confidence; where one of them dominates, cascades save nothing, and the right choice is
to call it alone. Each seed learns from one half and is measured on the other.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks._output import table, write_json
from benchmarks._selection_arguments import seeds_of
from benchmarks.selection import parted
from orchestration_assets.evidence.belief import MAX_SERVICES
from orchestration_assets.evidence.recorded_answer_files import RecordedAnswersError, load_llm
from orchestration_assets.evidence.recorded_answers import RecordedAnswers
from orchestration_assets.selection.learner import MAX_FEW_LABELS, fit_selector, single_service
from orchestration_assets.selection.policy_outcomes import best_single, majority_vote


def main(arguments: Sequence[str]) -> int:
    """``FILE [--labels N] [--seeds K] [--json FILE]``"""
    parser = argparse.ArgumentParser(prog="python -m benchmarks selection-llm", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--labels", type=int, help="gold labels to learn from (the whole half)")
    parser.add_argument(
        "--seeds", type=seeds_of, default="1,5,10", help="comma-separated, or how many (1,5,10)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    try:
        recorded = load_llm(given.file)
    except RecordedAnswersError as error:
        parser.error(str(error))
    runs = [measure(recorded, seed, given.labels) for seed in given.seeds]
    figures = {
        name: {k: fmean(run[name][k] for run in runs) for k in one}
        for name, one in runs[0].items()
        if name != "words"
    }
    rows = [(name, one["accuracy"], one["usd"], one["calls"]) for name, one in figures.items()]
    title = f"{recorded.name}: {recorded.n_items} questions, mean of {len(runs)} seeds"
    print(table(title, ("policy", "accuracy", "USD an item", "calls an item"), rows))
    print(runs[0]["words"])
    write_json(given.json, figures | {"words": [run["words"] for run in runs]})
    return 0


def measure(recorded: RecordedAnswers, seed: int, labels: int | None) -> dict[str, Any]:
    """Accuracy, mean price and calls of each policy on the half that was not learned from."""
    train, test = parted(recorded, seed, labels)
    selector = fit_selector(train, seed=seed)
    single = best_single(train)
    found: dict[str, Any] = {
        name: _figures(single_service(test, k).accuracy, float(test.prices[k]), 1.0)
        for k, name in enumerate(test.services)
    }
    if test.correct is None:
        votes = float((majority_vote(test) == test.gold).mean())
        found["majority of all"] = _figures(votes, float(test.prices.sum()), test.n_services)
    most, least = (
        selector.cheapest_rate(1.0),
        selector.cheapest_rate(float(train.scores[:, single].mean())),
    )
    outcomes = selector.run(test)
    for name, at in (("ours, most accurate", most), ("ours, as the best single", least)):
        one = outcomes[at]
        found[name] = _figures(one.accuracy, one.price, float(one.asked.sum(axis=1).mean()))
    alone = single_service(test, single)
    found["best single of training"] = _figures(alone.accuracy, alone.price, 1.0)
    found["words"] = selector.description
    if train.n_items > MAX_FEW_LABELS:
        found["words"] += f"; {_follows(selector.families[least], train, single)}"
    return found


def _figures(accuracy: float, usd: float, calls: float) -> dict[str, float]:
    return {"accuracy": accuracy, "usd": usd, "calls": calls}


def _follows(family: str, train: RecordedAnswers, single: int) -> str:
    if family == "single":
        return f"{train.services[single]} is called alone"
    why = "" if train.n_services <= MAX_SERVICES else f" (more than {MAX_SERVICES} services)"
    return f"the {family} family is followed{why}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
