"""What one attempt at a service was, and what a call of one or several attempts came to."""

from datetime import datetime
from typing import NamedTuple

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from resources.ai_services.http.service import SentContent


class Attempt(NamedTuple):
    """One request, as far as it concerns one question: of a batch, its share.

    Times in ms, money in US dollars. Tokens are None where the service does not count them.
    """

    service: str
    status: Status
    started_at: datetime
    elapsed_ms: float
    cost_usd: float = 0.0
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_estimated: int | None = None
    first_token_ms: float | None = None
    reason: str | None = None
    sent: SentContent | None = None


class CallOutcome(NamedTuple):
    """The reading, and the attempts that led to it, in their order; none when none was made."""

    reading: Reading
    attempts: tuple[Attempt, ...] = ()
