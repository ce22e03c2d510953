"""What is left on the accounts of batches, by the ledger as it stands."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from resources.spending.ledger import SpendingLedger
from resources.spending.records import AccountOpened


@dataclass(frozen=True, slots=True)
class AccountState:
    """An open account, and what was spent on its batches in their present pass, in US dollars;
    probes of services on the account count too."""

    opened: AccountOpened
    spent_usd: float

    @property
    def left_usd(self) -> float:
        """What may still be spent; infinite where the account has no cap."""
        cap = self.opened.cap_usd
        return math.inf if cap is None else max(cap - self.spent_usd, 0.0)


def account_states(ledger: SpendingLedger, batches: Collection[str]) -> dict[str, AccountState]:
    """The open accounts that these batches are on, by name.

    What counts is the spending on the account's batches, whichever process it was recorded by:
    two that take up the same batches at once count against one account.
    """
    marks = ledger.marks()
    accounts = marks.open_accounts
    names = {accounts[batch].account: accounts[batch] for batch in batches if batch in accounts}
    if not names:
        return {}
    rows = ledger.rows(["usd", "batch", "batch_pass", "account"])
    present = {batch: marks.pass_of(batch) for one in names.values() for batch in one.batches}
    spent = dict.fromkeys(names, 0.0)
    account_of = {batch: one.account for one in names.values() for batch in one.batches}
    for row in (
        rows.group_by(["batch", "batch_pass", "account"]).aggregate([("usd", "sum")]).to_pylist()
    ):
        batch = row["batch"]
        name = account_of.get(batch) if batch else row["account"]
        if name in spent and row["batch_pass"] == present.get(batch, ""):
            spent[name] += row["usd_sum"]
    return {name: AccountState(opened, spent[name]) for name, opened in names.items()}
