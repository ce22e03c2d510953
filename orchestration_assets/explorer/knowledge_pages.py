"""Pages of what is known beyond items: services, spending, policies."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from orchestration_assets.evidence.weighted_estimates import ENOUGH_EFFECTIVE
from orchestration_assets.explorer.query import QueryError
from orchestration_assets.explorer.seen_policies import MOST_CHANGES, changes_between, seen_policies
from orchestration_assets.explorer.site import NoSuchPageError, Visit
from orchestration_assets.explorer.spending_days import COLUMNS, spending_days
from orchestration_assets.policy.kept_policies import is_policy_hash
from orchestration_assets.policy.rollout_state import current_state
from orchestration_assets.reporting.scorecard_figures import learning_figures
from orchestration_assets.reporting.spending import PAYMENT_COLUMNS, payments
from orchestration_assets.schemas.disagreement import (
    CALIBRATION,
    SERVICE_SCORECARDS,
    VECTOR_THRESHOLDS,
)
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.health import SERVICE_HEALTH
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.selection import SELECTION_FRONTIER
from orchestration_assets.schemas.services import HttpConfig
from orchestration_assets.schemas.tables import CORPUS_REPORT
from resources.table_store import TableMissingError, TableStore

_SECONDS = 5.0


def services_page(visit: Visit) -> str:
    """The scorecards, as the stored page shows them. Raises NoSuchPageError."""
    tables = visit.site.home.tables
    if not tables.exists(SERVICE_SCORECARDS.name):
        raise NoSuchPageError("there are no scorecards yet: orchestrate run SOURCE makes them")
    cards, calibrations, thresholds, frontier = (
        whole_table(tables, table.name)
        for table in (SERVICE_SCORECARDS, CALIBRATION, VECTOR_THRESHOLDS, SELECTION_FRONTIER)
    )
    damaged = [one.problem for one in (cards, calibrations, thresholds, frontier) if one.problem]
    if cards.data is None:
        raise NoSuchPageError(damaged[0])
    # how answers drift is read from many batches: the stored page has it
    figures = learning_figures(cards.data, calibrations.data, (), thresholds.data, frontier.data)
    return visit.page("services.html", figures=figures, enough=ENOUGH_EFFECTIVE, damaged=damaged)


@dataclass(frozen=True, slots=True)
class WholeTable:
    """A table of the whole home: None where there is none, or where it is damaged and ``problem``
    names its file and the remedy."""

    data: pa.Table | None = None
    problem: str = ""


def whole_table(tables: TableStore, name: str) -> WholeTable:
    """A table of the whole home. What is damaged is named, so that a page goes on without it."""
    try:
        return WholeTable(tables.read(name))
    except TableMissingError:
        return WholeTable()
    except DamagedFileError as error:
        return WholeTable(problem=str(error))


def health_page(visit: Visit) -> str:
    """How services did when they were last probed, and what they cost."""
    tables = visit.site.home.tables
    held = whole_table(tables, SERVICE_HEALTH.name)
    rows = [] if held.data is None else list(SERVICE_HEALTH.rows(held.data))
    return visit.page(
        "health.html",
        rows=rows,
        prices=_prices(visit.site.policy.policy),
        damaged=[held.problem] if held.problem else [],
    )


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
    held = whole_table(home.tables, CORPUS_REPORT.name)
    for row in CORPUS_REPORT.rows(held.data) if held.data is not None else ():
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
        "policies.html",
        seen=shown,
        in_force=visit.site.policy.hash,
        most=MOST_CHANGES,
        damaged=[held.problem] if held.problem else [],
        compared=_compared(visit),
        rollout=current_state(home),
    )


@dataclass(frozen=True, slots=True)
class ComparedPolicies:
    """Two policies by their hashes, and what the second says otherwise, in words; None where one of
    them cannot be read."""

    before: str
    after: str
    changes: tuple[str, ...] | None


def _compared(visit: Visit) -> ComparedPolicies | None:
    """The comparison that a request asks for. Raises QueryError."""
    before, after = (visit.parameters.get(name, "") for name in ("before", "after"))
    if not before and not after:
        return None
    for name, value in (("before", before), ("after", after)):
        if not is_policy_hash(value):
            raise QueryError(f"{name}: give the hash of a policy that this home keeps")
    folder = visit.site.home.policies
    return ComparedPolicies(before, after, changes_between(folder, before, after))
