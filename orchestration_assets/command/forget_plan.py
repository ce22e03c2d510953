"""What has to go when an item is forgotten: looked up only, nothing is changed."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.command.explain import UnknownItemError
from orchestration_assets.command.typed_paths import typed_addresses
from orchestration_assets.content.content_reader import ContentReader, SupersededError
from orchestration_assets.content.forgotten import PendingRemoval, pending_removals
from orchestration_assets.content.item_lookup import ManifestItem, finder
from orchestration_assets.content.message_places import held_content
from orchestration_assets.features.batch import vector_key
from orchestration_assets.processing.tools.loop import keys_beside
from orchestration_assets.profiling.profile_cache import profile_key
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind, EntryOutcome
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.listings import ContentError
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.record_answers import leaves, record_of
from orchestration_assets.schemas.rollout import ROLLOUT_ANSWERS
from orchestration_assets.schemas.tables import (
    BATCH_TABLES,
    CONTENT_MANIFEST,
    INTERPRETATIONS,
    PROCESSING_PLANS,
    AcceptedItem,
    ManifestRow,
    accepted_items,
)
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.text.traces import Traces, distinctive_pieces, signs
from resources.damage import leaving_out_damage
from resources.home import Home

_NUMBERS: Final = ("vector", "semantic", "sketch", "terms")


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """What is to be removed, and what people should know of it before.

    ``others`` are items with the same content, by id and path; ``rows`` counts rows by table;
    ``unread`` says why some content could not be read again, so that less is searched for.
    """

    item: ManifestItem
    removal: PendingRemoval
    others: Mapping[str, str]
    rows: Mapping[str, int]
    kept: int
    unread: tuple[str, ...] = ()
    begun: bool = False


def find_item(home: Home, name: str) -> ManifestItem:
    """The item that a person means by its id, path or address; of a removal that was stopped also
    by those that it had. Raises UnknownItemError, DamagedFileError."""
    shown = os.fsencode(name).decode("utf-8", "backslashreplace")
    find = finder(home.tables)
    items = find([shown]).get(shown, [])
    typed = typed_addresses(name)
    if not items and typed:
        found = find(typed)
        items = next((found[one] for one in typed if one in found), [])
    if not items:
        # the manifest has lost the names of a record once its removal has begun
        begun = [
            one.item_id for one in pending_removals(home) if {shown, *typed}.intersection(one.names)
        ]
        items = [item for found in find(begun).values() for item in found]
    if not items:
        raise UnknownItemError(
            f"{shown!r} is in no manifest; give its id, its path (from here, or relative to "
            f"the source), or its address (home {home.folder})"
        )
    if len(items) > 1:
        several = ", ".join(sorted(f"{item.item_id} ({item.address})" for item in items))
        raise UnknownItemError(f"{shown!r} names several items; give one of: {several}")
    return items[0]


def plan_removal(home: Home, item: ManifestItem) -> RemovalPlan:
    """Everything that the home has of the contents that the item ever had.

    The same content cannot be forgotten and kept: other items that hold it are part of it. A
    message is forgotten alone: who else said the same words said them for themselves.
    """
    seen = list(_manifest_rows(home, item.item_id))
    mine = [row for row in seen if row.item_id == item.item_id]
    own = {row.content_hash for row in mine if row.content_hash}
    shared: set[str] = set()
    if any(row.message for row in mine):
        held = mine
        others_hold = {row.content_hash for row in seen if row.item_id != item.item_id}
        shared = {content for content in own if content in others_hold}
    else:
        held = [row for row in seen if row.content_hash in own or row.item_id == item.item_id]
    marked = {
        held_content(row.content_hash, row.item_id, row.message)
        for row in held
        if row.content_hash is not None
    }
    pairs = sorted({(row.batch, row.item_id) for row in held})
    texts, unread = _texts(home, held, own)
    gathered = _Gathered(home, pairs)
    texts += [m.value for row in held for m in row.metadata]
    own_names, others_names = _names(home, [row for row in held if row.message is not None])
    texts += own_names
    content = "\n".join(map(signs, texts))
    names = sorted({name for row in held for name in (row.item_id, row.address, row.path)})
    telling = distinctive_pieces([*texts, *gathered.answers])
    # names begin alike: what another conversation is called is not this one's
    known = [signs(" ".join(names)), signs("\n".join(others_names))]
    told = _said_anyway(home, telling) | {p for p in telling if any(p in one for one in known)}
    removal = PendingRemoval(
        item.item_id,
        tuple(sorted(own)),
        tuple(pairs),
        tuple(names),
        tuple(
            sorted(
                {
                    *gathered.answer_keys,
                    *keys_beside(home.answers, gathered.answer_keys),
                    *_cache_keys(held),
                }
            )
        ),
        tuple(piece for piece in telling if piece not in told),
        tuple(piece for piece in telling if piece not in told and piece not in content),
        tuple(vector.hex() for vector in gathered.own_vectors()),
        tuple(sorted(marked)),
        tuple(sorted(shared)),
        tuple(sorted({row.message.thread for row in held if row.message is not None})),
    )
    others = {row.item_id: row.path for row in held if row.item_id != item.item_id}
    kept = sum(home.content.kept(content) is not None for content in own - shared)
    return RemovalPlan(item, removal, others, gathered.rows, kept, tuple(unread))


def traces_of(removal: PendingRemoval) -> Traces:
    """What the home is searched for."""
    return Traces(removal.pieces, tuple(map(bytes.fromhex, removal.vectors)))


def _manifest_rows(home: Home, item_id: str) -> Iterator[ManifestRow]:
    """The rows about the item, and about contents that it had, in every manifest."""
    tables, name = home.tables, CONTENT_MANIFEST.name
    contents: set[str] = set()
    for part in tables.intact(name, ["item_id", "content_hash"]):
        own = part.filter(pc.equal(part["item_id"], item_id))["content_hash"]
        contents.update(content for content in own.to_pylist() if content)
    wanted = pa.array(sorted(contents), pa.string())
    for part in tables.intact(name):
        hit = pc.or_(pc.equal(part["item_id"], item_id), pc.is_in(part["content_hash"], wanted))
        yield from CONTENT_MANIFEST.rows(part.filter(hit))


def _names(home: Home, messages: Iterable[ManifestRow]) -> tuple[list[str], list[str]]:
    """The names of conversations and speakers that these messages have, and no other one; and those
    of all others. None of either where there are no such messages."""
    items, own, others = set(), set[str](), set[str]()
    for row in messages:
        if row.message is not None:
            items.add(row.item_id)
            own |= set(_named(row))
    for part in home.tables.intact(CONTENT_MANIFEST.name) if own else ():
        if "message" not in part.column_names:
            continue  # of an earlier release
        told = part.filter(pc.is_valid(part["message"]))
        for item, place in values(told, "item_id", "message"):
            if item not in items:
                others |= {place["thread"], place["speaker"] or ""}
    return sorted(own - others), sorted(others)


def _named(row: ManifestRow) -> tuple[str, ...]:
    """The names of the conversation and the speaker of a message."""
    return () if row.message is None else (row.message.thread, row.message.speaker or "")


def _texts(
    home: Home, rows: Iterable[ManifestRow], contents: Iterable[str]
) -> tuple[list[str], list[str]]:
    """Each content as text, once; and why the others cannot be read."""
    texts: dict[str, str] = {}
    problems: dict[str, str] = {}
    wanted = set(contents)
    for row in rows:
        if row.content_hash not in wanted - texts.keys() or row.encoding is None:
            continue
        accepted = AcceptedItem(
            row.item_id, row.address, row.path, row.content_hash, row.size_bytes,
            row.encoding, row.kept, row.record,
        )  # fmt: skip
        try:
            with ContentReader(home, home.batches.source(row.batch)) as reader:
                texts[row.content_hash] = reader.text(accepted)
        except (SupersededError, ContentError, SourceError, OSError) as error:
            problems[row.content_hash] = f"{row.path} of batch {row.batch}: {error}"
    return list(texts.values()), [problems[c] for c in problems if c not in texts]


def _cache_keys(rows: Iterable[ManifestRow]) -> Iterator[str]:
    """Under what the present code keeps profiles and vectors of these rows."""
    for row in rows:
        if row.content_hash is None or row.encoding is None:
            continue
        accepted = AcceptedItem(
            row.item_id, row.address, row.path, row.content_hash, row.size_bytes,
            row.encoding, row.kept, row.record,
        )  # fmt: skip
        yield profile_key(row.content_hash, row.encoding, row.path)
        yield from (vector_key(accepted, semantic) for semantic in (False, True))


@dataclass
class _Gathered:
    """What the tables of the batches say of the items: counts, answers, keys, vectors."""

    home: Home
    pairs: Iterable[tuple[str, str]]
    rows: Counter[str] = field(default_factory=Counter)
    answers: list[str] = field(default_factory=list)
    answer_keys: set[str] = field(default_factory=set)
    vectors: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        by_batch: dict[str, list[str]] = {}
        for batch, item in self.pairs:
            by_batch.setdefault(batch, []).append(item)
        for batch, items in by_batch.items():
            for name in BATCH_TABLES:
                if self.home.tables.exists(name, batch):
                    with leaving_out_damage():
                        self._take(name, batch, pa.array(items, pa.string()))

    def _take(self, name: str, batch: str, items: pa.Array) -> None:
        data = self.home.tables.read(name, batch)
        if "item_id" not in data.column_names:
            return
        rows = data.filter(pc.is_in(data["item_id"], items))
        self.rows[name] += rows.num_rows
        if name in {table.name for table in INTERPRETATIONS.values()} or name == PART_READINGS.name:
            self.answer_keys.update(rows["answer_key"].to_pylist())
            self._take_answers(batch, rows)
        elif name == ROLLOUT_ANSWERS.name:
            # of a policy on trial, also where its answers do not stand
            self.answer_keys.update(key for keys in rows["answer_keys"].to_pylist() for key in keys)
            self._take_shown_answers(batch, rows)
        elif name == CONTENT_VECTORS.name:
            self.vectors.update(stored_numbers(rows))

    def _kinds(self, batch: str) -> dict[str, str]:
        plans = self.home.tables.read(PROCESSING_PLANS.name, batch, ["task", "kind"])
        return dict(values(plans, "task", "kind"))

    def _take_shown_answers(self, batch: str, rows: pa.Table) -> None:
        worded = {AnswerKind.TEXT, AnswerKind.SET, AnswerKind.RECORD}
        kinds = self._kinds(batch)
        told = values(rows, "task", "answer")
        self.answers += (answer for task, answer in told if answer and kinds.get(task) in worded)

    def _take_answers(self, batch: str, rows: pa.Table) -> None:
        kinds = self._kinds(batch)
        columns = ("task", "answer", "answer_set", "answer_record")
        for task, answer, members, record in values(rows, *columns):
            if kinds.get(task) == AnswerKind.TEXT and answer:
                self.answers.append(answer)
            elif kinds.get(task) == AnswerKind.SET:
                self.answers += members or ()
            elif kinds.get(task) == AnswerKind.RECORD and record:
                told = record_of(record)
                self.answers += (value for _, value in leaves(told) if isinstance(value, str))
                self.answers += (words for _, words in told.quotes)

    def own_vectors(self) -> list[bytes]:
        """The vectors that no other item has too: few words have the same vector as others."""
        shared: set[bytes] = set()
        own = dict.fromkeys(self.pairs)
        for batch in self.home.tables.batches(CONTENT_VECTORS.name) if self.vectors else ():
            with leaving_out_damage():
                data = self.home.tables.read(CONTENT_VECTORS.name, batch)
                mine = [(batch, item) in own for item in data["item_id"].to_pylist()]
                others = data.filter(pc.invert(pa.array(mine, pa.bool_())))
                for name in _NUMBERS:
                    flat = number_bytes(others[name])
                    shared |= {vector for vector in self.vectors if vector in flat}
        halves = {half for vector in shared if (half := _half(vector))}
        return sorted(self.vectors - shared - halves)


def stored_numbers(rows: pa.Table) -> Iterator[bytes]:
    """The vectors of rows of ``content_vectors`` as tables, caches and the index store them."""
    for name in _NUMBERS:
        kind = rows.schema.field(name).type.value_type.to_pandas_dtype()
        for components in rows[name].to_pylist():
            if components:
                numbers = np.asarray(components, kind)
                yield numbers.tobytes()
                if name == "vector":
                    yield numbers.astype(np.float16).tobytes()


def number_bytes(column: Any) -> bytes:
    """All numbers of a column of lists, one after the other."""
    return b"".join(
        np.ascontiguousarray(chunk.flatten().to_numpy(zero_copy_only=False)).tobytes()
        for chunk in column.chunks
    )


def _half(vector: bytes) -> bytes:
    if len(vector) % 4:
        return b""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.frombuffer(vector, np.float32).astype(np.float16).tobytes()


def _said_anyway(home: Home, pieces: Iterable[str]) -> set[str]:
    """Pieces that the program or a policy says of itself: to find them proves nothing."""
    asked = set(pieces)
    texts = [_own_words()]
    if home.policies.is_dir():
        texts += [signs(path.read_text("utf-8", "ignore")) for path in home.policies.iterdir()]
    return {piece for piece in asked for text in texts if piece in text}


@cache
def _own_words() -> str:
    return "\n".join(
        signs(file.read_bytes().decode("utf-8", "ignore"))
        for package in ("orchestration_assets", "resources", "jobs", "sensors")
        for file in _sources(files(package))
    )


def _sources(folder: Traversable) -> Iterator[Traversable]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.name.endswith((".py", ".html", ".css", ".yaml")):
            yield entry


def _said_of_others(home: Home, gone: set[tuple[str, str]], pieces: set[str]) -> set[str]:
    explained: set[str] = set()
    columns = ["batch", "item_id", "answer"]
    for table in INTERPRETATIONS.values() if pieces else ():
        for rows in home.tables.intact(table.name, columns):
            for batch, item, answer in values(rows, *columns):
                if answer and (batch, item) not in gone:
                    explained |= {piece for piece in pieces if piece in signs(answer)}
    return explained


def other_items_say(home: Home, removal: PendingRemoval, pieces: set[str]) -> set[str]:
    """Those of the pieces that other items hold too: these are not the forgotten item's alone.

    Reads the accepted items of every batch again until each piece is explained. What services alone
    said of the item they may have said of others.
    """
    gone = set(removal.rows)
    explained = _said_of_others(home, gone, pieces & set(removal.said))
    for batch in home.tables.batches(CONTENT_MANIFEST.name):
        with leaving_out_damage():
            manifest = home.tables.read(CONTENT_MANIFEST.name, batch)
            for row in CONTENT_MANIFEST.rows(manifest):
                if row.outcome is not EntryOutcome.FORGOTTEN and (batch, row.item_id) not in gone:
                    named = [row.path, row.address, *(m.value for m in row.metadata), *_named(row)]
                    said = signs("\n".join(named))
                    explained |= {piece for piece in pieces - explained if piece in said}
            with ContentReader(home, home.batches.source(batch)) as reader:
                for accepted in accepted_items(manifest):
                    if pieces <= explained:
                        return explained
                    if (batch, accepted.item_id) in gone:
                        continue  # it is not removed yet
                    try:
                        said = signs(reader.text(accepted))
                    except (SupersededError, ContentError, SourceError, OSError):
                        continue  # what cannot be read explains nothing
                    explained |= {piece for piece in pieces - explained if piece in said}
    return explained
