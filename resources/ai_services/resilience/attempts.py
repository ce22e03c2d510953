"""The records of attempts at a service, and the outcome of a call."""

from datetime import datetime
from typing import NamedTuple

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.text.prompts.prompt_context import SentContent
from orchestration_assets.text.replies.response_facts import ResponseFacts


class Attempt(NamedTuple):
    """One request, as far as it concerns one question: of a batch, its share.

    Times in ms, money in US dollars. Tokens are None where the service does not count
    them; ``cost_estimated``: it did not say what it bills. ``facts``: what the service says of
    its answer.
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
    cost_estimated: bool = False
    facts: ResponseFacts = ResponseFacts()


class CallOutcome(NamedTuple):
    """A reading, and the attempts that led to it, in order; none when no request was made.

    ``passing``: the next time it may well be another one; it is not kept.
    """

    reading: Reading
    attempts: tuple[Attempt, ...] = ()
    passing: bool = False
