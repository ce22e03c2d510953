"""How well errors of recorded services are foreseen from their disagreement, beside peers.

For every folder in FrugalML's layout below DIR two answers are watched: the majority's, and that
of the service which is best by gold. Each method scores how probably they are wrong; AUROC and
average precision tell the order, Brier and expected calibration error (15 bins of equal mass) the
probabilities. Labels, when given, come from a random half of the items; all figures are of the
other half. A peer's score is brought to probabilities by Platt scaling on the same labels, and is
taken as it is without labels.

Peers run in an environment of their own: make one with --install-peers FOLDER, or name the
interpreter of one with --peers PYTHON. Without either, only those that need no library are shown.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks._output import table, write_json
from orchestration_assets.evidence.calibration import brier_score, fit_platt_scaling, reliability
from orchestration_assets.evidence.few_labels import MIN_LABELS, fit_few_labels
from orchestration_assets.evidence.label_free import LabelFreeModel, fit_label_free, majority_vote
from orchestration_assets.evidence.logistic import sigmoid
from orchestration_assets.evidence.recorded_answer_files import (
    RecordedAnswersError,
    find_frugalml_folders,
    load_frugalml,
)
from orchestration_assets.evidence.recorded_answers import (
    MISSING,
    Bools,
    Floats,
    Ints,
    RecordedAnswers,
)

TARGETS: Final = ("majority", "best single")
PEERS: Final = ("cleanlab", "crowd-kit")
_OURS: Final = "this"
_ENTROPY: Final = "vote entropy"
_LEAST: Final = 1e-3  # a peer that says 0 or 1 is taken not to mean it quite


def main(arguments: Sequence[str]) -> int:
    """``DIR [--gold N] [--stress KIND] [--seed N] [--items N] [--peers PYTHON] [--json FILE]``"""
    parser = argparse.ArgumentParser(prog="python -m benchmarks disagreement", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=_from_environment(), metavar="DIR")
    parser.add_argument(
        "--gold", type=int, default=0, metavar="N", help=f"labels, from {MIN_LABELS}"
    )
    parser.add_argument("--stress", choices=("random", "clone", "broken"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--items", type=int, metavar="N", help="a random sample of each set")
    parser.add_argument("--peers", type=Path, metavar="PYTHON")
    parser.add_argument("--install-peers", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    if given.folder is None:
        parser.error("name a folder of recorded services, or set ORCHESTRATION_EVAL_DATA")
    if given.gold and given.gold < MIN_LABELS:
        parser.error(f"--gold: at least {MIN_LABELS} labels are needed")
    try:
        sets = [load_frugalml(path) for path in find_frugalml_folders(given.folder)]
    except RecordedAnswersError as error:
        print(error, file=sys.stderr)
        return 2
    peers = _installed(given.install_peers) if given.install_peers else given.peers
    figures = {one.name: _measured(one, given, peers) for one in sets}
    _show(figures)
    if peers is None:
        print(f"Without {' and '.join(PEERS)}: see --install-peers and --peers.")
    write_json(given.json, {"sets": figures, "gold": given.gold, "stress": given.stress})
    return 0


def _from_environment() -> Path | None:
    named = os.environ.get("ORCHESTRATION_EVAL_DATA")
    return Path(named) if named else None


def _installed(folder: Path) -> Path:
    """The interpreter of an environment with the peers, made when the folder is not there."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "pandas", *PEERS], check=True)
    return python


