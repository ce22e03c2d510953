"""Removing what a home has of an item: each step may be done again, and does nothing then."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.command.corpus_reports import mark_due
from orchestration_assets.command.forget_history import forget_in_history
from orchestration_assets.content.corpus_view import current_items
from orchestration_assets.content.forgotten import PendingRemoval, forgotten_row
from orchestration_assets.content.forgotten_files import blank_lines, without_lines
from orchestration_assets.content.verdict_folder import ACCEPTED, REJECTED
from orchestration_assets.conversations.batch_index import keep_threads
from orchestration_assets.conversations.forgotten_messages import forget_messages, versions_holding
from orchestration_assets.explorer.index_files import remove_index
from orchestration_assets.features.index import NAME as NEIGHBOUR_INDEX
from orchestration_assets.policy.pinned_policy import PinnedPolicyError
from orchestration_assets.processing.judged_messages import forget_judged
from orchestration_assets.processing.rollout_journal import forget_outcomes
from orchestration_assets.processing.tools.loop import keys_beside
from orchestration_assets.reporting.item_states import UnlistedItemError, replay
from orchestration_assets.reporting.publication import publish_batch, publish_corpus
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.errors import DamagedFileError, SourceError, unwritable
from orchestration_assets.schemas.outcomes import OUTCOMES
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.policy import FeatureCache
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.rollout import ROLLOUT_ANSWERS, ROLLOUT_DECISIONS
from orchestration_assets.schemas.states import ITEM_STATES, IllegalTransitionError
from orchestration_assets.schemas.tables import (
    BATCH_TABLES,
    CONTENT_LEDGER,
    CONTENT_MANIFEST,
    CONTENT_PROFILES,
    DISAGREEMENT_REPORT,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
    TABLES,
    ManifestRow,
)
from orchestration_assets.schemas.verdicts import GOLD_LABELS, VERDICTS
from orchestration_assets.settings import user_name
from orchestration_assets.text.traces import Traces
from resources.fact_packs import drop_facts
from resources.feature_cache.lmdb_store import LmdbStore
from resources.home import Home
from resources.model_registry import ArtefactError
from resources.table_store import TableMissingError, parquet_bytes, read_parquet, write_atomically

_PAGE_TABLES: Final = tuple(
    name for name in BATCH_TABLES if name not in ("content_vectors", DISAGREEMENT_REPORT.name)
)
_ROLLOUTS: Final = (ROLLOUT_ANSWERS.name, ROLLOUT_DECISIONS.name)
_SET_ASIDE: Final = ("data.mdb.broken*", "*.damaged")
_CANNOT_BE_DRAWN: Final = (TableMissingError, DamagedFileError, PinnedPolicyError, SourceError)
_HASH: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_LOCKS: Final = (".lock", ".due", ".initialise.lock")


class Removal:
    """The removal of one item's contents from a home; ``done`` counts what was removed, by kind.

    ``passages`` are the pieces of it by which documents of knowledge quote it: what was answered
    about other items with these in sight may quote it, too.
    """

    def __init__(
        self, home: Home, removal: PendingRemoval, traces: Traces, passages: tuple[str, ...] = ()
    ) -> None:
        self._home = home
        self._passages = Traces(passages)
        self._removal = removal
        self._traces = traces
        # those that other messages hold, too, are known by their items only
        self._contents = frozenset(removal.contents) - frozenset(removal.shared)
        self._of_batch: dict[str, set[str]] = {}
        for batch, item in removal.rows:
            self._of_batch.setdefault(batch, set()).add(item)
        self.done: Counter[str] = Counter()

    def carry_out(self, cache: FeatureCache, shown_in: Collection[str] = ()) -> None:
        """All steps; the pages of the batches that it was ``shown_in`` are made again, too.

        Raises OrchestrationError for what keeps one from being done."""
        self.from_unpacked()
        self.from_threads()
        self.from_tables()
        self.from_verdicts()
        self.from_review()
        self.from_content()
        self.from_caches(cache)
        self.from_models()
        self.from_corpus_tables()
        self.from_history()
        self.leftovers()
        self.pages({*self._of_batch, *shown_in})

    def from_unpacked(self) -> None:
        """Plain copies of packed record files: the record's place in them is made blank."""
        for batch, items in self._of_batch.items():
            for row in self._manifest_rows(batch, items):
                place = row.record
                if place is None or place.unpacked_as is None:
                    continue
                if place.format == "parquet":
                    path = self._home.content.unpacked(place.unpacked_as)
                    self.done["plain copies"] += path.exists()
                    _unlink(path)
                else:
                    self._home.content.blank(place.unpacked_as, [(place.start, place.stop)])

    def from_threads(self) -> None:
        """Places in conversations, in every version of their states, and the names of those that
        have no other message; messages after them become stale. What people judged of them."""
        forget_judged(self._home, self._removal.items)
        for name in self._removal.threads:
            forget_messages(self._home, name, self._removal.items, user_name())
            self.done["places in conversations"] += 1
        for batch, items in self._of_batch.items() if self._removal.threads else ():
            others = (row for row in self._messages(batch) if row.item_id not in items)
            names = {row.message.thread for row in others if row.message is not None}
            keep_threads(self._home, batch, names)

    def places_left(self) -> int:
        """How many versions of the states of conversations still hold a place of it."""
        return sum(
            versions_holding(self._home, name, self._removal.items)
            for name in self._removal.threads
        )

    def from_tables(self) -> None:
        """Rows of batch tables; those of manifests and states stay as forgotten ones."""
        for batch, items in self._of_batch.items():
            for name in BATCH_TABLES:
                if name not in (ITEM_STATES.name, DISAGREEMENT_REPORT.name):
                    self._rewrite(name, batch, items)
            self._states(batch, items)
            self.done["rows"] += forget_outcomes(self._home, batch, items)

    def _rewrite(self, name: str, batch: str, items: Collection[str]) -> None:
        tables = self._home.tables
        if not tables.exists(name, batch):
            return
        try:
            data = tables.read(name, batch)
        except DamagedFileError:
            if name == CONTENT_MANIFEST.name:
                raise
            tables.forget(name, batch)
            self.done["damaged tables"] += 1
            return
        if "item_id" not in data.column_names:
            return  # such as looks at a roll-out: they are about no item
        if name == CONTENT_MANIFEST.name:
            rows = [self._forgotten(row, items) for row in CONTENT_MANIFEST.rows(data)]
            left = rows_to_arrow(CONTENT_MANIFEST, rows)
        else:
            left = data.filter(pc.invert(_among(data["item_id"], items)))
            self.done["rows"] += data.num_rows - left.num_rows
        if not left.equals(data):
            tables.write(TABLES[name], left, batch)

    def _forgotten(self, row: ManifestRow, items: Collection[str]) -> ManifestRow:
        if row.item_id not in items or row.outcome is EntryOutcome.FORGOTTEN:
            return row
        without = forgotten_row(row)
        if row.content_hash is not None:
            return without
        # an entry that was never read stays what it is
        names = {"address": without.address, "path": without.path, "metadata": ()}
        return ManifestRow(**{**_fields(row), **names})

    def _states(self, batch: str, items: Collection[str]) -> None:
        tables = self._home.tables
        if not tables.exists(ITEM_STATES.name, batch):
            return
        try:
            interpretations = {
                table.name: tables.read(table.name, batch) for table in INTERPRETATIONS.values()
            }
            manifest, profiles, plans, resolutions = (
                tables.read(table.name, batch)
                for table in (CONTENT_MANIFEST, CONTENT_PROFILES, PROCESSING_PLANS, RESOLUTIONS)
            )
            states = replay(batch, manifest, profiles, plans, interpretations, resolutions)
            tables.write(ITEM_STATES, states, batch)
        except (TableMissingError, DamagedFileError, IllegalTransitionError, UnlistedItemError):
            # of a batch that is not complete: what is left of it is made again by the next run
            self._rewrite(ITEM_STATES.name, batch, items)

    def from_verdicts(self) -> None:
        """Verdicts about the contents, and the lines of the files that they were read from."""
        folder = self._home.verdicts
        for path in sorted((folder / ACCEPTED).glob("*/verdicts.parquet")):
            data = read_parquet(path, remedy="drop the file beside it into verdicts/ again")
            gone = pc.and_(
                _among(data["item_id"], self._removal.items),
                pc.or_kleene(
                    pc.is_null(data["content_hash"]),
                    _among(data["content_hash"], self._removal.contents),
                ),
            )
            left = data.filter(pc.invert(gone))
            if left.num_rows < data.num_rows:
                self.done["verdicts"] += data.num_rows - left.num_rows
                write_atomically(path, parquet_bytes(left.cast(VERDICTS.schema)))
        for place, edit in (
            (ACCEPTED, blank_lines),
            (REJECTED, without_lines),
            ("", without_lines),
        ):
            pattern = "*/[!.]*" if place == ACCEPTED else "[!.]*"
            for path in sorted((folder / place).glob(pattern)):
                if path.is_file() and not path.is_symlink() and path.name != "verdicts.parquet":
                    self._edit(path, edit, "lines of verdict files")

    def from_review(self) -> None:
        """Questions for people: their lines in the files to be filled in."""
        for path in sorted(self._home.review.glob("[!.]*")):
            if path.is_file():
                self._edit(path, without_lines, "questions")

    def _edit(
        self,
        path: Path,
        edit: Callable[[bytes, Callable[[str], bool]], tuple[bytes, int]],
        kind: str,
    ) -> None:
        data = path.read_bytes()
        left, lines = edit(data, self._is_about)
        if lines:
            self.done[kind] += lines
            write_atomically(path, left)

    def _is_about(self, line: str) -> bool:
        """Whether a line of a file for people is about a content that goes.

        It says so by the hash of a content, else by what it quotes or names.
        """
        if hashes := set(_HASH.findall(line)):
            if hashes & self._contents:
                return True
            if not hashes.isdisjoint(self._removal.shared):
                return any(item in line for item in self._removal.items)
            # lines about later messages show those before
            return self._removal.is_message and bool(self._traces.in_text(line))
        return bool(self._traces.in_text(line)) or any(name in line for name in self._removal.names)

    def from_content(self) -> None:
        """Bytes that were kept."""
        for content in self._contents:
            self.done["kept contents"] += self._home.content.forget(content)

    def from_caches(self, cache: FeatureCache) -> None:
        """Answers, profiles and vectors, by their keys and by what stands in them."""
        keys = frozenset(self._removal.keys)
        others = frozenset(answer_keys(self._home))
        others |= keys_beside(self._home.answers, others)
        if self._removal.shared:
            # who said the same keeps what was answered about it
            keys -= others
        tiers = self._home.features(cache)
        removed = tiers.forget(keys, self._holds)
        local = LmdbStore(self._home.folder / "cache" / "features")
        if not any(tier.name == local.name for tier in tiers.tiers):
            removed += local.forget(keys, self._holds)
        # what was answered about another content is its own, whatever both have in common
        removed += self._home.answers.forget(
            keys,
            lambda key, value: (
                bool(self._passages.in_bytes(value))
                or (key not in others and self._holds(key, value))
            ),
        )
        self._home.content_index.forget({*self._contents, *self._removal.marked})
        # it is made again from the tables; an explorer that runs meanwhile drops what it has
        remove_index(self._home.folder / "cache")
        self.done["cache entries"] += removed

    def _holds(self, key: str, value: bytes) -> bool:
        return bool(self._traces.in_bytes(value))

    def from_models(self) -> None:
        """The index of neighbours by entry; of models every version that holds an example."""
        models = self._home.models
        for batch in models.versions(NEIGHBOUR_INDEX):
            if batch in self._of_batch:
                self._from_index(batch)
        ids = Traces((*self._removal.items, *self._contents))
        for name in models.names():
            for version in models.versions(name) if name != NEIGHBOUR_INDEX else ():
                files = [path.read_bytes() for path in models.folder(name, version).iterdir()]
                if any(ids.in_bytes(data) or self._traces.in_bytes(data) for data in files):
                    models.delete(name, version)
                    self.done["models"] += 1

    def _from_index(self, batch: str) -> None:
        models = self._home.models
        try:
            segment = models.load(NEIGHBOUR_INDEX, batch)
        except ArtefactError:
            models.delete(NEIGHBOUR_INDEX, batch)
            self.done["damaged segments of the index"] += 1
            return
        going = [item.encode() for item in self._of_batch[batch]]
        stays = ~np.isin(segment.arrays["items"], going)
        if stays.all():
            return
        held = segment.arrays
        arrays = {name: held[name][stays] for name in held if name != "sketches"}
        if "sketches" in held:  # segments of before held the numbers too
            arrays["sketches"] = held["sketches"][stays[held["has_sketch"].astype(bool)]]
        facts = {**segment.facts, "representatives": int(stays.sum())}
        models.store(NEIGHBOUR_INDEX, arrays, facts, batch)
        self.done["vectors of the index"] += int((~stays).sum())

    def from_corpus_tables(self) -> None:
        """Tables over all batches: folded anew, or without the rows about the contents."""
        tables = self._home.tables
        # what was derived of the rows is derived again from those that are left
        drop_facts(tables, self._of_batch)
        if tables.holds_rows(CONTENT_LEDGER.name):
            tables.write(CONTENT_LEDGER, current_items(self._home))
        for table in (GOLD_LABELS, OUTCOMES):
            if not tables.exists(table.name):
                continue
            try:
                data = tables.read(table.name)
            except DamagedFileError:
                _unlink(tables.path(table.name))
                continue
            content = data["content_hash"]
            gone = _among(content, self._contents)
            unknown = pc.or_(pc.is_null(content), _among(content, self._removal.shared))
            unknown = pc.and_(unknown, _among(data["item_id"], self._removal.items))
            left = data.filter(pc.invert(pc.or_(gone, unknown)))
            self.done["rows"] += data.num_rows - left.num_rows
            if left.num_rows < data.num_rows:
                tables.write(table, left)
        if tables.batches(DISAGREEMENT_REPORT.name):
            mark_due(self._home)

    def from_history(self) -> None:
        """What Dagster's events quote: previews of tables, messages."""
        self.done["quotes in Dagster's history"] += forget_in_history(self._home, self.quotes)

    def quotes(self, text: str) -> bool:
        """Whether a text of the history quotes rows or words of it: it names a content by hash, or
        an item beside others as a row of a table does."""
        return (
            any(content in text for content in self._contents)
            or any(item in text for item in self._removal.items)
            or bool(self._traces.in_text(text))
        )

    def leftovers(self) -> None:
        """Files that were set aside as damaged, and those that a process that died was writing."""
        for path in _leftovers(self._home.folder, self._home.dagster):
            _unlink(path)
            self.done["leftover files"] += 1

    def pages(self, batches: Iterable[str]) -> None:
        """The pages of batches, made again from what is left; a page that cannot be is deleted."""
        home, tables = self._home, self._home.tables
        for batch in sorted(batches):
            page = home.reports / f"{batch}.html"
            if not page.exists() and not tables.exists(DISAGREEMENT_REPORT.name, batch):
                continue
            try:
                # batches that were carried out before there were roll-outs have no tables of them
                stored = {
                    name: tables.read(name, batch)
                    for name in _PAGE_TABLES
                    if name not in _ROLLOUTS or tables.exists(name, batch)
                }
                made = publish_batch(home, batch, stored)
                rows = rows_to_arrow(DISAGREEMENT_REPORT, [made.row])
                tables.write(DISAGREEMENT_REPORT, rows, batch)
                self.done["pages made again"] += 1
            except _CANNOT_BE_DRAWN:
                for path in (page, home.reports / f"{batch}-review.html"):
                    _unlink(path)
                # without its report the batch is carried out again by the next run
                tables.forget(DISAGREEMENT_REPORT.name, batch)
                self.done["pages deleted"] += 1
        index = home.reports / "index.html"
        if index.exists():
            try:
                publish_corpus(home)
            except _CANNOT_BE_DRAWN:
                for path in (index, home.reports / "services.html"):
                    _unlink(path)

    def _messages(self, batch: str) -> Iterator[ManifestRow]:
        if self._home.tables.exists(CONTENT_MANIFEST.name, batch):
            data = self._home.tables.read(CONTENT_MANIFEST.name, batch)
            if "message" in data.column_names:
                yield from CONTENT_MANIFEST.rows(data.filter(pc.is_valid(data["message"])))

    def _manifest_rows(self, batch: str, items: Collection[str]) -> list[ManifestRow]:
        if not self._home.tables.exists(CONTENT_MANIFEST.name, batch):
            return []
        data = self._home.tables.read(CONTENT_MANIFEST.name, batch)
        return list(CONTENT_MANIFEST.rows(data.filter(_among(data["item_id"], items))))


def answer_keys(home: Home) -> Iterator[str]:
    """The keys of all answers that some table refers to."""
    for name in (*(table.name for table in INTERPRETATIONS.values()), PART_READINGS.name):
        for rows in home.tables.intact(name, ["answer_key"]):
            yield from rows["answer_key"].to_pylist()


def _among(column: Any, values: Collection[str]) -> Any:
    return pc.is_in(column, pa.array(sorted(values), pa.string()))


def _fields(row: ManifestRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in CONTENT_MANIFEST.schema.names}


def _leftovers(home: Path, history: Path) -> Iterator[Path]:
    for pattern in _SET_ASIDE:
        yield from (p for p in home.rglob(pattern) if not p.is_relative_to(history))
    for folder in ("batches", "tables", "models", "content", "features", "reports", "review"):
        for path in (home / folder).rglob(".*"):
            if path.is_file() and path.name not in _LOCKS:
                yield path


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
