"""`orchestrate plugins`: what other distributions add, and which of it cannot be used."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orchestration_assets.plugins import Plugin, PluginError, PluginListing
from orchestration_assets.services.registry import embedded_class, service_plugins
from resources.content_source.plugged_in import source_class, source_plugins


@dataclass(frozen=True, slots=True)
class PluginState:
    """One installed plug-in; ``problem`` is None when it can be used."""

    plugin: Plugin
    problem: str | None


def show(*, as_json: bool) -> int:
    """Prints every installed plug-in, each of them imported; returns 1 when one is broken."""
    states = list(plugin_states())
    broken = sum(one.problem is not None for one in states)
    if as_json:
        sys.stdout.write(json.dumps([_plain(one) for one in states], indent=2) + "\n")
    elif not states:
        sys.stdout.write("no plug-ins are installed (orchestrate new service NAME begins one)\n")
    else:
        sys.stdout.write("".join(f"{_line(one)}\n" for one in states))
    return 1 if broken else 0


def plugin_states() -> Iterator[PluginState]:
    """Every installed plug-in with its state, by group and name."""
    yield from _states(service_plugins(), embedded_class)
    yield from _states(source_plugins(), source_class)


def _states(listed: PluginListing, load: Callable[[str], object]) -> Iterator[PluginState]:
    for problem in listed.problems:
        yield PluginState(problem.plugin, str(problem))
    for name, plugin in listed.usable.items():
        try:
            load(name)
        except PluginError as error:
            yield PluginState(plugin, str(error))
        else:
            yield PluginState(plugin, None)


def _line(state: PluginState) -> str:
    return f"{state.plugin}: usable" if state.problem is None else f"{state.problem} (not used)"


def _plain(state: PluginState) -> dict[str, str | None]:
    plugin = state.plugin
    return {
        "group": plugin.group.value,
        "name": plugin.name,
        "target": plugin.target,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "problem": state.problem,
    }
