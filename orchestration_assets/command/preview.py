"""`orchestrate preview`: what a run would take in, compute and ask, without doing any of it."""

import glob
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.command.preview_sample import (
    AnswerKeys,
    PreviewSample,
    answer_keys_of,
    sample_of_home,
    token_count,
)
from orchestration_assets.command.run_account import left_of_budget
from orchestration_assets.content.deferred import deferred_batches
from orchestration_assets.content.intake import Intake, of_source, take_in, unfinished
from orchestration_assets.content.manifest_builder import make_manifest
from orchestration_assets.content.record_hints import RecordHint, hint_lines, record_hints
from orchestration_assets.extensions.features import added_features
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.memory import memory_tasks
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.judged_messages import stale_messages
from orchestration_assets.processing.pricing import ServicePrice, forecast_prices, list_price
from orchestration_assets.processing.question_costs import observed_costs
from orchestration_assets.processing.usage import observed_usage
from orchestration_assets.profiling.added import AddedFeatures, time_left_ms
from orchestration_assets.profiling.batch import (
    STAGE_CLOCKS,
    ProfileChunk,
    UnreadItem,
    reread_texts,
)
from orchestration_assets.profiling.profile_cache import profile_key
from orchestration_assets.profiling.profiler import profile
from orchestration_assets.progress import SilentProgress
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.items import Item
from orchestration_assets.schemas.policy import Content, Policy
from orchestration_assets.schemas.tables import (
    BATCH_ENTRIES,
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    AcceptedItem,
    ItemProfile,
    accepted_items,
    added_values,
    weighed_counts,
)
from orchestration_assets.selection.active_selector import ChosenPoint
from orchestration_assets.selection.batch import is_learned
from orchestration_assets.selection.expectations import TextVectors, text_inputs, text_vectors
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.panel_outcomes import refused_panels
from orchestration_assets.selection.plan import choose_models, plan_items
from orchestration_assets.selection.plan_passages import (
    indexed_corpora,
    not_indexed,
    passages_by_task,
    usual_passages,
)
from orchestration_assets.selection.shown_context import (
    NOTHING_SHOWN,
    ShownPieces,
    pieces_of,
)
from orchestration_assets.selection.shown_conversations import (
    memory_by_question,
    messages_before_new,
    messages_known,
    told_of_message,
)
from orchestration_assets.selection.shown_plans import ShownInPlan
from orchestration_assets.selection.training_corpus import recent_prices
from orchestration_assets.services.contract import Service
from orchestration_assets.services.pool import build_services
from orchestration_assets.settings import Settings
from resources.damage import leaving_out_damage
from resources.feature_cache.tiered import TieredCache
from resources.home import Home
from resources.knowledge_store import KnowledgeStore
from resources.table_store import BatchStore, TableStore

