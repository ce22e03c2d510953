"""A hard cap on spending: every attempt reserves its highest cost before it starts."""

import math
from typing import NamedTuple

_ROUNDING_USD = 1e-9


class Reservation(NamedTuple):
    """The most that one attempt may cost, in US dollars."""

    usd: float


class SpendBudget:
    """Keeps the sum of spent, reserved and at-risk money at or below ``cap_usd``.

    ``at_risk_usd`` is held for attempts that may be billed although no answer arrived. A budget
    ``within`` another draws on both.
    """

    def __init__(self, cap_usd: float | None = None, within: "SpendBudget | None" = None) -> None:
        self.cap_usd = math.inf if cap_usd is None else cap_usd
        self._within = within
        self.spent_usd = 0.0
        self.reserved_usd = 0.0
        self.at_risk_usd = 0.0

    @property
    def left_usd(self) -> float:
        """What may still be reserved."""
        own = self.cap_usd - self.spent_usd - self.reserved_usd - self.at_risk_usd
        return own if self._within is None else min(own, self._within.left_usd)

    def reserve(self, usd: float) -> Reservation | None:
        """Reserves the cost of one attempt; None when too little is left."""
        if usd > self.left_usd + _ROUNDING_USD:
            return None
        self._add(reserved=usd)
        return Reservation(usd)

    def settle(self, reservation: Reservation, usd: float, at_risk_usd: float = 0.0) -> None:
        """Ends a reservation: the attempt cost ``usd``, and maybe ``at_risk_usd`` more."""
        self._add(reserved=-reservation.usd, spent=usd, at_risk=at_risk_usd)

    def _add(self, *, reserved: float, spent: float = 0.0, at_risk: float = 0.0) -> None:
        self.reserved_usd += reserved
        self.spent_usd += spent
        self.at_risk_usd += at_risk
        if self._within is not None:
            self._within._add(reserved=reserved, spent=spent, at_risk=at_risk)
