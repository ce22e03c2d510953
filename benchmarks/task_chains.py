"""What a chain of four tasks costs beside four flat ones: processor time of embedded services."""

import argparse
import gc
import math
import resource
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks._output import table, write_json
from benchmarks._records import texts
from orchestration_assets.policy.load import parse_policy
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.batch import build_work
from orchestration_assets.processing.embedded_plans import process_embedded
from orchestration_assets.processing.event_loop import BatchWork
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.items import Item
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import ItemProfile, PlanRow
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.plan import plan_items
from resources.feature_cache.lmdb_store import LmdbStore

LIMIT: Final = 1.10
_ROUNDS: Final = 3
_FLAT: Final = """
version: 2
services:
  stopwords: {implementation: stopwords}
  langid: {implementation: langid}
  keys: {implementation: tfidf_keywords}
  tone: {implementation: vader_tone}
tasks:
  language: {question: Which?, default: {model: parallel, services: [stopwords, langid]}}
  words: {question: About?, kind: set, @2 default: {model: sequential, services: [keys]}}
  mood: {question: How?, kind: score, scale: [-1.0, 1.0], @3
    default: {model: sequential, services: [tone]}}
  again: {question: Which?, @4 default: {model: parallel, services: [stopwords, langid]}}
"""
# each waits for the one before, and every question is asked as without the chain
_LINKS: Final = {
    "@2": "applies_to: {answers.language: {ne: none}}, otherwise: ask,",
    "@3": "after: [words], otherwise: ask,",
    "@4": "applies_to: {answers.mood: {ge: -1.0}}, otherwise: ask,",
}


def main(arguments: Sequence[str]) -> int:
    """``[--records N] [--json FILE]``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks task_chains", description=__doc__)
    parser.add_argument("--records", type=int, default=2_000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    figures = measure(given.records)
    names = ("flat", "chain", "ratio")
    rows = [(what, *(f"{figures[what][name]:.2f}" for name in names)) for what in figures["rows"]]
    header = ("answers", "flat", "chain", f"ratio (at most {LIMIT:.2f})")
    print(table("Seconds of processor time", header, rows))
    write_json(given.json, figures)
    return 0


def measure(records: int) -> dict[str, Any]:
    """The least of several interleaved rounds: with answers to give, and with all of them kept."""
    items = {f"i{n:06}": text for n, text in enumerate(texts(records))}
    kinds = {"flat": _policy(dict.fromkeys(_LINKS, "")), "chain": _policy(_LINKS)}
    policies = {name: parse_policy(text, name).policy for name, text in kinds.items()}
    work = {name: build_work(policy) for name, policy in policies.items()}
    plans = {name: _plans(policy, items) for name, policy in policies.items()}
    least = {(what, name): math.inf for what in ("given", "kept") for name in kinds}
    for number in range(_ROUNDS + 1):
        asked = {}
        for name in kinds:
            given, kept, asked[name] = _once(plans[name], work[name], items)
            if number:  # the first loads models
                for what, seconds in (("given", given), ("kept", kept)):
                    least[what, name] = min(least[what, name], seconds)
        if len(set(asked.values())) > 1:
            raise RuntimeError(f"the same questions must be asked of both, got {asked}")
    found: dict[str, Any] = {"records": records, "rows": ["given", "kept"]}
    for what in ("given", "kept"):
        flat, chain = least[what, "flat"], least[what, "chain"]
        found[what] = {"flat": flat, "chain": chain, "ratio": chain / flat}
    return found


def _policy(links: Mapping[str, str]) -> str:
    text = _FLAT
    for place, link in links.items():
        text = text.replace(place, link)
    return text


def _plans(policy: Policy, items: Mapping[str, str]) -> list[PlanRow]:
    profiles = [ItemProfile(one, one, f"{one}.txt", ProfileStatus.OK, {}) for one in items]
    prices = {name: Price(1.0, 0.0) for name in policy.services}
    rows = plan_items("batch", profiles, policy, "", prices)
    return sorted(rows, key=lambda row: (row.item_id, row.task))


def _once(
    plans: Sequence[PlanRow], work: BatchWork, items: Mapping[str, str]
) -> tuple[float, float, int]:
    """Seconds with nothing kept, then with all of it; how many readings there are."""

    def load(item: str) -> Item:
        return Item(item, item, f"{item}.txt", items[item], {})

    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        cache = AnswerCache(LmdbStore(Path(folder)))
        for _ in range(2):
            gc.collect()
            began = _cpu()
            done = process_embedded(plans, work, cache, load)
            seconds.append(_cpu() - began)
    return seconds[0], seconds[1], sum(map(len, done.interpretations.values()))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
