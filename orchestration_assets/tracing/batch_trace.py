"""The trace of a batch: its run, the steps of that, and the items that it tells of.

It is made from the tables once the batch is done: what became of an item is known by then, and
nothing that asks services has to wait for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import pyarrow as pa

from orchestration_assets.policy.pinned_policy import PinnedPolicyError, read_pinned_policy
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.services import HttpConfig
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, PROCESSING_PLANS
from orchestration_assets.schemas.tracing import Tracing
from orchestration_assets.tracing.endpoints import endpoint_attributes, request_attributes
from orchestration_assets.tracing.evaluations import risk_events, verdict_events
from orchestration_assets.tracing.item_facts import BatchReader, ItemFacts, VerdictFacts
from orchestration_assets.tracing.item_spans import Endpoints, item_spans
from orchestration_assets.tracing.measurements import Counted, measurements
from orchestration_assets.tracing.operations import since
from orchestration_assets.tracing.sampling import TracedFor
from orchestration_assets.tracing.spans import (
    ROOT,
    Attribute,
    EventRecord,
    SpanRecord,
    step_key,
)
from resources.damage import leaving_out_damage
from resources.home import Home

_ASKING: Final = "interpretations"
"""The step in which services are asked."""


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step of a run: times in ns since 1970, UTC; ``error`` names what broke it."""

    key: str
    start_ns: int
    end_ns: int
    error: str | None = None
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run that carried out a batch; ``url`` is its page in the Dagster UI, where that is known.

    ``before`` are (trace id, span id) of the traces of earlier runs over the batch.
    """

    run_id: str
    job: str
    batch: str
    start_ns: int
    end_ns: int
    failed: bool
    steps: tuple[StepFacts, ...]
    url: str | None = None
    before: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TracePart:
    """Spans and events that belong to a trace, as many as are sent at once."""

    spans: list[SpanRecord]
    events: list[EventRecord]


class BatchTrace:
    """The trace of one batch under the policy that its plans were made under, or ``policy``."""

    def __init__(self, home: Home, batch: str, policy: Policy, tracing: Tracing) -> None:
        self._reader = BatchReader(home.tables, batch)
        pinned = _pinned(home, batch) or policy
        # what nobody is shown is not told either
        shown = {policy.report.content, pinned.report.content} == {"excerpt"}
        self._content = tracing.capture_content and shown
        self._share = tracing.share
        remote = {name: one for name, one in pinned.services.items() if isinstance(one, HttpConfig)}
        self._endpoints = Endpoints(
            {name: endpoint_attributes(one) for name, one in remote.items()},
            {name: request_attributes(one) for name, one in remote.items()},
        )

    @cached_property
    def _traced(self) -> Mapping[str, TracedFor]:
        return self._reader.traced(self._share)

    def parts(self, run: RunFacts) -> Iterator[TracePart]:
        """The trace piece by piece, so that a large batch needs little memory.

        A run that takes up what was left open tells of its own calls alone, and one that does not
        read what was listed not of what was turned away there.
        """
        steps = {one.key: one for one in run.steps}
        yield TracePart([_root(run), *(_step(one, run) for one in run.steps)], [])
        asking, reading = steps.get(_ASKING), steps.get(CONTENT_MANIFEST.name)
        calls = since(self._reader.calls, run.start_ns)
        for items in self._items(self._traced, calls):
            spans: list[SpanRecord] = []
            events: list[EventRecord] = []
            for one in items:
                step = asking if one.operations else reading
                if step is not None or one.operations:
                    parent = step_key(step.key) if step else ROOT
                    at = step.end_ns if step else run.end_ns
                    spans += item_spans(one, self._endpoints, parent, at)
                    events += self._events(one)
            yield TracePart(spans, events)

    def count_into(self, counted: Counted, run: RunFacts) -> None:
        """Counts what the calls that the run made about all items measured."""
        calls = since(self._reader.calls, run.start_ns)
        endpoints = self._endpoints.common
        counted.add(measurements(calls, endpoints), endpoints)

    def verdicts(self) -> list[VerdictFacts]:
        """What people said by now of the items that are traced."""
        return self._reader.verdicts(self._traced)

    def verdict_parts(self, wanted: Sequence[VerdictFacts]) -> Iterator[TracePart]:
        """The events of some verdicts, as far as the items are traced."""
        told = set(wanted)
        judged = {one.item_id for one in wanted}
        traced = self._traced
        of_them = {item: why for item, why in traced.items() if item in judged}
        for items in self._items(of_them, self._reader.calls):
            chosen = (
                replace(one, verdicts=tuple(v for v in one.verdicts if v in told)) for one in items
            )
            remote = self._endpoints.common
            yield TracePart([], [event for one in chosen for event in verdict_events(one, remote)])

    def _items(self, traced: Mapping[str, TracedFor], calls: pa.Table) -> Iterator[list[ItemFacts]]:
        return self._reader.items(traced, calls, content=self._content)

    def _events(self, item: ItemFacts) -> Iterator[EventRecord]:
        yield from risk_events(item, self._endpoints.common)
        yield from verdict_events(item, self._endpoints.common)


def _pinned(home: Home, batch: str) -> Policy | None:
    """The policy of the batch's plans; None where there are none, or it cannot be read."""
    tables = home.tables
    if not tables.exists(PROCESSING_PLANS.name, batch):
        return None
    with leaving_out_damage():
        plans = tables.read(PROCESSING_PLANS.name, batch, ["policy_hash"])
        try:
            return read_pinned_policy(home.policies, plans)
        except PinnedPolicyError:
            # the one in force names most services alike
            return None
    return None


def _root(run: RunFacts) -> SpanRecord:
    about: dict[str, Attribute] = {
        "orchestration.batch.id": run.batch,
        "dagster.run_id": run.run_id,
        "dagster.job_name": run.job,
    }
    if run.url is not None:
        about["url.full"] = run.url
    broken = next((one.error for one in run.steps if one.error), None)
    return SpanRecord(
        "batch",
        ROOT,
        None,
        run.start_ns,
        run.end_ns,
        about,
        error=broken or ("failed" if run.failed else None),
        links=run.before,
    )


def _step(one: StepFacts, run: RunFacts) -> SpanRecord:
    about: Mapping[str, Attribute] = {
        "dagster.run_id": run.run_id,
        "dagster.step_key": one.key,
        **({"dagster.step_attempts": one.attempts} if one.attempts > 1 else {}),
    }
    key = step_key(one.key)
    return SpanRecord(f"step {one.key}", key, ROOT, one.start_ns, one.end_ns, about, one.error)
