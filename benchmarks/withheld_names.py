"""The packaged policy on source files without names: right as often as magika, asked less.

``python -m benchmarks withheld_names FOLDER... [--json FILE]``: takes the files below the folders
whose extension means one thing, takes the name away, and lets the packaged policy's plan for
content_type decide. Prints its accuracy beside magika asked about every file, and on how many
files the policy asked magika at all.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks._output import table, write_json
from benchmarks.content_type_accuracy import LabelledFile, labelled_files
from orchestration_assets.content.manifest import content_hash
from orchestration_assets.evidence.consensus import consensus
from orchestration_assets.policy.load import load_policy
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.asker import Asker
from orchestration_assets.processing.batch import build_work
from orchestration_assets.processing.event_loop import BatchWork
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.profiling.profiler import profile
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.items import Item, Question
from orchestration_assets.schemas.tables import ItemProfile
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.plan import plan_item
from resources.feature_cache.lmdb_store import LmdbStore

TASK, MODEL = "content_type", "magika"
LIMIT_ASKED = 0.25


def main(arguments: Sequence[str]) -> int:
    """``FOLDER... [--per-package N] [--json FILE]``; 2 when the folders hold no such files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks withheld_names")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--per-package", type=int, default=100, help="files a package and language")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    files = list(labelled_files(given.folders, per_package=given.per_package))
    if not files:
        print("no source files with unambiguous extensions below the folders", file=sys.stderr)
        return 2
    figures = measure(files)
    rows = [
        (label, one["files"], one["policy"], one["magika"], one["asked"])
        for label, one in figures["by_label"].items()
    ]
    whole = figures["whole"]
    rows.append(("all", whole["files"], whole["policy"], whole["magika"], whole["asked"]))
    header = ("language", "files", "policy right", "magika right", "magika asked")
    print(table("Share of files, names withheld", header, rows))
    print(f"policy / magika {whole['policy'] / whole['magika']:.4f}, limit 1 or more")
    print(f"asked / limit   {whole['asked'] / LIMIT_ASKED:.4f}, limit 1 or less")
    write_json(given.json, figures)
    return 0


def measure(files: Sequence[LabelledFile]) -> dict[str, Any]:
    """Shares of files that the policy and magika alone get right, whole and by language."""
    with tempfile.TemporaryDirectory() as folder:
        cache = AnswerCache(LmdbStore(Path(folder) / "answers"))
        outcomes = asyncio.run(_decide(files, cache))
    by_label: dict[str, list[tuple[bool, bool, bool]]] = defaultdict(list)
    for file, outcome in zip(files, outcomes, strict=True):
        by_label[file.label].append(outcome)
    return {
        "whole": _shares(outcomes),
        "by_label": {label: _shares(found) for label, found in sorted(by_label.items())},
    }


def _shares(outcomes: Sequence[tuple[bool, bool, bool]]) -> dict[str, float]:
    policy, magika, asked = (sum(column) / len(outcomes) for column in zip(*outcomes, strict=True))
    return {"files": len(outcomes), "policy": policy, "magika": magika, "asked": asked}


async def _decide(
    files: Sequence[LabelledFile], cache: AnswerCache
) -> list[tuple[bool, bool, bool]]:
    loaded = load_policy()
    work = build_work(loaded.policy)
    prices = {name: Price(s.expected_ms, s.cost_usd) for name, s in work.services.items()}
    outcomes = []
    for number, file in enumerate(files):
        data = file.text.encode()
        item = _item(f"withheld{number}", file.text, data)
        seen = ItemProfile(
            item.item_id, item.content_hash, item.path, ProfileStatus.OK, item.profile
        )
        plan = plan_item("b", seen, TASK, loaded.policy.tasks[TASK], loaded.hash, prices)
        outcomes.append(await _outcome(file.label, item, plan.option, work, cache))
    return outcomes


def _item(name: str, text: str, data: bytes) -> Item:
    found = profile(name, text, size_bytes=len(data))
    return Item(name, content_hash(data), name, text, found.features)


async def _outcome(
    label: str, item: Item, option: str, work: BatchWork, cache: AnswerCache
) -> tuple[bool, bool, bool]:
    asker = Asker(work.services, cache)
    question = Question(work.tasks[TASK], item)
    done = await execute(work.choices[TASK, option], question, asker.ask, work.tasks)
    votes = [(one.service, one.reading) for one in done.answered]
    answer = consensus(votes, question.task).answer
    alone = await asker.ask(MODEL, question)
    asked = any(one.service == MODEL for one in done.answered)
    return answer == label, alone.reading.answer == label, asked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
