"""`orchestrate preview`: what a run would ask and pay, without asking or paying."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.command.run import batches_to_do, materialize
from orchestration_assets.content.intake import take_in
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.pinned import pinned
from orchestration_assets.processing.answer_cache import AnswerCache, answer_key
from orchestration_assets.processing.batch import build_work
from orchestration_assets.processing.pricing import ServicePrice, forecast_prices
from orchestration_assets.processing.run import Work
from orchestration_assets.processing.usage import observed_usage
from orchestration_assets.schemas.features import FEATURE_NAMES
from orchestration_assets.schemas.items import Item, Question
from orchestration_assets.settings import Settings
from resources.home import HomeResource


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do with the batches that wait."""

    source: str
    entries: int
    batches: tuple[str, ...]
    plans: int
    services: tuple[ServicePrice, ...]
    budget_usd: float | None

    @property
    def usd(self) -> tuple[float, float, float]:
        """Lowest, expected and highest price in US dollars."""
        return (
            sum(one.usd_low for one in self.services),
            sum(one.usd for one in self.services),
            sum(one.usd_high for one in self.services),
        )


def preview(settings: Settings, source: str, now: datetime, *, as_json: bool, again: bool) -> int:
    """Lists, profiles and plans, which costs nothing, and prices the plans; returns 0.

    The batches recorded are the ones that the next run takes. Raises as ``run`` does.
    """
    policy = load_policy(settings.policy).policy
    intake = take_in(settings.home, source, policy.content, now)
    batches = batches_to_do(settings.home, intake, again=again)
    if batches:
        materialize(settings, intake, batches, lambda batch, finished: ("plan_batch", batch))
    found = _priced(settings.home, intake.listing.source, len(intake.listing.entries), batches)
    if as_json:
        low, expected, high = found.usd
        plain = asdict(found) | {"usd_low": low, "usd": expected, "usd_high": high}
        sys.stdout.write(json.dumps(plain, indent=1) + "\n")
    else:
        sys.stdout.write(render(found) + "\n")
    return 0


def _priced(home: Path, source: str, entries: int, batches: Sequence[str]) -> Preview:
    doors = HomeResource(path=str(home))
    cache = AnswerCache(doors.answers)
    seen = observed_usage(doors.tables)
    totals: dict[str, ServicePrice] = {}
    plans_in_all, budget = 0, None
    for batch in batches:
        plans = doors.tables.read("processing_plans", batch)
        policy = pinned(doors.policies, plans)
        if policy is None:
            continue
        work = build_work(policy)
        budget = policy.execution.budget_usd
        profiles = doors.tables.read("content_profiles", batch, ["item_id", "path", *FEATURE_NAMES])
        rows = plans.to_pylist()
        known = _cached(rows, profiles, work, cache)
        tokens = dict(
            zip(
                profiles["item_id"].to_pylist(),
                pc.fill_null(profiles["token_estimate"], 0).to_pylist(),
                strict=True,
            )
        )
        plans_in_all += len(rows)
        for one in forecast_prices(rows, tokens, work.services, seen, known):
            totals[one.service] = one.plus(totals.get(one.service))
    services = tuple(sorted(totals.values(), key=lambda one: (-one.usd, one.service)))
    return Preview(source, entries, tuple(batches), plans_in_all, services, budget)


def _cached(
    plans: Sequence[Mapping[str, Any]], profiles: pa.Table, work: Work, cache: AnswerCache
) -> dict[tuple[str, str, str], bool]:
    """For (item, task, service): whether the answer is kept that a first look would need.

    Services that are shown others' answers are counted as not kept: what they will be shown is
    not known yet.
    """
    items = {row["item_id"]: row for row in profiles.to_pylist()}
    found = {}
    for plan in plans:
        choice = work.choices[plan["task"], plan["option"]]
        item_id, row = plan["item_id"], items[plan["item_id"]]
        item = Item(item_id, plan["content_hash"], row["path"], "", row)
        question = Question(work.tasks[plan["task"]], item)
        for name in choice.services:
            first = not choice.chain or name == choice.services[0]
            if first and not choice.after.get(name):
                kept = cache.get(answer_key(question, work.services[name])) is not None
                found[item_id, plan["task"], name] = kept
    return found


def render(preview: Preview) -> str:
    """The preview as lines for people."""
    lines = [f"{preview.entries:,} entries in {preview.source}"]
    if not preview.batches:
        return "\n".join([*lines, "  nothing new   a run would ask nothing"])
    lines += [
        f"  batches       {', '.join(preview.batches)}",
        f"  plans         {preview.plans:,}",
        "  service               calls            kept   expected USD   (low to high)",
    ]
    for one in preview.services:
        calls = (
            f"{one.calls_low:,}"
            if one.calls_low == one.calls_high
            else f"{one.calls_low:,} to {one.calls_high:,}"
        )
        price = f"{one.usd:>12.4f}   ({one.usd_low:.4f} to {one.usd_high:.4f})"
        lines.append(f"    {one.service:<18}  {calls:<15}  {one.cached:>6,}   {price}")
    low, expected, high = preview.usd
    lines.append(f"  price         {expected:.4f} USD ({low:.4f} to {high:.4f})")
    if preview.budget_usd is not None:
        lines.append(f"  budget        {preview.budget_usd:.4f} USD a batch, from the policy")
    return "\n".join(lines)
