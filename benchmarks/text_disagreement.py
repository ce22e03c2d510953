"""Whether disagreement on free text foresees the errors that people marked, and where they are.

``python -m benchmarks text_disagreement DIR [--pairs zh-en en-de] [--references] [--json FILE]``:
DIR (or ORCHESTRATION_EVAL_DATA) holds translations by many systems with the errors that translators
marked (:mod:`benchmarks._marked_translations`). How far the others bear a translation out
(:mod:`orchestration_assets.evidence.text_support`) ranks those with a major error above those
without, as area under the ROC curve: over all, among translations of one segment, and where three
systems answered. Beside it stand chrF to the others (Popovic 2015, mean), the package's distance
and its contradictions, length, chrF times length, and a constant. The places that are marked are
compared with people's by F1 over characters, beside the same marks moved at random and words that
no other text has. 95 % intervals are over segments, drawn again with replacement.

The measure has no fitted weights. Its form was chosen on the documents in ``CHOSEN_ON``: they are
told apart, and their figures are in-sample. Human references take no part without ``--references``.
"""

import argparse
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks._marked_translations import (
    MarkedTranslationsError,
    Segment,
    load_marked_translations,
)
from benchmarks._output import table, write_json
from orchestration_assets.evidence.contradiction.relation import RelationKind, relation
from orchestration_assets.evidence.distances.texts import text_distance
from orchestration_assets.evidence.text_support import text_supports

CHOSEN_ON: Final[Mapping[str, frozenset[str]]] = {"zh-en": frozenset({"talk.2", "talk.7"})}
"""Language pair -> documents on which the form of the measure was chosen."""

SURPRISE: Final = "surprise"
SUPPORT: Final = "lack of support"
CONTRADICTION: Final = "contradictions found"
CHRF: Final = "chrF to the others"
DISTANCE: Final = "text distance"
LENGTH: Final = "length"
CHRF_LENGTH: Final = "chrF x length"
CONSTANT: Final = "constant"
UNSUPPORTED: Final = "unsupported words"
NOWHERE: Final = "words of no other text"
RANDOM: Final = "random, equal length"
EVERYTHING: Final = "everything"

