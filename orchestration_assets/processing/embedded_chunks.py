"""Plans that ask only services of this process, carried out in chunks on a cluster's workers.

A worker reads the contents itself. It is given the answers that are kept, as far as they can be
named before any is read, and gives back rows and new answers; only the driver writes to the cache.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from time import process_time
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.processing.answer_cache import AnswerCache, CarriedAnswers, answer_key
from orchestration_assets.processing.batch import (
    build_work,
    item_loader,
    pack,
    result_tables,
)
from orchestration_assets.processing.embedded_plans import SAVE_EVERY, process_embedded
from orchestration_assets.processing.event_loop import BatchResult, BatchWork, LoadItem
from orchestration_assets.processing.near_copy_sharing import in_order, joined
from orchestration_assets.processing.part_questions import are_known_beforehand, part_questions
from orchestration_assets.processing.sure_questions import reads_in_rounds, sure_part_questions
from orchestration_assets.processing.take_up import result_of
from orchestration_assets.processing.task_waves import leaning_on
from orchestration_assets.profiling.placement import Placement, Workers, chunks_for
from orchestration_assets.profiling.tiers import SizeTier, choose_tier
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.features import FEATURE_NAMES
from orchestration_assets.schemas.items import Item, Question
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.services import EmbeddedConfig
from orchestration_assets.schemas.tables import (
    PROCESSING_PLANS,
    AddedFeature,
    PlanRow,
    added_values,
)
from resources.home import Home
from resources.machine import give_back_memory


@dataclass(frozen=True, slots=True)
class PlanChunk:
    """Plans of some items with all that a worker on another machine needs to carry them out.

    ``number`` is its place among the chunks of a batch; ``policy`` is JSON; ``kept`` holds encoded
    answers by key.
    """

    number: int
    home: Home
    source: str
    policy: str
    manifest: pa.Table
    profiles: pa.Table
    plans: pa.Table
    kept: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What came of a chunk: its tables by name, the answers that were given for it, encoded, and
    how many kept ones could not be used."""

    tables: Mapping[str, pa.Table]
    given: Mapping[str, bytes]
    ignored: int


class _Keys(NamedTuple):
    """Keys of a plan's answers: those that it asks for in any case, all that are known, and those
    by which is noted where the answers are that hang on answers to other tasks."""

    sure: frozenset[str]
    known: frozenset[str]
    before: frozenset[str] = frozenset()


# items after which it is looked at whether workers are worth it
_PART_ITEMS: Final = 1_000
# the key of nothing that is kept
_UNKNOWN: Final = _Keys(frozenset({""}), frozenset())


def embedded_chunk(chunk: PlanChunk) -> ChunkResult:
    """Carries out the plans of a chunk; runs on a Dask worker, which reads the contents."""
    answers = CarriedAnswers(chunk.kept)
    cache = AnswerCache(answers)
    with ContentReader(chunk.home, chunk.source) as reader:
        load = item_loader(chunk.manifest, chunk.profiles, reader)
        plans = PROCESSING_PLANS.rows(chunk.plans)
        done = process_embedded(plans, _embedded_work(chunk.policy), cache, load)
    tables = {name: table for name, table, _ in result_tables(done) if table.num_rows}
    return ChunkResult(tables, answers.given, cache.ignored)


@lru_cache(maxsize=2)
def _embedded_work(policy: str) -> BatchWork:
    """What plans refer to, once for all chunks of a batch; services over HTTP are left out."""
    known = Policy.model_validate_json(policy)
    embedded = {
        name: config
        for name, config in known.services.items()
        if isinstance(config, EmbeddedConfig)
    }
    return build_work(known.model_copy(update={"services": embedded}))


