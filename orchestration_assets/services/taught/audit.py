"""Audits: a steady share of items that the teacher answers too, and a test that may be read at any
time of whether what was promised still holds."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

SIGNIFICANCE: Final = 0.05
"""Probability that a service that keeps its promise is ever suspended."""

# bets, as shares of the largest that cannot lose everything
_BETS: Final = (0.02, 0.05, 0.1, 0.25, 0.5)


@dataclass(frozen=True, slots=True)
class AuditResult:
    """``evidence`` against the promise: 1 before anything was audited, suspended from 20 on."""

    audited: int
    differing: int
    evidence: float
    suspended_after: int | None

    @property
    def suspended(self) -> bool:
        return self.suspended_after is not None


def place_of(purpose: str, content_hash: str) -> float:
    """Where a content stands in the order in which items are chosen for a purpose, in [0, 1).

    By hash: the same in every run, and without regard to what is in it.
    """
    digest = blake2b(f"{purpose}\n{content_hash}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def audit(differs: Iterable[bool], allowed: float) -> AuditResult:
    """Tests audited answers in their order: whether more than the share ``allowed`` differ.

    A betting martingale (Waudby-Smith and Ramdas 2024): each answer multiplies the stake by
    1 + bet * (differs - allowed). Mixed over bets, and over the audit at which things may have
    begun to go wrong, with weights 1 / (k (k + 1)): under the promise it exceeds 1 / SIGNIFICANCE
    at any time with at most that probability (Ville 1939), and a late change is found as well.
    """
    allowed = min(max(allowed, 1e-6), 1.0 - 1e-6)
    bets = [share / allowed for share in _BETS]
    stakes = [0.0] * len(bets)
    audited = differing = 0
    evidence, suspended_after = 1.0, None
    for number, wrong in enumerate(differs, start=1):
        audited, differing = number, differing + wrong
        begins = 1.0 / (number * (number + 1))
        outcome = float(wrong) - allowed
        stakes = [
            (stake + begins) * (1.0 + bet * outcome)
            for stake, bet in zip(stakes, bets, strict=True)
        ]
        # what has not begun yet is still at stake
        evidence = math.fsum(stakes) / len(stakes) + 1.0 / (number + 1)
        if suspended_after is None and evidence >= 1.0 / SIGNIFICANCE:
            suspended_after = number
    return AuditResult(audited, differing, evidence, suspended_after)
