"""How many calls of a teacher a service spares that it taught, and whether what it promises holds.

``python -m benchmarks taught DIR [--repetitions N] [--test N] [--sets NAME...] [--json FILE]``:
DIR is a folder of evaluation data with ``recorded_services/text/*/data.parquet`` (item, text, gold)
and ``content/tldr_pages.tar.gz``; what is absent is left out and named. Teachers: the gold of
headlines; that gold with errors that single words decide (12 % of all items), and with errors that
the whole text decides, which no words tell; langid on pages; magika on installed source files
without their names. Of each, 100, 300 and 1,000 answers at random teach a service for a promise of
0.5 and of 1 point, through the code of the assets, and the other items tell what came of it:

- ``avoided``: share of items that it answers, its audits taken off; 0 where it refuses.
- ``refused``: share of repetitions in which it refuses to answer anything.
- ``holds``: share of repetitions in which the loss on the other items is within the promise, and
  ``beyond chance`` in which it is not above it by more than such a sample shows by chance (5 %).
- ``best``: what a threshold chosen on the other items themselves would avoid. No certificate can.
"""

import argparse
import random
import re
import sys
import sysconfig
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._output import table, write_json
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Item, Question, Task
from orchestration_assets.schemas.services import TaughtConfig
from orchestration_assets.services.registry import load_embedded
from orchestration_assets.services.taught.lessons import TeacherAnswer, same_answer
from orchestration_assets.services.taught.model import Guess, learn_answers
from orchestration_assets.services.taught.teaching import Taught, certified
from orchestration_assets.services.taught.text_features import hashed_terms

_SIZES: Final = (100, 300, 1000)
_PROMISES: Final = (0.005, 0.01)
_ERRORS: Final = 0.12
_MOST_TEXTS: Final = 4000
_MOST_BYTES: Final = 1 << 20
_ONE_IN_TWENTY: Final = 1.645


@dataclass(frozen=True)
class TaughtSet:
    """Texts with the answers of their teacher, None where it abstains."""

    name: str
    texts: Sequence[str]
    answers: Sequence[str | None]


def headlines(folder: Path) -> Iterator[TaughtSet]:
    """Texts with gold: as they are, and with errors of two sorts."""
    path = folder / "recorded_services" / "text" / "headlines" / "data.parquet"
    columns = pq.read_table(path, columns=["item", "text", "gold"]).to_pydict()
    texts, gold = columns["text"], columns["gold"]
    yield TaughtSet("headlines", texts, gold)
    labels = sorted(set(gold))
    other = {label: labels[(n + 1) % len(labels)] for n, label in enumerate(labels)}
    by_words = _with_deciding_words(texts)
    wrong = [other[x] if odd else x for x, odd in zip(gold, by_words, strict=True)]
    yield TaughtSet("headlines, words decide errors", texts, wrong)
    by_text = [_place(text) < _ERRORS for text in texts]
    wrong = [other[x] if odd else x for x, odd in zip(gold, by_text, strict=True)]
    yield TaughtSet("headlines, no word tells errors", texts, wrong)


def _with_deciding_words(texts: Sequence[str]) -> list[bool]:
    """Which texts hold one of the words, of middling frequency, that together are in 12 %."""
    words = [set(re.findall(r"\w+", text.lower())) for text in texts]
    counts = Counter(word for own in words for word in own)
    size = len(texts)
    middling = (word for word, n in counts.items() if 0.005 * size <= n <= 0.04 * size)
    found = [False] * size
    for word in sorted(middling, key=_place):
        if sum(found) >= _ERRORS * size:
            break
        found = [before or word in own for before, own in zip(found, words, strict=True)]
    return found


def _place(text: str) -> float:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) / 2**64


def pages(folder: Path) -> Iterator[TaughtSet]:
    """langid's answers on pages of four languages."""
    found = []
    with tarfile.open(folder / "content" / "tldr_pages.tar.gz") as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            file = archive.extractfile(member) if member.name.endswith(".md") else None
            if file is not None:
                found.append(file.read().decode("utf-8", "replace"))
    found.sort(key=_place)
    yield _taught_by("langid", found[:_MOST_TEXTS], "markup")


