"""Where a project lives and which policy it follows: from arguments or the environment."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

DEFAULT_HOME = ".orchestration"
# the colon of a URL separates nothing
_BETWEEN_SOURCES = re.compile(r":(?!//)")


@dataclass(frozen=True, slots=True)
class Settings:
    """``home`` is the folder for everything kept; ``policy`` a file, None for the packaged one.

    ``sources`` are listed by the sensor beside those that the home already knows. ``dask`` is
    where CPU work of large batches goes: threads, processes, or a scheduler's address.
    ``tick_seconds`` is how often the sensor looks for new content.
    """

    home: Path
    policy: Path | None = None
    sources: tuple[str, ...] = ()
    dask: str = "processes"
    tick_seconds: int = 60

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """ORCHESTRATION_HOME, _POLICY, _SOURCES (separated by ':'), _DASK and _TICK_SECONDS."""
        home = environment.get("ORCHESTRATION_HOME") or DEFAULT_HOME
        policy = environment.get("ORCHESTRATION_POLICY")
        sources = environment.get("ORCHESTRATION_SOURCES", "")
        return cls(
            Path(home).expanduser().absolute(),
            policy_path(policy) if policy else None,
            tuple(source for source in _BETWEEN_SOURCES.split(sources) if source),
            environment.get("ORCHESTRATION_DASK") or "processes",
            _seconds(environment.get("ORCHESTRATION_TICK_SECONDS") or "60"),
        )


def policy_path(given: str | Path) -> Path:
    """The absolute path of a policy file; the home of a user who does not exist stays as it is."""
    path = Path(given)
    with suppress(RuntimeError):
        path = path.expanduser()
    return path.absolute()


def _seconds(given: str) -> int:
    if not given.isdigit() or int(given) < 1:
        raise ValueError(f"ORCHESTRATION_TICK_SECONDS={given!r}: give whole seconds, 1 or more")
    return int(given)
