"""Fits the evidence of the service ``grammar``: ``OUT.json FOLDER...``.

Every sub-folder of a FOLDER is one package. The label of a file comes from its name; files
whose name could mean several things are left out. Two stages: a linear model over lexical
features; then, on packages that the model of the fold has not seen, how much lexical and parse
evidence weigh together.
"""

import argparse
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.content_type_accuracy import EXTENSIONS, LabelledFile, labelled_files
from orchestration_assets.services.content_type.grammar_competition import (
    LENGTH_CLASSES,
    length_class,
    merged_label,
    parse_candidates,
)
from orchestration_assets.services.content_type.lexical_evidence import (
    WEIGHT_SCALE,
    LexicalEvidence,
    features_of,
)
from orchestration_assets.services.content_type.parse_evidence import (
    ERROR_CLASSES,
    GRAMMARS,
    error_class,
    error_share,
    parsed_prefix,
)

FEATURES: Final = 4000
# A feature must occur in several packages, or it is a project's own word.
MIN_PACKAGES: Final = 4
MIN_FILES: Final = 15
MIN_LABEL_FILES: Final = 20
PRUNED: Final = 0.4
FOLDS: Final = 5
STRENGTH: Final = 20.0
RIDGE: Final = 1e-4

_MORE_EXTENSIONS: Final = {
    "asm": "s",
    "batch": "bat cmd",
    "cmake": "cmake",
    "csharp": "cs",
    "css": "css",
    "dart": "dart",
    "diff": "diff patch",
    "elixir": "ex exs",
    "erlang": "erl hrl",
    "groovy": "groovy gradle",
    "haskell": "hs",
    "hcl": "tf hcl",
    "html": "html htm",
    "ini": "ini cfg",
    "javascript": "jsx",
    "json": "json",
    "kotlin": "kt kts",
    "latex": "tex sty",
    "lua": "lua",
    "m4": "m4",
    "makefile": "mk",
    "markdown": "md markdown",
    "objectivec": "mm",
    "perl": "pl pm",
    "php": "php",
    "powershell": "ps1 psm1",
    "proto": "proto",
    "python": "pyi",
    "r": "r",
    "rst": "rst",
    "ruby": "gemspec rake",
    "scala": "scala",
    "scss": "scss",
    "shell": "zsh",
    "sql": "sql",
    "swift": "swift",
    "tcl": "tcl",
    "template": "j2 jinja jinja2 twig erb hbs mustache",
    "text": "txt",
    "toml": "toml",
    "xml": "xml xsd xsl svg",
    "yaml": "yaml yml",
}
LABELS: Final = dict(EXTENSIONS) | {
    extension: label
    for label, extensions in _MORE_EXTENSIONS.items()
    for extension in extensions.split()
}
NAMES: Final = {
    "makefile": "makefile",
    "dockerfile": "dockerfile",
    "cmakelists.txt": "cmake",
    "rakefile": "ruby",
    "gemfile": "ruby",
    ".gitignore": "ignore",
    ".npmignore": "ignore",
    "configure.ac": "m4",
    "license": "text",
    "copying": "text",
    "changelog": "text",
    "authors": "text",
}


@dataclass(frozen=True, slots=True)
class LabelledSample:
    """One file for the fit: its label as lexical evidence can tell it, and its features."""

    package: str
    label: str
    text: str
    features: dict[str, int]


def samples_of(files: Iterable[LabelledFile]) -> list[LabelledSample]:
    """Samples of the labels that are frequent enough to learn, without what has plain signs."""
    samples = [
        LabelledSample(file.package, merged_label(file.label), file.text, features_of(file.text))
        for file in files
    ]
    frequent = Counter(sample.label for sample in samples)
    return [sample for sample in samples if frequent[sample.label] >= MIN_LABEL_FILES]


