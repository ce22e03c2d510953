"""How independent the embedded services of a task are: whether they are wrong about the same items.

``python -m benchmarks service_independence --pages PAGES [--sources FOLDER...] [--json FILE]``:
PAGES is the folder, or the .tar.gz, of the tldr pages, whose folders name their language. Where
there is gold (``natural_language`` on the pages, ``content_type`` on files whose extension means
one thing) it gives the errors' phi coefficient and the share of joint errors beside the share that
independent errors would have. Where there is none it gives agreement: the overlap of keywords and
of titles, the correlation of tones, and the overlap of nearest neighbours of vectors.
"""

import argparse
import math
import random
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path, PurePosixPath
from statistics import fmean
from typing import Any, Final

from benchmarks._output import table, write_json
from benchmarks.content_type_accuracy import TASK as CONTENT_TYPE
from benchmarks.content_type_accuracy import labelled_files
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import AnswerKind, Family, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.language.natural_languages import NATURAL_LANGUAGES
from orchestration_assets.services.registry import load_embedded
from orchestration_assets.text.words import prose_words

NATURAL_LANGUAGE: Final = Task("natural_language", "1", AnswerKind.LABEL, NATURAL_LANGUAGES)
KEYWORDS: Final = Task("keywords", "1", AnswerKind.SET)
TITLE: Final = Task("title", "1", AnswerKind.TEXT)
TONE: Final = Task("tone", "1", AnswerKind.SCORE, scale=(-1.0, 1.0))
EMBEDDING: Final = Task("embedding", "1", AnswerKind.VECTOR)

_NEIGHBOURS: Final = 10
_TITLES: Final = ("declared_title", "central_sentence")

