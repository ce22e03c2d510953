"""Fresh definitions on an ephemeral instance, and batches made from a corpus."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration_assets.content.intake import take_in
from orchestration_assets.definitions import build_definitions
from orchestration_assets.policy.load import load_policy
from orchestration_assets.settings import Settings
from resources.home import Home
from resources.table_store import TableStore

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Project:
    """One home with its definitions and instance."""

    home: Path
    instance: dg.DagsterInstance
    policy: Path | None = None

    @property
    def tables(self) -> TableStore:
        return Home(self.home).tables

    @property
    def definitions(self) -> dg.Definitions:
        return build_definitions(Settings(self.home, self.policy))

    def take_in(self, source: Path) -> list[str]:
        content = load_policy(self.policy).policy.content
        batches = list(take_in(Home(self.home), str(source), content, datetime.now(UTC)).recorded)
        self.instance.add_dynamic_partitions("content_batches", batches)
        return batches

    def execute(self, job: str, batch: str | None, **options) -> dg.ExecuteInProcessResult:
        resolved = self.definitions.resolve_job_def(job)
        return resolved.execute_in_process(
            instance=self.instance,
            partition_key=batch,
            run_config=QUIET,
            raise_on_error=False,
            **options,
        )


@pytest.fixture
def project(home: Path):
    with dg.DagsterInstance.ephemeral() as instance:
        yield Project(home, instance)