SAMPLE: Final = 500
# what the key of a kept profile is made of
_PROFILE_KEY: Final = ("path", "content_hash", "encoding")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do over ``source``, or, without one, over every batch of the home again.

    ``listed`` counts entries by new, changed, gone and known; ``outcomes`` what would become of
    the first three; ``left`` are batches that an earlier run left unfinished. Plans, calls and
    price are forecast from ``sampled`` of the accepted items, spread evenly, and scaled up to all
    of them: exact bounds when all were sampled. ``answers_kept`` of ``answers_asked`` first
    questions about whole items have their answer in the cache already. ``prices`` says what each
    service is expected to cost, ``usd`` what all do, without what is kept; between ``usd_low`` and
    ``usd_high`` in 95 of 100 cases, where the content is like that of earlier batches. ``observed``
    earlier questions, processed in the same ways, are what this rests on. ``budget_usd`` is what is
    left of the budget given, and of the policy's for each batch: the three are no more than that,
    ``needed_usd`` is what all questions are expected to cost. ``conditional`` plans are carried out
    only where the answers to other tasks admit it: all of them are counted. ``shown_tokens`` of
    passages were found for all questions; of corpora that are ``not_indexed`` some documents say
    how long passages are, or, where no source is read, they count as full ones. ``memory_tokens``
    of conversations are shown for all questions, where earlier messages are as long as others.
    ``stale`` counts messages of finished batches that a run asks about again, since their
    conversation changed, ``stale_because`` says how; ``stale_usd`` is the price of these alone,
    beside that of the others. ``record_hints`` are files that would be one item each and surely
    hold records.
    """

    source: str | None
    listed: Mapping[str, int]
    outcomes: Mapping[str, int]
    batches: int
    left: tuple[str, ...]
    profiles_kept: int
    profiles_due: int
    sampled: int = 0
    models: Mapping[str, int] = field(default_factory=dict)
    services: Mapping[str, int] = field(default_factory=dict)
    calls_min: int = 0
    calls_max: int = 0
    cost_usd_max: float = 0.0
    answers_kept: int = 0
    answers_asked: int = 0
    stale: Mapping[str, int] = field(default_factory=dict)
    stale_because: tuple[str, ...] = ()
    stale_usd: float = 0.0
    stale_usd_low: float = 0.0
    stale_usd_high: float = 0.0
    prices: tuple[ServicePrice, ...] = ()
    usd_low: float = 0.0
    usd: float = 0.0
    usd_high: float = 0.0
    observed: int = 0
    needed_usd: float = 0.0
    budget_usd: float | None = None
    conditional: int = 0
    shown_tokens: int = 0
    memory_tokens: int = 0
    not_indexed: tuple[str, ...] = ()
    record_hints: tuple[RecordHint, ...] = ()


@dataclass(frozen=True, slots=True)
class _Taken:
    """What the intake would do; the manifests stand in the shadow home, batch by batch.

    ``batches`` counts the new ones. ``accepted`` counts the accepted items of each batch, of those
    that an earlier run left unfinished too; ``profiles_kept`` those of all batches whose profile is
    in the cache.
    """

    source: str
    listed: Mapping[str, int]
    outcomes: Mapping[str, int]
    batches: int
    accepted: Mapping[str, int]
    profiles_kept: int


def preview(
    settings: Settings,
    source: str | None,
    *,
    as_json: bool,
    sample: int = SAMPLE,
    budget_usd: float | None = None,
) -> int:
    """Prints what a run over the source would do; without one, what processing every batch of the
    home again would; returns the exit code.

    Reads the source and the home, asks no service, writes nothing. Raises PolicyError and
    SourceError.
    """
    policy, home = load_policy(settings.policy).policy, Home(settings.home)
    if source is None:
        found = look_back(home, policy, sample, budget_usd)
    else:
        found = look_ahead(home, source, policy, sample, budget_usd)
    text = json.dumps(asdict(found), indent=1) if as_json else render(found)
    sys.stdout.write(text + "\n")
    return 0


def look_ahead(
    home: Home, source: str, policy: Policy, sample: int, budget_usd: float | None = None
) -> Preview:
    """The preview of a run over ``source`` with this home; profiles at most ``sample`` items."""
    services = build_services(policy.services)
    with _shadow(home) as shadow:
        cache = home.features(policy.execution.cache)
        taken = _would_take(home, shadow, source, policy.content, cache)
        known = _sample_of_source(shadow, taken, policy, services, sample, home.knowledge)
        manifests = [shadow.tables.read(CONTENT_MANIFEST.name, key) for key in taken.accepted]
        hints = record_hints(shadow, [(taken.source, one) for one in manifests], policy)
        if memory_tasks(policy):
            earlier = messages_known(home.tables)
            before = messages_before_new(shadow.tables, taken.accepted, earlier)
            known = replace(
                known, before={item: before[item] for item in known.tokens.keys() & before}
            )
    known_batches = of_source(home.batches, home.batches.recorded(), taken.source)
    deferred = [one.batch for one in deferred_batches(home, known_batches)]
    left = [*of_source(home.batches, unfinished(home), taken.source), *deferred]
    ahead = Preview(
        source=taken.source,
        listed=taken.listed,
        outcomes=taken.outcomes,
        batches=taken.batches,
        left=tuple(left),
        profiles_kept=taken.profiles_kept,
        profiles_due=known.whole - taken.profiles_kept,
        record_hints=hints,
    )
    budget = _budget(home, policy, left, taken.batches, budget_usd)
    ahead = _forecast(ahead, home, policy, services, known, budget)
    return _with_stale(ahead, home, policy, services, known_batches, sample)


def _with_stale(
    ahead: Preview,
    home: Home,
    policy: Policy,
    services: Mapping[str, Service],
    batches: Sequence[str],
    sample: int,
) -> Preview:
    """The preview with messages of finished batches that a run would ask about again."""
    stale = stale_messages(home, policy, batches)
    if not stale:
        return ahead
    items = {batch: frozenset(why) for batch, why in stale.items()}
    known = sample_of_home(home, policy, services, list(items), sample, items)
    shown = memory_tasks(policy)
    asked = {name: task for name, task in policy.tasks.items() if name in shown}
    nothing = Preview(None, {}, {}, len(items), (), profiles_kept=known.whole, profiles_due=0)
    priced = _forecast(
        nothing, home, policy.model_copy(update={"tasks": asked}), services, known, None
    )
    return replace(
        ahead,
        stale={batch: len(of_batch) for batch, of_batch in items.items()},
        stale_because=tuple(sorted({one for why in stale.values() for one in why.values()})),
        stale_usd=priced.usd,
        stale_usd_low=priced.usd_low,
        stale_usd_high=priced.usd_high,
    )


def look_back(home: Home, policy: Policy, sample: int, budget_usd: float | None = None) -> Preview:
    """The preview of processing every batch of the home again, from at most ``sample`` of their
    items; no source is read."""
    services = build_services(policy.services)
    batches = home.tables.batches(CONTENT_PROFILES.name)
    known = sample_of_home(home, policy, services, batches, sample)
    again = Preview(None, {}, {}, len(batches), (), profiles_kept=known.whole, profiles_due=0)
    budget = _budget(home, policy, [], len(batches), budget_usd)
    return _forecast(again, home, policy, services, known, budget)


def _sample_of_source(
    shadow: Home,
    taken: _Taken,
    policy: Policy,
    services: Mapping[str, Service],
    sample: int,
    knowledge: KnowledgeStore,
) -> PreviewSample:
    """Profiles the sampled items, without their vectors unless a task is learned; finds the
    passages that they would be shown, where all corpora are indexed."""
    retrieval = indexed_corpora(policy, knowledge)
    shown: dict[tuple[str, str], ShownPieces] = {}
    tasks, learns = build_tasks(policy), is_learned(policy)
    profiles: list[ItemProfile] = []
    remembers, told = bool(memory_tasks(policy)), list[int]()
    answer_keys: AnswerKeys = {}
    tokens: dict[str, int] = {}
    vectors: list[TextVectors] = []
    picked = list(_spread_evenly(shadow.tables, taken.accepted, sample))
    work = ProfileChunk(shadow, "", taken.source, tuple(picked))
    added = AddedFeatures(added_features(policy.features.added))
    for row, text in zip(picked, reread_texts(work), strict=True):
        if isinstance(text, UnreadItem):
            continue  # it changed while the preview looked at it
        profiled = profile(row.path, text, size_bytes=row.size_bytes)
        item = Item(row.item_id, row.content_hash, row.path, text, profiled.features)
        left_ms = time_left_ms(getattr(profiled, clock) for clock in STAGE_CLOCKS)
        features = profiled.features | added_values(added.of(item, left_ms))
        item = replace(item, profile=features)
        profiles.append(
            ItemProfile(row.item_id, row.content_hash, row.path, ProfileStatus.OK, features)
        )
        tokens[row.item_id] = token_count(features)
        if remembers:
            told.append(told_of_message(policy, text))
        if learns:
            vectors.append(text_vectors(text, semantic=policy.features.semantic))
        # the text goes on to the next item: keys are all that is kept of it
        found = {} if retrieval is None else passages_by_task(policy, retrieval, text)
        shown |= {
            (row.item_id, task): pieces_of(ShownInPlan(row.item_id, task, own))
            for task, own in found.items()
        }
        answer_keys |= answer_keys_of(item, policy, tasks, services, found)
    inputs = text_inputs(
        [one.content_hash for one in profiles if learns],
        [one.features for one in profiles if learns],
        vectors,
    )
    whole = sum(taken.accepted.values())
    return PreviewSample(
        profiles,
        tokens,
        answer_keys,
        inputs,
        whole,
        len(picked),
        shown,
        {},
        fmean(told) if told else 0.0,
    )


def _forecast(
    ahead: Preview,
    home: Home,
    policy: Policy,
    services: Mapping[str, Service],
    known_items: PreviewSample,
    budget: float | None,
) -> Preview:
    """The preview with what its items would be asked, and what that costs."""
    profiles, tokens = known_items.profiles, known_items.tokens
    prices = {name: Price(one.expected_ms, one.cost_usd) for name, one in services.items()}
    recent = recent_prices(home, None, services)
    most = math.inf if budget is None else budget
    scale = known_items.whole / known_items.sampled if known_items.sampled else 0.0
    left_usd = most / scale if scale else most
    usual = usual_passages(policy, home.knowledge, reads_sources=ahead.source is not None)
    known = choose_models(
        policy, services, home.models, profiles, prices, recent, left_usd, known_items.inputs, usual
    )
    refused = refused_panels(policy, services, home.models, {**prices, **recent})
    plans = list(plan_items("", profiles, policy, "", prices, known, refused=refused))
    passages = {
        about: known_items.shown.get(about, usual.get(plan.task, NOTHING_SHOWN))
        for plan in plans
        for about in ((plan.item_id, plan.task),)
    }
    told = memory_by_question(policy, known_items.before, known_items.told)
    shown = {about: {**of, **told.get(about, NOTHING_SHOWN)} for about, of in passages.items()}
    answer_keys = {
        about: known_items.answer_keys[about]
        for plan in plans
        for about in ((plan.item_id, plan.task, name) for name in plan.services)
    }
    scaled = partial(_scaled, scale=scale)
    answers = home.answers.get_many({key for keys in answer_keys.values() for key in keys})
    seen = observed_usage(home.tables)
    kept_shares = {
        about: sum(key in answers for key in keys) / len(keys) if keys else 0.0
        for about, keys in answer_keys.items()
    }
    costs = observed_costs(home, policy, list_price(services, seen))
    shares = {
        (one.model.version, number): dict(
            zip(one.model.selector.services, point.ask_shares, strict=True)
        )
        for one in known.values()
        if isinstance(one, ChosenPoint)
        for number, point in enumerate(one.model.selector.points)
    }
    priced = forecast_prices(
        plans, tokens, services, seen, kept_shares, costs, shares, scale, shown
    )
    asked = Counter(name for plan in plans for name in plan.services)
    return replace(
        ahead,
        sampled=known_items.sampled,
        models={k: scaled(v) for k, v in sorted(Counter(str(p.model) for p in plans).items())},
        services={name: scaled(count) for name, count in sorted(asked.items())},
        calls_min=scaled(sum(plan.calls_min * (plan.parts or 1) for plan in plans)),
        calls_max=scaled(sum(plan.calls_max * (plan.parts or 1) for plan in plans)),
        cost_usd_max=sum(plan.cost_usd_max for plan in plans) * scale,
        answers_kept=scaled(sum(key in answers for keys in answer_keys.values() for key in keys)),
        answers_asked=scaled(sum(map(len, answer_keys.values()))),
        conditional=scaled(sum(plan.after is not None for plan in plans)),
        prices=priced.prices,
        usd_low=min(priced.usd_low, most),
        usd=min(priced.usd, most),
        usd_high=min(priced.usd_high, most),
        observed=priced.observed,
        needed_usd=priced.usd,
        budget_usd=budget,
        shown_tokens=scaled(_tokens_of(passages.values())),
        memory_tokens=scaled(_tokens_of(told.get(about, NOTHING_SHOWN) for about in shown)),
        not_indexed=not_indexed(policy, home.knowledge),
    )


def _tokens_of(shown: Iterable[ShownPieces]) -> int:
    return sum(sum(of) for one in shown for of in one.values())


def _budget(
    home: Home, policy: Policy, left: Sequence[str], batches: int, usd: float | None
) -> float | None:
    """The tightest of what is left of the budget given and of the policy's for all batches."""
    own = policy.execution.budget_usd
    of_policy = math.inf if own is None else own * (batches + len(left))
    tightest = min(left_of_budget(home, left, usd, has_new=batches > 0), of_policy)
    return None if tightest == math.inf else tightest


