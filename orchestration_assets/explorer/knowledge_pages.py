"""Pages of what is known beyond items: services, spending, policies."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from orchestration_assets.evidence.weighted_estimates import ENOUGH_EFFECTIVE
from orchestration_assets.explorer.seen_policies import MOST_CHANGES, seen_policies
from orchestration_assets.explorer.site import NoSuchPageError, Visit
from orchestration_assets.explorer.spending_days import COLUMNS, spending_days
from orchestration_assets.reporting.scorecard_figures import learning_figures
from orchestration_assets.reporting.spending import PAYMENT_COLUMNS, payments
from orchestration_assets.schemas.disagreement import (
    CALIBRATION,
    SERVICE_SCORECARDS,
    VECTOR_THRESHOLDS,
)
from orchestration_assets.schemas.health import SERVICE_HEALTH
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.selection import SELECTION_FRONTIER
from orchestration_assets.schemas.services import HttpConfig
from orchestration_assets.schemas.tables import CORPUS_REPORT

_SECONDS = 5.0


def services_page(visit: Visit) -> str:
    """The scorecards, as the stored page shows them. Raises NoSuchPageError."""
    tables = visit.site.home.tables
    if not tables.exists(SERVICE_SCORECARDS.name):
        raise NoSuchPageError("there are no scorecards yet: orchestrate run SOURCE makes them")
    calibrations, thresholds, frontier = (
        tables.read(table.name) if tables.exists(table.name) else None
        for table in (CALIBRATION, VECTOR_THRESHOLDS, SELECTION_FRONTIER)
    )
    cards = tables.read(SERVICE_SCORECARDS.name)
    # how answers drift is read from many batches: the stored page has it
    figures = learning_figures(cards, calibrations, (), thresholds, frontier)
    return visit.page("services.html", figures=figures, enough=ENOUGH_EFFECTIVE)


def health_page(visit: Visit) -> str:
    """How services did when they were last probed, and what they cost."""
    tables = visit.site.home.tables
    known = tables.exists(SERVICE_HEALTH.name)
    rows = list(SERVICE_HEALTH.rows(tables.read(SERVICE_HEALTH.name))) if known else []
    return visit.page("health.html", rows=rows, prices=_prices(visit.site.policy.policy))


def _prices(policy: Policy) -> Mapping[str, str]:
    found = {}
    for name, service in policy.services.items():
        if isinstance(service, HttpConfig):
            price = service.price
            parts = (
                (price.input_usd, "a million tokens read"),
                (price.output_usd, "a million written"),
                (price.call_usd, "a request"),
            )
            told = [f"${usd:g} {words}" for usd, words in parts if usd]
            found[name] = ", ".join(told) or "free"
    return found


def spending_page(visit: Visit) -> str:
    """What was paid by day and service."""
    ledger = visit.site.home.spending

    def read() -> Any:
        rows = ledger.rows(sorted({*COLUMNS, *PAYMENT_COLUMNS}))
        return payments(rows), spending_days(rows)

    paid, (services, days) = visit.site.remember("spending", read, _SECONDS)
    return visit.page("spending.html", paid=paid, services=services, days=days)


def policies_page(visit: Visit) -> str:
    """The policies that runs have pinned, and what each changed."""
    home = visit.site.home
    batches: defaultdict[str, list[str]] = defaultdict(list)
    if home.tables.exists(CORPUS_REPORT.name):
        for row in CORPUS_REPORT.rows(home.tables.read(CORPUS_REPORT.name)):
            batches[row.policy_hash].append(row.batch)
    shown = [
        {
            "hash": one.hash,
            "when": datetime.fromtimestamp(one.when, UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "batches": sorted(batches[one.hash], reverse=True),
            "changes": one.changes,
        }
        for one in seen_policies(home.policies)
    ]
    return visit.page(
        "policies.html", seen=shown, in_force=visit.site.policy.hash, most=MOST_CHANGES
    )