def _measured(
    whole: RecordedAnswers, given: argparse.Namespace, peers: Path | None
) -> dict[str, Any]:
    rng = np.random.default_rng(given.seed)
    if given.items is not None and given.items < whole.n_items:
        whole = whole.take(np.sort(rng.permutation(whole.n_items)[: given.items]))
    recorded = stressed(whole, given.stress, rng)
    best = int(recorded.scores.mean(axis=0).argmax())
    every = (recorded.answers, recorded.confidences)
    standing = np.column_stack(
        [majority_vote(*every, recorded.n_labels), recorded.answers[:, best]]
    )
    order = rng.permutation(recorded.n_items)
    labelled = order[: recorded.n_items // 2][: given.gold]
    test = np.sort(order[recorded.n_items // 2 :])
    gold = np.full(recorded.n_items, MISSING)
    gold[labelled] = recorded.gold[labelled]
    began = time.process_time()
    free = fit_label_free(*every, recorded.n_labels)
    ours, consensus = _ours(recorded, free, gold, standing)
    seconds = time.process_time() - began
    methods = {_OURS: ours} | _simple(recorded, standing)
    if peers is not None:
        methods |= _of_peers(peers, recorded, standing)
    right = standing == recorded.gold[:, None]
    return {
        "items": recorded.n_items,
        "services": dict(zip(recorded.services, free.reliability.tolist(), strict=True)),
        "clones": [
            name for name, is_one in zip(recorded.services, free.clones, strict=True) if is_one
        ],
        "cpu_seconds": seconds,
        "accuracy": _accuracies(consensus[test], standing[test], recorded.gold[test]),
        "methods": {
            name: _figures(score, _calibrated(name, score, right, labelled), right, test)
            for name, score in methods.items()
        },
    }


def stressed(
    recorded: RecordedAnswers, kind: str | None, rng: np.random.Generator
) -> RecordedAnswers:
    """One more service: one that guesses, a copy of the worst, or one that always says the same."""
    if kind is None:
        return recorded
    n_items, n_labels = recorded.n_items, recorded.n_labels
    if kind == "random":
        said, sure = rng.integers(0, n_labels, n_items), rng.random(n_items)
    elif kind == "clone":
        worst = int(recorded.scores.mean(axis=0).argmin())
        said, sure = recorded.answers[:, worst], recorded.confidences[:, worst]
    else:
        every = recorded.answers[recorded.answers != MISSING]
        said, sure = np.full(n_items, np.bincount(every).argmax()), np.full(n_items, 0.99)
    return replace(
        recorded,
        services=(*recorded.services, kind),
        answers=np.column_stack([recorded.answers, said]),
        confidences=np.column_stack([recorded.confidences, sure]),
        asked=np.column_stack([recorded.asked, np.ones(n_items, dtype=np.bool_)]),
        costs=np.column_stack([recorded.costs, np.zeros(n_items)]),
        milliseconds=np.column_stack([recorded.milliseconds, np.full(n_items, np.nan)]),
    )


def _ours(
    recorded: RecordedAnswers, free: LabelFreeModel, gold: Ints, standing: Ints
) -> tuple[Floats, Ints]:
    every = (recorded.answers, recorded.confidences)
    columns = range(standing.shape[1])
    if not (gold != MISSING).any():
        odds = [free.error_log_odds(*every, standing[:, target]) for target in columns]
        return sigmoid(-np.stack(odds, axis=1)), free.log_posterior(*every).argmax(axis=1)
    right = []
    for target in columns:
        few = fit_few_labels(*every, gold, free, standing[:, target])
        right.append(1.0 - few.error_probability(*every, standing[:, target]))
    return np.stack(right, axis=1), few.predict(*every)


def _simple(recorded: RecordedAnswers, standing: Ints) -> dict[str, Floats]:
    votes = np.zeros((recorded.n_items, recorded.n_labels))
    for k in range(recorded.n_services):
        given = np.flatnonzero(recorded.answers[:, k] != MISSING)
        votes[given, recorded.answers[given, k]] += 1.0
    shares = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1.0)
    entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=1)
    settled = 1.0 - entropy / np.log(max(recorded.n_services, 2))
    share = np.take_along_axis(shares, np.maximum(standing, 0), axis=1)
    return {
        _ENTROPY: np.repeat(settled[:, None], standing.shape[1], axis=1),
        "majority share": share,
    }


def _of_peers(python: Path, recorded: RecordedAnswers, standing: Ints) -> dict[str, Floats]:
    script = Path(__file__).with_name("_disagreement_peers.py")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(
            source,
            answers=recorded.answers,
            confidences=recorded.confidences,
            n_labels=recorded.n_labels,
            standing=standing,
        )
        subprocess.run([python, script, source, target], check=True)
        with np.load(target) as found:
            return {name: found[name] for name in found.files}


def _calibrated(name: str, right: Floats, truly: Bools, labelled: Ints) -> Floats:
    if name == _OURS or not len(labelled):
        return np.clip(right, 0.0, 1.0)
    columns = []
    for target in range(right.shape[1]):
        score = np.clip(right[:, target], _LEAST, 1.0 - _LEAST)
        columns.append(fit_platt_scaling(score[labelled], truly[labelled, target])(score))
    return np.stack(columns, axis=1)


def _figures(score: Floats, right: Floats, truly: Bools, test: Ints) -> dict[str, dict[str, float]]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    found = {}
    for target, name in enumerate(TARGETS):
        ordered, sure, is_right = score[test, target], right[test, target], truly[test, target]
        found[name] = {
            "auroc": float(roc_auc_score(~is_right, -ordered)),
            "ap": float(average_precision_score(~is_right, -ordered)),
            "brier": brier_score(sure, is_right),
            "ece": reliability(sure, is_right).expected_calibration_error,
        }
    return found


def _accuracies(consensus: Ints, standing: Ints, gold: Ints) -> dict[str, Any]:
    """Accuracies, and the 95 % bound of the paired difference of consensus and best single."""
    ours, best = consensus == gold, standing[:, 1] == gold
    gap = ours.astype(float) - best
    error = 1.96 * float(gap.std()) / len(gap) ** 0.5
    return {
        "consensus": float(ours.mean()),
        "majority": float((standing[:, 0] == gold).mean()),
        "best single": float(best.mean()),
        "loses": bool(gap.mean() + error < 0.0),
    }


def _show(figures: Mapping[str, Mapping[str, Any]]) -> None:
    names = list(next(iter(figures.values()))["methods"])
    for target in TARGETS:
        rows = []
        for name in names:
            every = [one["methods"][name][target] for one in figures.values()]
            means = [sum(one[key] for one in every) / len(every) for key in _KEYS]
            rows.append((name, *(one["auroc"] for one in every), *means))
        header = ("method", *(f"{one} AUROC" for one in figures), *(f"mean {key}" for key in _KEYS))
        print(table(f"The answer of the {target} is wrong", header, rows))
    header = ("set", "items", "consensus", "best single", "majority", "loses", "CPU s", "clones")
    accuracy = [
        (
            name,
            one["items"],
            *(one["accuracy"][key] for key in ("consensus", "best single", "majority")),
            "yes" if one["accuracy"]["loses"] else "no",
            one["cpu_seconds"],
            ", ".join(one["clones"]) or "none",
        )
        for name, one in figures.items()
    ]
    print(table("Accuracy; loses: below the best single beyond the 95 % bound", header, accuracy))


_KEYS: Final = ("auroc", "ap", "brier", "ece")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
