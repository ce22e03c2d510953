"""Cost and score of choosing services by what an item says, on recorded outcomes with texts.

Reads every ``data.parquet`` below DIR (or ORCHESTRATION_EVAL_DATA). Each seed parts a set into
halves, near-copies on one side (``--split group``: whole tasks on one side); everything is fitted
on one, all figures are of the other. "Match" is the mean price at which a policy's curve first
reaches the score of the best single service (picked on the training half), in % of that service's
price; "at price" is its score at that price. "Same choice" is the share of items that get the same
service when they are written in another way: case, white space, punctuation, encoding, synonyms.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks._content_peers import TextPeers, fit_agreement, of_task
from benchmarks._output import table, write_json
from benchmarks._recorded_texts import (
    RecordedTexts,
    find_recorded_texts,
    item_inputs,
    load_recorded_texts,
)
from benchmarks._rewordings import REWORDINGS
from benchmarks._selection_arguments import parse_set_arguments, set_arguments
from orchestration_assets.evidence.accepted_answers import answers_tell
from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answer_files import RecordedAnswersError
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, Ints, RecordedAnswers
from orchestration_assets.evidence.success.fitting import fit_success
from orchestration_assets.evidence.success.item_space import fit_item_space
from orchestration_assets.evidence.success.predictor import SuccessPredictor
from orchestration_assets.features.near_copies import near_copies
from orchestration_assets.features.sketches import minhash, sketch_matrix
from orchestration_assets.selection.baselines import fit_single
from orchestration_assets.selection.item_prices import (
    ItemPrices,
    fit_item_prices,
    item_tokens,
)
from orchestration_assets.selection.learner import Selector, fit_selector
from orchestration_assets.selection.policy_outcomes import (
    Curve,
    best_single,
    curve,
    exchange_rates,
    outcome_of_service,
)

RATES = 60
STEP_RATES = 24
_NEAR_COPY = 0.8
_REWORDED_ITEMS = 400


@dataclass(frozen=True)
class Half:
    """One side of a set: outcomes, and what is known of its items before any call."""

    recorded: RecordedAnswers
    inputs: ItemInputs
    texts: tuple[str, ...]
    tasks: tuple[str, ...]


def main(arguments: Sequence[str]) -> int:
    """``DIR [--labels N] [--split random|group] [--seeds K] [--sets NAME,...] [--json FILE]``"""
    parser = set_arguments("selection_content", __doc__)
    parser.add_argument("--split", choices=("random", "group"), default="random")
    parser.add_argument("--no-peers", action="store_true", help="leave out the peers on texts")
    given = parse_set_arguments(parser, arguments)
    figures: dict[str, Any] = {}
    try:
        paths = find_recorded_texts(given.dir)
        for path in paths:
            if given.sets is None or path.parent.name in given.sets:
                figures |= _set_figures(path, given, skip=given.sets is None and len(paths) > 1)
    except RecordedAnswersError as error:
        parser.error(str(error))
    _show(figures)
    write_json(given.json, figures)
    return 0


def _set_figures(path: Path, given: argparse.Namespace, skip: bool) -> dict[str, Any]:
    """The figures of one set by its name; of none where it does not fit and is to be skipped."""
    try:
        texts = load_recorded_texts(path)
    except RecordedAnswersError as error:
        if not skip:
            raise
        print(f"left out: {error}", file=sys.stderr, flush=True)
        return {}
    inputs = item_inputs(texts.texts)
    groups = texts.tasks if given.split == "group" else copy_groups(texts.texts)
    runs = []
    for seed in given.seeds:
        train, test = halves(groups, seed)
        if given.labels is not None:
            train = np.sort(np.random.default_rng(seed + 1_000).permutation(train)[: given.labels])
        runs.append(
            measure(
                _half(texts, inputs, train),
                _half(texts, inputs, test),
                seed,
                peers=not given.no_peers,
            )
        )
        print(f"{path.parent.name}, seed {seed}: done", file=sys.stderr, flush=True)
    return {path.parent.name: averaged(runs) | {"seeds": runs}}


def copy_groups(texts: Sequence[str]) -> list[int]:
    """(n,) a number each, the same for texts that are near-copies or alike but for case and
    white space."""
    folded = [" ".join(text.casefold().split()) for text in texts]
    first: dict[str, int] = {}
    groups = [first.setdefault(text, number) for number, text in enumerate(folded)]
    sketches = {number: minhash(folded[number]) for number in sorted(set(groups))}
    sketched = [number for number, sketch in sketches.items() if sketch is not None]
    order = [folded[number] for number in sketched]
    matrix = sketch_matrix([sketches[number] or () for number in sketched])
    copies = near_copies(order, order, matrix, [], sketch_matrix([]), _NEAR_COPY)
    merged = {number: sketched[copy.row] for number, copy in zip(sketched, copies, strict=True)}
    return [merged.get(group, group) for group in groups]


def halves(groups: Sequence[Any], seed: int) -> tuple[Ints, Ints]:
    """Positions of the training and of the test half; each group is on one side."""
    names = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    inside = np.random.default_rng(seed).permutation(len(names)) < max(len(names) // 2, 1)
    taken = inside[np.array([names[group] for group in groups])]
    return np.flatnonzero(taken), np.flatnonzero(~taken)


def _half(texts: RecordedTexts, inputs: ItemInputs, rows: Ints) -> Half:
    return Half(
        texts.recorded.take(rows),
        inputs.take(rows),
        tuple(texts.texts[row] for row in rows),
        tuple(texts.tasks[row] for row in rows),
    )


def measure(train: Half, test: Half, seed: int, peers: bool = True) -> dict[str, Any]:
    """All figures of one set and seed."""
    single = best_single(train.recorded)
    target = float(test.recorded.scores[:, single].mean())
    price = float(train.recorded.prices[single])
    scores = train.recorded.scores
    began = time.process_time()
    predictor, unseen = fit_success(
        train.inputs, scores, train.recorded.weights, train.recorded.services, seed
    )
    fitted = time.process_time()
    expected = predictor.expected_scores(test.inputs)
    predicted = time.process_time()
    costs = _item_prices(train)(item_tokens(test.inputs))
    curves = {"content": _curve(train, test, expected, costs)}
    lines = _item_prices(train)
    # where answers tell nothing there is one step, and rates cost little
    rates = STEP_RATES if answers_tell(train.recorded) else RATES
    selector = fit_selector(
        train.recorded, lines(item_tokens(train.inputs)), rates, seed, expected=unseen
    )
    stepped = time.process_time()
    curves["content and answers"] = curve(selector.run(test.recorded, expected, costs))
    curves |= _simple_curves(train, test)
    if peers:
        curves |= _text_peers(train, test, seed)
    rate = _matching_rate(train, unseen, single)
    figures: dict[str, Any] = {
        "seed": seed,
        "outcomes": len(scores),
        "best_single": target,
        "best_single_name": train.recorded.services[single],
        "oracle": float(test.recorded.scores.max(axis=1).mean()),
        "brier": float(((expected - test.recorded.scores) ** 2).mean()),
        "brier_overall": float(((scores.mean(axis=0) - test.recorded.scores) ** 2).mean()),
        "unfamiliar": float((predictor.familiarity(test.inputs) < 0.01).mean()),
        "fit_cpu_s": fitted - began,
        "steps_fit_cpu_s": stepped - predicted,
        "step_us": _step_us(selector, test.recorded, expected),
        "predict_us": (predicted - fitted) / len(expected) * 1e6,
        "same_choice": same_choices(predictor, train, test, rate),
        "policies": {name: _figures_of(found, target, price) for name, found in curves.items()},
    }
    return figures


def _step_us(selector: Selector, recorded: RecordedAnswers, expected: Floats) -> float:
    """CPU microseconds an item and step of deciding in a batch, over the first two steps."""
    if selector.content is None:
        return 0.0
    began, rate = time.process_time(), len(selector.exchange_rates) // 2
    asked = np.zeros(expected.shape, dtype=np.bool_)
    for _ in range(2):
        asked |= selector.content.next_steps(rate, expected, recorded, asked).ask
    return (time.process_time() - began) / (2 * len(expected)) * 1e6


def _item_prices(train: Half) -> ItemPrices:
    """USD of a call on each item, as the training half's calls cost by estimated tokens."""
    recorded = train.recorded
    return fit_item_prices(recorded.costs, item_tokens(train.inputs), recorded.weights)


