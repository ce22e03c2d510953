"""Where a project lives and which policy it follows: from arguments or the environment."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

from orchestration_assets.schemas.errors import OrchestrationError

DEFAULT_HOME = ".orchestration"
EXPLORER_VARIABLE = "ORCHESTRATION_EXPLORER_URL"
"""Names the address of the explorer, which the Dagster UI links where it is set."""
_WEB = re.compile(r"https?://[^\s\"'<>]+")
ENVIRONMENT_VARIABLE = "ORCHESTRATION_ENV"
"""Names the environment of a policy, such as production, where no option names it."""
# One source: a URL with what may stand before its path (an IPv6 host, a port, a user), or a path.
# Two colons chain URLs, and separate no two.
_SOURCE = re.compile(
    r"""(?:[A-Za-z][A-Za-z0-9+.-]*::)*
        (?:[A-Za-z][A-Za-z0-9+.-]*://
           (?:[^/?\#@]*@(?![A-Za-z][A-Za-z0-9+.-]*://))?
           (?:\[[^\]]*\]|[^:/?\#\[\]]*)
           (?::\d+(?=[/?\#:]|\Z))?
           (?:::(?:[A-Za-z][A-Za-z0-9+.-]*://)?|[^:])*
        |[^:]+)""",
    re.VERBOSE | re.DOTALL,
)


class SettingError(OrchestrationError):
    """An environment variable cannot be used; the message says what to give instead."""


def explorer_address(environment: Mapping[str, str] = os.environ) -> str:
    """The address of the explorer without a slash at its end, as the Dagster UI is to link it;
    empty where none is set. Raises SettingError."""
    address = environment.get(EXPLORER_VARIABLE, "").rstrip("/")
    if address and not _WEB.fullmatch(address):
        raise SettingError(f"{EXPLORER_VARIABLE}: give an address such as http://127.0.0.1:8400")
    return address


@dataclass(frozen=True, slots=True)
class Settings:
    """``home`` is the folder for everything kept; ``policy`` a file, None for the packaged one.

    ``sources`` are listed by the sensor beside those that the home already knows. ``dask`` is
    where CPU work of large batches goes: threads, processes, or a scheduler's address.
    ``tick_seconds`` is how often the sensor looks for new content. ``store`` is the URL of the
    object store that the home belongs to, None where it belongs to none or was named before.
    """

    home: Path
    policy: Path | None = None
    sources: tuple[str, ...] = ()
    dask: str = "processes"
    tick_seconds: int = 60
    store: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """ORCHESTRATION_HOME, _POLICY, _SOURCES (split_sources), _DASK, _TICK_SECONDS and _STORE.

        Raises SettingError.
        """
        explorer_address(environment)  # a wrong one is said before anything is done
        home = environment.get("ORCHESTRATION_HOME") or DEFAULT_HOME
        policy = environment.get("ORCHESTRATION_POLICY")
        sources = environment.get("ORCHESTRATION_SOURCES", "")
        return cls(
            absolute_path(home),
            absolute_path(policy) if policy else None,
            split_sources(sources),
            environment.get("ORCHESTRATION_DASK") or "processes",
            _seconds(environment.get("ORCHESTRATION_TICK_SECONDS") or "60"),
            environment.get("ORCHESTRATION_STORE") or None,
        )


def split_sources(given: str) -> tuple[str, ...]:
    """Splits a list of folders and URLs at its colons, except those of a URL's scheme and port.

    Any other colon has to be written as %3A, in a folder's path as part of a ``file://`` URL.
    """
    return tuple(match[0] for match in _SOURCE.finditer(given))


def absolute_path(given: str | Path) -> Path:
    """The absolute path; the home of a user who does not exist stays as it is."""
    path = Path(given)
    with suppress(RuntimeError):
        path = path.expanduser()
    return path.absolute()


def user_name(environment: Mapping[str, str] = os.environ) -> str:
    """Who changes what others see: ORCHESTRATION_USER, else the login name of this process."""
    given = environment.get("ORCHESTRATION_USER", "").strip()
    if given:
        return given
    try:
        return getuser()
    except (OSError, KeyError):
        # in a container the user may have no name
        return f"user {os.getuid()}"


def _seconds(given: str) -> int:
    if not given.isdigit() or int(given) < 1:
        raise SettingError(f"ORCHESTRATION_TICK_SECONDS={given!r}: give whole seconds, 1 or more")
    return int(given)
