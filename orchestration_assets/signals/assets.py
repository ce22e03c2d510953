"""Assets of signals: how batches go, and what waits."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pyarrow as pa

from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.unnamed_policy import packaged_note
from orchestration_assets.schemas.signals import GOLDEN_SIGNALS
from orchestration_assets.schemas.tables import CORPUS_REPORT
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from orchestration_assets.settings import explorer_address
from orchestration_assets.signals.checks import ALERTS, alert_check
from orchestration_assets.signals.figures import newest_figures
from orchestration_assets.signals.history import make_signals
from orchestration_assets.signals.watch import watch
from orchestration_assets.table_assets import table_asset
from resources.home import Home
from resources.home_resource import PolicyFileResource


@table_asset(
    GOLDEN_SIGNALS,
    group="6_reports",
    team="reporting",
    deps=[CORPUS_REPORT.name, GOLD_LABELS.name],
    kinds={"log"},
    per_batch=False,
    check_specs=[ALERTS],
    description=(
        "The golden signals of the newest 300 batches: latency, traffic, errors, tokens a second, "
        "cache, cost, abstentions, disputes, accuracy by gold, and what waits. The figures of the "
        "newest batch are plotted; alerts of the policy are evaluated, and told of as they begin "
        "and end."
    ),
)
def golden_signals(
    context: dg.AssetExecutionContext, home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> Iterator[dg.MaterializeResult[pa.Table] | dg.AssetCheckResult]:
    """Measures batches that are new or were done again; the others are taken as they stand."""
    policy, now = load_policy(policy_file.path).policy, datetime.now(UTC)
    if policy_file.path is None and (note := packaged_note(home)):
        context.log.warning(note)
    history = make_signals(home, policy, now)
    seen = watch(home, policy, now, history)
    for problem in seen.problems:
        context.log.warning(problem)
    metadata: dict[str, Any] = dict(newest_figures(history))
    if explorer := explorer_address():
        metadata["explorer"] = dg.MetadataValue.url(f"{explorer}/")
    if policy.alerts.rules or policy.alerts.budgets:
        metadata["alerts_firing"] = len(seen.state.since)
    yield dg.MaterializeResult(value=history.table, metadata=metadata)
    yield alert_check(seen)
