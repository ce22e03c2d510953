"""After an outage people are told what was wrong, and not that most questions were never sent."""

from collections import Counter

import pytest

from orchestration_assets.reporting.failure_reasons import telling_reason

REFUSED = "Cannot connect to host 127.0.0.1:8377"
OPEN = "circuit open: model failed too often"


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ({OPEN: 30, f"{REFUSED}; not tried again: {OPEN}": 2}, f"{REFUSED}; then its circuit"),
        ({OPEN: 30, REFUSED: 1, "HTTP 500": 2}, "HTTP 500; then its circuit was open"),
        # both ways of giving up the same failure count together
        ({REFUSED: 2, f"{REFUSED}; not tried again: no retries left": 2, "HTTP 500": 3}, REFUSED),
        ({OPEN: 3}, OPEN),
        ({"rare": 1, "common": 2}, "common"),
    ],
)
def test_the_cause_is_told_before_what_follows_from_it(reasons, told) -> None:
    assert telling_reason(Counter(reasons)).startswith(told)
