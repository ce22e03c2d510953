"""What rounds gain on large items: key words of growing excerpts against those of the whole text.

``python -m benchmarks iterative_gain [FOLDER] [--json FILE]``: carries out the packaged policy's
iterative plan for keywords on the large text files below FOLDER (the standard library unless
given). The reference are the TF-IDF key words of the whole text, however long. Beside the rounds
stands the parallel plan, whose services read the beginning of an item only.
"""

import argparse
import asyncio
import statistics
import sys
import sysconfig
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks._output import table, write_json
from orchestration_assets.policy.load import load_policy
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker, AskResult
from orchestration_assets.processing.batch import build_work
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.processing.plan_result import PlanResult, lead
from orchestration_assets.profiling.kind import detect_kind
from orchestration_assets.schemas.items import Item, Question
from orchestration_assets.text.document_frequencies import term_counts, term_weights
from orchestration_assets.text.prose import PROSE_CHARS
from orchestration_assets.text.words import words_of
from resources.feature_cache.lmdb_store import LmdbStore

TASK = "keywords"
_LARGE_CHARS = 40_000
_MEMBERS = 8


def main(arguments: Sequence[str]) -> int:
    """``[FOLDER] [--items N] [--json FILE]``"""
    parser = argparse.ArgumentParser(prog="python -m benchmarks iterative_gain")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(sysconfig.get_path("stdlib")))
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    items = list(_large_items(given.folder, given.items))
    if not items:
        print(f"no text of {_LARGE_CHARS:,} characters or more below {given.folder}")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        cache = AnswerCache(LmdbStore(Path(folder) / "answers"))
        figures = asyncio.run(_measure(items, cache))
    rows = [tuple(row.values()) for row in figures["rounds"]]
    header = ("plan", "items", "coverage", "in reference", "gain", "stopped here")
    print(table(f"Key words of {len(items)} large items", header, rows))
    write_json(given.json, figures)
    return 0


def _large_items(folder: Path, most: int) -> Iterable[Item]:
    found = 0
    for path in sorted(folder.rglob("*")):
        if "site-packages" in path.parts or not path.is_file() or found == most:
            continue
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if len(text) >= _LARGE_CHARS and "\0" not in text:
            found += 1
            family = detect_kind(path.name, text).family.value
            yield Item(str(found), str(found), path.name, text, {"family": family})


def _reference(item: Item) -> set[str]:
    pieces = range(0, len(item.text), PROSE_CHARS)
    family = item.profile["family"]
    words = [w for at in pieces for w in words_of(item.text[at : at + PROSE_CHARS], family)]
    weights = term_weights(term_counts(words))
    return set(sorted(weights, key=lambda word: (-weights[word], word))[:_MEMBERS])


async def _measure(items: Sequence[Item], cache: AnswerCache) -> dict[str, Any]:
    work = build_work(load_policy().policy)
    asker = Asker(work.services, cache)
    found: dict[str, list[tuple[float, float, float | None, bool]]] = defaultdict(list)
    for item in items:
        reference = _reference(item)
        question = Question(work.tasks[TASK], item)
        plain = await execute(work.choices[TASK, "default"], question, asker.ask, work.tasks)
        lead_share = min(1.0, PROSE_CHARS / len(item.text))
        share = _share(lead(plain.answered, question).answer, reference)
        found["parallel, beginning"].append((lead_share, share, None, True))
        rounds = await execute(work.choices[TASK, "large_item"], question, asker.ask, work.tasks)
        _by_round(rounds, question, reference, found)
    return {"rounds": [_row(name, values) for name, values in found.items()]}


def _by_round(
    done: PlanResult,
    question: Question,
    reference: set[str],
    found: dict[str, list[tuple[float, float, float | None, bool]]],
) -> None:
    by_round: dict[int, list[AskResult]] = defaultdict(list)
    for one in done.answered:
        by_round[one.round].append(one)
    decisions = [decision for decision in done.decisions if decision.action == "round"]
    for number, decision in enumerate(decisions):
        share = _share(decision.answer, reference)
        last = number + 1 == len(by_round)
        coverage = decision.coverage or 0.0
        found[f"iterative, round {number + 1}"].append((coverage, share, decision.gain, last))
        if last:
            found["iterative, where it stopped"].append((coverage, share, decision.gain, last))


def _share(answer: Any, reference: set[str]) -> float:
    """How much of the reference the answer names."""
    return len(reference & set(answer or ())) / max(len(reference), 1)


def _row(name: str, values: list[tuple[float, float, float | None, bool]]) -> dict[str, Any]:
    coverage, share, gains, stopped = zip(*values, strict=True)
    known = [gain for gain in gains if gain is not None]
    return {
        "plan": name,
        "items": len(values),
        "coverage": statistics.fmean(coverage),
        "in_reference": statistics.fmean(share),
        "gain": statistics.fmean(known) if known else 0.0,
        "stopped": sum(stopped),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
