"""The account of a run in the spending ledger: what its budget limits until its work is done."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import pyarrow.compute as pc

from orchestration_assets.schemas.services import ServiceConfig, is_paid
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.home import Home
from resources.spending.ledger import SpendingLedger
from resources.spending.records import AccountClosed, AccountOpened
from resources.spending.writer import microseconds, process_name


@dataclass(frozen=True, slots=True)
class RunSpending:
    """What the ledger says after a run, in US dollars.

    ``this_run``: by this process; ``account``: on its account, stopped runs of the same work
    included; ``in_all``: since the home exists. ``estimated`` is the part of ``this_run`` that no
    service stated, ``without_answer`` the part that brought no answer.
    """

    this_run: float = 0.0
    estimated: float = 0.0
    without_answer: float = 0.0
    account: float = 0.0
    in_all: float = 0.0


NOTHING_SPENT: Final = RunSpending()


@dataclass(frozen=True, slots=True)
class RunAccount:
    """An account and the budget that limits it; without a name where no service is paid for."""

    ledger: SpendingLedger
    name: str
    budget: SpendBudget

    def close(self) -> None:
        """Every batch is done: a run that does one of them again has the whole budget again."""
        if self.name:
            self.ledger.mark(AccountClosed(microseconds(), self.name))

    def spending(self) -> RunSpending:
        """What the ledger says now."""
        columns = ["run", "account", "usd", "estimated", "status"]
        rows = self.ledger.rows(columns)

        def total(*conditions: object) -> float:
            kept = rows
            for condition in conditions:
                kept = kept.filter(condition)
            return pc.sum(kept["usd"]).as_py() or 0.0

        own = pc.field("run") == process_name()
        answered = pc.field("status").isin(["ok", "abstained"])
        return RunSpending(
            this_run=total(own),
            estimated=total(own, pc.field("estimated")),
            without_answer=total(own, ~answered),
            account=total(pc.field("account") == self.name) if self.name else 0.0,
            in_all=total(),
        )


def left_of_budget(home: Home, batches: Sequence[str], usd: float | None) -> float:
    """What a run over these batches would have left of a budget of ``usd``; infinite without."""
    if usd is None:
        return math.inf
    name = home.spending.marks().open_account(batches)
    spent = home.spending.spent_usd(account=name) if name else 0.0
    return max(usd - spent, 0.0)


def open_account(
    home: Home, services: Mapping[str, ServiceConfig], batches: Sequence[str], usd: float | None
) -> RunAccount:
    """The account of a run over these batches, with a budget of ``usd``.

    A run that takes up a batch of an earlier run which was stopped, or in which a batch failed,
    goes on with its account: what was spent on it counts against the same budget.
    """
    ledger = home.spending
    if not batches or not is_paid(services):
        return RunAccount(ledger, "", SpendBudget(usd))
    name = ledger.marks().open_account(batches) or uuid4().hex
    ledger.mark(AccountOpened(microseconds(), name, tuple(batches)))
    spent = 0.0 if usd is None else ledger.spent_usd(account=name)
    return RunAccount(ledger, name, SpendBudget(usd, spent_usd=spent, account=name))
