"""Which installed plug-ins can be used, whether or not a policy names them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from orchestration_assets.extensions.features import added_feature, feature_plugins
from orchestration_assets.extensions.kinds import kind_plugins, own_kind
from orchestration_assets.extensions.tools import plugged_in_tool, tool_plugins
from orchestration_assets.plugins import Plugin, PluginError, PluginListing
from orchestration_assets.services.registry import embedded_class, service_plugins
from resources.content_source.plugged_in import source_class, source_plugins

IMPORT_S: Final = 60.0
"""How long the imports of all plug-ins may take."""
_Group = tuple[Callable[[], PluginListing], Callable[[str], object]]
_GROUPS: Final[tuple[_Group, ...]] = (
    (service_plugins, embedded_class),
    (source_plugins, source_class),
    (kind_plugins, own_kind),
    (feature_plugins, added_feature),
    (tool_plugins, plugged_in_tool),
)


@dataclass(frozen=True, slots=True)
class PluginState:
    """One installed plug-in; ``problem`` is None when it can be used."""

    plugin: Plugin
    problem: str | None


def plugin_states() -> Iterator[PluginState]:
    """Every installed plug-in with its state, by group and name; each is imported."""
    for listing, load in _GROUPS:
        listed = listing()
        for problem in listed.problems:
            yield PluginState(problem.plugin, str(problem))
        for name, plugin in listed.usable.items():
            try:
                load(name)
            except PluginError as error:
                yield PluginState(plugin, str(error))
            else:
                yield PluginState(plugin, None)


def unusable_plugins(limit_s: float = IMPORT_S) -> list[str]:
    """What is wrong with each installed plug-in that cannot be used, one line each.

    They are imported in a process of their own: one that ends it, or never returns, is told of too,
    and nothing of them stays in this process. Without plug-ins there is no such process.
    """
    listed = [listing() for listing, _ in _GROUPS]
    if not any(one.usable for one in listed):
        return [str(problem) for one in listed for problem in one.problems]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "orchestration_assets", "plugins", "--json"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        states = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return [_unknown(f"did not end within {limit_s:g} s")]
    except ValueError:
        return [_unknown(f"ended with {done.returncode} before it could tell")]
    return [one["problem"] for one in states if one["problem"] is not None]


def _unknown(what: str) -> str:
    return (
        f"importing the installed plug-ins {what}: one of them breaks its process; uninstall them "
        "one by one until `orchestrate plugins` answers"
    )
