"""`orchestrate preview`: what a run would take in, compute and ask, without doing any of it."""

import glob
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from orchestration_assets.content.intake import of_source, take_in, unfinished
from orchestration_assets.content.known import entries_of, make_manifest
from orchestration_assets.policy.load import load_policy
from orchestration_assets.processing.answer_cache import answer_key
from orchestration_assets.processing.batch import build_tasks
from orchestration_assets.processing.pricing import ServicePrice, forecast_prices
from orchestration_assets.processing.usage import observed_usage
from orchestration_assets.profiling.batch import Chunk, Unread, read_again
from orchestration_assets.profiling.kept import profile_key
from orchestration_assets.profiling.profiler import profile
from orchestration_assets.progress import SilentProgress
from orchestration_assets.schemas.enums import Outcome, ProfileStatus
from orchestration_assets.schemas.items import Item, Question
from orchestration_assets.schemas.policy import Content, Policy
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, PlanRow
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.plan import plan_items
from orchestration_assets.settings import Settings
from resources.ai_services.pool import build_services
from resources.damage import leaving_out_damage
from resources.feature_cache.lmdb_store import LmdbStore
from resources.feature_cache.opening import open_cache
from resources.table_store import BatchStore, TableStore

SAMPLE: Final = 500


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do.

    ``listed`` counts entries by new, changed, gone and known; ``outcomes`` what would become of
    the first three; ``left`` are batches that an earlier run left unfinished. Plans, calls and
    price are forecast from ``sampled`` of the accepted items, spread evenly, and scaled up to all
    of them: exact bounds when all were sampled. ``answers_kept`` of ``answers_asked`` first
    questions about whole items have their answer in the cache already. ``prices`` says what each
    service is expected to cost, ``usd`` what all do, between ``usd_low`` and ``usd_high``: as
    earlier batches were billed, without what is kept.
    """

    source: str
    listed: Mapping[str, int]
    outcomes: Mapping[str, int]
    batches: int
    left: tuple[str, ...]
    profiles_kept: int
    profiles_due: int
    sampled: int
    models: Mapping[str, int]
    services: Mapping[str, int]
    calls_min: int
    calls_max: int
    cost_usd_max: float
    answers_kept: int
    answers_asked: int
    prices: tuple[ServicePrice, ...]
    usd_low: float
    usd: float
    usd_high: float


@dataclass(frozen=True, slots=True)
class _Taken:
    """What the intake would accept, as manifest rows."""

    source: str
    listed: Mapping[str, int]
    outcomes: Mapping[str, int]
    batches: int
    accepted: list[dict[str, Any]]


def preview(settings: Settings, source: str, *, as_json: bool, sample: int = SAMPLE) -> int:
    """Prints what a run over the source would do; returns the exit code.

    Reads the source and the home, asks no service, writes nothing. Raises PolicyError and
    SourceError.
    """
    policy = load_policy(settings.policy).policy
    found = look_ahead(settings.home, source, policy, sample)
    text = json.dumps(asdict(found), indent=1) if as_json else render(found)
    sys.stdout.write(text + "\n")
    return 0


def look_ahead(home: Path, source: str, policy: Policy, sample: int) -> Preview:
    """The preview of a run over ``source`` with this home; profiles at most ``sample`` items."""
    services = build_services(policy.services)
    prices = {name: Price(one.expected_ms, one.cost_usd) for name, one in services.items()}
    tasks = build_tasks(policy)
    plans: list[PlanRow] = []
    answer_keys: dict[tuple[str, str, str], str] = {}
    tokens: dict[str, int] = {}
    with _shadow(home) as shadow:
        taken = _would_take(home, shadow, source, policy.content)
        step = max(len(taken.accepted) / max(sample, 1), 1.0)
        picked = [taken.accepted[int(n * step)] for n in range(int(len(taken.accepted) / step))]
        work = Chunk(str(shadow), "", taken.source, tuple(picked))
        for row, text in zip(picked, read_again(work), strict=True):
            if isinstance(text, Unread):
                continue  # it changed while the preview looked at it
            features = profile(row["path"], text, size_bytes=row["size_bytes"]).features
            item = Item(row["item_id"], row["content_hash"], row["path"], text, features)
            profiled = {**row, **features, "status": ProfileStatus.OK}
            made = list(plan_items("", iter([profiled]), policy, "", prices))
            plans += made
            tokens[row["item_id"]] = int(features["token_estimate"] or 0)
            answer_keys |= {
                (plan.item_id, plan.task, name): answer_key(
                    Question(tasks[plan.task], item), services[name]
                )
                for plan in made
                for name in plan.services
            }
    keys = [profile_key(row) for row in taken.accepted]
    kept = open_cache(home, policy.execution.cache).peek_many(keys)
    scale = len(taken.accepted) / len(picked) if picked else 0.0
    scaled = partial(_scaled, scale=scale)
    answers = LmdbStore(home / "cache" / "answers").get_many(answer_keys.values())
    seen = observed_usage(TableStore(home))
    is_kept = {about: key in answers for about, key in answer_keys.items()}
    rows = (asdict(plan) for plan in plans)
    priced = [one.times(scale) for one in forecast_prices(rows, tokens, services, seen, is_kept)]
    asked = Counter(name for plan in plans for name in plan.services)
    left = of_source(home, unfinished(home), taken.source)
    return Preview(
        source=taken.source,
        listed=taken.listed,
        outcomes=taken.outcomes,
        batches=taken.batches,
        left=tuple(left),
        profiles_kept=sum(key in kept for key in keys),
        profiles_due=sum(key not in kept for key in keys),
        sampled=len(picked),
        models={k: scaled(v) for k, v in sorted(Counter(str(p.model) for p in plans).items())},
        services={name: scaled(count) for name, count in sorted(asked.items())},
        calls_min=scaled(sum(plan.calls_min for plan in plans)),
        calls_max=scaled(sum(plan.calls_max for plan in plans)),
        cost_usd_max=sum(plan.cost_usd_max for plan in plans) * scale,
        answers_kept=scaled(sum(is_kept.values())),
        answers_asked=scaled(len(answer_keys)),
        prices=tuple(priced),
        usd_low=sum(one.usd_low for one in priced),
        usd=sum(one.usd for one in priced),
        usd_high=sum(one.usd_high for one in priced),
    )


@contextmanager
def _shadow(home: Path) -> Iterator[Path]:
    """A home in a temporary folder that knows of the intake what this one knows.

    The intake writes as it decides; what it would write goes there, and away with it.
    """
    with TemporaryDirectory() as folder:
        shadow = Path(folder)
        for part in ("batches", "ledger", f"tables/{CONTENT_MANIFEST.name}"):
            (shadow / part).mkdir(parents=True)
            for file in (home / part).glob("[!.]*.parquet"):
                (shadow / part / file.name).symlink_to(file.absolute())
        yield shadow


def _would_take(home: Path, shadow: Path, source: str, content: Content) -> _Taken:
    exclude = content.exclude
    root = Path(source).expanduser().resolve()
    if home.resolve().is_relative_to(root) and home.resolve() != root:
        exclude = (*exclude, f"{glob.escape(str(home.resolve().relative_to(root)))}/**")
    content = content.model_copy(update={"exclude": exclude, "keep": False})
    seen = set(BatchStore(shadow).recorded())
    intake = take_in(shadow, source, content, datetime.now(UTC))
    before: set[str] = set()
    for key in of_source(home, seen, intake.listing.source):
        with leaving_out_damage():
            before |= set(BatchStore(home).read(key)["file"].to_pylist())
    entries = [e for key in intake.recorded for e in entries_of(shadow, key)]
    files = {entry.file: entry for entry in entries}
    news = Counter(
        "gone" if entry.gone else "changed" if file in before else "new"
        for file, entry in files.items()
    )
    news["known"] = intake.listing.entries.num_rows - news["new"] - news["changed"]
    manifest: list[dict[str, Any]] = []
    for key in intake.recorded:
        made = make_manifest(shadow, key, content, SilentProgress())
        # later batches of the same look are settled against the earlier ones
        TableStore(shadow).write(CONTENT_MANIFEST, made, key)
        manifest += made.to_pylist()
    return _Taken(
        intake.listing.source,
        {name: news[name] for name in ("new", "changed", "gone", "known")},
        dict(sorted(Counter(row["outcome"] for row in manifest).items())),
        len(intake.recorded),
        [row for row in manifest if row["outcome"] == Outcome.ACCEPTED],
    )


def _scaled(count: int, scale: float) -> int:
    return round(count * scale)


def render(found: Preview) -> str:
    """The preview as lines for people."""
    whole = found.profiles_kept + found.profiles_due
    lines = [
        f"{sum(found.listed.values()):,} entries in {found.source}",
        f"  listed        {_counts(found.listed)}",
        f"  would become  {_counts(found.outcomes)}, in {found.batches:,} batches",
    ]
    if found.left:
        lines.append(f"  left over     {', '.join(found.left)}: a run goes on with these too")
    if not whole:
        return "\n".join([*lines, "  nothing to profile or to ask"])
    about = (
        "" if found.sampled == whole else f" (forecast from {found.sampled:,} of {whole:,} items)"
    )
    lines += [
        f"  profiles      {found.profiles_kept:,} kept, {found.profiles_due:,} to be computed",
        f"  models        {_counts(found.models)}{about}",
        f"  may be asked  {_counts(found.services)}",
        f"  questions     {found.calls_min:,} to {found.calls_max:,}, "
        f"at most {found.cost_usd_max:.4f} USD{about}",
        f"  answers       {found.answers_kept:,} of {found.answers_asked:,} are kept and cost "
        "nothing",
        f"  price         {found.usd:.4f} USD, between {found.usd_low:.4f} and "
        f"{found.usd_high:.4f}{about}",
    ]
    lines += [
        f"    {one.service:<12}{one.usd:.4f} USD, between {one.usd_low:.4f} and "
        f"{one.usd_high:.4f}, for {one.calls_low:,} to {one.calls_high:,} calls"
        for one in found.prices
        if one.usd_high
    ]
    return "\n".join(lines)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"
