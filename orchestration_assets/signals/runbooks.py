"""What to do about each signal where the policy has no line of its own."""

from collections.abc import Mapping
from typing import Final

from orchestration_assets.schemas.signals import LATENCIES, Signal

_SLOW: Final = (
    "Look at Services, Health in the explorer for which service is slow; lower its concurrency, "
    "give it timeouts and a fallback, or ask another one first."
)
RUNBOOKS: Final[Mapping[Signal, str]] = {
    **dict.fromkeys(LATENCIES, _SLOW),
    Signal.CALLS: (
        "Look at the batch's page, What it cost: were many entries new, or were cached answers "
        "made stale by changed code, prompts or models?"
    ),
    Signal.ERROR_RATE: (
        "Read the reasons in call_log, then orchestrate job check_services; mend key, quota or "
        "address. What could not be asked is deferred and asked again."
    ),
    Signal.TOKENS_PER_SECOND: (
        "Compare with the latency of the service: a service that refuses (429) is asked more "
        "slowly; raise its limits there, or its concurrency here."
    ),
    Signal.PARALLEL_EFFICIENCY: (
        "Few calls at a time held up the others: look for the slowest service of the batch, and "
        "for deadlines; larger batches fill places better."
    ),
    Signal.CACHE_HIT_RATE: (
        "Look at feature_cache_report for evicted and corrupt entries; raise the tier's cap. After "
        "an upgrade answers are asked again once."
    ),
    Signal.COST_USD: (
        "Look at Spending in the explorer for the service and task; set execution.budget_usd, and "
        "see orchestrate preview for what the next batches will cost."
    ),
    Signal.ABSTAINED_SHARE: (
        "See on the batch's page which services would not say, and about which content; add a "
        "service for it, or narrow applies_to."
    ),
    Signal.FAILED_SHARE: (
        "Read the reasons on the batch's page, mend the services named there, and start "
        "orchestrate run SOURCE --reprocess: failed items are tried again."
    ),
    Signal.DISPUTED_SHARE: (
        "Read the ten disputes on the batch's page: is the content new, or has a service changed? "
        "Judge the review queue; take a broken service out."
    ),
    Signal.ACCURACY: (
        "See services.html for who became worse and on what content; give verdicts, then "
        "orchestrate job calibrate and learn_selection, or roll the policy back."
    ),
    Signal.DEFERRED_QUESTIONS: (
        "orchestrate job check_services says which service is away; turn on "
        "deferred_questions_sensor, or start orchestrate run SOURCE again."
    ),
    Signal.WAITING_ENTRIES: (
        "Is a run under way (claims/), or has it failed (tables/run_failures)? Start orchestrate "
        "run SOURCE; more --jobs carry out batches side by side."
    ),
    Signal.OLDEST_WAITING_S: (
        "A batch is not carried out: read tables/run_failures and the daemon's log, then start "
        "orchestrate run SOURCE."
    ),
    Signal.OPEN_REVIEWS: (
        "Judge from the top with orchestrate serve, Review; or lower disagreement.review.max_rows."
    ),
}
SPENT_TOO_FAST: Final = (
    "Look at Spending in the explorer for what is paid; stop the run with Ctrl-C or SIGTERM (it "
    "keeps what it has), and set execution.budget_usd or --budget-usd."
)
"""The same for budgets."""
