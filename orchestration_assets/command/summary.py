"""What `orchestrate run` says at the end: totals over the batches of this run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.command.judging import Judging, judging_lines
from orchestration_assets.command.rollout_lines import rollout_lines
from orchestration_assets.command.run_account import NOTHING_SPENT, RunSpending
from orchestration_assets.command.shortfalls import (
    Shortfall,
    ShortfallCount,
    UnaskedReading,
    shortfalls,
)
from orchestration_assets.content.record_hints import RecordHint, hint_lines
from orchestration_assets.profiling.added import features_without_value
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import ProfileStatus, ResolutionStatus, Status
from orchestration_assets.schemas.listings import ListingTotals
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    CONTENT_PROFILES,
    DISAGREEMENT_REPORT,
    INTERPRETATIONS,
    RESOLUTIONS,
    weighed_counts,
)
from resources.home import Home
from resources.table_store import TableStore

_FAILURES_SHOWN = 5
_MORE = 1.0 + 1e-9
"""Sums of the same amounts in another order differ by less."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals of one run, as printed and as ``--json``.

    Money is what the spending ledger says: ``cost_usd`` was spent by this run, probes and what is
    in flight included, ``cost_usd_estimated`` of it without a service stating it; ``account_usd``
    of the budget, with stopped runs of the same batches; ``paid_usd`` since the home exists.
    Counted is what this run did: ``elsewhere`` are batches that other processes carried out
    meanwhile, ``failed_batches`` says why a batch could not be finished. ``deferred`` counts
    questions without an answer yet, ``deferred_readings`` what services are still to be asked,
    ``shortfalls`` everything that stayed unasked or late, with its remedy, ``stopped`` why
    services were stopped, ``rollout`` what each batch decided about a policy on trial.
    ``record_hints`` are files that were taken as one item each and surely hold records.
    ``judging`` says how right answers are, and what waits for people. ``asked_again`` says which
    messages of conversations were asked about once more, and why.
    ``environment`` is that of the policy, None when none was chosen, and ``policy_notes`` say what
    should be done about a policy that is valid. ``left_standing`` says what a run that found
    nothing new left as it was.
    """

    source: str
    entries: int
    excluded: int
    excluded_by: Mapping[str, int]
    batches: tuple[str, ...]
    outcomes: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    models: Mapping[str, int] = field(default_factory=dict)
    resolutions: Mapping[str, int] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    from_cache: int = 0
    cost_usd: float = 0.0
    cost_usd_without_answer: float = 0.0
    cost_usd_estimated: float = 0.0
    account_usd: float = 0.0
    paid_usd: float = 0.0
    budget_usd: float | None = None
    over_budget: int = 0
    fallbacks: int = 0
    redacted: int = 0
    deferred: int = 0
    deferred_readings: int = 0
    shortfalls: tuple[ShortfallCount, ...] = ()
    stopped: tuple[str, ...] = ()
    disputed: int = 0
    disputed_pairs: int = 0
    without_consequence: int = 0
    failed: int = 0
    failures: tuple[str, ...] = ()
    service_failures: Mapping[str, int] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()
    failed_batches: Mapping[str, str] = field(default_factory=dict)
    rollout: tuple[str, ...] = ()
    features_without_value: tuple[str, ...] = ()
    environment: str | None = None
    policy_notes: tuple[str, ...] = ()
    left_standing: tuple[str, ...] = ()
    asked_again: tuple[str, ...] = ()
    judging: Judging = field(default_factory=Judging)
    record_hints: tuple[RecordHint, ...] = ()
    reports: tuple[str, ...] = ()
    index: str = ""
    ui_command: str = ""
    seconds: float = 0.0

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def summarise(
    home: Home,
    listing: ListingTotals,
    batches: Sequence[str],
    ui_command: str,
    seconds: float,
    budget_usd: float | None = None,
    spending: RunSpending = NOTHING_SPENT,
    *,
    since: datetime,
) -> Summary:
    """The summary of a run, counted from the stored tables of its batches.

    Calls count from ``since`` on: where only deferred questions were asked, the others' calls are
    those of an earlier run.
    """
    store = home.tables
    counted = {
        name: Counter[str]()
        for name in ("outcomes", "reasons", "models", "resolutions", "statuses")
    }
    calls: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    failures: list[str] = []
    redacted = 0
    without_answer: list[UnaskedReading] = []
    reports = store.read_batches(DISAGREEMENT_REPORT, batches)
    totals = list(DISAGREEMENT_REPORT.rows(reports))
    for batch in batches:
        manifest = store.read("content_manifest", batch, ["outcome", "reason", "record_count"])
        counted["outcomes"].update(weighed_counts(manifest, "outcome"))
        counted["reasons"].update(weighed_counts(manifest, "reason"))
        plans = store.read("processing_plans", batch, ["model"])
        counted["models"].update(plans["model"].to_pylist())
        log = store.read(CALL_LOG.name, batch, ["started_at", "origin", "called", "redacted"])
        log = log.filter(
            pc.greater_equal(log["started_at"], pa.scalar(since, log["started_at"].type))
        )
        calls.update(log.filter(pc.equal(log["origin"], "called"))["called"].to_pylist())
        redactions = pc.list_flatten(log["redacted"])
        redacted += pc.sum(pc.struct_field(redactions, "count")).as_py() or 0
        for table in INTERPRETATIONS.values():
            readings = store.read(table.name, batch, ["service", "status", "reason"])
            counted["statuses"].update(readings["status"].to_pylist())
            answered = pc.is_in(
                readings["status"], pa.array([Status.OK, Status.ABSTAINED, Status.FALLBACK])
            )
            others = readings.filter(pc.invert(answered))
            # what was never asked has lines of its own
            unasked = pa.array([Status.DEFERRED, Status.OVER_BUDGET])
            failed = pc.invert(pc.is_in(others["status"], unasked))
            broken.update(others.filter(failed)["service"].to_pylist())
            without_answer += [
                UnaskedReading(service, Status(status), reason or "")
                for service, status, reason in values(others, "service", "status", "reason")
            ]
        resolved = store.read(RESOLUTIONS.name, batch, ["status"])
        counted["resolutions"].update(resolved["status"].to_pylist())
        failures += _failures(store, batch)
    fell_short = shortfalls(without_answer)
    in_order: dict[str, Any] = {name: dict(sorted(one.items())) for name, one in counted.items()}
    return Summary(
        source=listing.source,
        entries=listing.entries,
        excluded=listing.excluded,
        excluded_by=dict(listing.excluded_by),
        batches=tuple(batches),
        **in_order,
        calls=dict(sorted(calls.items())),
        from_cache=sum(row.cached for row in totals),
        cost_usd=spending.this_run,
        cost_usd_without_answer=spending.without_answer,
        cost_usd_estimated=spending.estimated,
        account_usd=spending.account,
        paid_usd=spending.in_all,
        budget_usd=budget_usd,
        over_budget=counted["statuses"][Status.OVER_BUDGET],
        fallbacks=counted["statuses"][Status.FALLBACK],
        redacted=redacted,
        deferred=sum(row.deferred for row in totals),
        deferred_readings=sum(row.deferred_readings for row in totals),
        shortfalls=fell_short,
        stopped=tuple(one.reason for one in fell_short if one.kind is Shortfall.STOPPED),
        disputed=sum(row.disputed for row in totals),
        disputed_pairs=sum(row.disputed_pairs for row in totals),
        without_consequence=sum(row.without_consequence for row in totals),
        failed=sum(row.failed for row in totals),
        failures=tuple(failures[:_FAILURES_SHOWN]),
        service_failures=dict(sorted(broken.items())),
        rollout=tuple(rollout_lines(store, batches)),
        features_without_value=tuple(
            features_without_value(
                store.read_batches(CONTENT_PROFILES, batches, ["added_features"])
            )
        ),
        reports=tuple(str(home.reports / f"{batch}.html") for batch in batches),
        index=str(home.reports / "index.html"),
        ui_command=ui_command,
        seconds=round(seconds, 2),
    )


def _failures(store: TableStore, batch: str) -> list[str]:
    profiles = store.read(CONTENT_PROFILES.name, batch, ["path", "status", "reason"])
    bad = profiles.filter(pc.not_equal(profiles["status"], ProfileStatus.OK))
    answers = store.read(RESOLUTIONS.name, batch, ["path", "task", "status", "reason"])
    lost = answers.filter(pc.equal(answers["status"], ResolutionStatus.FAILED))
    return [f"{path}: {reason}" for path, reason in values(bad, "path", "reason")] + [
        f"{path}, {task}: {reason}" for path, task, reason in values(lost, "path", "task", "reason")
    ]


def render(summary: Summary) -> str:
    """The summary as lines for people."""
    lines = [f"{summary.entries:,} entries in {summary.source}"]
    if summary.excluded:
        by = ", ".join(f"{pattern} {count}" for pattern, count in summary.excluded_by.items())
        lines.append(f"  excluded      {summary.excluded:,} files and folders ({by})")
    if summary.batches:
        lines += _work(summary)
    elif not summary.elsewhere and not summary.failed_batches:
        lines.append("  nothing new   every entry is known as it is now")
        lines += [f"  left as it is {line}" for line in summary.left_standing]
    if summary.elsewhere:
        lines.append(f"  elsewhere     {', '.join(summary.elsewhere)}: done by other processes")
    lines += [f"  asked again   {one}" for one in summary.asked_again]
    lines += [f"  not done      {why}" for why in summary.failed_batches.values()]
    if summary.environment:
        lines.append(f"  environment   {summary.environment}")
    lines += [f"  feature       {one}" for one in summary.features_without_value]
    lines += [f"  policy        {note}" for note in summary.policy_notes]
    lines += [f"  report        {path}" for path in summary.reports]
    lines += [
        f"  index         {summary.index}",
        f"  time          {summary.seconds:.1f} s",
        "Open it in the Dagster UI:",
        f"  {summary.ui_command}",
    ]
    return "\n".join(lines)


def _work(summary: Summary) -> list[str]:
    lines = [
        f"  batches       {', '.join(summary.batches)}",
        f"  outcomes      {_counts(summary.outcomes)}",
    ]
    if summary.reasons:
        lines.append(f"  rejected      {_counts(summary.reasons)}")
    lines += hint_lines(summary.record_hints)
    lines += [
        f"  models        {_counts(summary.models)}",
        f"  answers       {_counts(summary.resolutions)}",
        f"  calls         {_counts(summary.calls)}; {summary.from_cache:,} from the cache",
        f"  cost          {summary.cost_usd:.4f} USD spent in this run{_of_budget(summary)}",
        f"  disputed      {summary.disputed:,} questions, between {summary.disputed_pairs:,} pairs "
        f"of services; {summary.without_consequence:,} further differences without consequence",
    ]
    lines += judging_lines(summary.judging)
    lines += [f"  roll-out      {line}" for line in summary.rollout]
    lines += [f"  {one.kind.value:<13} {one}" for one in summary.shortfalls]
    if summary.fallbacks:
        lines.append(f"  fallbacks     {summary.fallbacks:,} answers came from another service")
    if summary.redacted:
        lines.append(
            f"  redacted      {summary.redacted:,} secrets and personal data, before sending"
        )
    if summary.failed:
        lines.append(f"  failed        {summary.failed:,}")
        lines += [f"    {failure}" for failure in summary.failures]
    return lines


def _of_budget(summary: Summary) -> str:
    wasted = summary.cost_usd_without_answer
    words = f", {wasted:.4f} of it without an answer" if wasted else ""
    if summary.cost_usd_estimated:
        share = summary.cost_usd_estimated / summary.cost_usd
        words += f", {share:.0%} of it estimated"
    if summary.budget_usd is not None:
        words += f"; budget {summary.budget_usd:.4f} USD"
        if summary.account_usd > summary.cost_usd * _MORE:
            words += f", {summary.account_usd:.4f} spent of it with the runs that were stopped"
    if summary.paid_usd > summary.cost_usd * _MORE:
        words += f"; {summary.paid_usd:.4f} USD spent in all since the home exists"
    return words


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"
