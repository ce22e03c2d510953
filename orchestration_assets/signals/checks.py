"""Checks of signals: no batch is left out, and which alerts of the policy hold."""

from typing import Any, Final

import dagster as dg
import pyarrow as pa

from orchestration_assets.schemas.alert_config import Severity
from orchestration_assets.schemas.signals import GOLDEN_SIGNALS
from orchestration_assets.schemas.tables import DISAGREEMENT_REPORT
from orchestration_assets.signals.history import KEPT_BATCHES
from orchestration_assets.signals.watch import AlertLook
from orchestration_assets.table_assets import Balance, Stored, table_checks


def _check_batches_measured(stored: Stored, signals: pa.Table) -> list[Balance]:
    store, name = stored.home.tables, DISAGREEMENT_REPORT.name
    newest = set(store.batches(name)[-KEPT_BATCHES:])
    measured = set(signals["batch"].to_pylist())
    return [Balance(len(newest), len(newest & measured), "newest batches measured")]


golden_signals_checks = table_checks(GOLDEN_SIGNALS, _check_batches_measured, per_batch=False)


ALERTS: Final = dg.AssetCheckSpec(
    "alerts",
    asset=GOLDEN_SIGNALS.name,
    description="No alert of the policy holds: signals are within their thresholds, budgets last.",
)


def alert_check(seen: AlertLook) -> dg.AssetCheckResult:
    """The result of a look: an error where an alert of severity page holds, else a warning."""
    holding = [one for one in seen.findings if one.holds]
    metadata: dict[str, Any] = {
        one.name: f"{one.words}. What to do: {one.runbook}" if one.holds else one.words
        for one in seen.findings
    }
    pages = any(one.severity is Severity.PAGE for one in holding)
    said = "; ".join(f"{one.name} ({one.severity}): {one.words}" for one in holding)
    if not seen.findings:
        said = "The policy has no alerts: see alerts.rules in docs/policy.md."
    return dg.AssetCheckResult(
        check_name=ALERTS.name,
        passed=not holding,
        severity=dg.AssetCheckSeverity.ERROR if pages else dg.AssetCheckSeverity.WARN,
        description=said or f"None of {len(seen.findings)} alerts holds.",
        metadata={"firing": len(holding), **metadata},
    )
