"""Contradictions, figures of speech and titles on cases that another hand wrote.

``python -m benchmarks dispute_pairs DIR [--json FILE]``: DIR holds ``pairs.jsonl`` (``answer_a``,
``answer_b``, ``label``, ``sub``, ``domain``), ``figurative.jsonl`` (``text``, ``label``) and
``titles.jsonl`` (``document``, ``good_titles``, ``bad_titles``, ``sub``). The weights that tell
contradictions apart are fitted anew without the domains that are measured; those of the package
are shown beside them unless they were fitted on these very pairs. A title counts as accepted when
it has at most 15 words, is not cut off, and shares at least half of its words with a good title (or
has at least six in ten of its words from all good ones together), and fewer with every bad one.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks._output import table, write_json
from benchmarks._packaged_plan import PackagedPlans
from benchmarks.fit_contradiction import PAIRS, digest, features_of, fit, read_pairs
from orchestration_assets.disagreement.kinds.entity_conflicts import entity_conflict
from orchestration_assets.disagreement.kinds.figurative import figurative
from orchestration_assets.evidence.contradiction.features import evidence
from orchestration_assets.evidence.contradiction.readings import read_text
from orchestration_assets.evidence.contradiction.relation import (
    RelationKind,
    RelationWeights,
    packaged_weights,
    probabilities,
    relation,
)
from orchestration_assets.evidence.intervals import wilson

FIGURATIVE: Final = "figurative.jsonl"
TITLES: Final = "titles.jsonl"
FOLDS: Final = 8
REPEATS: Final = 5
_THRESHOLD: Final = 0.5
_ALIKE: Final = (RelationKind.PARAPHRASE, RelationKind.PART_WHOLE)
_PLAIN: Final = ("name", "date", "amount", "unit", "negation")
_ENTITIES: Final = ("name", "date", "amount", "unit", "role_swap")
_TITLE: Final = "title"
_ACCEPTED: Final = 0.5
_POOLED: Final = 0.6
_LEAST_POOLED: Final = 3
_MOST_WORDS: Final = 15
# the extension that documents of a kind have where nobody disputes it; the content tells the rest
_NAMES: Final = {
    "readme": "README.md",
    "changelog": "CHANGELOG.md",
    "notebook": "notebook.md",
    "html": "page.html",
    "minutes": "minutes.txt",
    "ticket": "ticket.txt",
    "log": "run.txt",
    "man_page": "page.txt",
    "other": "letter.txt",
}

Row = Mapping[str, Any]
Floats = NDArray[np.float64]


def main(arguments: Sequence[str]) -> int:
    """``DIR [--json FILE]``; 2 when the folder holds no labelled pairs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks dispute_pairs")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    missing = [n for n in (PAIRS, FIGURATIVE, TITLES) if not (given.folder / n).is_file()]
    if missing:
        print(f"{given.folder}: no {', '.join(missing)}", file=sys.stderr)
        return 2
    figures = {
        "pairs": pair_figures(given.folder),
        "figurative": figurative_figures(_rows(given.folder / FIGURATIVE)),
        "titles": title_figures(_rows(given.folder / TITLES)),
    }
    _print(figures)
    write_json(given.json, figures)
    return 0


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


# pairs


def pair_figures(folder: Path) -> dict[str, Any]:
    """AUROC, precision and recall of contradictions, cross-validated and by the package."""
    pairs = read_pairs(folder)
    features = features_of(pairs)
    labels = np.array([pair["label"] for pair in pairs])
    chances = {"cross-validated": cross_validated(features, labels, _groups(pairs))}
    packaged = packaged_weights()
    if packaged.fitted_on != digest(folder):
        chances["packaged weights"] = _contradictions(features, packaged)
    overlaps = np.array([_overlap(p["answer_a"], p["answer_b"]) for p in pairs])
    return {
        "rows": len(pairs),
        "by_weights": {name: _measured(pairs, labels, found) for name, found in chances.items()},
        "baseline_word_overlap": {
            "auroc": _auroc(overlaps, labels, (*_ALIKE,)),
            "auroc_all": _auroc(overlaps, labels, tuple(RelationKind)),
        },
        "entity_conflict": _entities(pairs) if packaged.fitted_on != digest(folder) else None,
        "ms_a_pair": _milliseconds(pairs),
    }


def _groups(pairs: Sequence[Row]) -> list[str]:
    """Pairs of one domain may share a theme: they are measured together."""
    return [str(pair.get("domain", number)) for number, pair in enumerate(pairs)]


