"""Of which items a trace tells: a share of all by their hash, and every one that is disputed or
failed. What became of an item is known by then, so that the choice is exact."""

import os
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from orchestration_assets.schemas.tracing import Tracing
from orchestration_assets.settings import SettingError

SHARE_VARIABLE: Final = "ORCHESTRATION_TRACE_SHARE"


class TracedFor(StrEnum):
    """Why a trace tells of an item; the first that holds."""

    FAILED = "failed"
    DISPUTED = "disputed"
    SAMPLED = "sampled"


def tracing_in_force(
    policy: Tracing | None, environment: Mapping[str, str] = os.environ
) -> Tracing | None:
    """What is traced, by the policy and the variable that may set the share; None for nothing.

    Raises SettingError for a share that is none.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    given = environment.get(SHARE_VARIABLE, "").strip()
    if not given:
        return policy
    try:
        share = float(given)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise SettingError(
            f"the environment variable {SHARE_VARIABLE} is {given!r}; give a share from 0 to 1, or "
            "unset it"
        )
    return (policy or Tracing()).model_copy(update={"share": share})


def is_sampled(item_id: str, share: float) -> bool:
    """Whether the item is of the share: the same items in every batch, run and process, and those
    of a smaller share are among those of a larger one."""
    # of its own, so that it has nothing to do with the cohorts of a roll-out
    digest = blake2b(item_id.encode(), digest_size=8, person=b"trace share").digest()
    return int.from_bytes(digest, "big") < share * 2**64


def traced_items(
    accepted: Iterable[str], disputed: Collection[str], failed: Iterable[str], share: float
) -> dict[str, TracedFor]:
    """Item -> why a trace tells of it, in the order of the ids."""
    traced = {item: TracedFor.SAMPLED for item in accepted if is_sampled(item, share)}
    traced |= dict.fromkeys(disputed, TracedFor.DISPUTED)
    traced |= dict.fromkeys(failed, TracedFor.FAILED)
    return dict(sorted(traced.items()))
