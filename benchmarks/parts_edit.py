"""One edit of a long document: what is asked again with parts and without, beside a fresh run."""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks._output import table, write_json
from benchmarks._records import texts
from orchestration_assets.policy.load import parse_policy
from orchestration_assets.processing.answer_cache import AnswerCache
from orchestration_assets.processing.batch import build_work
from orchestration_assets.processing.event_loop import BatchLimits, BatchResult, process_plans
from orchestration_assets.processing.part_questions import text_hash
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.items import Item
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import INTERPRETATIONS, ItemProfile
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.plan import plan_items
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.feature_cache.lmdb_store import LmdbStore

_LATENCY_MS: Final = 50.0
_POLICY: Final = """
version: 2
services:
  model:
    type: openai_chat
    base_url: {url}
    model: model-1
    prompt: {{user: "{{{{ content }}}}"}}
tasks:
  tone:
    question: Which?
    labels: [calm, angry, glad]
    {parts}
    default: {{model: parallel, services: [model]}}
"""
_WAYS: Final = {
    "whole document": "",
    "sections": "parts: {by: sections}",
    "chunks of 500 tokens": "parts: {by: chunks, max_tokens: 500}",
}
_PARAGRAPHS: Final = 3


def main(arguments: Sequence[str]) -> int:
    """``[--sections N] [--json FILE]``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks parts_edit", description=__doc__)
    parser.add_argument("--sections", type=int, default=200)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    figures = [
        one for name, parts in _WAYS.items() for one in _measure(name, parts, given.sections)
    ]
    header = (
        "asked of",
        "run",
        "calls",
        "tokens sent",
        "seconds",
        "content read",
        "equal to fresh",
    )
    rows = [
        (
            one["asked_of"],
            one["run"],
            str(one["calls"]),
            f"{one['tokens']:,}",
            f"{one['seconds']:.2f}",
            f"{one['content_share']:.0%}",
            one["equal"],
        )
        for one in figures
    ]
    title = f"A document of {given.sections} sections, a service that takes {_LATENCY_MS:.0f} ms"
    print(table(title, header, rows))
    write_json(given.json, {"runs": figures})
    return 0


def _measure(name: str, parts: str, sections: int) -> Iterator[dict[str, Any]]:
    """The first run, that after one edit, and a fresh one over the edited document."""
    server = DrillServer(FaultScript(median_ms=_LATENCY_MS))
    before, edited = _document(sections, None), _document(sections, sections // 2)
    with tempfile.TemporaryDirectory() as folder, serving(server) as url:
        policy = _POLICY.format(url=url, parts=parts)
        runs = {
            "first": (before, Path(folder, "kept")),
            "edited": (edited, Path(folder, "kept")),
            "fresh": (edited, Path(folder, "fresh")),
        }
        tables = {}
        for run, (text, cache) in runs.items():
            asked = len(server.log)
            began = time.perf_counter()
            done = _processed(policy, text, cache)
            seconds = time.perf_counter() - began
            model = next(iter(model for model, rows in done.interpretations.items() if rows))
            kind = INTERPRETATIONS[model]
            tables[run] = rows_to_arrow(kind, done.interpretations[model]).select(
                kind.stable_columns
            )
            shares = [one.content_share for one in done.calls if one.content_share is not None]
            equal = "" if run != "fresh" else "yes" if tables["edited"] == tables[run] else "no"
            yield {
                "asked_of": name,
                "run": run,
                "calls": len(server.log) - asked,
                "tokens": sum(one.tokens_in or 0 for one in done.calls),
                "seconds": seconds,
                "content_share": sum(shares) / len(shares) if shares else 1.0,
                "equal": equal,
            }


def _processed(policy_text: str, text: str, cache: Path) -> BatchResult:
    policy = parse_policy(policy_text, "benchmark").policy
    work = build_work(policy)
    features: Mapping[str, Any] = {"family": "markup", "token_estimate": len(text) // 4}
    profile = ItemProfile("item", text_hash(text), "long.md", ProfileStatus.OK, features)
    prices = {name: Price(one.expected_ms, one.cost_usd) for name, one in work.services.items()}
    plans = list(plan_items("batch", [profile], policy, "", prices))
    item = Item("item", text_hash(text), "long.md", text, features)
    kept = AnswerCache(LmdbStore(cache))
    return process_plans(plans, work, kept, lambda name: item, BatchLimits(32))


def _document(sections: int, edited: int | None) -> str:
    prose = iter(texts(sections * _PARAGRAPHS))
    parts = []
    for number in range(sections):
        body = "\n\n".join(next(prose) for _ in range(_PARAGRAPHS))
        change = " One sentence is new." if number == edited else ""
        parts.append(f"## Section {number + 1}\n\n{body}{change}\n\n")
    return "".join(parts)