@dataclass(frozen=True, slots=True)
class EmbeddedBatch:
    """Carries out plans of a batch that ask only services of this process: here, and in chunks on
    ``workers`` once these are worth it.

    ``manifest``, ``profiles`` and ``plans`` are the tables of the batch.
    """

    home: Home
    batch: str
    policy: Policy
    manifest: pa.Table
    profiles: pa.Table
    plans: pa.Table
    cache: AnswerCache
    load_item: LoadItem
    workers: Workers
    advance: Callable[[int], None] = lambda items: None

    def process(self, plans: Sequence[PlanRow], work: BatchWork) -> BatchResult:
        """The rows in the order of the plans, which are sorted by item; the same wherever they are
        made.

        Items with a plan of a learned model stay here, and so do those all of whose first answers
        are kept.
        """
        sizes = dict(values(self._accepted(), "item_id", "size_bytes"))
        groups = [list(group) for _, group in groupby(plans, key=lambda plan: plan.item_id)]
        bytes_of = [sizes.get(group[0].item_id, 0) for group in groups]
        tiers = self.policy.execution.tiers
        placement = Placement(len(groups), sum(bytes_of), tiers, self.workers)
        parts: list[BatchResult] = []
        for start in range(0, len(groups), _PART_ITEMS):
            if placement.pays():
                rest = [plan for group in groups[start:] for plan in group]
                parts.append(self._divided(rest, work, sizes))
                break
            part, began = groups[start : start + _PART_ITEMS], process_time()
            parts.append(self._here([plan for group in part for plan in group], work))
            part_bytes = sum(bytes_of[start : start + _PART_ITEMS])
            placement.done_here(len(part), part_bytes, process_time() - began)
            give_back_memory()
        return joined(parts)

    def _divided(
        self, plans: Sequence[PlanRow], work: BatchWork, sizes: Mapping[str, int]
    ) -> BatchResult:
        """What workers can do there, the rest here."""
        outlines = self._outlines(work)
        learned = {plan.item_id for plan in plans if plan.artefact is not None}
        # what stands of the tasks before them is known here only
        leaning = leaning_on(plans, work.inputs, work.given) | {item for item, _ in work.judged}
        movable = (sizes.keys() & outlines.keys()) - learned - leaning
        questions = {
            (plan.item_id, plan.task): self._keys(plan, work, outlines[plan.item_id])
            for plan in plans
            if plan.item_id in movable
        }
        noted = self.cache.shown_keys({key for one in questions.values() for key in one.before})
        questions = {pair: _with_noted(keys, noted) for pair, keys in questions.items()}
        kept = self.cache.entries({key for one in questions.values() for key in one.known})
        unanswered = {item for (item, _), one in questions.items() if not one.sure <= kept.keys()}
        if not self._is_large(unanswered, sizes):
            return self._here(plans, work)
        here = [plan for plan in plans if plan.item_id not in unanswered]
        there = [plan for plan in plans if plan.item_id in unanswered]
        parts = self._on_workers(list(self._pieces(there, sizes, questions, kept)))
        return in_order(plans, *parts, self._here(here, work)) if here else joined(parts)

    def _here(self, plans: Sequence[PlanRow], work: BatchWork) -> BatchResult:
        return pack(process_embedded(plans, work, self.cache, self.load_item, self.advance))

    def _is_large(self, items: set[str], sizes: Mapping[str, int]) -> bool:
        content = sum(sizes[item] for item in items)
        choice = choose_tier(len(items), content, self.policy.execution.tiers)
        return choice.tier is not SizeTier.IN_PROCESS

    def _on_workers(self, pieces: Sequence[PlanChunk]) -> list[BatchResult]:
        """The rows of each piece; answers are kept in portions, also when the cluster is lost."""
        parts: dict[int, BatchResult] = {}
        try:
            for piece, result in self.workers.map_chunks(embedded_chunk, pieces):
                parts[piece.number] = result_of(result.tables)
                self.cache.put_entries(result.given)
                self.cache.ignored += result.ignored
                if self.cache.unsaved >= SAVE_EVERY:
                    self.cache.flush()
                self.advance(piece.manifest.num_rows)
        finally:
            self.cache.flush()
        return [parts[piece.number] for piece in pieces]

    def _pieces(
        self,
        plans: Sequence[PlanRow],
        sizes: Mapping[str, int],
        questions: Mapping[tuple[str, str], _Keys],
        kept: Mapping[str, bytes],
    ) -> Iterator[PlanChunk]:
        groups = {item: list(of) for item, of in groupby(plans, key=lambda plan: plan.item_id)}
        pair_places = _places(self.plans, "item_id", "task")
        manifest = self._accepted()
        manifest_places = _places(manifest, "item_id")
        profile_places = _places(self.profiles, "item_id")
        source = self.home.batches.source(self.batch)
        policy = json.dumps(self.policy.canonical())
        item_sizes = [sizes[item] for item in groups]
        parts = chunks_for(self.workers, list(groups), item_sizes, self.policy.execution.tiers)
        for number, items in enumerate(parts):
            pairs = [(plan.item_id, plan.task) for item in items for plan in groups[item]]
            found = {key for pair in pairs for key in questions[pair].known if key in kept}
            yield PlanChunk(
                number,
                self.home,
                source,
                policy,
                _rows(manifest, [manifest_places[item,] for item in items]),
                _rows(self.profiles, [profile_places[item,] for item in items]),
                _rows(self.plans, [pair_places[pair] for pair in pairs]),
                {key: kept[key] for key in found},
            )

    def _accepted(self) -> pa.Table:
        accepted = pc.equal(self.manifest["outcome"], EntryOutcome.ACCEPTED)
        return self.manifest.filter(accepted)

    def _outlines(self, work: BatchWork) -> dict[str, Item]:
        """The items without their text, and with no more of their profiles than services read."""
        read = {fact for service in work.services.values() for fact in service.reads}
        columns = [name for name in FEATURE_NAMES if name in read]
        # a service that reads what no profile has reads what a plug-in adds
        if read - {*FEATURE_NAMES} and "added_features" in self.profiles.column_names:
            columns.append("added_features")
        table = self.profiles.select(["item_id", "content_hash", "path", *columns])
        return {
            row["item_id"]: Item(
                row["item_id"],
                row["content_hash"],
                row["path"],
                "",
                row | added_values(AddedFeature(**one) for one in row.get("added_features") or ()),
            )
            for row in table.to_pylist()
        }

    def _keys(self, plan: PlanRow, work: BatchWork, item: Item) -> _Keys:
        """What can be known of a plan's questions before its services are asked."""
        choice = work.choices[plan.task, plan.option]
        parts = work.tasks[plan.task].parts
        if parts is not None and not are_known_beforehand(work.tasks[plan.task]):
            return _UNKNOWN
        if parts is not None or reads_in_rounds(choice):
            try:
                item = self.load_item(plan.item_id)
            except Exception:  # noqa: BLE001 -- whoever carries the plan out says what is wrong
                return _UNKNOWN
        question = Question(work.tasks[plan.task], item)
        if plan.task in work.inputs and (showing := shows_answers(plan, work)):
            # its keys are known once the tasks before it are answered; mostly they are as before
            before = frozenset(answer_key(question, work.services[name]) for name in showing)
            others = set(plan.services) - showing
            known = frozenset(answer_key(question, work.services[name]) for name in others)
            return _Keys(frozenset(), known, before)
        sure = frozenset(
            answer_key(asked, work.services[name])
            for name, asked in sure_part_questions(choice, question, work.tasks)
        )
        possible = {
            answer_key(asked, work.services[name])
            for asked in part_questions(question)
            for name in plan.services
        }
        return _Keys(sure, sure | possible)


def shows_answers(plan: PlanRow, work: BatchWork) -> frozenset[str]:
    """The services of the plan that read the answers to other tasks."""
    return frozenset(name for name in plan.services if "answers" in work.services[name].reads)


def _with_noted(keys: _Keys, noted: Mapping[str, str]) -> _Keys:
    found = frozenset(noted[key] for key in keys.before if key in noted)
    return keys._replace(known=keys.known | found) if found else keys


def _places(table: pa.Table, *names: str) -> dict[tuple[Any, ...], int]:
    return {key: place for place, key in enumerate(values(table, *names))}


def _rows(table: pa.Table, places: Sequence[int]) -> pa.Table:
    return table.take(pa.array(places, pa.int64())).combine_chunks()