Readings = dict[str, list[Reading]]


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text, its family, and what its folder or extension says about it."""

    path: str
    text: str
    family: str
    gold: str


def pages(source: Path, limit: int) -> list[LabelledText]:
    """At most ``limit`` pages of each language, always the same ones."""
    by_language: dict[str, list[LabelledText]] = {}
    for path, text in _members(source):
        folder = next((part for part in PurePosixPath(path).parts if part[:5] == "pages"), None)
        if folder is not None:
            language = folder.partition(".")[2].partition("_")[0] or "en"
            found = LabelledText(path, text, Family.MARKUP, language)
            by_language.setdefault(language, []).append(found)
    taken: list[LabelledText] = []
    for _, found_pages in sorted(by_language.items()):
        ordered = sorted(found_pages, key=lambda page: page.path)
        taken += random.Random(1).sample(ordered, min(limit, len(ordered)))
    return taken


def _members(source: Path) -> Iterator[tuple[str, str]]:
    if source.is_dir():
        for path in source.rglob("*.md"):
            yield path.relative_to(source.parent).as_posix(), path.read_text("utf-8")
        return
    with tarfile.open(source) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name.endswith(".md") else None
            if content is not None:
                yield member.name, content.read().decode("utf-8")


def sources(folders: Sequence[Path], per_package: int) -> list[LabelledText]:
    """Source files with their true names and the language that their extension means."""
    files = labelled_files(folders, per_package=per_package)
    return [LabelledText(str(file.path), file.text, Family.CODE, file.label) for file in files]


def asked(
    names: Sequence[str], task: Task, texts: Sequence[LabelledText]
) -> tuple[Readings, list[Any]]:
    """What each service says about each text; and rows of (service, answered, mean ms)."""
    readings: Readings = {}
    rows = []
    for name in names:
        service = load_embedded(name)
        service.answer(Question(task, Item("warm", "warm", "a.py", "Warm words to begin with.")))
        start = time.perf_counter()
        readings[name] = [_answer(service, task, text) for text in texts]
        spent = (time.perf_counter() - start) / len(texts) * 1000
        answered = sum(reading.status is Status.OK for reading in readings[name])
        rows.append((name, answered / len(texts), spent))
    return readings, rows


def _answer(service: EmbeddedService, task: Task, text: LabelledText) -> Reading:
    item = Item("item", "hash", text.path, text.text, {"family": text.family})
    return service.answer(Question(task, item))


def error_figures(one: Sequence[bool], other: Sequence[bool]) -> dict[str, float]:
    """How two services' errors go together; each flag says whether an answer was wrong.

    phi is Pearson's correlation of the two flags (0 when either is never or always wrong).
    ``expected`` is the product of the two error rates, ``ratio`` joint errors over it.
    """
    count = len(one)
    first, second = sum(one) / count, sum(other) / count
    joint = sum(a and b for a, b in zip(one, other, strict=True)) / count
    spread = math.sqrt(first * (1 - first) * second * (1 - second))
    expected = first * second
    return {
        "items": count,
        "error_one": first,
        "error_other": second,
        "joint": joint,
        "expected": expected,
        "ratio": joint / expected if expected else 0.0,
        "phi": (joint - expected) / spread if spread else 0.0,
    }


def errors(readings: Readings, gold: Sequence[str]) -> dict[str, dict[str, float]]:
    """:func:`error_figures` for each pair of services, over the items that both answered."""
    figures = {}
    for one, other in combinations(readings, 2):
        flags = [
            (first.answer != truth, second.answer != truth)
            for first, second, truth in zip(readings[one], readings[other], gold, strict=True)
            if first.status is Status.OK and second.status is Status.OK
        ]
        if flags:
            figures[f"{one}, {other}"] = error_figures(*zip(*flags, strict=True))
    return figures


def both_answered(readings: Readings, one: str, other: str) -> list[tuple[Any, Any]]:
    """The pairs of answers about the items that both services answered."""
    return [
        (first.answer, second.answer)
        for first, second in zip(readings[one], readings[other], strict=True)
        if first.status is Status.OK and second.status is Status.OK
    ]


def set_overlap(one: Answer, other: Answer) -> float:
    """Jaccard index of two sets of words; of titles, of their words."""
    first = set(prose_words(one)) if isinstance(one, str) else set(_members_of(one))
    second = set(prose_words(other)) if isinstance(other, str) else set(_members_of(other))
    return len(first & second) / len(first | second) if first | second else 1.0


def _members_of(answer: Answer) -> tuple[object, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def overlaps(readings: Readings) -> dict[str, dict[str, float]]:
    """For each pair the mean overlap, and the shares of items below 0.1 and above 0.5."""
    figures = {}
    for one, other in combinations(readings, 2):
        shares = [set_overlap(*pair) for pair in both_answered(readings, one, other)]
        if shares:
            figures[f"{one}, {other}"] = {
                "items": len(shares),
                "mean": fmean(shares),
                "below_0.1": sum(share < 0.1 for share in shares) / len(shares),
                "above_0.5": sum(share > 0.5 for share in shares) / len(shares),
            }
    return figures


def keyword_trust(readings: Readings) -> list[tuple[str, int, float, float]]:
    """Rows of (confidence band, answers, mean confidence, share confirmed).

    A key word is confirmed when the other service has it too: whether confidences mean something.
    """
    bands: dict[str, list[tuple[float, float]]] = {}
    for one, other in combinations(readings, 2):
        for pair in zip(readings[one], readings[other], strict=True):
            if any(reading.status is not Status.OK for reading in pair):
                continue
            for reading, check in (pair, pair[::-1]):
                words = _members_of(reading.answer or ())
                confirmed = len(set(words) & set(_members_of(check.answer or ()))) / len(words)
                confidence = reading.confidence or 0.0
                band = f"{math.floor(confidence * 10) / 10:.1f}"
                bands.setdefault(band, []).append((confidence, confirmed))
    return [
        (band, len(rows), fmean(row[0] for row in rows), fmean(row[1] for row in rows))
        for band, rows in sorted(bands.items())
    ]


def tone_figures(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Pearson's r, share of equal signs, and mean and 90th percentile of the distance (0..1)."""
    import numpy as np

    one, other = np.array(pairs, dtype=float).T
    gaps = np.abs(one - other) / 2
    varied = len(pairs) > 1 and one.std() > 0 and other.std() > 0
    return {
        "items": len(pairs),
        "pearson": float(np.corrcoef(one, other)[0, 1]) if varied else 0.0,
        "same_sign": float((np.sign(one) == np.sign(other)).mean()),
        "mean_gap": float(gaps.mean()),
        "gap_p90": float(np.quantile(gaps, 0.9)),
    }


