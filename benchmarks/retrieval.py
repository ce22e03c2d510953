"""Finding the pages of a handbook that a question is about, asked in other words.

The folder holds the English tldr pages (https://github.com/tldr-pages/tldr, ``pages``), one file of
Markdown a command. 200 questions, written before anything was measured, ask for one page each in
other words than its own: how often it is among the first five, and the mean reciprocal rank. Then
an index of many passages, made of the pages with words drawn anew.
"""

import argparse
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from benchmarks._output import table, write_json
from orchestration_assets.features.vectors import hashed_words
from orchestration_assets.knowledge.corpus import refresh_corpus
from orchestration_assets.knowledge.retrieval import CorpusReader
from orchestration_assets.knowledge.search import WEIGHTS
from orchestration_assets.schemas.knowledge_config import KnowledgeConfig
from resources.knowledge_store import KnowledgeStore

_QUESTIONS: Final = Path(__file__).parent / "data" / "tldr_queries.tsv"
_FIRST: Final = 5
_RANKED: Final = 40
Ranking = Callable[[str], list[str]]


def main(arguments: Sequence[str]) -> int:
    """``FOLDER [--passages N] [--json FILE]``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks retrieval", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder with common/, linux/, ...")
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    ranked, took = quality(given.folder), speed(given.folder, given.passages)
    header = ("ranked by", f"among the first {_FIRST}", "mean reciprocal rank")
    print(table("200 questions", header, ranked))
    print(table("A large corpus", ("figure", "value"), list(took.items())))
    write_json(given.json, {"quality": ranked, "speed": took})
    return 0


def quality(folder: Path) -> list[tuple[str, float, float]]:
    """The figures of each way of ranking the pages."""
    asked = [line.split("\t") for line in _QUESTIONS.read_text("utf-8").splitlines()]
    questions = [(Path(page).name, words) for page, words in asked]
    paths = sorted(folder.rglob("*.md"))
    texts = [path.read_text("utf-8") for path in paths]
    names = [path.stem for path in paths]
    with tempfile.TemporaryDirectory() as place:
        reader = _indexed(Path(place), folder)
        ways: dict[str, Ranking] = {
            "words and parts of words": lambda text: _names(reader, text, WEIGHTS),
            "words alone (BM25)": lambda text: _names(reader, text, (1.0, 0.0)),
            "parts of words alone": lambda text: _names(reader, text, (0.0, 1.0)),
            "hashed vectors of words": _by_vectors(texts, names),
        }
        if find_spec("bm25s"):
            ways["the library bm25s"] = _by_library(texts, names)
        return [(way, *_scores(rank, questions)) for way, rank in ways.items()]


def _indexed(place: Path, folder: Path) -> CorpusReader:
    store = KnowledgeStore(place)
    config = KnowledgeConfig(source=str(folder), include=("**/*.md",))
    found = refresh_corpus(store, "pages", config, datetime.now(UTC))
    return CorpusReader(store, "pages", found.version)


def _names(reader: CorpusReader, text: str, weights: tuple[float, float]) -> list[str]:
    found = reader.search(text, _RANKED, weights)
    return list(dict.fromkeys(Path(one.document).stem for one in found))


def _by_vectors(texts: Sequence[str], names: Sequence[str]) -> Ranking:
    vectors = hashed_words(texts)

    def rank(text: str) -> list[str]:
        order = (vectors @ hashed_words([text])[0]).argsort(kind="stable")[::-1]
        return list(dict.fromkeys(names[place] for place in order[:_RANKED]))

    return rank


def _by_library(texts: Sequence[str], names: Sequence[str]) -> Ranking:
    import bm25s  # type: ignore[import-untyped, import-not-found, unused-ignore]

    def terms(text: Sequence[str]) -> Any:
        return bm25s.tokenize(list(text), stopwords="en", show_progress=False)

    index = bm25s.BM25()
    index.index(terms(texts), show_progress=False)

    def rank(text: str) -> list[str]:
        places, _ = index.retrieve(terms([text]), k=_RANKED, show_progress=False)
        return list(dict.fromkeys(names[place] for place in places[0]))

    return rank


def _scores(rank: Ranking, questions: Sequence[tuple[str, str]]) -> tuple[float, float]:
    places = []
    for page, words in questions:
        found = rank(words)
        places.append(found.index(page) + 1 if page in found else None)
    return (
        statistics.fmean(place is not None and place <= _FIRST for place in places),
        statistics.fmean(1.0 / place if place else 0.0 for place in places),
    )


def speed(folder: Path, passages: int) -> dict[str, float]:
    """Building, asking and editing a corpus of about so many passages."""
    texts = [path.read_text("utf-8") for path in sorted(folder.rglob("*.md"))]
    words = sorted({word for text in texts for word in re.findall(r"[a-z]{4,}", text)})
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "source"
        source.mkdir()
        written = 0
        while written < passages:
            pieces = [
                re.sub(r"[a-z]{4,}", lambda _: rng.choice(words), rng.choice(texts))
                if rng.random() < 0.5
                else rng.choice(texts)
                for _ in range(20)
            ]
            # each page is about one passage, under a heading of its own
            text = "\n\n".join(f"{piece}\n{rng.random()}" for piece in pieces)
            (source / f"{written:07}.md").write_text(text, "utf-8")
            written += len(pieces)
        store, began = KnowledgeStore(Path(place) / "index"), time.perf_counter()
        config = KnowledgeConfig(source=str(source), passage_tokens=160)
        found = refresh_corpus(store, "large", config, datetime.now(UTC))
        figures: dict[str, float] = {"passages": sum(row.passages for row in found.rows)}
        figures["build_s"] = time.perf_counter() - began
        began = time.perf_counter()
        reader = CorpusReader(store, "large", found.version)
        figures["open_s"] = time.perf_counter() - began
        took = []
        for line in _QUESTIONS.read_text("utf-8").splitlines():
            began = time.perf_counter()
            reader.search(line.split("\t")[1], _FIRST)
            took.append(1000.0 * (time.perf_counter() - began))
        figures["question_ms_median"] = statistics.median(took)
        figures["question_ms_p95"] = statistics.quantiles(took, n=20)[-1]
        (source / "0000000.md").write_text("# Another page\n\nIt says something new.\n", "utf-8")
        began = time.perf_counter()
        refresh_corpus(store, "large", config, datetime.now(UTC))
        figures["edit_s"] = time.perf_counter() - began
        kept = sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file())
        figures["index_bytes_per_source_byte"] = kept / sum(
            path.stat().st_size for path in source.iterdir()
        )
        return figures