@contextmanager
def _shadow(home: Home) -> Iterator[Home]:
    """A home in a temporary folder that knows of the intake what this one knows.

    The intake writes as it decides; what it would write goes there, and away with it.
    """
    with TemporaryDirectory() as folder:
        shadow = Home(Path(folder))
        for part in ("batches", "ledger", f"tables/{CONTENT_MANIFEST.name}"):
            (shadow.folder / part).mkdir(parents=True)
            for file in (home.folder / part).glob("[!.]*.parquet"):
                (shadow.folder / part / file.name).symlink_to(file.absolute())
        yield shadow


def _would_take(
    home: Home, shadow: Home, source: str, content: Content, cache: TieredCache
) -> _Taken:
    """Takes the source in below the shadow; holds one batch at a time, however many there are."""
    exclude = content.exclude
    root = Path(source).expanduser().resolve()
    if home.folder.resolve().is_relative_to(root) and home.folder.resolve() != root:
        exclude = (*exclude, f"{glob.escape(str(home.folder.resolve().relative_to(root)))}/**")
    content = content.model_copy(update={"exclude": exclude, "keep": False})
    seen = shadow.batches.recorded()
    intake = take_in(shadow, source, content, datetime.now(UTC))
    left = of_source(home.batches, unfinished(home), intake.listing.source)
    outcomes: Counter[str] = Counter()
    accepted: dict[str, int] = {}
    kept = 0
    for key in (*left, *intake.recorded):
        if key in left and shadow.tables.exists(CONTENT_MANIFEST.name, key):
            made = shadow.tables.read(CONTENT_MANIFEST.name, key)
        else:
            made = make_manifest(shadow, key, content, SilentProgress())
            # later batches of the same look are settled against the earlier ones
            shadow.tables.write(CONTENT_MANIFEST, made, key)
        if key not in left:
            outcomes.update(weighed_counts(made, "outcome"))
        rows = list(accepted_items(made))
        accepted[key] = len(rows)
        keys = [profile_key(row.content_hash, row.encoding, row.path) for row in rows]
        found = cache.peek_many(keys)
        kept += sum(key in found for key in keys)
    return _Taken(
        intake.listing.source,
        _news(home.batches, shadow.batches, seen, intake),
        dict(sorted(outcomes.items())),
        len(intake.recorded),
        accepted,
        kept,
    )