_WORDS: Final = re.compile(r"\w+")
_ORDER: Final = 6
_BETA: Final = 2.0
_DRAWS: Final = 1_000
_RANDOM_MARKS: Final = 20
_PANEL: Final = 3
_PERCENT: Final = (2.5, 97.5)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def main(arguments: Sequence[str]) -> int:
    """``DIR [--pairs PAIR ...] [--references] [--json FILE]``; 2 when the folder lacks the data or
    a language pair."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks text_disagreement")
    parser.add_argument(
        "dir", nargs="?", type=Path, default=os.environ.get("ORCHESTRATION_EVAL_DATA")
    )
    parser.add_argument("--pairs", nargs="+", metavar="PAIR")
    parser.add_argument("--references", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    if given.dir is None:
        parser.error("give a folder of marked translations, or set ORCHESTRATION_EVAL_DATA")
    try:
        pairs = load_marked_translations(Path(given.dir), references=given.references)
    except MarkedTranslationsError as error:
        print(error, file=sys.stderr)
        return 2
    wanted = given.pairs or sorted(pairs)
    if missing := [pair for pair in wanted if pair not in pairs]:
        print(f"{given.dir}: no {', '.join(missing)}; there is {', '.join(pairs)}", file=sys.stderr)
        return 2
    figures: dict[str, Any] = {}
    for pair in wanted:
        chosen_on = CHOSEN_ON.get(pair, frozenset())
        measured = [_segment(segment) for segment in pairs[pair]]
        for name, inside in (("held out", False), ("in-sample", True)):
            part = [one for one in measured if (one.segment.document in chosen_on) == inside]
            if part:
                key = f"{pair}, {name}"
                figures[key] = figures_of(part)
                _print(key, figures[key])
    write_json(given.json, figures)
    return 0


# what is measured of each segment


@dataclass(frozen=True)
class Measured:
    """One segment: ``measures`` name -> (systems,), more is more suspicious; ``chrf`` (systems,
    systems), of the row's text against the column's; ``marks`` name -> per system (characters,).
    """

    segment: Segment
    measures: Mapping[str, Floats]
    chrf: Floats
    marks: Mapping[str, tuple[Bools, ...]]


def _segment(segment: Segment) -> Measured:
    texts = [translation.text for translation in segment.translations]
    supports = text_supports(texts)
    chrf = chrf_scores(texts)
    lengths = np.array([float(len(text)) for text in texts])
    apart = 1.0 - _to_others(chrf)
    return Measured(
        segment,
        {
            SURPRISE: np.array([support.surprise for support in supports]),
            SUPPORT: np.array([1.0 - support.support for support in supports]),
            CONTRADICTION: _to_others(_contradictions(texts)),
            CHRF: apart,
            DISTANCE: _to_others(_distances(texts)),
            LENGTH: lengths,
            CHRF_LENGTH: apart * lengths,
            CONSTANT: np.zeros(len(texts)),
        },
        chrf,
        {
            UNSUPPORTED: tuple(
                _flags(text, support.unsupported)
                for text, support in zip(texts, supports, strict=True)
            ),
            NOWHERE: tuple(
                _unique(text, [*texts[:place], *texts[place + 1 :]])
                for place, text in enumerate(texts)
            ),
            EVERYTHING: tuple(np.ones(len(text), dtype=np.bool_) for text in texts),
        },
    )


def _distances(texts: Sequence[str]) -> Floats:
    return np.array([[text_distance(one, other) for other in texts] for one in texts])


def _contradictions(texts: Sequence[str]) -> Floats:
    """The severity of each pair that the package takes for a contradiction, 0 for others."""
    found = np.zeros((len(texts), len(texts)))
    for a, b in combinations(range(len(texts)), 2):
        seen = relation(texts[a], texts[b])
        if seen.kind is RelationKind.CONTRADICTION:
            found[a, b] = found[b, a] = seen.severity
    return found


def chrf_scores(texts: Sequence[str]) -> Floats:
    """(texts, texts) chrF in [0, 1] of the row's text against the column's: mean precision and
    recall of character 1- to 6-grams without white space, recall weighed four times."""
    grams = [[_grams("".join(text.split()), n) for n in range(1, _ORDER + 1)] for text in texts]
    return np.array([[_chrf(one, other) for other in grams] for one in grams])


def _grams(text: str, order: int) -> Counter[str]:
    return Counter(text[at : at + order] for at in range(len(text) - order + 1))


def _chrf(text: Sequence[Counter[str]], reference: Sequence[Counter[str]]) -> float:
    precisions, recalls = [], []
    for own, other in zip(text, reference, strict=True):
        if own and other:
            shared = sum((own & other).values())
            precisions.append(shared / own.total())
            recalls.append(shared / other.total())
    if not any(precisions):
        return 0.0
    precision, recall = fmean(precisions), fmean(recalls)
    return (1 + _BETA**2) * precision * recall / (_BETA**2 * precision + recall)


def _to_others(matrix: Floats) -> Floats:
    """(systems,) the mean of each row without its diagonal."""
    mean: Floats = (matrix.sum(axis=1) - np.diag(matrix)) / (len(matrix) - 1)
    return mean


def _flags(text: str, places: Sequence[tuple[int, int]]) -> Bools:
    flags = np.zeros(len(text), dtype=np.bool_)
    for start, end in places:
        flags[start:end] = True
    return flags


def _unique(text: str, others: Sequence[str]) -> Bools:
    """What no other text says anywhere."""
    said = {word for other in others for word in _WORDS.findall(other.casefold())}
    flags = np.zeros(len(text), dtype=np.bool_)
    for word in _WORDS.finditer(text):
        flags[word.start() : word.end()] = word.group().casefold() not in said
    return flags


# figures


def figures_of(measured: Sequence[Measured]) -> dict[str, Any]:
    """AUROC and gain over chrF, span F1, and how often a chosen text has a major error."""
    segments = [one.segment for one in measured]
    major = [np.array([t.major for t in segment.translations]) for segment in segments]
    return {
        "segments": len(segments),
        "documents": len({segment.document for segment in segments}),
        "translations": sum(map(len, major)),
        "with_major_error": float(np.concatenate(major).mean()),
        "auroc": _aurocs(
            {n: [o.measures[n] for o in measured] for n in measured[0].measures}, major
        ),
        "auroc_within_segments": _within(
            {n: [o.measures[n] for o in measured] for n in measured[0].measures}, major
        ),
        "auroc_of_panels": _aurocs(*_panels(measured)),
        "spans": {
            "any": _span_figures(measured, grave=False),
            "major": _span_figures(measured, grave=True),
        },
        "chosen": _choices(measured),
    }


def _draws(segments: int) -> NDArray[np.int64]:
    """(draws, segments) how often each segment is in each draw."""
    return np.random.default_rng(0).multinomial(
        segments, np.full(segments, 1.0 / segments), size=_DRAWS
    )


def _aurocs(measures: Mapping[str, Sequence[Floats]], major: Sequence[Bools]) -> dict[str, Any]:
    counts = _draws(len(major))
    of_segment = np.repeat(np.arange(len(major)), [len(flags) for flags in major])
    wrong = np.concatenate(major)
    drawn = {}
    for name, values in measures.items():
        scores = np.concatenate(values)
        ranking = _Ranking(scores, wrong)
        drawn[name] = np.array(
            [ranking.auroc(np.ones(len(scores))), *(ranking.auroc(c[of_segment]) for c in counts)]
        )
    return _beside_chrf(drawn)


def _within(measures: Mapping[str, Sequence[Floats]], major: Sequence[Bools]) -> dict[str, Any]:
    """The same among translations of one segment alone, pooled over segments with both sorts."""
    weights = np.vstack([np.ones(len(major)), _draws(len(major))])
    drawn = {}
    for name, of_segments in measures.items():
        pairs = np.array(
            [_pairs(scores, wrong) for scores, wrong in zip(of_segments, major, strict=True)]
        )
        won, compared = (weights @ pairs).T
        drawn[name] = won / compared
    return _beside_chrf(drawn)


def _pairs(scores: Floats, wrong: Bools) -> tuple[float, float]:
    """Pairs of a wrong and a right one in which the wrong one stands above, and all of them."""
    above = scores[wrong][:, None] - scores[~wrong][None, :]
    return float((above > 0).sum() + 0.5 * (above == 0).sum()), float(above.size)


def _beside_chrf(drawn: Mapping[str, Floats]) -> dict[str, Any]:
    return {
        name: {
            **_interval(values, "auroc"),
            **_interval(values - drawn[CHRF], "above_chrf"),
        }
        for name, values in drawn.items()
    }


class _Ranking:
    """Translations in the order of one measure, ready for AUROCs under many weights."""

    def __init__(self, scores: Floats, wrong: Bools) -> None:
        self._order = np.argsort(scores, kind="stable")
        ordered = scores[self._order]
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self._wrong = wrong[self._order]

    def auroc(self, weights: NDArray[Any]) -> float:
        """How often one that is wrong stands above one that is not; ties count half."""
        weights = weights[self._order]
        wrong = np.add.reduceat(weights * self._wrong, self._starts)
        right = np.add.reduceat(weights * ~self._wrong, self._starts)
        below = np.cumsum(right) - right / 2.0
        return float((wrong * below).sum() / (wrong.sum() * right.sum()))


def _interval(values: Floats, name: str) -> dict[str, float]:
    """The first of the values, and the 95 % interval of the others."""
    low, high = np.percentile(values[1:], _PERCENT)
    return {name: float(values[0]), f"{name}_low": float(low), f"{name}_high": float(high)}


def _panels(
    measured: Sequence[Measured],
) -> tuple[dict[str, list[Floats]], list[Bools]]:
    """The measures where only three systems answered: systems come into panels by chance."""
    random = np.random.default_rng(0)
    measures: defaultdict[str, list[Floats]] = defaultdict(list)
    major = []
    for one in measured:
        order = random.permutation(len(one.segment.systems))
        found: defaultdict[str, list[float]] = defaultdict(list)
        wrong = []
        for at in range(0, len(order) - _PANEL + 1, _PANEL):
            panel = order[at : at + _PANEL]
            translations = [one.segment.translations[place] for place in panel]
            texts = [translation.text for translation in translations]
            apart = 1.0 - _to_others(one.chrf[np.ix_(panel, panel)])
            found[SURPRISE] += [support.surprise for support in text_supports(texts)]
            found[CHRF] += apart.tolist()
            found[LENGTH] += [float(len(text)) for text in texts]
            found[CHRF_LENGTH] += [a * len(text) for a, text in zip(apart, texts, strict=True)]
            wrong += [translation.major for translation in translations]
        for name, values in found.items():
            measures[name].append(np.array(values))
        major.append(np.array(wrong, dtype=np.bool_))
    return dict(measures), major


def _span_figures(measured: Sequence[Measured], *, grave: bool) -> dict[str, Any]:
    """Micro F1 over characters; ``share``: of all characters that is marked."""
    people = [
        [t.marked_major if grave else t.marked for t in one.segment.translations]
        for one in measured
    ]
    random = np.random.default_rng(0)
    counts = {
        name: np.array(
            [_overlap(one.marks[name], truth) for one, truth in zip(measured, people, strict=True)]
        )
        for name in measured[0].marks
    }
    counts[RANDOM] = np.mean(
        [
            [
                _overlap([_moved(flags, random) for flags in one.marks[UNSUPPORTED]], truth)
                for one, truth in zip(measured, people, strict=True)
            ]
            for _ in range(_RANDOM_MARKS)
        ],
        axis=0,
    )
    weights = np.vstack([np.ones(len(measured)), _draws(len(measured))])
    size = sum(len(flags) for truth in people for flags in truth)
    drawn = {name: _f1(weights @ found) for name, found in counts.items()}
    return {
        name: {
            **_interval(values, "f1"),
            **_interval(values - drawn[RANDOM], "above_random"),
            "precision": float(counts[name][:, 0].sum() / max(counts[name][:, 1].sum(), 1.0)),
            "recall": float(counts[name][:, 0].sum() / max(counts[name][:, 2].sum(), 1.0)),
            "share": float(counts[name][:, 1].sum() / size),
        }
        for name, values in drawn.items()
    }


def _overlap(marks: Sequence[Bools], truth: Sequence[Bools]) -> tuple[float, float, float]:
    """Characters in both, in the marks, and in people's."""
    both = sum(int((a & b).sum()) for a, b in zip(marks, truth, strict=True))
    return both, sum(int(a.sum()) for a in marks), sum(int(b.sum()) for b in truth)