def vocabulary_of(samples: Sequence[LabelledSample]) -> list[str]:
    """The features that say most about the label, and that several packages use."""
    packages: dict[str, set[str]] = defaultdict(set)
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        for feature in sample.features:
            packages[feature].add(sample.package)
            labels[feature][sample.label] += 1
    totals = Counter(sample.label for sample in samples)

    def information(feature: str) -> float:
        count = labels[feature].total()
        return sum(
            n * math.log(n / count * len(samples) / totals[label])
            for label, n in labels[feature].items()
        )

    shared = [
        feature
        for feature, users in packages.items()
        if len(users) >= MIN_PACKAGES and labels[feature].total() >= MIN_FILES
    ]
    return sorted(shared, key=lambda feature: (-information(feature), feature))[:FEATURES]


def matrix_of(samples: Sequence[LabelledSample], vocabulary: Sequence[str]) -> Any:
    """The samples as a sparse matrix, as ``lexical_evidence.weigh`` sees them."""
    from scipy.sparse import csr_matrix

    columns = {feature: column for column, feature in enumerate(vocabulary)}
    rows: list[int] = []
    places: list[int] = []
    values: list[float] = []
    for row, sample in enumerate(samples):
        known = [
            (columns[key], 1.0 + math.log(n))
            for key, n in sample.features.items()
            if key in columns
        ]
        norm = math.sqrt(sum(value * value for _, value in known)) or 1.0
        for column, value in known:
            rows.append(row)
            places.append(column)
            values.append(value / norm)
    return csr_matrix((values, (rows, places)), shape=(len(samples), len(vocabulary)))


def fit_lexical(
    samples: Sequence[LabelledSample], vocabulary: Sequence[str]
) -> tuple[Any, Any, list[str]]:
    """Weights (labels by features, pruned and rounded as they are stored), intercepts, labels."""
    from sklearn.linear_model import LogisticRegression

    labels = np.array([sample.label for sample in samples])
    totals = Counter(labels.tolist())
    # Between "every file counts the same" and "every label counts the same".
    importance = np.array([1.0 / math.sqrt(totals[label]) for label in labels.tolist()])
    model = LogisticRegression(C=STRENGTH, max_iter=400, tol=1e-3)
    model.fit(matrix_of(samples, vocabulary), labels, sample_weight=importance / importance.mean())
    weights = model.coef_ - model.coef_.mean(axis=0)
    weights = np.where(np.abs(weights) < PRUNED, 0.0, np.round(weights * WEIGHT_SCALE))
    return weights / WEIGHT_SCALE, model.intercept_, [str(label) for label in model.classes_]


def unseen_logits(
    samples: Sequence[LabelledSample], vocabulary: Sequence[str], labels: list[str]
) -> Any:
    """Logits for every sample by a model that was fitted without the sample's package."""
    packages = sorted({sample.package for sample in samples})
    fold_of = {package: place % FOLDS for place, package in enumerate(packages)}
    logits = np.full((len(samples), len(labels)), -20.0)
    for fold in range(FOLDS):
        seen = [sample for sample in samples if fold_of[sample.package] != fold]
        rows = [row for row, sample in enumerate(samples) if fold_of[sample.package] == fold]
        weights, intercepts, known = fit_lexical(seen, vocabulary)
        part = matrix_of([samples[row] for row in rows], vocabulary) @ weights.T + intercepts
        logits[np.ix_(rows, [labels.index(label) for label in known])] = part
    return logits


