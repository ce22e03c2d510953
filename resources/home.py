"""The home: the folder in which a project keeps its batches, tables, reports and caches."""

from pathlib import Path

import dagster as dg

from resources.artefact_store import ArtefactStore
from resources.feature_cache.lmdb_store import LmdbStore
from resources.table_store import BatchStore, TableStore


class HomeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Doors to everything below one home folder; each door is opened where it is used."""

    path: str

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

    @property
    def artefacts(self) -> ArtefactStore:
        """Learned models and calibrations, by version."""
        return ArtefactStore(self.folder)

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