def _news(
    own: BatchStore, store: BatchStore, seen: Sequence[str], intake: Intake
) -> dict[str, int]:
    """How many files are new, changed, gone and known; ``seen`` are the batches of before."""
    listing = intake.listing
    source = listing.source
    known_batches = []
    for key in of_source(own, seen, source):
        with leaving_out_damage():
            known_batches.append(_files(store, [key]))
    before = pc.unique(pa.concat_tables([_files(store, []), *known_batches])["file"])
    entries = _files(store, intake.recorded)
    there = pc.unique(entries.filter(pc.invert(entries["gone"]))["file"])
    gone = pc.unique(entries.filter(entries["gone"])["file"])
    changed = pc.sum(pc.is_in(there, before)).as_py() or 0
    new = len(there) - changed
    known = listing.entries - new - changed
    return {"new": new, "changed": changed, "gone": len(gone), "known": known}


def _files(store: BatchStore, batches: Sequence[str]) -> pa.Table:
    """Which files the batches have, and whether they are gone."""
    nothing = BATCH_ENTRIES.schema.empty_table().select(["file", "gone"])
    return pa.concat_tables(
        [nothing, *(store.read(key).select(["file", "gone"]) for key in batches)]
    )


def _spread_evenly(
    tables: TableStore, accepted: Mapping[str, int], sample: int
) -> Iterator[AcceptedItem]:
    """At most ``sample`` accepted rows at even distances, over the manifests of all batches."""
    whole = sum(accepted.values())
    step = max(whole / max(sample, 1), 1.0)
    wanted = [int(n * step) for n in range(int(whole / step))]
    before = 0
    for batch, count in accepted.items():
        here = [place - before for place in wanted if before <= place < before + count]
        before += count
        if here:
            rows = list(accepted_items(tables.read(CONTENT_MANIFEST.name, batch)))
            yield from (rows[place] for place in here)