def fit_competition(
    samples: Sequence[LabelledSample], logits: Any, vocabulary: Sequence[str], labels: list[str]
) -> tuple[list[float], dict[str, list[float]]]:
    """What lexical logits are worth by length class, and error classes by label."""
    from scipy.optimize import minimize

    known_features = set(vocabulary)
    lengths = np.zeros(len(samples), dtype=int)
    parses = np.full(logits.shape, -1)
    for row, sample in enumerate(samples):
        evidence = LexicalEvidence(
            dict(zip(labels, logits[row].tolist(), strict=True)),
            len(known_features & sample.features.keys()),
        )
        lengths[row] = length_class(evidence.known)
        content = parsed_prefix(sample.text)
        for label in parse_candidates(evidence):
            parses[row, labels.index(label)] = error_class(error_share(content, label))
    truth = np.array([labels.index(sample.label) for sample in samples])
    competitors = [label for label in labels if label in GRAMMARS]
    columns = [labels.index(label) for label in competitors]
    everyone = np.arange(len(samples))

    def loss(parameters: Any) -> tuple[float, Any]:
        scales = parameters[:LENGTH_CLASSES]
        shifts = np.zeros((len(labels), ERROR_CLASSES + 1))
        shifts[columns, :ERROR_CLASSES] = parameters[LENGTH_CLASSES:].reshape(
            len(columns), ERROR_CLASSES
        )
        scores = scales[lengths][:, None] * logits + shifts[np.arange(len(labels)), parses]
        scores -= scores.max(axis=1, keepdims=True)
        shares = np.exp(scores)
        shares /= shares.sum(axis=1, keepdims=True)
        missed = shares.copy()
        missed[everyone, truth] -= 1.0
        by_length = np.bincount(lengths, (missed * logits).sum(axis=1), LENGTH_CLASSES)
        by_class = np.array(
            [
                [missed[parses[:, column] == error, column].sum() for error in range(ERROR_CLASSES)]
                for column in columns
            ]
        )
        gradient = np.concatenate([by_length, by_class.ravel()]) / len(samples)
        gradient[LENGTH_CLASSES:] += 2 * RIDGE * parameters[LENGTH_CLASSES:]
        chosen = np.maximum(shares[everyone, truth], 1e-12)
        value = -np.log(chosen).mean() + RIDGE * float(
            parameters[LENGTH_CLASSES:] @ parameters[LENGTH_CLASSES:]
        )
        return float(value), gradient

    start = np.concatenate([np.ones(LENGTH_CLASSES), np.zeros(len(columns) * ERROR_CLASSES)])
    best = minimize(loss, start, jac=True, method="L-BFGS-B").x
    shifts = best[LENGTH_CLASSES:].reshape(len(columns), ERROR_CLASSES)
    return (
        [round(float(scale), 3) for scale in best[:LENGTH_CLASSES]],
        {
            label: [round(float(shift), 2) for shift in row]
            for label, row in zip(competitors, shifts, strict=True)
        },
    )


def _as_json(head: Mapping[str, object], weights: Mapping[str, Sequence[int]]) -> str:
    """One JSON object, one line a feature: a refit shows as a readable difference."""

    def compact(value: object) -> str:
        return json.dumps(value, separators=(",", ":"))

    lines = [f"{compact(feature)}:{compact(pairs)}" for feature, pairs in weights.items()]
    return compact(head)[:-1] + ',\n"weights":{\n' + ",\n".join(lines) + "\n}}\n"


def main(argv: list[str]) -> int:
    """Runs the fit with command-line arguments and writes the data file."""
    parser = argparse.ArgumentParser(prog="fit_content_type_evidence", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--per-package", type=int, default=100)
    options = parser.parse_args(argv)
    files = labelled_files(
        options.folders, labels=LABELS, names=NAMES, per_package=options.per_package
    )
    samples = samples_of(files)
    vocabulary = vocabulary_of(samples)
    weights, intercepts, labels = fit_lexical(samples, vocabulary)
    logits = unseen_logits(samples, vocabulary, labels)
    lengths, parse = fit_competition(samples, logits, vocabulary, labels)
    stored = {
        feature: [
            int(part)
            for column in np.flatnonzero(weights[:, place])
            for part in (column, round(weights[column, place] * WEIGHT_SCALE))
        ]
        for place, feature in enumerate(vocabulary)
        if weights[:, place].any()
    }
    head = {
        "files": len(samples),
        "packages": len({sample.package for sample in samples}),
        "labels": labels,
        "intercepts": [round(float(value), 3) for value in intercepts],
        "lengths": lengths,
        "parse": parse,
    }
    options.out.write_text(_as_json(head, stored), encoding="utf-8")
    right = logits.argmax(axis=1) == [labels.index(sample.label) for sample in samples]
    print(f"{len(samples)} files of {head['packages']} packages, {len(labels)} labels")
    print(f"{len(stored)} features; lexical evidence on unseen packages {right.mean():.2%} right")
    print(f"worth by length {lengths}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
