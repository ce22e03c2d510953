"""A cap on spending: every attempt reserves money before it is sent, and waits where too little
is free until attempts in flight have been settled."""

import asyncio
import math
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, NamedTuple

from resources.spending.records import Part
from resources.spending.writer import SpendingWriter

_ROUNDING_USD: Final = 1e-9


class Quote(NamedTuple):
    """What one attempt is about, and what it may cost, in US dollars.

    ``expected_usd``: on average. ``likely_usd``: with a reserve for surprise, as the dearest such
    calls so far. ``most_usd``: what its request allows. In this order, none is above the next.
    """

    expected_usd: float
    likely_usd: float
    most_usd: float
    service: str = ""
    model: str = ""
    parts: tuple[Part, ...] = ()


class Charge(NamedTuple):
    """What one attempt cost. ``at_risk_usd`` may be billed beside: no answer came.

    ``estimated``: the service did not say what it bills.
    """

    usd: float
    estimated: bool = False
    at_risk_usd: float = 0.0
    tokens_in: int | None = None
    tokens_out: int | None = None
    status: str = ""


class Reservation(NamedTuple):
    """Money that one attempt holds until it is settled; ``number`` is its record's."""

    quote: Quote
    number: int | None


class _Waiter(NamedTuple):
    """An attempt that waits for money; nobody waits any more where ``granted`` is cancelled."""

    budget: "SpendBudget"
    quote: Quote
    granted: "asyncio.Future[bool]"


class SpendBudget:
    """Keeps what was spent, reserved and at risk at or below ``cap_usd``.

    An attempt reserves its ``likely_usd``. One that costs more passes the cap by no more than
    attempts in flight may cost. Where the ``likely_usd`` of a single attempt does not fit, it is
    sent alone if its ``expected_usd`` does: otherwise the rest of every budget would be left. A
    budget ``within`` another draws on both. ``spent_usd`` begins with what was spent before, by a
    run that was stopped. ``account`` is the ledger's name for what it limits. ``recorder``, by
    default that of the budget around it, gets a record before and after each attempt.

    All attempts at budgets within the same one belong to one event loop at a time.
    """

    def __init__(
        self,
        cap_usd: float | None = None,
        within: "SpendBudget | None" = None,
        *,
        spent_usd: float = 0.0,
        account: str = "",
        recorder: SpendingWriter | None = None,
    ) -> None:
        self.cap_usd = math.inf if cap_usd is None else cap_usd
        self.spent_usd = spent_usd
        self.account = account
        self.reserved_usd = 0.0
        self.at_risk_usd = 0.0
        self._within = within
        self._recorder: SpendingWriter | None = recorder
        if recorder is None and within is not None:
            self._recorder = within._recorder
        self._in_flight = 0
        # shared by all budgets within the outermost one
        self._waiting: deque[_Waiter] = deque() if within is None else within._waiting

    @property
    def left_usd(self) -> float:
        """What may still be reserved."""
        own = self.cap_usd - self.spent_usd - self.reserved_usd - self.at_risk_usd
        return own if self._within is None else min(own, self._within.left_usd)

    @contextmanager
    def limited_to(self, usd: float, account: str = "") -> Generator[None, None, None]:
        """Lets no more than ``usd`` be spent within the block, on this ``account``."""
        cap, self.cap_usd = self.cap_usd, min(self.cap_usd, self.spent_usd + usd)
        before, self.account = self.account, account
        try:
            yield
        finally:
            self.cap_usd, self.account = cap, before

    def must_wait(self, quote: Quote) -> bool:
        """Whether :meth:`reserve` waits: for others, or for what those in flight may free."""
        return quote.most_usd > 0.0 and (bool(self._waiting) or not self._fits(quote))

    async def reserve(self, quote: Quote) -> Reservation | None:
        """Reserves the money of one attempt, once there is enough.

        Waits while attempts in flight may free what is missing, in the order of asking; None when
        they cannot. Raises what the recorder raises.
        """
        if not self.must_wait(quote):
            return self.reserve_at_once(quote)
        if self._is_hopeless(quote):
            return None
        return self._recorded(quote) if await self._wait(quote) else None

    def reserve_at_once(self, quote: Quote) -> Reservation:
        """:meth:`reserve` for an attempt that :meth:`must_wait` lets go. Raises what the recorder
        raises."""
        if quote.most_usd <= 0.0:
            return Reservation(quote, None)
        self._take(quote)
        return self._recorded(quote)

    def settle(self, reservation: Reservation, charge: Charge) -> None:
        """Ends a reservation. Raises what the recorder raises."""
        quote, number = reservation
        if quote.most_usd <= 0.0:
            return
        self._add(quote, charge.usd, charge.at_risk_usd)
        if self._waiting:
            self._serve()
        if self._recorder is not None and number is not None:
            self._recorder.settle(
                number,
                charge.usd,
                estimated=charge.estimated,
                tokens_in=charge.tokens_in,
                tokens_out=charge.tokens_out,
                status=charge.status,
            )

    async def _wait(self, quote: Quote) -> bool:
        granted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiter(self, quote, granted))
        try:
            return await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled() and granted.result():
                self._release(quote, 0.0, 0.0)
            else:
                # it may have held up those behind it
                granted.cancel()
                self._serve()
            raise

    def _serve(self) -> None:
        """Lets those that wait go on, the first of them first: nobody overtakes."""
        while self._waiting:
            budget, quote, granted = self._waiting[0]
            if not granted.done():
                hopeless = budget._is_hopeless(quote)
                if not hopeless and not budget._fits(quote):
                    return
                if not hopeless:
                    budget._take(quote)
                granted.set_result(not hopeless)
            self._waiting.popleft()

    def _fits(self, quote: Quote) -> bool:
        """Whether the attempt may be sent now."""
        own = self.cap_usd - self.spent_usd - self.reserved_usd - self.at_risk_usd
        needed = quote.likely_usd if self._in_flight else quote.expected_usd
        if needed > own + _ROUNDING_USD:
            return False
        return self._within is None or self._within._fits(quote)

    def _is_hopeless(self, quote: Quote) -> bool:
        """Whether it would not fit even if no attempt in flight cost anything."""
        own = self.cap_usd - self.spent_usd - self.at_risk_usd
        if quote.expected_usd > own + _ROUNDING_USD:
            return True
        return self._within is not None and self._within._is_hopeless(quote)

    def _take(self, quote: Quote) -> None:
        self.reserved_usd += quote.likely_usd
        self._in_flight += 1
        if self._within is not None:
            self._within._take(quote)

    def _release(self, quote: Quote, usd: float, at_risk_usd: float) -> None:
        self._add(quote, usd, at_risk_usd)
        if self._waiting:
            self._serve()

    def _add(self, quote: Quote, usd: float, at_risk_usd: float) -> None:
        self._in_flight -= 1
        # sums of floats would leave a remainder that nobody holds
        self.reserved_usd = self.reserved_usd - quote.likely_usd if self._in_flight else 0.0
        self.spent_usd += usd
        self.at_risk_usd += at_risk_usd
        if self._within is not None:
            self._within._add(quote, usd, at_risk_usd)

    def _recorded(self, quote: Quote) -> Reservation:
        if self._recorder is None:
            return Reservation(quote, None)
        try:
            number = self._recorder.reserve(
                quote.service, quote.model, quote.parts, quote.expected_usd, quote.most_usd
            )
        except BaseException:
            self._release(quote, 0.0, 0.0)
            raise
        return Reservation(quote, number)
