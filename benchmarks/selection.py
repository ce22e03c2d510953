"""Cost and accuracy of choosing services per item, on recorded services, beside its peers.

Reads every folder in FrugalML's layout at or below DIR (or ORCHESTRATION_EVAL_DATA). Each seed
parts a set into halves: policies are fitted on one, all figures are of the other. Peers: the best
single service (picked on the training labels), the majority, a cascade on plain confidence, and
FrugalML's policy class at its exact optimum. "Match" is the mean price at which a policy's curve
first reaches the accuracy of the best single service, in % of that service's price; "at price" is
its accuracy at that price; the operating point is chosen on the training half alone.
"""

import sys
import time
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks._output import table, write_json
from benchmarks._selection_arguments import parse_set_arguments, set_arguments
from orchestration_assets.evidence.recorded_answer_files import (
    RecordedAnswersError,
    find_frugalml_folders,
    load_frugalml,
)
from orchestration_assets.evidence.recorded_answers import RecordedAnswers, random_halves
from orchestration_assets.selection.backward_induction import PolicySimulator
from orchestration_assets.selection.baselines import fit_cascade
from orchestration_assets.selection.frugal import fit_frugal
from orchestration_assets.selection.learner import Selector, fit_selector, single_service
from orchestration_assets.selection.policy_outcomes import (
    best_single,
    curve,
    exchange_rates,
    majority_vote,
)

PEER_RATES = 200
BARS = {"YELP": 62.0, "SHOP": 52.0, "RAFDB": 35.0, "EXPW": 55.0, "COMMAND": 31.0}
ALONE = ("best_single", "majority", "oracle")
POLICIES = ("cascade", "frugalml", "ours")


def main(arguments: Sequence[str]) -> int:
    """``DIR [--labels N] [--seeds K] [--sets NAME,...] [--json FILE]``"""
    parser = set_arguments("selection", __doc__)
    given = parse_set_arguments(parser, arguments)
    try:
        folders = find_frugalml_folders(given.dir)
    except RecordedAnswersError as error:
        parser.error(str(error))
    figures: dict[str, Any] = {}
    for folder in folders:
        if given.sets is None or folder.name in given.sets:
            recorded = load_frugalml(folder)
            runs = [measure(recorded, seed, given.labels) for seed in given.seeds]
            figures[recorded.name] = averaged(runs) | {"seeds": runs}
            print(f"{recorded.name}: done", file=sys.stderr, flush=True)
    _show(figures)
    write_json(given.json, figures)
    return 0


def parted(
    recorded: RecordedAnswers, seed: int, labels: int | None
) -> tuple[RecordedAnswers, RecordedAnswers]:
    """The training half, cut to so many labels, and the test half."""
    inside, outside = random_halves(recorded.n_items, seed)
    if labels is not None:
        inside = np.sort(np.random.default_rng(seed + 1_000).permutation(inside)[:labels])
    return recorded.take(inside), recorded.take(outside)


def measure(recorded: RecordedAnswers, seed: int, labels: int | None) -> dict[str, Any]:
    """All figures of one set and seed; accuracies and prices as shares."""
    train, test = parted(recorded, seed, labels)
    single = best_single(train)
    target, price = float(test.scores[:, single].mean()), float(train.prices[single])
    began, cpu = time.perf_counter(), time.process_time()
    selector = fit_selector(train, seed=seed)
    fit_s, fit_cpu_s = time.perf_counter() - began, time.process_time() - cpu
    outcomes = selector.run(test)
    rates = exchange_rates(train.prices, PEER_RATES)
    curves = {
        "cascade": curve([one.run(test) for one in fit_cascade(train, rates)]),
        "frugalml": curve([one.run(test) for one in fit_frugal(train, rates)]),
        "ours": curve(outcomes),
    }
    chosen = outcomes[selector.cheapest_rate(float(train.scores[:, single].mean()))]
    found: dict[str, Any] = {
        "seed": seed,
        "labels": train.n_items,
        "best_single": target,
        "best_single_name": train.services[single],
        "best_single_price": price,
        "majority": float((majority_vote(test) == test.gold).mean()),
        "oracle": float(test.scores.max(axis=1).mean()),
        "chosen_price": chosen.price / price,
        "chosen_accuracy": chosen.accuracy,
        "families": {name: selector.families.count(name) for name in set(selector.families)},
        "fit_s": fit_s,
        "fit_cpu_s": fit_cpu_s,
        "decide_us": _decide_us(selector, test),
        "words": selector.description,
    }
    for name, one in curves.items():
        match = one.cost_to_match(target)
        found[name] = {
            "match": None if match is None else match / price,
            "at_price": one.accuracy_at(price),
            "best": float(one.accuracies.max()),
        }
    found["single_at_price"] = single_service(test, single).accuracy
    return found


def _decide_us(selector: Selector, test: RecordedAnswers) -> float:
    """CPU microseconds an item and step: evidence after every subset, and one choice from it."""
    if selector.belief is None or selector.step_policy is None:
        return 0.0
    cpu = time.process_time()
    simulator = PolicySimulator(selector.belief, selector.step_policy, test)
    evidence = (time.process_time() - cpu) / len(selector.belief.stacks)
    cpu = time.process_time()
    simulator.run(len(selector.exchange_rates) // 2)
    choosing = (time.process_time() - cpu) / len(selector.belief.stacks)
    return (evidence + choosing) / test.n_items * 1e6


def averaged(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over seeds; a match is None when any seed has none."""
    numbers = [name for name, value in runs[0].items() if isinstance(value, float)]
    found: dict[str, Any] = {name: fmean(run[name] for run in runs) for name in numbers}
    for policy in POLICIES:
        matches = [run[policy]["match"] for run in runs]
        found[policy] = {
            "match": None if None in matches else fmean(matches),
            "at_price": fmean(run[policy]["at_price"] for run in runs),
            "best": fmean(run[policy]["best"] for run in runs),
        }
    return found


def _show(figures: dict[str, Any]) -> None:
    header = ["set", "best single", "majority", "oracle"]
    for policy in POLICIES:
        header += [f"{policy} match %", "at price", "best"]
    header += ["bar %", "chosen %", "accuracy", "fit CPU s", "us/step"]
    rows = []
    for name, one in figures.items():
        row: list[Any] = [name, *(_percent(one[key]) for key in ALONE)]
        for policy in POLICIES:
            row += [_percent(one[policy][key]) for key in ("match", "at_price", "best")]
        bar = BARS.get(name)
        row += ["" if bar is None else f"{bar:g}"]
        row += [_percent(one["chosen_price"]), _percent(one["chosen_accuracy"])]
        row += [one["fit_cpu_s"], one["decide_us"]]
        rows.append(row)
    print(table("Choosing services per item, on the half that nothing was fitted to", header, rows))


def _percent(share: float | None) -> str:
    return "never" if share is None else f"{100 * share:.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
