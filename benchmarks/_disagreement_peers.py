"""Peers of the disagreement benchmark, run by an interpreter that has crowd-kit and cleanlab.

``python _disagreement_peers.py IN.npz OUT.npz``: reads answers (n, K), confidences (n, K), the
number of labels and standing answers (n, targets); writes for each peer the score (n, targets)
that each standing answer is right, in [0, 1].
"""

import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[Any]


def main(source: str, target: str) -> None:
    warnings.filterwarnings("ignore")
    given = np.load(source)
    answers, standing = given["answers"], given["standing"]
    n_labels = int(given["n_labels"])
    found: dict[str, Any] = {}
    for name, score in (
        ("crowd-kit Dawid-Skene", dawid_skene),
        ("crowd-kit MACE", mace),
        ("CROWDLAB", crowdlab),
        ("CROWDLAB ensemble", crowdlab_ensemble),
    ):
        found[name] = score(answers, given["confidences"], n_labels, standing)
    np.savez(target, **found)


def _long(answers: Array) -> pd.DataFrame:
    rows, columns = np.nonzero(answers >= 0)
    return pd.DataFrame({"task": rows, "worker": columns, "label": answers[rows, columns]})


def _looked_up(probabilities: pd.DataFrame, standing: Array, n_items: int, n_labels: int) -> Array:
    table = np.zeros((n_items, n_labels))
    columns = np.array(probabilities.columns, dtype=np.int64)
    table[np.ix_(probabilities.index.to_numpy(), columns)] = probabilities.to_numpy()
    return np.take_along_axis(table, np.maximum(standing, 0), axis=1)


def dawid_skene(answers: Array, confidences: Array, n_labels: int, standing: Array) -> Array:
    from crowdkit.aggregation import DawidSkene

    model = DawidSkene(n_iter=50)
    return _looked_up(model.fit_predict_proba(_long(answers)), standing, len(answers), n_labels)


def mace(answers: Array, confidences: Array, n_labels: int, standing: Array) -> Array:
    from crowdkit.aggregation import MACE

    model = MACE(n_restarts=2, n_iter=30, random_state=0)
    return _looked_up(model.fit_predict_proba(_long(answers)), standing, len(answers), n_labels)


def _distributions(answers: Array, confidences: Array, n_labels: int) -> Array:
    """Each service's confidence at its answer, the rest spread evenly."""
    stated = np.where(np.isnan(confidences), 0.7, confidences)
    found = np.full((answers.shape[1], len(answers), n_labels), 1.0 / n_labels)
    for k in range(answers.shape[1]):
        given = np.flatnonzero(answers[:, k] >= 0)
        sure = np.clip(stated[given, k], 1.0 / n_labels, 1.0 - 1e-3)
        found[k, given] = ((1.0 - sure) / max(n_labels - 1, 1))[:, None]
        found[k, given, answers[given, k]] = sure
    return found


def _qualities(report: dict[str, Any], answers: Array, standing: Array) -> Array:
    """cleanlab's quality of each annotator's label, taken from one who gave the standing answer."""
    detailed = np.asarray(report["detailed_label_quality"], dtype=float)
    found = np.zeros(standing.shape)
    for target in range(standing.shape[1]):
        gave = answers == standing[:, [target]]
        who = gave.argmax(axis=1)
        found[:, target] = np.where(gave.any(axis=1), detailed[np.arange(len(answers)), who], 0.0)
    return np.clip(np.nan_to_num(found), 0.0, 1.0)


def _frame(answers: Array) -> pd.DataFrame:
    return pd.DataFrame(np.where(answers >= 0, answers, np.nan)).astype("Int64")


def crowdlab(answers: Array, confidences: Array, n_labels: int, standing: Array) -> Array:
    from cleanlab.multiannotator import get_label_quality_multiannotator

    mean = _distributions(answers, confidences, n_labels).mean(axis=0)
    report = get_label_quality_multiannotator(
        _frame(answers), mean, verbose=False, return_weights=False
    )
    return _qualities(report, answers, standing)


def crowdlab_ensemble(answers: Array, confidences: Array, n_labels: int, standing: Array) -> Array:
    from cleanlab.multiannotator import get_label_quality_multiannotator_ensemble

    every = _distributions(answers, confidences, n_labels)
    report = get_label_quality_multiannotator_ensemble(_frame(answers), every, verbose=False)
    return _qualities(report, answers, standing)


if __name__ == "__main__":
    main(*sys.argv[1:])
