"""Which of many reasons people are told, when readings of one service failed.

Most readings that an outage leaves without an answer were never sent: the circuit breaker of the
service was open. That follows from the outage. Why it opened stands in the few that were sent.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

_NOT_SENT: Final = "circuit open: "
# what a caller adds to a failure that it gave up
_GIVEN_UP: Final = re.compile(r"; not tried again: .*\Z", re.DOTALL)


def telling_reason(reasons: Mapping[str, int]) -> str:
    """The commonest reason, of ``reason -> readings``, that says what was wrong with the service.

    An open circuit is told only beside what opened it, or where nothing else is known. Raises
    ValueError when there is no reason.
    """
    causes: Counter[str] = Counter()
    opened = False
    for reason, readings in reasons.items():
        opened = opened or _NOT_SENT in reason
        if not reason.startswith(_NOT_SENT):
            causes[_GIVEN_UP.sub("", reason)] += readings
    if not causes:
        return _commonest(reasons)
    return _commonest(causes) + ("; then its circuit was open" if opened else "")


def _commonest(reasons: Mapping[str, int]) -> str:
    return min(reasons, key=lambda reason: (-reasons[reason], reason))
