"""Where a home keeps its Dagster instance, and the command that opens it."""

import os
import re
import shlex
from pathlib import Path
from typing import Final

from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.settings import ENVIRONMENT_VARIABLE, Settings
from resources.active_policy import active_policy_version
from resources.home import Home

# Dagster makes a URL of the path of its database, and quotes nothing in it
_NOT_IN_A_URL: Final = re.compile(r"\?|%[0-9A-Fa-f]{2}")


class HomePathError(OrchestrationError):
    """The home lies at a path that tables or Dagster's database cannot be kept at."""


def check_home(home: Home) -> None:
    """Raises HomePathError, before anything is written, where tables or the instance could not
    be kept."""
    try:
        str(home.folder).encode()
    except UnicodeEncodeError as error:
        raise HomePathError(
            f"the home {str(home.folder)!r}: its path is no UTF-8; choose another --home"
        ) from error
    folder = instance_folder(home)
    found = _NOT_IN_A_URL.search(str(folder))
    if found is not None:
        raise HomePathError(
            f"the home {str(home.folder)!r}: Dagster cannot keep its database at a path with "
            f"{found[0]!r} in it ({str(folder)!r}); choose another --home, or set DAGSTER_HOME to "
            "a folder without it"
        )


def instance_folder(home: Home) -> Path:
    """DAGSTER_HOME when it is set, else the home's own folder."""
    chosen = os.environ.get("DAGSTER_HOME")
    return Path(chosen).expanduser().absolute() if chosen else home.dagster


def ui_command(settings: Settings) -> str:
    """The shell command that opens this home in the Dagster UI, with all its runs."""
    home = Home(settings.home)
    variables = {
        "DAGSTER_HOME": str(instance_folder(home)),
        "ORCHESTRATION_HOME": str(settings.home),
    }
    # a file that is named there would be watched, and take the place of the active policy
    if settings.policy is not None and active_policy_version(home) is None:
        variables["ORCHESTRATION_POLICY"] = str(settings.policy)
    if chosen := os.environ.get(ENVIRONMENT_VARIABLE):
        variables[ENVIRONMENT_VARIABLE] = chosen
    words = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    return " ".join([*words, "dagster dev -m orchestration_assets.definitions"])
