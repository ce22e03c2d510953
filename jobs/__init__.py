"""Jobs and schedules: which assets are materialized together, and when."""

from functools import partial

import dagster as dg

from orchestration_assets.content.deferred import ONLY_DEFERRED_TAG
from resources.run_claims import CLAIM_TAG, CORPUS

BATCH_GROUPS = (
    "1_content",
    "2_conversations",
    "2_profiles",
    "3_plans",
    "4_interpretations",
    "5_disagreement",
)

_job = partial(dg.define_asset_job, executor_def=dg.in_process_executor)
# jobs that write tables of the whole corpus take turns
_corpus_job = partial(_job, tags={CLAIM_TAG: CORPUS})
_schedule = partial(dg.ScheduleDefinition, execution_timezone="UTC")

_outage_drill = dg.AssetSelection.checks(
    dg.AssetCheckKey(dg.AssetKey("service_health"), "outage_drill")
)
_health = dg.AssetSelection.assets("service_health") - _outage_drill
_batch_assets = (
    dg.AssetSelection.groups(*BATCH_GROUPS)
    | dg.AssetSelection.assets("item_states", "disagreement_report")
    | _health
)

process_batch = _job(
    "process_batch",
    selection=_batch_assets - dg.AssetSelection.assets("content_source"),
    description="Takes one batch of new content from its listing to its report.",
)

reprocess = _job(
    "reprocess",
    selection=_batch_assets - dg.AssetSelection.groups("1_content"),
    description=(
        "Takes a known batch from its profiles to its report again, for instance under a new "
        "policy. The manifest stands; answers that are still valid come from the cache."
    ),
)

take_up_deferred = _job(
    "take_up_deferred",
    # without the probes: a service that is still away ends nothing, its questions wait
    # where their messages stand is told anew: questions about stale ones are asked again, too
    selection=dg.AssetSelection.groups("2_conversations", "4_interpretations", "5_disagreement")
    | dg.AssetSelection.assets("item_states", "disagreement_report"),
    description=(
        "Asks again what services could not be asked about a batch, since they were unavailable, "
        "and what they were asked about messages whose conversation has changed before them, "
        "under the plans that it has. All other rows stand."
    ),
    tags={ONLY_DEFERRED_TAG: "true"},
)

check_services = _job(
    "check_services",
    selection=_health,
    description="Probes every service over HTTP, and looks at how its calls went.",
)

outage_drill = _job(
    "outage_drill",
    selection=_outage_drill,
    description="Drills the policy's services on this machine: an outage, and every other fault.",
)

corpus_reports = _corpus_job(
    "corpus_reports",
    selection=dg.AssetSelection.assets(
        "gold_labels",
        "service_scorecards",
        "corpus_report",
        "content_ledger",
        "feature_cache_report",
        "golden_signals",
    ),
    description=(
        "Brings gold, the scorecards of services, the index over all batches, the ledger of all "
        "items, the account of the cache and the golden signals up to date."
    ),
)

refresh_knowledge = _corpus_job(
    "refresh_knowledge",
    selection=dg.AssetSelection.assets("knowledge"),
    description=(
        "Lists the documents that questions are answered from, and indexes what is new or changed; "
        "plans that are made afterwards find their passages there."
    ),
)

policy_history = _corpus_job(
    "policy_history",
    selection=dg.AssetSelection.assets("active_policy"),
    description=(
        "Brings the history of active policies up to date, with what each changed, and checks that "
        "the watched file and the active policy are valid."
    ),
)

take_feedback = _corpus_job(
    "take_feedback",
    selection=dg.AssetSelection.assets("gold_labels", "calibration"),
    description=(
        "Takes in the verdicts that people dropped into the home's folder verdicts/, and learns "
        "from them."
    ),
)

learn_selection = _corpus_job(
    "learn_selection",
    selection=dg.AssetSelection.assets(
        "outcomes", "selection_model", "selection_frontier", "taught_services"
    ),
    description=(
        "Holds the answers of services against gold, verdicts and judges, trains what decides the "
        "next step, promotes it when it does not lose on held-out outcomes, measures every "
        "policy, and teaches the taught services."
    ),
)

calibrate = _corpus_job(
    "calibrate",
    selection=dg.AssetSelection.assets("calibration", "vector_thresholds", "service_scorecards"),
    description=(
        "Learns from all batches and verdicts how far services can be relied on, and from where on "
        "embedding models disagree."
    ),
)

weekly_calibration = _schedule(
    name="weekly_calibration",
    job=calibrate,
    cron_schedule="0 4 * * 0",
    description="Every Sunday at 4:00 UTC: what batches and verdicts teach about services.",
)

nightly_report = _schedule(
    name="nightly_report",
    job=corpus_reports,
    cron_schedule="0 3 * * *",
    description="Every night at 3:00 UTC: the index over all batches.",
)

hourly_health = _schedule(
    name="hourly_health",
    job=check_services,
    cron_schedule="0 * * * *",
    description="Every hour: do the services over HTTP work?",
)

nightly_knowledge = _schedule(
    name="nightly_knowledge",
    job=refresh_knowledge,
    cron_schedule="0 1 * * *",
    description="Every night at 1:00 UTC: documents that questions are answered from.",
)

weekly_learning = _schedule(
    name="weekly_learning",
    job=learn_selection,
    cron_schedule="0 5 * * 0",
    description="Every Sunday at 5:00 UTC: learned selection is trained and tried again.",
)

JOBS = (
    process_batch,
    reprocess,
    take_up_deferred,
    check_services,
    outage_drill,
    corpus_reports,
    refresh_knowledge,
    policy_history,
    take_feedback,
    calibrate,
    learn_selection,
)
SCHEDULES = (nightly_knowledge, nightly_report, hourly_health, weekly_calibration, weekly_learning)
