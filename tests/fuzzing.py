"""How hard the fuzz tests try: 50 examples in an ordinary run, more where the variable says so."""

import os

import pytest
from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("ORCHESTRATION_FUZZ_EXAMPLES", "50"))
# every value and every moment of the long tests, not a sample of them
EXHAUSTIVE = EXAMPLES > 1000


def fuzz(test):
    """A test with generated examples, which `pytest -m fuzz` selects."""
    often = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    return pytest.mark.fuzz(often(test))
