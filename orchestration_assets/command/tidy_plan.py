"""What of a home nobody needs any more: looked up only, nothing is changed.

Needed is what the present corpus rests on (rows, answers and kept bytes of every content that an
item still holds), what people judged or are asked about, whatever the newest batches refer to, and
every record of what was spent.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow.compute as pc

from orchestration_assets.command.tidy_knowledge import UnusedIndex, unused_indexes
from orchestration_assets.content.batches import batch_time
from orchestration_assets.content.corpus_view import current_items
from orchestration_assets.content.deferred import deferred_batches
from orchestration_assets.content.forgotten import pending_removals
from orchestration_assets.content.intake import unfinished
from orchestration_assets.content.message_places import held_contents
from orchestration_assets.features.batch import vector_key
from orchestration_assets.features.index import NAME as NEIGHBOUR_INDEX
from orchestration_assets.processing.tools.loop import keys_beside
from orchestration_assets.profiling.profile_cache import profile_key
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import EntryOutcome, ItemPresence
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.tables import (
    BATCH_TABLES,
    CONTENT_MANIFEST,
    DISAGREEMENT_REPORT,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    accepted_items,
)
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from resources.damage import leaving_out_damage
from resources.fact_packs import made_of
from resources.home import Home
from resources.model_registry import ArtefactError

STAYS: Final = frozenset({CONTENT_MANIFEST.name, DISAGREEMENT_REPORT.name})
"""Of a batch that goes: which items it had, and its totals. They keep accounts and intake whole."""
_AUDITS: Final = "taught_audits."
_STARTS: Final = "taught_starts."
_OF_BATCH: Final = "batch-"
_SET_ASIDE: Final = ("data.mdb.broken*", "*.damaged")
_UNWRITTEN: Final = ("batches", "tables", "models", "content", "features", "reports", "review")
_LOCKS: Final = (".lock", ".due")


@dataclass(frozen=True, slots=True)
class Portion:
    """Files of one kind that nobody needs: how many things they are, and their bytes."""

    kind: str
    count: int
    paths: tuple[Path, ...]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TidyPlan:
    """What goes, by kind; ``batches`` lose their details, ``models`` are name and version,
    ``indexes`` what goes of knowledge.

    ``computed`` are the contents, by hash, whose results stand in each batch that goes.
    ``cached`` are the keys of profiles and vectors that the present corpus may ask for, and
    ``answers`` those of answers that some stored table refers to: other cache entries go.
    """

    batches: tuple[str, ...]
    computed: Mapping[str, tuple[str, ...]]
    models: tuple[tuple[str, str], ...]
    portions: tuple[Portion, ...]
    cached: frozenset[str] = field(repr=False)
    answers: frozenset[str] = field(repr=False)
    kept: Mapping[str, str] = field(default_factory=dict)
    indexes: tuple[UnusedIndex, ...] = ()


def plan_tidying(
    home: Home,
    now: datetime,
    keep_batches: int,
    older_than: timedelta,
    corpora: Collection[str] = (),
) -> TidyPlan:
    """What can go of batches beyond the newest ``keep_batches`` that are ``older_than``, of caches
    and models, and of knowledge, whose ``corpora`` the policy declares.

    ``kept`` says of the other old batches what needs them.
    """
    recorded = set(home.batches.recorded())
    finished = [b for b in home.tables.batches(DISAGREEMENT_REPORT.name) if b in recorded]
    present = _present(home)
    newest = set(finished[-keep_batches:] if keep_batches else ())
    old = [
        batch
        for batch in finished
        if batch not in newest
        and (listed := batch_time(batch)) is not None
        and now - listed > older_than
    ]
    kept = _needed_batches(home, old, present)
    going = tuple(batch for batch in old if batch not in kept and _has_details(home, batch))
    models = tuple(_unused_models(home, set(going), now, older_than))
    contents = set(_contents(home, going)) - set(_contents(home, _staying(home, going)))
    kept_bytes = [path for c in sorted(contents) if (path := home.content.path(c)).exists()]
    computed = {batch: tuple(_computed(home, batch)) for batch in going}
    indexes = unused_indexes(home, _staying(home, going), corpora, now, older_than)
    portions = (
        _portion("tables of old batches", _tables(home, going)),
        _portion("pages of old batches", _pages(home, going)),
        _portion(
            "models not in use",
            (p for name, version in models for p in _files(home.models.folder(name, version))),
        ),
        _portion("kept contents of old batches", kept_bytes),
        *map(_of_index, indexes),
        *_leftovers(home),
    )
    return TidyPlan(
        going,
        computed,
        models,
        portions,
        _cached(home, going, present),
        _answers(home, going),
        kept,
        tuple(indexes),
    )


def _of_index(one: UnusedIndex) -> Portion:
    """Its files go by the store, which knows in which order."""
    count = len(one.versions) + len(one.segments)
    return Portion(f"unused index of {one.corpus}", count, (), one.size_bytes)


def _portion(kind: str, paths: Iterable[Path]) -> Portion:
    files = tuple(paths)
    return Portion(kind, len(files), files, sum(path.stat().st_size for path in files))


def _staying(home: Home, going: Iterable[str]) -> list[str]:
    without = set(going)
    return [b for b in home.tables.batches(CONTENT_MANIFEST.name) if b not in without]


def _has_details(home: Home, batch: str) -> bool:
    return any(path.exists() for path in (*_tables(home, [batch]), *_pages(home, [batch])))


def _needed_batches(home: Home, old: list[str], present: set[str]) -> dict[str, str]:
    """Of old batches those that something rests on, and what it is."""
    open_ones = {*unfinished(home), *(one.batch for one in deferred_batches(home, old))}
    judged = _judged(home)
    waiting = {batch for removal in pending_removals(home) for batch, _ in removal.rows}
    needed: dict[str, str] = {}
    for batch in old:
        if batch in open_ones:
            needed[batch] = "is not complete yet"
            continue
        if batch in waiting:
            needed[batch] = "an item of it is being forgotten"
            continue
        try:
            manifest = home.tables.read(CONTENT_MANIFEST.name, batch)
        except DamagedFileError:
            needed[batch] = "its manifest is damaged"
            continue
        computed = {row.content_hash for row in accepted_items(manifest)}
        if held := len(computed & present):
            needed[batch] = f"{held} of its contents are still there"
        elif computed & judged:
            needed[batch] = "people judged its answers: evidence rests on them"
    return needed


def _present(home: Home) -> set[str]:
    """Every content that an item holds now."""
    items = current_items(home)
    there = items.filter(pc.equal(items["state"], ItemPresence.PRESENT))
    return set(there["content_hash"].to_pylist())


def _judged(home: Home) -> set[str]:
    tables = home.tables
    if not tables.exists(GOLD_LABELS.name):
        return set()
    with leaving_out_damage():
        contents = tables.read(GOLD_LABELS.name, columns=["content_hash"])["content_hash"]
        return {content for content in contents.to_pylist() if content}
    return set()


def _computed(home: Home, batch: str) -> Iterator[str]:
    with leaving_out_damage():
        manifest = home.tables.read(CONTENT_MANIFEST.name, batch)
        accepted = pc.equal(manifest["outcome"], EntryOutcome.ACCEPTED)
        yield from held_contents(manifest.filter(accepted))


def _contents(home: Home, batches: Iterable[str]) -> Iterator[str]:
    for batch in batches:
        with leaving_out_damage():
            columns = ["content_hash", "kept"]
            rows = home.tables.read(CONTENT_MANIFEST.name, batch, columns)
            yield from (content for content, kept in values(rows, *columns) if kept)


def _tables(home: Home, batches: Iterable[str]) -> Iterator[Path]:
    for batch in batches:
        for name in BATCH_TABLES:
            if name not in STAYS and home.tables.exists(name, batch):
                yield home.tables.path(name, batch)
        derived = sorted(home.tables.derived.glob(f"*/{batch}.json"))
        yield from (path for path in derived if not made_of(path) <= STAYS)


def _pages(home: Home, batches: Iterable[str]) -> Iterator[Path]:
    for batch in batches:
        for path in (
            home.reports / f"{batch}.html",
            home.reports / f"{batch}-review.html",
            home.review / f"{batch}.csv",
            home.review / f"{batch}.jsonl",
        ):
            if path.exists():
                yield path


def _unused_models(
    home: Home, going: set[str], now: datetime, older_than: timedelta
) -> Iterator[tuple[str, str]]:
    """Versions that are neither in force, nor pinned by a plan that stays, nor young; of what
    taught services knew when batches began, what is about batches that go."""
    pinned = _pinned(home, going)
    for name in home.models.names():
        if name.startswith(_AUDITS):
            continue  # the history by which a taught service is judged
        try:
            current = home.models.current(name)
        except ArtefactError:
            continue  # which one is in force is not known
        for version in home.models.versions(name):
            if name == NEIGHBOUR_INDEX or name.startswith(_STARTS):
                if version.removeprefix(_OF_BATCH) in going:
                    yield name, version
            elif version != current and version not in pinned:
                made = max(p.stat().st_mtime for p in _files(home.models.folder(name, version)))
                if now.timestamp() - made > older_than.total_seconds():
                    yield name, version


def _pinned(home: Home, going: set[str]) -> set[str]:
    pinned: set[str] = set()
    for batch in home.tables.batches(PROCESSING_PLANS.name):
        if batch not in going:
            with leaving_out_damage():
                plans = home.tables.read(PROCESSING_PLANS.name, batch, ["artefact", "thresholds"])
                for column in plans.columns:
                    pinned.update(version for version in column.unique().to_pylist() if version)
    return pinned | set(_begun_with(home, going))


def _begun_with(home: Home, going: set[str]) -> Iterator[str]:
    """What taught services knew when batches that stay began: carried out again, they begin so."""
    for name in home.models.names():
        if name.startswith(_STARTS):
            for key in home.models.versions(name):
                if key.removeprefix(_OF_BATCH) not in going:
                    with suppress(ArtefactError):
                        yield str(home.models.facts(name, key).get("version", ""))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _leftovers(home: Home) -> Iterator[Portion]:
    """Files that were set aside as damaged, and those that a process that died was writing."""
    aside = [path for pattern in _SET_ASIDE for path in sorted(home.folder.rglob(pattern))]
    yield _portion("files set aside as damaged", aside)
    dead = [
        path
        for folder in _UNWRITTEN
        for path in sorted((home.folder / folder).rglob(".*"))
        if path.is_file() and path.name not in _LOCKS
    ]
    yield _portion("files of writers that died", dead)


def _cached(home: Home, going: Iterable[str], present: set[str]) -> frozenset[str]:
    """The keys under which the present code looks for profiles and vectors of what stays."""
    without = set(going)
    keys: set[str] = set()
    for batch in _staying(home, ()):
        with leaving_out_damage():
            for row in accepted_items(home.tables.read(CONTENT_MANIFEST.name, batch)):
                if row.content_hash in present or batch not in without:
                    keys.add(profile_key(row.content_hash, row.encoding, row.path))
                    keys.update(vector_key(row, semantic) for semantic in (False, True))
    return frozenset(keys)


def _answers(home: Home, going: Iterable[str]) -> frozenset[str]:
    """The keys of answers that a table which stays refers to."""
    without = set(going)
    keys: set[str] = set()
    for name in (*(table.name for table in INTERPRETATIONS.values()), PART_READINGS.name):
        for batch in home.tables.batches(name):
            if batch not in without:
                with leaving_out_damage():
                    rows = home.tables.read(name, batch, ["answer_key"])
                    keys.update(rows["answer_key"].to_pylist())
    return frozenset(keys | keys_beside(home.answers, keys))
