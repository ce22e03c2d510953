"""Where a project lives and which policy it follows: from arguments or the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_HOME = ".orchestration"


@dataclass(frozen=True, slots=True)
class Settings:
    """``home`` is the folder for everything kept; ``policy`` a file, None for the packaged one.

    ``sources`` are listed by the sensor beside those that the home already knows. ``dask`` is
    where CPU work of large batches goes: threads, processes, or a scheduler's address.
    """

    home: Path
    policy: Path | None = None
    sources: tuple[str, ...] = ()
    dask: str = "processes"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """ORCHESTRATION_HOME, _POLICY, _SOURCES (separated by ':') and _DASK."""
        home = environment.get("ORCHESTRATION_HOME") or DEFAULT_HOME
        policy = environment.get("ORCHESTRATION_POLICY")
        sources = environment.get("ORCHESTRATION_SOURCES", "")
        return cls(
            Path(home).expanduser().absolute(),
            Path(policy).expanduser().absolute() if policy else None,
            tuple(source for source in sources.split(os.pathsep) if source),
            environment.get("ORCHESTRATION_DASK") or "processes",
        )
