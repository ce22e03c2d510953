"""The home: the folder of a project, every path below it, and the stores that keep things there."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration_assets.schemas.policy import FeatureCache
from resources.content_index import ContentIndex
from resources.content_store import ContentStore
from resources.feature_cache.lmdb_store import LmdbStore
from resources.feature_cache.short_texts import ANSWER_WORDS
from resources.feature_cache.uses import CacheUses
from resources.home_store import copy_of_store
from resources.knowledge_store import KnowledgeStore
from resources.model_registry import ModelRegistry
from resources.run_claims import RunClaim
from resources.series import ALONE, Series
from resources.spending.ledger import SpendingLedger
from resources.state_logs.opening import state_log
from resources.table_store import LOCAL_FILES, BatchStore, Files, TableStore
from resources.versioned_state import VersionedState, plain_state_name

if TYPE_CHECKING:
    from resources.feature_cache.tiered import TieredCache


@dataclass(frozen=True, slots=True)
class Home:
    """``folder`` is absolute; ``claim`` is what the run that uses the home has claimed, ``series``
    the batches that are carried out together with its own.

    Nothing is read or made before a store is used.
    """

    folder: Path
    claim: RunClaim | None = None
    series: Series = ALONE

    @property
    def files(self) -> Files:
        """How its files are written: with a copy in a store, where the home belongs to one."""
        return copy_of_store(self.folder) or LOCAL_FILES

    @property
    def batches(self) -> BatchStore:
        """What was listed, batch by batch."""
        return BatchStore(self.folder / "batches", self.files)

    @property
    def tables(self) -> TableStore:
        return TableStore(self.folder / "tables", self.files)

    @property
    def content(self) -> ContentStore:
        """Bytes of content: kept ones, and plain copies of packed files."""
        return ContentStore(self.folder / "content", self.files)

    @property
    def content_index(self) -> ContentIndex:
        """Which content is known, and who computes it."""
        return ContentIndex(self.folder / "cache" / "content")

    @property
    def answers(self) -> LmdbStore:
        """Finished answers of services."""
        return LmdbStore(self.folder / "cache" / "answers", words=ANSWER_WORDS)

    @property
    def spending(self) -> SpendingLedger:
        """What every attempt at a priced service cost, whatever became of its batch."""
        return SpendingLedger(self.folder / "spending")

    def features(self, settings: FeatureCache) -> "TieredCache":
        """The cache of profiles and vectors, with the tiers that the policy asks for."""
        # a run that finds nothing new does without the tiers' libraries
        from resources.feature_cache.opening import open_cache

        return open_cache(self.folder, settings)

    @property
    def cache_uses(self) -> CacheUses:
        """What each batch found in the cache of profiles and vectors."""
        return CacheUses(self.folder / "cache" / "uses")

    @property
    def knowledge(self) -> KnowledgeStore:
        """Documents that questions are answered from, cut into passages and indexed."""
        return KnowledgeStore(self.folder / "knowledge", self.files)

    @property
    def models(self) -> ModelRegistry:
        """Learned models, calibrations and the neighbour index."""
        return ModelRegistry(self.folder / "models", self.files)

    @property
    def ledgers(self) -> Path:
        """A snapshot of each source's ledger."""
        return self.folder / "ledger"

    @property
    def forgotten(self) -> Path:
        """What was removed on request: marks of contents, and what is not removed yet."""
        return self.folder / "forgotten"

    @property
    def intake_lock(self) -> Path:
        return self.folder / ".intake.lock"

    @property
    def running(self) -> Path:
        """A lock for each run that a process carries out."""
        return self.folder / "cache" / "running"

    @property
    def limits(self) -> Path:
        """What processes use of the limits of services now."""
        return self.folder / "cache" / "limits"

    @property
    def policies(self) -> Path:
        """The policy that each run pinned, by hash."""
        return self.folder / "policies"

    @property
    def rollouts(self) -> Path:
        """What came of items while a policy was tried, by roll-out and batch."""
        return self.folder / "rollouts"

    @property
    def threads(self) -> Path:
        """Which batches hold messages of conversations, and which of these have other messages
        before them now than they were asked with."""
        return self.folder / "threads"

    def state(self, name: str) -> VersionedState:
        """What changes by compare-and-swap, with every version of it."""
        return VersionedState(
            name, state_log(self.folder / "state", plain_state_name(name), self.files)
        )

    @property
    def verdicts(self) -> Path:
        """Where people drop their verdicts."""
        return self.folder / "verdicts"

    @property
    def review(self) -> Path:
        """The questions of each batch that people should look at, as files to fill in."""
        return self.folder / "review"

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

    @property
    def dagster(self) -> Path:
        """Dagster's instance, where DAGSTER_HOME does not name another folder."""
        return self.folder / "dagster"