def cross_validated(features: Floats, labels: NDArray[Any], groups: Sequence[str]) -> Floats:
    """(pairs,) probability of a contradiction by weights fitted on other domains."""
    from sklearn.model_selection import StratifiedGroupKFold

    chances = np.zeros(len(labels))
    for repeat in range(REPEATS):
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=repeat)
        for fitted, held in folds.split(features, labels, groups):
            weights = fit(features[fitted], list(labels[fitted]))
            chances[held] += _contradictions(features[held], weights) / REPEATS
    return chances


def _contradictions(features: Floats, weights: RelationWeights) -> Floats:
    return np.array(
        [probabilities(row, weights)[RelationKind.CONTRADICTION] for row in features.tolist()]
    )


def _measured(pairs: Sequence[Row], labels: NDArray[Any], chances: Floats) -> dict[str, Any]:
    contradicts = labels == RelationKind.CONTRADICTION
    found = chances >= _THRESHOLD
    near = contradicts | np.isin(labels, _ALIKE)
    kinds = np.array([p["sub"] if c else "" for p, c in zip(pairs, contradicts, strict=True)])
    plain = np.isin(kinds, _PLAIN)
    named = np.array([_difference(pair) in _PLAIN for pair in pairs])
    return {
        "auroc": _auroc(chances, labels, _ALIKE),
        "auroc_all": _auroc(chances, labels, tuple(RelationKind)),
        "precision": _share(contradicts[found]),
        "precision_near": _share(contradicts[found & near]),
        "recall": _share(found[contradicts]),
        "recall_plain": _share(found[plain]),
        "precision_plain": _share(plain[found & (plain | ~contradicts)]),
        "precision_plain_near": _share(plain[found & near & (plain | ~contradicts)]),
        "precision_named": _share(contradicts[found & named]),
        "brier": float(np.mean((chances - contradicts) ** 2)),
        "recall_by_sub": {
            str(sub): _share(found[kinds == sub]) for sub in sorted(set(kinds) - {""})
        },
        "flagged_by_label": {
            str(label): _share(found[labels == label]) for label in sorted(set(labels))
        },
    }


def _difference(pair: Row) -> str:
    """The kind of the difference that a reader is shown; empty when there is none."""
    differences = evidence(*sorted((pair["answer_a"], pair["answer_b"]))).differences
    return differences[0].kind.value if differences else ""


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else float("nan")


def _auroc(scores: Floats, labels: NDArray[Any], against: Sequence[str]) -> float:
    """How often a contradiction scores above a pair of the other relations; ties count half."""
    positive = scores[labels == RelationKind.CONTRADICTION]
    others = [label for label in against if label != RelationKind.CONTRADICTION]
    negative = scores[np.isin(labels, others)]
    above = positive[:, None] - negative[None, :]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def _overlap(first: str, second: str) -> float:
    """The share of all words that both texts have (Jaccard)."""
    a, b = ({token.plain for token in read_text(text).tokens} for text in (first, second))
    return len(a & b) / max(len(a | b), 1)


def _entities(pairs: Sequence[Row]) -> dict[str, float]:
    found = np.array([entity_conflict(p["answer_a"], p["answer_b"]) is not None for p in pairs])
    wanted = np.array([p["sub"] in _ENTITIES for p in pairs])
    return {"precision": _share(wanted[found]), "recall": _share(found[wanted])}


def _milliseconds(pairs: Sequence[Row]) -> float:
    """Processor time of a pair whose texts were not read before."""
    for pair in pairs:
        relation(pair["answer_a"], pair["answer_b"])
    read_text.cache_clear()
    start = time.process_time()
    for pair in pairs:
        relation(pair["answer_a"], pair["answer_b"])
    return 1e3 * (time.process_time() - start) / len(pairs)


# figures of speech


def figurative_figures(rows: Sequence[Row]) -> dict[str, float]:
    """Precision and recall of the rule; nothing of it is fitted."""
    found = np.array([figurative(row["text"]) is not None for row in rows])
    wanted = np.array([row["label"] == "figurative" for row in rows])
    hits = int((found & wanted).sum())
    return {
        "rows": len(rows),
        "found": int(found.sum()),
        "precision": _share(wanted[found]),
        "precision_at_least": wilson(hits, int(found.sum()))[0],
        "recall": _share(found[wanted]),
    }


# titles


