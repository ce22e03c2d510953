"""`orchestrate plugins`: what other distributions add, and which of it cannot be used."""

import json
import sys

from orchestration_assets.policy.plugin_states import PluginState, plugin_states


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