def _curve(train: Half, test: Half, expected: Floats, costs: Floats | None = None) -> Curve:
    """The best of expected score less rate * price, over all exchange rates."""
    prices = train.recorded.prices if costs is None else costs
    outcomes = []
    for rate in (0.0, *exchange_rates(train.recorded.prices, RATES)):
        chosen = np.argmax(expected - rate * prices, axis=1)
        asked = chosen[:, None] == np.arange(expected.shape[1])
        outcomes.append(outcome_of_service(test.recorded, asked, chosen))
    return curve(outcomes)


def _simple_curves(train: Half, test: Half) -> dict[str, Curve]:
    rates = exchange_rates(train.recorded.prices, RATES)
    known = of_task(train.tasks, train.recorded.scores, test.tasks)
    curves = {
        "random mix": curve(
            [policy.run(test.recorded) for policy in fit_single(train.recorded, rates)]
        ),
        "task known": _curve(train, test, known),
    }
    if (train.recorded.answers != MISSING).any() and train.recorded.n_services > 2:
        cascades = fit_agreement(train.recorded, rates)
        curves["agreement"] = curve([policy.run(test.recorded) for policy in cascades])
    return curves


def _text_peers(train: Half, test: Half, seed: int) -> dict[str, Curve]:
    space = fit_item_space(train.inputs, seed)
    peers = TextPeers(train.texts, train.recorded.scores, test.texts)
    trees = peers.trees(space.shape(train.inputs), space.shape(test.inputs), seed)
    return {
        "TF-IDF ridge": _curve(train, test, peers.ridge()),
        "TF-IDF kNN": _curve(train, test, peers.neighbours()),
        "trees": _curve(train, test, trees),
    }


