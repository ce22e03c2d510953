"""The accounts of a run in the spending ledger: what its budget limits until its work is done."""

import math
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import pyarrow.compute as pc

from orchestration_assets.schemas.services import ServiceConfig, is_paid
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.home import Home
from resources.spending.accounts import account_states
from resources.spending.ledger import SpendingLedger
from resources.spending.records import AccountClosed, AccountOpened
from resources.spending.writer import microseconds, process_name


@dataclass(frozen=True, slots=True)
class RunSpending:
    """What the ledger says after a run, in US dollars.

    ``this_run``: by this process; ``account``: on the accounts of its batches, stopped runs of the
    same work included; ``in_all``: since the home exists. ``estimated`` is the part of
    ``this_run`` that no service stated, ``without_answer`` the part that brought no answer.
    """

    this_run: float = 0.0
    estimated: float = 0.0
    without_answer: float = 0.0
    account: float = 0.0
    in_all: float = 0.0


NOTHING_SPENT: Final = RunSpending()


@dataclass(frozen=True, slots=True)
class RunAccounts:
    """The accounts of a run's batches, and the budget of its process; without ``batches`` where no
    service is paid for."""

    ledger: SpendingLedger
    batches: tuple[str, ...]
    budget: SpendBudget

    @contextmanager
    def limited_to_share(self, batch: str, sizes: Mapping[str, int]) -> Generator[None, None, None]:
        """Within the block the budget is the batch's share of what is left by now, by its size
        among the batches of this run that are still to be done, and is spent on its account.

        The first batches must not spend what the last ones need. The ledger is read anew: others
        may carry out batches of the same account at the same time.
        """
        states = account_states(self.ledger, [batch] if self.batches else [])
        left = self._left_usd() * sizes[batch] / sum(sizes.values())
        for state in states.values():
            own = sum(size for one, size in sizes.items() if one in state.opened.batches)
            left = min(left, state.left_usd * sizes[batch] / own)
        with self.budget.limited_to(left, next(iter(states), "")):
            yield

    def _left_usd(self) -> float:
        """What is left of the budget of the run, all of whose processes draw on it."""
        own = self.budget
        if math.isinf(own.cap_usd) or not self.batches:
            return own.left_usd
        rows = self.ledger.rows(["run", "usd"]).filter(pc.field("run") == process_name())
        spent = max(own.spent_usd, pc.sum(rows["usd"]).as_py() or 0.0)
        return own.cap_usd - spent - own.reserved_usd - own.at_risk_usd

    def close_finished(self, is_finished: Callable[[str], bool]) -> None:
        """Closes the accounts whose every batch is done: whoever does one of them again has the
        whole budget again."""
        for name, state in account_states(self.ledger, self.batches).items():
            if all(map(is_finished, state.opened.batches)):
                self.ledger.mark(AccountClosed(microseconds(), name))

    def spending(self) -> RunSpending:
        """What the ledger says now."""
        rows = self.ledger.rows(["run", "usd", "estimated", "status"])
        states = account_states(self.ledger, self.batches)

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
            account=sum(state.spent_usd for state in states.values()),
            in_all=total(),
        )


def left_of_budget(
    home: Home, batches: Sequence[str], usd: float | None, *, has_new: bool
) -> float:
    """What a run would have left of a budget of ``usd``; infinite without.

    ``batches``: those of earlier runs that it would go on with; ``has_new``: whether it would
    begin others, which have the whole budget.
    """
    if usd is None:
        return math.inf
    states = account_states(home.spending, batches)
    known = {batch for state in states.values() for batch in state.opened.batches}
    if has_new or not known.issuperset(batches) or not batches:
        return usd
    return min(usd, math.fsum(max(usd - state.spent_usd, 0.0) for state in states.values()))


def open_accounts(
    home: Home,
    services: Mapping[str, ServiceConfig],
    batches: Sequence[str],
    usd: float | None,
    anew: Collection[str] = (),
) -> RunAccounts:
    """The accounts of a run over these batches, with a budget of ``usd``.

    A batch of an earlier run which was stopped, in which it failed, or whose questions were
    deferred, goes on with its account: what was spent there counts against the budget, which is
    the earlier run's unless another is given. All others, and those that are carried out ``anew``
    on purpose, are on an account of their own: what others cost does not count. This process
    spends no more than ``usd`` on all of them.
    """
    ledger = home.spending
    if not batches or not is_paid(services):
        return RunAccounts(ledger, (), SpendBudget(usd))
    known = ledger.marks().open_accounts
    fresh = uuid4().hex
    groups: dict[str, list[str]] = {}
    for batch in batches:
        goes_on = batch in known and batch not in anew
        groups.setdefault(known[batch].account if goes_on else fresh, []).append(batch)
    for name, members in groups.items():
        cap = known[members[0]].cap_usd if usd is None and name != fresh else usd
        ledger.mark(AccountOpened(microseconds(), name, tuple(members), cap))
    return RunAccounts(ledger, tuple(batches), SpendBudget(usd))
