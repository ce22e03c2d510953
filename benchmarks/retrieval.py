"""Finding the pages of a handbook that a question is about, asked in other words.

The folder holds the English tldr pages (https://github.com/tldr-pages/tldr, ``pages``), one file of
Markdown a command. 200 questions, written before anything was measured, ask for one page each in
other words than its own: how often it is among the first five, and the mean reciprocal rank. Then
an index of many passages, of a corpus that is grown from the pages: building it, asking it, editing
a document of it, beside peers.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from benchmarks._large_corpus import TIMES, bars, large_corpus
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
    parser.add_argument("--passages", type=int, default=100_000, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    ranked = quality(given.folder)
    header = ("ranked by", f"among the first {_FIRST}", "mean reciprocal rank")
    print(table("200 questions", header, ranked))
    questions = [question for _, question in _asked()]
    figures, rows = large_corpus(given.folder, given.passages, questions)
    print(table("A large corpus", ("figure", "value"), list(figures.items())))
    print(table("Times", TIMES, rows))
    print(table("Bars", ("bar", "at most", "clock", "CPU", "holds"), bars(rows)))
    write_json(
        given.json,
        {
            "quality": ranked,
            "corpus": figures,
            "times": [dict(zip(TIMES, row, strict=True)) for row in rows],
        },
    )
    return 0


def _asked() -> list[tuple[str, str]]:
    """Page and question of each line."""
    lines = _QUESTIONS.read_text("utf-8").splitlines()
    return [(page, question) for page, question in (line.split("\t") for line in lines)]


def quality(folder: Path) -> list[tuple[str, float, float]]:
    """The figures of each way of ranking the pages."""
    questions = [(Path(page).name, words) for page, words in _asked()]
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