def source_files(folder: Path) -> Iterator[TaughtSet]:
    """magika's answers on the text files of the installed Python and its packages."""
    folders = {Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")}
    folders |= {Path(place) for place in sys.path if place.endswith("site-packages")}
    paths = sorted({path for place in folders for path in place.rglob("*") if _is_kept(path)})
    random.Random(3).shuffle(paths)
    texts: dict[str, None] = {}
    for path in paths:
        data = path.read_bytes()
        if data and b"\0" not in data and len(data) <= _MOST_BYTES:
            try:
                texts.setdefault(data.decode())
            except UnicodeDecodeError:
                continue
        if len(texts) == _MOST_TEXTS:
            break
    yield _taught_by("magika", list(texts), "code")


def _is_kept(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _taught_by(service: str, texts: Sequence[str], family: str) -> TaughtSet:
    teacher, task = load_embedded(service), Task("task", "1", AnswerKind.LABEL)
    items = (Item("item", "hash", "withheld", text, {"family": family}) for text in texts)
    answers = [teacher.answer(Question(task, item)).answer for item in items]
    return TaughtSet(service, texts, [None if x is None else str(x) for x in answers])


_SETS: Final[Mapping[str, Callable[[Path], Iterator[TaughtSet]]]] = {
    "headlines": headlines,
    "langid": pages,
    "magika": source_files,
}


@dataclass(frozen=True, slots=True)
class TaughtOutcome:
    """What one repetition came to, all as shares of the items that did not teach."""

    avoided: float
    refused: bool
    loss: float
    best: float
    exact_bound: float


def repetition(
    taught_set: TaughtSet, terms: Any, size: int, seed: int, test: int
) -> list[TaughtOutcome]:
    """Teaches with ``size`` answers at random; at most ``test`` others tell what came of it, for
    each promise."""
    order = np.random.default_rng(seed).permutation(len(taught_set.texts))
    taught_by, others = order[:size], order[size : size + test]
    lessons = [TeacherAnswer(str(n), taught_set.texts[n], taught_set.answers[n]) for n in taught_by]
    task = Task("task", "1", AnswerKind.LABEL)
    learned = learn_answers(lessons, task.kind, terms=terms[taught_by])
    model = learned.model
    guesses = model.read(model.ridge.outputs(terms[others]))
    same = np.array(
        [
            same_answer(AnswerKind.LABEL, guess.answer, taught_set.answers[n])
            for guess, n in zip(guesses, others, strict=True)
        ]
    )
    outcomes = []
    for promise in _PROMISES:
        config = TaughtConfig(type="taught", by="teacher", task="task", at_most=promise)
        taught = certified(learned, lessons, task, config, "teacher")
        outcomes.append(_outcome(taught, config, guesses, same))
    return outcomes


def _outcome(
    taught: Taught, config: TaughtConfig, guesses: Sequence[Guess], same: NDArray[np.bool_]
) -> TaughtOutcome:
    answered = np.array([taught.answers(guess) for guess in guesses])
    sureness = np.array([guess.sureness for guess in guesses])
    surest = np.argsort(-sureness, kind="stable")
    losses = np.cumsum(~same[surest]) / len(same)
    certificate, unaudited = taught.certificate, 1.0 - config.audit_share
    return TaughtOutcome(
        avoided=float(answered.mean()) * unaudited,
        refused=taught.threshold is None,
        loss=float((answered & ~same).mean()) * unaudited,
        best=float((losses <= config.at_most).mean()),
        exact_bound=certificate.exact_bound,
    )


def figures(
    taught_set: TaughtSet, terms: Any, repetitions: int, test: int
) -> Iterator[dict[str, str | float | int]]:
    """One row a number of answers and promise."""
    tested = min(test, len(taught_set.texts) - max(_SIZES))
    for size in _SIZES:
        repeated = [repetition(taught_set, terms, size, seed, test) for seed in range(repetitions)]
        for promise, outcomes in zip(_PROMISES, zip(*repeated, strict=True), strict=True):
            chance = _ONE_IN_TWENTY * (promise * (1.0 - promise) / tested) ** 0.5
            yield {
                "teacher": taught_set.name,
                "answers": size,
                "promise": promise,
                "avoided": fmean(one.avoided for one in outcomes),
                "best": fmean(one.best for one in outcomes),
                "refused": fmean(one.refused for one in outcomes),
                "loss": fmean(one.loss for one in outcomes),
                "most": max(one.loss for one in outcomes),
                "holds": fmean(one.loss <= promise for one in outcomes),
                "beyond chance": fmean(one.loss <= promise + chance for one in outcomes),
                "exact bound": fmean(one.exact_bound for one in outcomes),
            }


def main(arguments: list[str]) -> int:
    """Prints a table a teacher; 2 where there is nothing to measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks taught")
    parser.add_argument("folder", type=Path, help="folder of the evaluation data")
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--test", type=int, default=3000, help="items that tell what came of it")
    parser.add_argument("--sets", nargs="+", choices=list(_SETS), default=list(_SETS))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    found: list[dict[str, str | float | int]] = []
    for name in given.sets:
        try:
            sets = list(_SETS[name](given.folder))
        except FileNotFoundError as error:
            print(f"{name} is left out: {error.filename} is absent\n")
            continue
        texts, terms = None, None
        for one in sets:
            if one.texts is not texts:
                texts, terms = one.texts, hashed_terms(one.texts)
            rows = list(figures(one, terms, given.repetitions, given.test))
            header = [key for key in rows[0] if key != "teacher"]
            body = [[row[key] for key in header] for row in rows]
            print(table(f"{one.name}, {len(one.texts):,} texts", header, body), flush=True)
            found += rows
    write_json(given.json, {"taught": found})
    return 0 if found else 2
