"""The home: the folder in which a project keeps its batches, tables, reports and caches."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from orchestration_assets.schemas.policy import FeatureCache
from resources.artefact_store import ArtefactStore
from resources.claims import Owner, claimed
from resources.content_index import ContentIndex
from resources.feature_cache.lmdb_store import LmdbStore
from resources.feature_cache.opening import open_cache
from resources.feature_cache.tiered import TieredCache
from resources.feature_cache.uses import CacheUses
from resources.model_store import ModelStore
from resources.run_claims import RunClaim, run_claim
from resources.run_locks import run_lock
from resources.table_store import BatchStore, TableStore


class HomeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Doors to everything below one home folder; each door is opened where it is used."""

    path: str
    _claim: RunClaim | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Generator["HomeResource", None, None]:
        """Holds the run's lock, so that a run whose process dies is found out, and its claim.

        Waits while another process carries out the same batch.
        """
        with ExitStack() as stack:
            if context.run is not None:
                stack.enter_context(run_lock(self.folder, context.run.run_id))
                self._claim = run_claim(self.folder, context.run.tags)
                self._take(stack, context, context.run)
            yield self

    def _take(self, stack: ExitStack, context: dg.InitResourceContext, run: dg.DagsterRun) -> None:
        if self._claim is None:
            return
        name = self._claim.name

        def waiting(owner: Owner | None) -> None:
            who = owner.words() if owner else "another process"
            if context.log is not None:
                context.log.info(f"{name} is being carried out by {who}; waiting for it")

        what = f"{run.job_name}, Dagster run {run.run_id}"
        stack.enter_context(claimed(self.folder, name, what, waiting))

    @property
    def claim(self) -> RunClaim | None:
        """What the run that uses this home has claimed."""
        return self._claim

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
