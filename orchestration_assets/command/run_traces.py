"""The traces of the batches that a command carries out."""

from pathlib import Path
from typing import TYPE_CHECKING

from orchestration_assets.command.batch_execution import say
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tracing import Tracing
from orchestration_assets.tracing.batch_trace import RunFacts
from orchestration_assets.tracing.sender import TraceSender
from resources.home import Home

if TYPE_CHECKING:
    import dagster as dg


def run_traces(
    home: Home,
    policy: Policy,
    instance: "dg.DagsterInstance",
    told: Path | None = None,
    otherwise: Tracing | None = None,
) -> TraceSender:
    """What sends them, as :class:`TraceSender` does, with the runs that the instance knows."""

    def facts_of(batch: str) -> RunFacts | None:
        # Dagster takes seconds to import
        from sensors.traces import run_facts

        return run_facts(instance, batch)

    return TraceSender(home, policy, facts_of, say, told, otherwise)
