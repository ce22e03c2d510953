"""`orchestrate policy history`: every policy that was active, and those that ran without."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from orchestration_assets.policy.registry import Activation, PolicyRegistry, UnactivatedPolicy
from orchestration_assets.settings import Settings
from resources.home import Home


def history(settings: Settings, *, as_json: bool) -> int:
    """Prints the activations of the home, the active one last; returns the exit code."""
    registry = PolicyRegistry(Home(settings.home))
    activations, others = [*registry.history()], registry.never_activated()
    if as_json:
        plain = {
            "activations": [asdict(one) for one in activations],
            "ran_without": [asdict(one) for one in others],
        }
        sys.stdout.write(json.dumps(plain, indent=1, default=str) + "\n")
    else:
        sys.stdout.write(render(activations, others) + "\n")
    return 0


def render(activations: list[Activation], others: list[UnactivatedPolicy]) -> str:
    """The history as lines for people."""
    lines = []
    for number, one in enumerate(activations, 1):
        back = f", back to version {one.restores}" if one.restores else ""
        now = "  <- active" if number == len(activations) else ""
        lines.append(
            f"{one.version:>5}  {_second(one.note.when)}  {one.policy_hash}  {one.note.who}  "
            f"{one.source}{back}{now}"
        )
        if one.note.why:
            lines.append(f"       {one.note.why}")
    if not activations:
        lines.append(
            "No policy was activated here: runs take --policy, ORCHESTRATION_POLICY or the "
            "packaged default. Activate one with: orchestrate policy activate FILE"
        )
    if others:
        lines.append("Ran without being active:")
    for policy in others:
        first = policy.first
        told = (
            f"{_second(first.note.when)}  {policy.policy_hash}  {first.note.who}  {first.source}"
            if first
            else f"{'':19}  {policy.policy_hash}"
        )
        lines.append(f"       {told}")
    return "\n".join(lines)


def _second(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
