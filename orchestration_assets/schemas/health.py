"""How well each service does: what was probed just now, and what its calls so far were like."""

from dataclasses import dataclass
from typing import Annotated, Final

from orchestration_assets.schemas.records import Column, table_of


@dataclass(frozen=True, slots=True)
class ServiceHealthRow:
    """One row a service of the policy: probes of this moment, figures of the latest batches."""

    service: Annotated[str, Column("service of the policy")]
    type: Annotated[str, Column("embedded, openai_chat or openai_embeddings")]
    needed: Annotated[bool, Column("true when a task of the policy asks it")]
    covered: Annotated[bool, Column("true when a working fallback would answer instead", "", True)]
    shallow_ok: Annotated[bool | None, Column("its address answers within a second", "", True)]
    shallow_ms: Annotated[float | None, Column("time until it did", "ms", True)]
    deep_ok: Annotated[bool | None, Column("it answered a tiny, real question", "", True)]
    deep_ms: Annotated[float | None, Column("time of that answer, retries included", "ms", True)]
    unavailable: Annotated[
        bool | None,
        Column("it could not answer just now, which may pass: a run waits, then defers", "", True),
    ]
    business_ok: Annotated[
        bool | None, Column("it answered its known item as expected; null without one", "", True)
    ]
    problem: Annotated[str | None, Column("what was wrong, in words", "", True)]
    probe_cost_usd: Annotated[float, Column("price of the probes", "USD", True)]
    attempts: Annotated[int, Column("attempts in the latest batches", "attempts", True)]
    failed_share: Annotated[
        float | None, Column("share of these attempts that gave no answer", "0..1", True)
    ]
    p50_ms: Annotated[float | None, Column("median time of answered attempts", "ms", True)]
    p95_ms: Annotated[float | None, Column("95th percentile", "ms", True)]
    p995_ms: Annotated[float | None, Column("99.5th percentile", "ms", True)]
    timeout_ms: Annotated[float | None, Column("longest time that an attempt may take", "ms")]
    suggested_timeout_ms: Annotated[
        float | None,
        Column("the 99.5th percentile and half as much again, from 200 attempts on", "ms", True),
    ]
    policy_hash: Annotated[str, Column("hash of the policy that names the service")]
    token_ratio: Annotated[float | None, Column("tokens billed for each estimated one", "", True)]


SERVICE_HEALTH: Final = table_of("service_health", ServiceHealthRow, ("service",))
