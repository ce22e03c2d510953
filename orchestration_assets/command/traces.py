"""`orchestrate traces`: sends traces of batches that were carried out before."""

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from orchestration_assets.command.run_traces import run_traces
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.tracing import Tracing
from orchestration_assets.settings import Settings
from orchestration_assets.tracing.marks import TraceMarks
from resources.home import Home


class TracesUsageError(OrchestrationError):
    """There is nothing that could be sent so; the message says what to give."""


def send(settings: Settings, batches: Sequence[str], *, as_json: bool) -> int:
    """Sends the traces of the batches, also a second time: they replace themselves. Without any,
    what runs left due, and verdicts that were given since; returns the exit code, 1 when something
    did not arrive.

    Raises TracesUsageError and PolicyError.
    """
    home, policy = Home(settings.home), load_policy(settings.policy).policy
    known = set(home.batches.recorded())
    for one in batches:
        if one not in known:
            raise TracesUsageError(f"no batch {one!r} in {home.folder}; --batch takes a known one")
    from orchestration_assets.command.instance import instance_errors, open_instance

    with ExitStack() as stack:
        stack.enter_context(instance_errors(home))
        instance = stack.enter_context(open_instance(home))
        traces = run_traces(home, policy, instance, otherwise=Tracing())
        stack.callback(traces.close)
        for one in batches:
            # what does not arrive is due from now on, as that of a run is
            with traces.of(one):
                pass
        if not batches:
            traces.send_rest()
    due = [batch for batch, mark in TraceMarks(home).all() if mark.due]
    if as_json:
        facts = {"sent": traces.sent, "verdict_events": traces.told, "due": due}
        sys.stdout.write(json.dumps(facts, indent=1) + "\n")
    else:
        waiting = f"; {len(due)} still due" if due else ""
        sys.stdout.write(
            f"{traces.sent} traces sent, {traces.told} events about verdicts{waiting}\n"
        )
    return 1 if traces.failed else 0