def _scaled(count: int, scale: float) -> int:
    return round(count * scale)


def render(preview: Preview) -> str:
    """The preview as lines for people."""
    whole = preview.profiles_kept + preview.profiles_due
    batches = "1 batch" if preview.batches == 1 else f"{preview.batches:,} batches"
    lines = [f"{whole:,} items of {batches}, processed again"]
    if preview.source is not None:
        lines = [
            f"{sum(preview.listed.values()):,} entries in {preview.source}",
            f"  listed        {_counts(preview.listed)}",
            f"  would become  {_counts(preview.outcomes)}, in {preview.batches:,} batches",
        ]
    lines += hint_lines(preview.record_hints)
    if preview.left:
        lines.append(f"  left over     {', '.join(preview.left)}: a run goes on with these too")
    if preview.stale:
        lines.append(f"  asked again   {_stale(preview)}")
    if not whole:
        return "\n".join([*lines, "  nothing to profile or to ask"])
    about = (
        ""
        if preview.sampled == whole
        else f" (forecast from {preview.sampled:,} of {whole:,} items)"
    )
    lines += [
        f"  profiles      {preview.profiles_kept:,} kept, {preview.profiles_due:,} to be computed",
        f"  models        {_counts(preview.models)}{about}",
        f"  may be asked  {_counts(preview.services)}",
        f"  questions     {preview.answers_asked:,}, each to one service; the answers to "
        f"{preview.answers_kept:,} of them are kept and cost nothing"
        + (
            "; those about parts are not looked for: no source is read"
            if preview.source is None
            else ""
        ),
        f"  calls         {_from_to(preview.calls_min, preview.calls_max)} for all of them if none "
        f"were kept{_why_not_as_many(preview)}; at most {preview.cost_usd_max:.4f} USD{about}",
        *(
            [
                f"  build on others {preview.conditional:,} of the plans, asked only where the "
                "answers before admit it; all are counted"
            ]
            if preview.conditional
            else []
        ),
        *([f"  passages      {_passages(preview)}"] if preview.shown_tokens else []),
        *([f"  memory        {_memory(preview)}"] if preview.memory_tokens else []),
        f"  price         {preview.usd:.4f} USD, between {preview.usd_low:.4f} and "
        f"{preview.usd_high:.4f}{about}; "
        + (
            f"as {preview.observed:,} earlier questions cost"
            if preview.observed
            else "no such question was processed before"
        ),
    ]
    lines += [
        f"    {one.service:<12}{one.usd:.4f} USD, between {one.usd_low:.4f} and "
        f"{one.usd_high:.4f}, for about {one.calls:,.0f} calls "
        f"({one.calls_low:,} to {one.calls_high:,})"
        for one in preview.prices
        if one.usd_high
    ]
    if preview.budget_usd is not None:
        lines.append(f"  budget        {_enough(preview.budget_usd, preview)}")
    return "\n".join(lines)


