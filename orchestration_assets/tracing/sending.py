"""Sending the trace of a batch, and what is told of it later, once each."""

from collections.abc import Callable
from dataclasses import replace

from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tracing import Tracing
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from orchestration_assets.tracing.batch_trace import BatchTrace, RunFacts, TracePart
from orchestration_assets.tracing.evaluations import verdict_key
from orchestration_assets.tracing.export import Exporter
from orchestration_assets.tracing.item_facts import VerdictFacts, verdict_of
from orchestration_assets.tracing.marks import TraceMark, TraceMarks
from orchestration_assets.tracing.spans import ROOT, span_id, trace_id
from resources.home import Home


def send_trace(
    home: Home, run: RunFacts, policy: Policy, tracing: Tracing, exporter: Exporter
) -> TraceMark:
    """Sends the trace of a run over a batch with its measurements, and marks it as sent.

    Raises TracingError when it did not arrive: it is still due then, and what was sent of it is
    replaced by itself the next time.
    """
    marks = TraceMarks(home)
    before = marks.of(run.batch)
    trace = trace_id(run.batch, run.run_id)
    if before.trace and before.run_id != run.run_id:
        earlier = int(before.trace, 16)
        run = replace(run, before=((earlier, span_id(earlier, ROOT)),))
    found = BatchTrace(home, run.batch, policy, tracing)
    for part in found.parts(run):
        _send(trace, part, exporter)
    exporter.measure(lambda counted: found.count_into(counted, run))
    told = tuple(verdict_key(run.batch, one) for one in found.verdicts())
    mark = TraceMark(False, run.run_id, f"{trace:032x}", tracing.share, told)
    marks.keep(run.batch, mark)
    return mark


def send_verdicts(
    home: Home, policy: Policy, tracing: Tracing, opened: Callable[[], Exporter]
) -> int:
    """Tells what people said of traced answers since their batch was told; how many events.

    The events belong to the traces that are there; ``opened`` gives the exporter where there are
    any. Raises TracingError when they do not arrive.
    """
    marks, told = TraceMarks(home), 0
    for batch, verdicts in _asked_in(home).items():
        mark = marks.of(batch)
        known = set(mark.verdicts)
        new = [one for one in verdicts if verdict_key(batch, one) not in known]
        if mark.due or not mark.trace or not new:
            continue
        found = BatchTrace(home, batch, policy, tracing.model_copy(update={"share": mark.share}))
        for part in found.verdict_parts(new):
            _send(int(mark.trace, 16), part, opened())
            told += len(part.events)
        # those of items that are not traced too: they are not looked at again
        names = tuple(verdict_key(batch, one) for one in new)
        marks.keep(batch, replace(mark, verdicts=(*mark.verdicts, *names)))
    return told


def _asked_in(home: Home) -> dict[str, list[VerdictFacts]]:
    """Batch -> the verdicts that stand on its sheets of review questions, by item and task."""
    found: dict[str, list[VerdictFacts]] = {}
    if home.tables.exists(GOLD_LABELS.name):
        for row in GOLD_LABELS.rows(home.tables.read(GOLD_LABELS.name)):
            asked_in = row.history[-1].asked_in if row.history else None
            if asked_in is not None:
                found.setdefault(asked_in.partition("/")[0], []).append(verdict_of(row))
    return {batch: sorted(found[batch], key=_order) for batch in sorted(found)}


def _order(one: VerdictFacts) -> tuple[str, str]:
    return one.item_id, one.task


def _send(trace: int, part: TracePart, exporter: Exporter) -> None:
    if part.spans:
        exporter.spans(trace, part.spans)
    if part.events:
        exporter.events(trace, part.events)
