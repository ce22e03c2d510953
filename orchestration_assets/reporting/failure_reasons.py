"""Which of many reasons people are told, when readings of one service failed.

Most readings that an outage leaves without an answer were never sent: the circuit breaker of the
service was open. That follows from the outage. Why it opened stands in the few that were sent.
"""

from collections import Counter
from collections.abc import Mapping

from orchestration_assets.text.replies.call_errors import CIRCUIT_OPEN, GIVEN_UP


def telling_reason(reasons: Mapping[str, int]) -> str:
    """The commonest reason, of ``reason -> readings``, that says what was wrong with the service.

    An open circuit is told only beside what opened it, or where nothing else is known. Raises
    ValueError when there is no reason.
    """
    causes: Counter[str] = Counter()
    opened = False
    for reason, readings in reasons.items():
        opened = opened or CIRCUIT_OPEN in reason
        if not reason.startswith(CIRCUIT_OPEN):
            causes[reason.partition(GIVEN_UP)[0]] += readings
    if not causes:
        return _commonest(reasons)
    return _commonest(causes) + ("; then its circuit was open" if opened else "")


def _commonest(reasons: Mapping[str, int]) -> str:
    return min(reasons, key=lambda reason: (-reasons[reason], reason))
