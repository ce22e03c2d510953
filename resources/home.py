"""The home: the folder in which a project keeps its batches, tables, reports and caches."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg

from orchestration_assets.schemas.policy import FeatureCache
from resources.artefact_store import ArtefactStore
from resources.content_index import ContentIndex
from resources.feature_cache.lmdb_store import LmdbStore
from resources.feature_cache.opening import open_cache
from resources.feature_cache.tiered import TieredCache
from resources.feature_cache.uses import CacheUses
from resources.model_store import ModelStore
from resources.running import alive
from resources.table_store import BatchStore, TableStore


class HomeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Doors to everything below one home folder; each door is opened where it is used."""

    path: str

    @contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Generator["HomeResource", None, None]:
        """Holds the run's lock, so that a run whose process dies is found out."""
        with ExitStack() as stack:
            if context.run is not None:
                stack.enter_context(alive(self.folder, context.run.run_id))
            yield self

    @property
    def folder(self) -> Path:
        return Path(self.path).expanduser().absolute()

    @property
    def batches(self) -> BatchStore:
        return BatchStore(self.folder)

    @property
    def tables(self) -> TableStore:
        return TableStore(self.folder)

    @property
    def answers(self) -> LmdbStore:
        return LmdbStore(self.folder / "cache" / "answers")

    def features(self, settings: FeatureCache) -> TieredCache:
        """The cache of profiles and vectors, with the tiers that the policy asks for."""
        return open_cache(self.folder, settings)

    @property
    def artefacts(self) -> ArtefactStore:
        return ArtefactStore(self.folder)

    @property
    def cache_uses(self) -> CacheUses:
        return CacheUses(self.folder)

    @property
    def content_index(self) -> ContentIndex:
        return ContentIndex(self.folder / "cache" / "content")

    @property
    def models(self) -> ModelStore:
        """Learned models and calibrations, one version of each in force."""
        return ModelStore(self.folder)

    @property
    def policies(self) -> Path:
        """Where each run's pinned policy is kept, by hash."""
        return self.folder / "policies"

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


class PolicyFileResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Which policy file is in force; None means the packaged default."""

    path: str | None = None