def _figures_of(found: Curve, target: float, price: float) -> dict[str, float | None]:
    match = found.cost_to_match(target)
    return {
        "match": None if match is None else match / price,
        "at_price": found.accuracy_at(price),
        "best": float(found.accuracies.max()),
    }


def _matching_rate(train: Half, unseen: Floats, single: int) -> float:
    """The highest exchange rate whose choices keep the best single service's score on the training
    half, out of fold."""
    scores, prices = train.recorded.scores, train.recorded.prices
    for rate in exchange_rates(prices, RATES)[::-1]:
        chosen = np.argmax(unseen - rate * prices, axis=1)
        if scores[np.arange(len(scores)), chosen].mean() >= scores[:, single].mean():
            return float(rate)
    return 0.0


def same_choices(
    predictor: SuccessPredictor, train: Half, test: Half, rate: float
) -> dict[str, float]:
    """By rewording, the share of items whose service stays, of those whose family stays and whose
    text changes; at one exchange rate."""
    texts = test.texts[:_REWORDED_ITEMS]
    prices = rate * train.recorded.prices
    chosen = np.argmax(predictor.expected_scores(test.inputs.take(slice(len(texts)))) - prices, 1)
    families = test.inputs.profiles["family"].to_pylist()[: len(texts)]
    shares = {}
    for name, reword in REWORDINGS.items():
        reworded = [reword(text) for text in texts]
        inputs = item_inputs(reworded)
        kept = [
            number
            for number, family in enumerate(inputs.profiles["family"].to_pylist())
            if family == families[number] and reworded[number] != texts[number]
        ]
        if kept:
            again = np.argmax(predictor.expected_scores(inputs.take(np.array(kept))) - prices, 1)
            shares[name] = float((again == chosen[kept]).mean())
    return shares


def averaged(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over seeds; a match is None when any seed has none."""
    names = [name for name, value in runs[0].items() if isinstance(value, float)]
    figures: dict[str, Any] = {name: fmean(run[name] for run in runs) for name in names}
    figures["same_choice"] = {
        name: fmean(run["same_choice"][name] for run in runs if name in run["same_choice"])
        for name in runs[0]["same_choice"]
    }
    figures["policies"] = {}
    for policy in runs[0]["policies"]:
        matches = [run["policies"][policy]["match"] for run in runs]
        figures["policies"][policy] = {
            "match": None if None in matches else fmean(matches),
            "at_price": fmean(run["policies"][policy]["at_price"] for run in runs),
            "best": fmean(run["policies"][policy]["best"] for run in runs),
        }
    return figures


def _show(figures: Mapping[str, Any]) -> None:
    rows: list[list[Any]] = []
    for name, found in figures.items():
        rows.append([name, "best single", "100.0", f"{found['best_single']:.3f}", ""])
        for policy, values in found["policies"].items():
            match = "never" if values["match"] is None else f"{100 * values['match']:.1f}"
            rows.append([name, policy, match, f"{values['at_price']:.3f}", f"{values['best']:.3f}"])
        rows.append([name, "oracle", "", "", f"{found['oracle']:.3f}"])
    title = "Choosing one service per item by its content, on the half that nothing was fitted to"
    print(table(title, ["set", "policy", "match %", "at price", "best"], rows))
    rows = [
        [
            name,
            *(found[key] for key in _MODEL_FIGURES),
            min(found["same_choice"].values()),
            fmean(found["same_choice"].values()),
        ]
        for name, found in figures.items()
    ]
    header = ["set", *_MODEL_FIGURES, "same choice, least", "mean"]
    print(table("The predictor of scores", header, rows))


_MODEL_FIGURES = (
    "brier",
    "brier_overall",
    "unfamiliar",
    "fit_cpu_s",
    "predict_us",
    "steps_fit_cpu_s",
    "step_us",
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
