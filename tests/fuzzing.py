"""How hard the fuzz tests try: 200 examples in an ordinary run, more where the variable says so."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("ORCHESTRATION_FUZZ_EXAMPLES", "200"))

fuzz = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
