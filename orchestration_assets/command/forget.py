"""`orchestrate forget`: removes the content of one item everywhere in the home, and proves it."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestration_assets.command.forget_history import quotes_in_servers
from orchestration_assets.command.forget_knowledge import from_knowledge, sought_in_knowledge
from orchestration_assets.command.forget_plan import (
    RemovalPlan,
    find_item,
    other_items_say,
    plan_removal,
    traces_of,
)
from orchestration_assets.command.forget_removal import Removal
from orchestration_assets.command.home_search import SearchResult, search_home
from orchestration_assets.command.instance_paths import check_home, instance_folder
from orchestration_assets.content.forgotten import (
    PendingRemoval,
    begin,
    end,
    is_forgotten_item,
    pending_removals,
)
from orchestration_assets.content.item_lookup import ManifestItem
from orchestration_assets.knowledge.forgotten_passages import (
    QuotingDocument,
    Sought,
    pieces_held,
    quoting_documents,
)
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.policy import FeatureCache
from orchestration_assets.settings import Settings
from orchestration_assets.text.traces import Traces
from resources.home import Home
from resources.maintenance import maintaining

_STILL_THERE = 1


@dataclass(frozen=True, slots=True)
class ForgetPlan:
    """What is removed: of items, and of knowledge, which of its documents hold it."""

    items: RemovalPlan
    sought: Sought
    documents: tuple[QuotingDocument, ...]


@dataclass(frozen=True, slots=True)
class ForgetOutcome:
    """What was removed, by kind, and what a search of every file found afterwards.

    ``shared`` pieces are other items' or documents' too, and prove nothing. ``left`` has the files
    that still hold something of the content, with how many pieces of it.
    """

    item: ManifestItem
    contents: int
    removed: Mapping[str, int]
    searched: SearchResult
    pieces: int
    shared: int
    left: Mapping[Path, int] = field(default_factory=dict)
    stored_entries_left: int = 0

    @property
    def is_proven(self) -> bool:
        """Whether nothing of the content was found anywhere."""
        return not self.left and not self.stored_entries_left


def forget(settings: Settings, name: str, *, as_json: bool, confirmed: bool) -> int:
    """Says what would be removed; removes it when ``confirmed``, and searches the whole home.

    0 when nothing of the content is left, or without confirmation; 1 when something is. A removal
    that was stopped goes on where it was. Raises UnknownItemError, PolicyError, HomeInUseError, and
    UnwritableError.
    """
    home = Home(settings.home)
    check_home(home)
    cache = load_policy(settings.policy).policy.execution.cache
    item = find_item(home, name)
    plan = _plan(home, item)
    if not confirmed:
        _show(_plan_lines(plan), _plain_plan(plan), as_json=as_json)
        return 0
    if not plan.items.removal.contents and is_forgotten_item(home, [item.item_id]):
        words = f"{item.path} was forgotten before, and had no other content since"
        _show([words], {"item": item.item_id, "forgotten_before": True}, as_json=as_json)
        return 0
    with maintaining(home, "orchestrate forget"):
        # what was planned before the home was ours may have changed meanwhile
        plan = _plan(home, item)
        outcome = _carry_out(home, plan, cache)
    _show(_outcome_lines(outcome), _plain_outcome(outcome), as_json=as_json)
    return 0 if outcome.is_proven else _STILL_THERE


def _plan(home: Home, item: ManifestItem) -> ForgetPlan:
    """The plan, with all that a removal which was stopped had planned."""
    plan = plan_removal(home, item)
    for before in pending_removals(home):
        if before.item_id == item.item_id:
            plan = replace(plan, removal=_together(before, plan.removal), begun=True)
    sought = sought_in_knowledge(home, plan.removal)
    return ForgetPlan(plan, sought, tuple(quoting_documents(home.knowledge, sought)))


def _together(before: PendingRemoval, now: PendingRemoval) -> PendingRemoval:
    parts = {
        name: tuple(dict.fromkeys((*getattr(before, name), *getattr(now, name))))
        for name in (
            "contents",
            "rows",
            "names",
            "keys",
            "pieces",
            "said",
            "vectors",
            "marked",
            "shared",
            "threads",
        )
    }
    return PendingRemoval(before.item_id, **parts)


def _carry_out(home: Home, plan: ForgetPlan, cache: FeatureCache) -> ForgetOutcome:
    removal = plan.items.removal
    traces = traces_of(removal)
    journal = begin(home, removal)
    work = Removal(home, removal, traces, plan.sought.pieces)
    done, shown_in = from_knowledge(home, plan.sought)
    work.done.update(done)
    work.carry_out(cache, shown_in)
    found = search(home, traces, journal)
    if found.found:
        # such as a page of another batch that showed the item beside its own
        batches = {path.stem.removesuffix("-review") for path in found.found}
        work.pages(batches & set(home.tables.batches("content_manifest")))
        found = search(home, traces, journal)
    shared = other_items_say(home, removal, found.pieces) if found.found else set()
    shared |= pieces_held(home.knowledge, found.pieces)
    found = found.without(shared)
    keys = frozenset(removal.keys)
    rest = traces.without(shared)
    tiers = [tier for tier in home.features(cache).tiers if tier.name not in ("memory", "lmdb")]
    again = sum(tier.forget(keys, lambda key, value: bool(rest.in_bytes(value))) for tier in tiers)
    again += work.places_left()
    again += quotes_in_servers(home, lambda text: bool(rest.in_text(text)))
    left = {path: len(pieces) for path, pieces in found.found.items()}
    outcome = ForgetOutcome(
        plan.items.item,
        len(removal.contents),
        dict(work.done),
        found,
        len(traces.pieces) + len(traces.vectors),
        len(shared),
        left,
        again,
    )
    if outcome.is_proven:
        end(home, removal)
    return outcome


def search(home: Home, traces: Traces, journal: Path) -> SearchResult:
    """Searches the home, and the Dagster instance where that lies elsewhere."""
    result = search_home(home.folder, traces, journal)
    history = instance_folder(home)
    if history.is_dir() and not history.is_relative_to(home.folder):
        result = result.with_more(search_home(history, traces, journal))
    return result


def _plan_lines(whole: ForgetPlan) -> Iterator[str]:
    plan = whole.items
    item, removal = plan.item, plan.removal
    yield f"{item.path}"
    yield f"  item          {item.item_id}"
    yield f"  address       {item.address}"
    batches = sorted({batch for batch, _ in removal.rows})
    yield f"  contents      {len(removal.contents)}, in {len(batches)} batches"
    for other, path in sorted(plan.others.items()):
        yield f"  same content  {path} ({other}): is forgotten with it"
    tables = {name: count for name, count in plan.rows.items() if count}
    yield f"  rows          {sum(tables.values())} in {len(tables)} tables"
    for name, count in sorted(tables.items()):
        yield f"                {name} {count}"
    yield f"  cached        up to {len(removal.keys)} answers, profiles and vectors"
    yield f"  kept content  {plan.kept} files below content/"
    for one in whole.documents:
        yield f"  knowledge     {one.going} of {one.of} passages of {one.corpus}: {one.document}"
    yield f"  pages         {len(batches)} batches' pages are made again"
    yield f"  proof         {len(removal.pieces)} pieces of it are searched for in every file"
    for problem in plan.unread:
        yield f"  not readable  {problem}: only its answers and metadata are searched for"
    if plan.begun:
        yield "  begun         a removal was stopped before it was over; --yes goes on with it"
    yield "The source is not touched. The same content is not taken in again; other content is."
    yield "Nothing was removed yet. To remove it, for good: the same command with --yes"


def _plain_plan(whole: ForgetPlan) -> dict[str, object]:
    plan = whole.items
    return {
        "item": plan.item.item_id,
        "path": plan.item.path,
        "removed": False,
        "contents": len(plan.removal.contents),
        "batches": sorted({batch for batch, _ in plan.removal.rows}),
        "same_content": dict(plan.others),
        "rows": dict(plan.rows),
        "cache_keys": len(plan.removal.keys),
        "kept_contents": plan.kept,
        "knowledge": [one._asdict() for one in whole.documents],
        "pieces": len(plan.removal.pieces),
        "not_readable": list(plan.unread),
        "begun": plan.begun,
    }


def _outcome_lines(outcome: ForgetOutcome) -> Iterator[str]:
    yield f"{outcome.item.path} is forgotten: {outcome.contents} contents"
    for kind, count in sorted(outcome.removed.items()):
        if count:
            yield f"  {kind:<30} {count}"
    searched, where = outcome.searched, f"{outcome.searched.searched} files"
    size = f"{searched.size_bytes / 1e6:,.1f} MB"
    looked_for = outcome.pieces - outcome.shared
    if outcome.shared:
        yield f"  {outcome.shared} pieces are also said by others, and prove nothing"
    if searched.unreadable:
        count = len(searched.unreadable)
        yield f"  {count} files could not be unpacked, and were searched as they are"
    if outcome.is_proven and looked_for:
        yield f"Searched {where} ({size}) for {looked_for} pieces of it: none holds any."
    elif outcome.is_proven:
        yield (
            "It is too short, or too much like others, to be searched for: its rows, cache entries "
            f"and kept bytes were removed by their names from {where} ({size})."
        )
    for path, count in sorted(outcome.left.items()):
        yield f"  STILL THERE: {path} holds {count} pieces of it"
    if outcome.stored_entries_left:
        yield f"  STILL THERE: {outcome.stored_entries_left} entries of a shared store"
    if not outcome.is_proven:
        yield (
            f"Searched {where} ({size}) for {looked_for} pieces. Delete these files, or make them "
            "again, then run the same command."
        )


def _plain_outcome(outcome: ForgetOutcome) -> dict[str, object]:
    return {
        "item": outcome.item.item_id,
        "path": outcome.item.path,
        "removed": dict(outcome.removed),
        "contents": outcome.contents,
        "searched_files": outcome.searched.searched,
        "searched_bytes": outcome.searched.size_bytes,
        "pieces": outcome.pieces,
        "pieces_of_others_too": outcome.shared,
        "still_in": {str(path): count for path, count in outcome.left.items()},
        "stored_entries_left": outcome.stored_entries_left,
        "proven": outcome.is_proven,
    }


def _show(lines: Iterator[str] | list[str], plain: dict[str, object], *, as_json: bool) -> None:
    text = json.dumps(plain, indent=1) if as_json else "\n".join(lines)
    sys.stdout.write(text + "\n")