def title_figures(rows: Sequence[Row]) -> dict[str, Any]:
    """The share of titles accepted, whole and by kind of document, and the titles themselves."""
    plans = PackagedPlans()
    titles = [_title(plans, number, row) for number, row in enumerate(rows)]
    accepted = [accepts(row, title) for row, title in zip(rows, titles, strict=True)]
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for row, good in zip(rows, accepted, strict=True):
        by_kind[str(row["sub"])].append(good)
    return {
        "rows": len(rows),
        "accepted": sum(accepted) / max(len(accepted), 1),
        "by_kind": {kind: sum(good) / len(good) for kind, good in sorted(by_kind.items())},
        "titles": [
            {"id": row.get("id", ""), "title": title, "accepted": good}
            for row, title, good in zip(rows, titles, accepted, strict=True)
        ],
    }


def accepts(row: Row, title: str | None) -> bool:
    """Whether a title is nearer to a good one than to every bad one, and near enough."""
    if not title or len(title.split()) > _MOST_WORDS or title.endswith("\u2026"):
        return False
    good = max(_alike(title, other) for other in row["good_titles"])
    bad = max((_alike(title, other) for other in row["bad_titles"]), default=0.0)
    own = _said(title)
    pooled = len(own & set().union(*map(_said, row["good_titles"]))) / max(len(own), 1)
    covered = len(own) >= _LEAST_POOLED and pooled >= _POOLED
    return good > bad and (good >= _ACCEPTED or covered)


def _alike(title: str, other: str) -> float:
    """Dice coefficient of what two titles say."""
    a, b = _said(title), _said(other)
    if not a and not b:
        return float(title == other)
    return 2 * len(a & b) / (len(a) + len(b))


def _said(title: str) -> set[str]:
    """The stems and values of a title."""
    reading = read_text(title)
    return {word.key for word in reading.words} | {str(q.senses[0]) for q in reading.quantities}


def _title(plans: PackagedPlans, number: int, row: Row) -> str | None:
    """What the packaged policy's plan answers; None where it does not."""
    path = f"{number}/{_NAMES.get(row['sub'], 'document')}"
    planned = plans.answer(_TITLE, path, row["document"])
    answer = planned.standing.answer if planned and planned.standing else None
    return answer if isinstance(answer, str) else None


# output


def _print(figures: Mapping[str, Any]) -> None:
    pairs = figures["pairs"]
    names = list(pairs["by_weights"])
    by_weights = list(pairs["by_weights"].values())
    first = by_weights[0]
    rows: list[tuple[Any, ...]] = [
        (label, *(pairs["by_weights"][name][key] for name in names), base)
        for key, label, base in (
            ("auroc", "AUROC against paraphrase and part", _of(pairs, "auroc")),
            ("auroc_all", "AUROC against all others", _of(pairs, "auroc_all")),
            ("precision_plain_near", "precision: names to negations, those others", ""),
            ("precision_plain", "precision: names to negations, all others", ""),
            ("precision_named", "precision: where a name to a negation is shown", ""),
            ("recall_plain", "recall: names to negations", ""),
            ("precision", "precision, all contradictions", ""),
            ("recall", "recall, all contradictions", ""),
            ("brier", "Brier score", ""),
        )
    ]
    rows += [
        (f"recall: {sub}", *(found["recall_by_sub"][sub] for found in by_weights), "")
        for sub in first["recall_by_sub"]
    ]
    rows += [
        (
            f"flagged: {label}",
            *(pairs["by_weights"][n]["flagged_by_label"][label] for n in names),
            "",
        )
        for label in first["flagged_by_label"]
    ]
    title = f"Contradictions, {pairs['rows']} pairs, {pairs['ms_a_pair']:.2f} ms a pair"
    print(table(title, ("figure", *names, "word overlap"), rows))
    if len(names) == 1:
        print(
            "The packaged weights were fitted on these pairs: their figures would be in-sample.\n"
        )
    if entity := pairs["entity_conflict"]:
        print(
            f"entity conflict: precision {entity['precision']:.3f}, recall {entity['recall']:.3f}\n"
        )
    figurative_row = figures["figurative"]
    header = ("rows", "found", "precision", "at least", "recall")
    print(table("Figurative", header, [tuple(figurative_row.values())]))
    titles = figures["titles"]
    by_kind = [*titles["by_kind"].items(), ("all", titles["accepted"])]
    print(table(f"Titles accepted, {titles['rows']} documents", ("kind", "share"), by_kind))


def _of(pairs: Mapping[str, Any], key: str) -> float:
    figure: float = pairs["baseline_word_overlap"][key]
    return figure


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