def _f1(counts: Floats) -> Floats:
    score: Floats = 2.0 * counts[:, 0] / np.maximum(counts[:, 1] + counts[:, 2], 1.0)
    return score


def _moved(flags: Bools, random: np.random.Generator) -> Bools:
    """The same marks at another place: as many, as long, as far from each other."""
    return np.roll(flags, int(random.integers(len(flags)))) if len(flags) else flags


def _choices(measured: Sequence[Measured]) -> dict[str, Any]:
    """The share of segments in which the chosen text has a major error, by what chooses: the
    smallest of a measure. All texts, in the mean, for comparison."""
    shares = {}
    for name in (DISTANCE, SURPRISE, CHRF):
        major = [
            one.segment.translations[int(np.argmin(one.measures[name]))].major for one in measured
        ]
        shares[name] = float(np.mean(major))
    shares["any"] = float(np.mean([t.major for o in measured for t in o.segment.translations]))
    return shares


# output


def _print(title: str, figures: Mapping[str, Any]) -> None:
    print(
        f"{title}: {figures['segments']:,} segments of {figures['documents']} documents, "
        f"{figures['translations']:,} translations, {figures['with_major_error']:.1%} with a major "
        "error\n"
    )
    for key, words in (
        ("auroc", "A major error is foreseen"),
        ("auroc_within_segments", "Among translations of one segment"),
        ("auroc_of_panels", f"Where {_PANEL} systems answered"),
    ):
        rows = [
            (
                name,
                one["auroc"],
                _range(one, "auroc"),
                f"{one['above_chrf']:+.3f}",
                _range(one, "above_chrf"),
            )
            for name, one in figures[key].items()
        ]
        print(table(words, ("measure", "AUROC", "95 %", "above chrF", "95 % of it"), rows))
    for key, words in (("any", "any error"), ("major", "a major error")):
        marked = [
            (
                name,
                one["f1"],
                _range(one, "f1"),
                f"{one['above_random']:+.3f}",
                one["precision"],
                one["recall"],
                f"{one['share']:.1%}",
            )
            for name, one in figures["spans"][key].items()
        ]
        header = ("marks", "F1", "95 %", "above random", "precision", "recall", "marked")
        print(table(f"Places that people marked as {words}", header, marked))
    print(
        table(
            "Share of chosen texts with a major error",
            ("chosen by the least", "share"),
            list(figures["chosen"].items()),
        )
    )


def _range(figures: Mapping[str, float], name: str) -> str:
    return f"{figures[f'{name}_low']:.3f} to {figures[f'{name}_high']:.3f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