def neighbour_overlap(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> dict[str, float]:
    """Mean share of an item's ten nearest neighbours that two kinds of vectors have in common."""
    import numpy as np

    nearest = []
    for vectors in zip(*pairs, strict=True):
        matrix = np.array(vectors, dtype=np.float32)
        likeness = matrix @ matrix.T
        np.fill_diagonal(likeness, -2.0)
        order = np.argsort(-likeness, axis=1, kind="stable")
        nearest.append(order[:, : min(_NEIGHBOURS, len(pairs) - 1)])
    shares = [
        len(set(a.tolist()) & set(b.tolist())) / len(a) for a, b in zip(*nearest, strict=True)
    ]
    return {
        "items": len(pairs),
        "overlap": fmean(shares),
        "by_chance": min(_NEIGHBOURS / (len(pairs) - 1), 1.0),
    }


def _pairwise(
    readings: Readings, figures: Callable[[Any], dict[str, float]]
) -> dict[str, dict[str, float]]:
    found = {}
    for one, other in combinations(readings, 2):
        pairs = both_answered(readings, one, other)
        if len(pairs) > 1:
            found[f"{one}, {other}"] = figures(pairs)
    return found


def _show(title: str, figures: Mapping[str, Mapping[str, float]]) -> None:
    if figures:
        header = ["services", *next(iter(figures.values()))]
        print(table(title, header, [[pair, *row.values()] for pair, row in figures.items()]))


def _vector_services() -> list[str]:
    from importlib.util import find_spec

    optional = ["semantic_embedding"] if find_spec("wordllama") else []
    return ["word_hashing", "ngram_hashing", *optional]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="service_independence", description=__doc__)
    parser.add_argument("--pages", type=Path, help="folder or .tar.gz of the tldr pages")
    parser.add_argument(
        "--sources", nargs="*", type=Path, default=[], help="folders of packages of sources"
    )
    parser.add_argument("--limit", type=int, default=400, help="pages a language")
    parser.add_argument("--per-package", type=int, default=40, help="files a package and language")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser


def main(argv: list[str]) -> int:
    """Runs the benchmark with command-line arguments; 0, or 2 when there is nothing to read."""
    options = _parser().parse_args(argv)
    given = [*options.sources, *([options.pages] if options.pages else [])]
    if missing := [str(path) for path in given if not path.exists()]:
        print(f"not found: {', '.join(missing)}", file=sys.stderr)
        return 2
    written = pages(options.pages, options.limit) if options.pages else []
    coded = sources(options.sources, options.per_package)
    texts = [*written, *coded]
    if not texts:
        print("neither pages nor source files to read", file=sys.stderr)
        return 2
    figures: dict[str, Any] = {}
    times: list[Any] = []

    if written:
        said, rows = asked(["stopwords", "langid"], NATURAL_LANGUAGE, written)
        times += rows
        figures["natural_language"] = errors(said, [page.gold for page in written])
        _show("natural_language: errors on the pages", figures["natural_language"])
    if coded:
        said, rows = asked(["extension_map", "grammar", "magika"], CONTENT_TYPE, coded)
        times += rows
        # The extension is the gold, so the service that reads it is never wrong.
        del said["extension_map"]
        figures["content_type"] = errors(said, [file.gold for file in coded])
        _show("content_type: errors on the sources, names withheld", figures["content_type"])

    said, rows = asked(["tfidf_keywords", "graph_keywords"], KEYWORDS, texts)
    times += rows
    figures["keywords"] = overlaps(said)
    _show("keywords: Jaccard overlap", figures["keywords"])
    trust = keyword_trust(said)
    figures["keyword_trust"] = [list(row) for row in trust]
    header = ["confidence", "answers", "mean confidence", "confirmed"]
    print(table("keywords: confirmed by the other service", header, trust))

    said, rows = asked(_TITLES, TITLE, texts)
    times += rows
    figures["title"] = overlaps(said)
    _show("title: Jaccard overlap of words", figures["title"])

    said, rows = asked(["vader_tone", "adjective_tone"], TONE, texts)
    times += rows
    figures["tone"] = _pairwise(said, tone_figures)
    _show("tone: agreement", figures["tone"])

    said, rows = asked(_vector_services(), EMBEDDING, texts)
    times += rows
    figures["embedding"] = _pairwise(said, neighbour_overlap)
    _show(f"embedding: overlap of the {_NEIGHBOURS} nearest", figures["embedding"])

    figures["services"] = {name: {"answered": share, "ms": ms} for name, share, ms in times}
    print(table(f"services on {len(texts)} texts", ["service", "answered", "ms"], times))
    write_json(options.json, figures)
    return 0
