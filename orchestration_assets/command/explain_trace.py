"""`orchestrate explain --trace`: one item's life as a timeline, from the tables of its home."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.command.explain import Explanation, explanation, printable
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.enums import Consequence, ProfileStatus
from orchestration_assets.settings import Settings
from orchestration_assets.tracing.item_facts import BatchReader
from orchestration_assets.tracing.marks import TraceMarks
from orchestration_assets.tracing.sampling import TracedFor
from orchestration_assets.tracing.timeline import Moment, calls_of, timeline_lines
from resources.damage import leaving_out_damage
from resources.home import Home


def explain_trace(settings: Settings, item: str, *, as_json: bool) -> int:
    """Prints when what happened to the item; returns the exit code.

    Raises UnknownItemError and PolicyError.
    """
    home = Home(settings.home)
    found = explanation(home, item, load_policy(settings.policy))
    moments = list(life_of(home, found))
    trace = TraceMarks(home).of(found.computed_in).trace if found.computed_in else ""
    if as_json:
        facts = {
            "item_id": found.item_id,
            "path": found.path,
            "batch": found.computed_in,
            "trace_id": trace or None,
            "moments": [asdict(one) for one in moments],
        }
        text = json.dumps(facts, indent=1)
    else:
        head = [
            found.path,
            f"  item {found.item_id} in batch {found.computed_in or found.seen[0].batch}",
            *([f"  trace {trace}"] if trace else []),
        ]
        text = "\n".join(printable(line) for line in (*head, *timeline_lines(moments)))
    sys.stdout.write(text + "\n")
    return 0


def life_of(home: Home, found: Explanation) -> Iterator[Moment]:
    """What happened to an explained item, from its listing to what people said of it."""
    newest = found.seen[0]
    why = "; ".join(part for part in (newest.reason, newest.detail) if part)
    listed = _listed_ns(home, newest.batch, newest.entry_id)
    says = f"{newest.outcome.value} ({why})" if why else newest.outcome.value
    yield Moment("entry", "", says, listed, listed)
    profile = found.profile
    if profile is not None:
        if profile.status is ProfileStatus.OK:
            ms = profile.preprocess_ms + profile.features_ms
            ms += profile.complexity_ms + profile.aggregation_ms
            made = profile.origin == "computed"
            says = f"computed in {ms:.1f} ms" if made else f"reused, {profile.origin} had it"
        else:
            says = f"{profile.status.value}: {profile.reason}"
        yield Moment("profile", "", says)
    if found.computed_in is not None and found.computed_as is not None:
        reader = BatchReader(home.tables, found.computed_in)
        chosen = {found.computed_as: TracedFor.SAMPLED}
        for items in reader.items(chosen, reader.calls, content=False):
            for one in items:
                yield from calls_of(one)
    for task in found.tasks:
        for row in task.disagreements:
            if row.consequence is not Consequence.NONE:
                says = f"{row.service_a} against {row.service_b}: {row.sentence}"
                yield Moment("dispute", task.plan.task, says)
    if found.states:
        path = " > ".join(row.to_state for row in found.states)
        yield Moment("state", "", f"{path}: {found.states[-1].why}")


def _listed_ns(home: Home, batch: str, entry: str) -> int | None:
    with leaving_out_damage():
        entries = home.batches.read(batch)
        own = entries.filter(pc.equal(entries["item_id"], entry))["listed_at"]
        if len(own):
            listed: int = own.cast(pa.timestamp("us", "UTC")).cast(pa.int64())[0].as_py()
            return listed * 1000
    return None
