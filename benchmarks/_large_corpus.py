"""What a corpus of many passages takes: to build, to ask and to edit, beside peers.

Each stage is a process of its own, so that its peak of memory is its own. Processor time stands
beside the clock: on a machine that others use the clock says more of them.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks._grown_pages import grown_pages, write_pages, zipf_slope
from orchestration_assets.knowledge.corpus import refresh_corpus
from orchestration_assets.knowledge.retrieval import CorpusReader
from orchestration_assets.knowledge.search import K1, B
from orchestration_assets.knowledge.segments import postings_of
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.knowledge_config import KnowledgeConfig
from orchestration_assets.text.passages import passage_spans, passage_terms
from resources.knowledge_store import KnowledgeStore

TIMES: Final = ("what", "s", "CPU s", "median ms", "CPU median ms", "p95 ms", "CPU p95 ms")
_CORPUS: Final = "large"
_TOKENS: Final = 160
_PER_DOCUMENT: Final = 20
_SAMPLED: Final = 400
_EDITS: Final = 26
"""So many that segments have to be made fewer once."""
_FIRST: Final = 5
_BUILD, _QUESTIONS, _EDIT = "building the index", "questions", "an edit, its first question"
_BARS: Final = ((_BUILD, 0, 120.0), (_QUESTIONS, 4, 20.0), (_EDIT, 4, 1000.0))
Row = tuple[str, float, float, float, float, float, float]


class _Took(NamedTuple):
    seconds: float
    cpu_seconds: float


def large_corpus(
    folder: Path, passages: int, questions: Sequence[str]
) -> tuple[dict[str, float], list[Row]]:
    """Figures of the corpus, and :data:`TIMES` of all that is done with it."""
    texts = [path.read_text("utf-8") for path in sorted(folder.rglob("*.md"))]
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        figures = _grow(texts, passages, root)
        rows: list[Row] = []
        for stage in (_build, _ask, _bare_products, _library, _edit):
            # an executor of one task: its process holds nothing of the stage before
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                told, timed = pool.submit(stage, root, questions).result()
            figures |= told
            rows += timed
        return figures, rows


def bars(rows: Sequence[Row]) -> list[tuple[str, float, float, float, str]]:
    """Each bar: what it is of, at most how much, how much it was by the clock and of processor
    time, and whether it holds: by the clock, or only where nobody else uses the machine."""
    measured = {row[0]: row[1:] for row in rows}
    told = []
    for name, column, most in _BARS:
        clock, cpu = measured[name][column : column + 2]
        holds = "yes" if clock <= most else "by CPU" if cpu <= most else "NO"
        told.append((f"{name}, {TIMES[column + 1]}", most, clock, cpu, holds))
    return told


def _grow(texts: Sequence[str], passages: int, root: Path) -> dict[str, float]:
    sample = list(grown_pages(texts, _SAMPLED))
    held = sum(
        len(passage_spans("\n".join(sample[at : at + _PER_DOCUMENT]), _TOKENS))
        for at in range(0, _SAMPLED, _PER_DOCUMENT)
    )
    pages = ceil(passages * _SAMPLED / held)
    (root / "source").mkdir()
    write_pages(grown_pages(texts, pages), root / "source", _PER_DOCUMENT)
    return {
        "documents": ceil(pages / _PER_DOCUMENT),
        "slope of words, by Zipf": zipf_slope(list(grown_pages(texts, min(pages, 5_000)))),
    }


def _store(root: Path) -> tuple[KnowledgeStore, KnowledgeConfig]:
    config = KnowledgeConfig(source=str(root / "source"), passage_tokens=_TOKENS)
    return KnowledgeStore(root / "index"), config


def _reader(root: Path) -> CorpusReader:
    store, _ = _store(root)
    return CorpusReader(store, _CORPUS, store.current(_CORPUS) or "")


def _build(root: Path, _: Sequence[str]) -> tuple[dict[str, float], list[Row]]:
    store, config = _store(root)
    took = _timed(lambda: refresh_corpus(store, _CORPUS, config, datetime.now(UTC)))
    kept = sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file())
    source = sum(path.stat().st_size for path in (root / "source").iterdir())
    figures = {
        "passages": _reader(root).size,
        "bytes of index a byte of source": kept / source,
        "peak of memory to build, MB": _peak_mb(),
    }
    return figures, [_row(_BUILD, [took])]


def _ask(root: Path, questions: Sequence[str]) -> tuple[dict[str, float], list[Row]]:
    opening = _timed(lambda: _reader(root))
    reader = _reader(root)
    # as long as many items are
    long = [path.read_text("utf-8")[:2_000] for path in sorted((root / "source").iterdir())[:100]]
    rows = [
        _row("opening it, in a new process", [opening]),
        _row(_QUESTIONS, _asked(lambda one: reader.search(one, _FIRST), questions)),
        _row(
            "passages about texts of 2,000 characters",
            _asked(lambda one: reader.search(one, _FIRST), long),
        ),
    ]
    return {"peak of memory to ask, MB": _peak_mb()}, rows


def _edit(root: Path, questions: Sequence[str]) -> tuple[dict[str, float], list[Row]]:
    store, config = _store(root)
    _reader(root).search(questions[0], _FIRST)
    took = []
    for number in range(_EDITS):
        path = root / "source" / f"{number:07}.md"
        path.write_text(f"# Page {number}, edited\n\nIt says what is new.\n", "utf-8")

        def edit() -> None:
            found = refresh_corpus(store, _CORPUS, config, datetime.now(UTC))
            CorpusReader(store, _CORPUS, found.version).search("what is new?", _FIRST)

        took.append(_timed(edit))
    reader = _reader(root)
    asked = _asked(lambda one: reader.search(one, _FIRST), questions)
    return {}, [_row(_EDIT, took), _row("questions after the edits", asked)]


def _bare_products(root: Path, questions: Sequence[str]) -> tuple[dict[str, float], list[Row]]:
    """BM25 over words and parts of words together as rows of one sparse matrix, added up: no term
    is left out, and no passage can go."""
    from scipy.sparse import csr_array

    store, _ = _store(root)
    (segment,) = {
        one
        for (one,) in values(store.documents(_CORPUS, store.current(_CORPUS) or ""), "segment")
        if one
    }
    postings = postings_of(store.postings(_CORPUS, segment))
    lengths = postings.lengths.sum(axis=1)
    holders = np.diff(postings.offsets)
    often = postings.counts.astype(np.float32)
    rarity = np.log1p((postings.size - holders + 0.5) / (holders + 0.5))
    gains = np.repeat(rarity, holders) * often * (K1 + 1.0)
    gains /= often + (K1 * (1.0 - B + B * lengths / lengths.mean()))[postings.passages]
    matrix = csr_array(
        (gains.astype(np.float32), postings.passages.astype(np.int32), postings.offsets),
        shape=(len(postings.terms), postings.size),
    )

    def ask(question: str) -> Any:
        sought = np.unique(np.concatenate(passage_terms(question)))
        begins, ends = postings.ranges(sought)
        rows = np.searchsorted(postings.terms, sought[begins < ends])
        return np.argpartition(matrix[rows].sum(axis=0), -_FIRST)[-_FIRST:]

    name = "questions, rows of a scipy matrix added up"
    return {}, [_row(name, _asked(ask, questions))]


def _library(root: Path, questions: Sequence[str]) -> tuple[dict[str, float], list[Row]]:
    if not find_spec("bm25s"):
        return {}, []
    import bm25s  # type: ignore[import-untyped, import-not-found, unused-ignore]

    index = bm25s.BM25()

    def terms(texts: Sequence[str]) -> Any:
        return bm25s.tokenize(list(texts), stopwords="en", show_progress=False)

    def build() -> None:
        texts = [path.read_text("utf-8") for path in sorted((root / "source").iterdir())]
        passages = [
            text[span.start : span.end] for text in texts for span in passage_spans(text, _TOKENS)
        ]
        index.index(terms(passages), show_progress=False)

    def ask(question: str) -> None:
        index.retrieve(terms([question]), k=_FIRST, show_progress=False)

    built = _timed(build)
    rows = [
        _row("building, the library bm25s (words)", [built]),
        _row("questions, bm25s", _asked(ask, questions)),
    ]
    return {"peak of memory of bm25s, MB": _peak_mb()}, rows


def _timed(work: Callable[[], object]) -> _Took:
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return _Took(time.perf_counter() - clock, time.process_time() - cpu)


def _asked(ask: Callable[[str], object], questions: Sequence[str]) -> list[_Took]:
    return [_timed(partial(ask, question)) for question in questions]


def _row(what: str, took: Sequence[_Took]) -> Row:
    clock, cpu = (sorted(1000.0 * one[part] for one in took) for part in (0, 1))

    def p95(rising: Sequence[float]) -> float:
        return rising[ceil(0.95 * len(rising)) - 1]

    return (
        what,
        sum(clock) / 1000.0,
        sum(cpu) / 1000.0,
        statistics.median(clock),
        statistics.median(cpu),
        p95(clock),
        p95(cpu),
    )


def _peak_mb() -> float:
    """The most that this process ever held, in MB (Linux)."""
    status = Path("/proc/self/status").read_text("ascii")
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak) / 1024.0
