"""Fits the weights that tell contradictions from other relations of two answers.

``python -m benchmarks fit_contradiction DIR --out FILE``: DIR holds ``pairs.jsonl``, one pair a
line with ``answer_a``, ``answer_b`` and ``label``. The same pairs give the same bytes.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks._output import table
from orchestration_assets.evidence.contradiction.features import FEATURES, evidence
from orchestration_assets.evidence.contradiction.relation import RelationKind, RelationWeights

PAIRS: Final = "pairs.jsonl"
# the inverse strength of the ridge, chosen by cross-validation among 0.03, 0.1, 0.2, 0.3 and 1
_RIDGE: Final = 0.2
_LEAST_SPREAD: Final = 0.2
_DIGITS: Final = 4

Features = NDArray[np.float64]


def read_pairs(folder: Path) -> list[dict[str, Any]]:
    """The labelled pairs of a folder."""
    lines = (folder / PAIRS).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def digest(folder: Path) -> str:
    """The SHA-256 of the labelled pairs."""
    return hashlib.sha256((folder / PAIRS).read_bytes()).hexdigest()


def features_of(pairs: Sequence[dict[str, Any]]) -> Features:
    """(pairs, features) in the order in which the relation of two answers is computed."""
    return np.array([evidence(*sorted((p["answer_a"], p["answer_b"]))).features for p in pairs])


def fit(features: Features, labels: Sequence[str], fitted_on: str = "") -> RelationWeights:
    """Weights by multinomial logistic regression with a ridge over features of equal spread."""
    from sklearn.linear_model import LogisticRegression

    # a feature that few pairs have is shrunk like one that is common
    scale = np.maximum(features.std(axis=0), _LEAST_SPREAD)
    model = LogisticRegression(C=_RIDGE, max_iter=5_000, tol=1e-8).fit(features / scale, labels)
    coefficients = np.round(model.coef_ / scale, _DIGITS)
    return RelationWeights(
        tuple(RelationKind(label) for label in model.classes_),
        tuple(tuple(map(float, row)) for row in coefficients),
        tuple(map(float, np.round(model.intercept_, _DIGITS))),
        fitted_on,
    )


def main(arguments: Sequence[str]) -> int:
    """Fits the weights of a folder and writes the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fit_contradiction")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    pairs = read_pairs(chosen.folder)
    weights = fit(features_of(pairs), [pair["label"] for pair in pairs], digest(chosen.folder))
    held = {
        "features": FEATURES,
        "kinds": weights.kinds,
        "coefficients": weights.coefficients,
        "intercepts": weights.intercepts,
        "fitted_on": weights.fitted_on,
    }
    chosen.out.write_text(json.dumps(held, indent=1) + "\n", "utf-8")
    contradiction = weights.coefficients[weights.kinds.index(RelationKind.CONTRADICTION)]
    order = sorted(zip(FEATURES, contradiction, strict=True), key=lambda row: -abs(row[1]))
    print(table(f"contradiction, {len(pairs)} pairs", ["feature", "weight"], order))
    return 0