def _from_to(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _why_not_as_many(preview: Preview) -> str:
    """Why there may be fewer or more calls than questions."""
    why = []
    if preview.calls_min < preview.answers_asked:
        why.append("fewer where the first answers suffice")
    if preview.calls_max > preview.answers_asked:
        of_parts = " or about parts" if preview.source is None else ""
        why.append(f"more where a service is asked in rounds{of_parts}")
    return f" ({', '.join(why)})" if why else ""


def _stale(preview: Preview) -> str:
    count = sum(preview.stale.values())
    return (
        f"{count:,} messages of {len(preview.stale):,} finished batches, "
        f"{preview.stale_usd:.4f} USD, between {preview.stale_usd_low:.4f} and "
        f"{preview.stale_usd_high:.4f}: {'; '.join(preview.stale_because)}"
    )


def _passages(preview: Preview) -> str:
    counted = f"{preview.shown_tokens:,} tokens to be shown beside the content"
    if not preview.not_indexed:
        return counted
    names = ", ".join(preview.not_indexed)
    return f"about {counted}: not indexed yet: {names} (`orchestrate job refresh_knowledge`)"


def _memory(preview: Preview) -> str:
    return f"about {preview.memory_tokens:,} tokens of earlier messages to be shown"


def _enough(left: float, preview: Preview) -> str:
    if left > preview.usd_high:
        return f"{left:.4f} USD left: enough for all of it"
    if left >= preview.needed_usd:
        return f"{left:.4f} USD left: enough at the expected price"
    share = left / preview.needed_usd
    return (
        f"{left:.4f} USD left: {share:.0%} of the expected price; the questions that buy most a "
        "dollar are asked, the rest is over_budget"
    )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"
