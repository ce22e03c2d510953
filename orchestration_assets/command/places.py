"""Where a home keeps its Dagster instance, and the command that opens it."""

import os
import shlex
from pathlib import Path

from orchestration_assets.settings import Settings


def instance_folder(home: Path) -> Path:
    """DAGSTER_HOME when it is set, else ``<home>/dagster``."""
    chosen = os.environ.get("DAGSTER_HOME")
    return Path(chosen).expanduser().absolute() if chosen else home / "dagster"


def ui_command(settings: Settings) -> str:
    """The shell command that opens this home in the Dagster UI, with all its runs."""
    variables = {
        "DAGSTER_HOME": str(instance_folder(settings.home)),
        "ORCHESTRATION_HOME": str(settings.home),
    }
    if settings.policy is not None:
        variables["ORCHESTRATION_POLICY"] = str(settings.policy)
    words = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    return " ".join([*words, "dagster dev -m orchestration_assets.definitions"])
