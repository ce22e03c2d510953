"""New content becomes batches, and batches become runs."""

from datetime import UTC, datetime

import dagster as dg

from jobs import process_batch
from orchestration_assets.content.intake import Intake, listing_version, take_in, unfinished
from orchestration_assets.content.ledger import known_sources
from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.settings import Settings
from resources.content_source import SourceError
from resources.home import HomeResource, PolicyFileResource

_RUNS_A_TICK = 25
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    name="new_content_sensor",
    job=process_batch,
    minimum_interval_seconds=60,
    description=(
        "Looks at every source that this home knows (and at ORCHESTRATION_SOURCES), records what "
        "is new, changed or gone as batches, and starts a run for each batch without a report."
    ),
)
def new_content_sensor(
    context: dg.SensorEvaluationContext, home: HomeResource, policy_file: PolicyFileResource
) -> dg.SensorResult | dg.SkipReason:
    """One tick. A source that cannot be listed is said so and keeps its known entries."""
    sources = dict.fromkeys([*known_sources(home.batches), *Settings.from_environment().sources])
    if not sources:
        return dg.SkipReason(
            "No source is known. Run `orchestrate run SOURCE` once, or set ORCHESTRATION_SOURCES."
        )
    content = load_policy(policy_file.path).policy.content
    taken: list[Intake] = []
    failures: list[str] = []
    for source in sources:
        try:
            taken.append(take_in(home.folder, source, content, datetime.now(UTC)))
        except SourceError as error:
            failures.append(str(error))
            context.log.error(str(error))
    if failures and not taken:
        raise dg.Failure("; ".join(failures))
    pending = unfinished(home.folder)
    wanted = [key for key in pending if not _under_way(context.instance, key)][:_RUNS_A_TICK]
    if not wanted:
        return dg.SkipReason(f"Nothing new in {len(taken)} sources; {len(pending)} batches run.")
    return dg.SensorResult(
        dynamic_partitions_requests=[content_batches.build_add_request(wanted)],
        run_requests=[dg.RunRequest(run_key=key, partition_key=key) for key in wanted],
        asset_events=[observation(one) for one in taken],
    )


def observation(intake: Intake) -> dg.AssetObservation:
    """What a listing found, as an observation of the source."""
    listing = intake.listing
    return dg.AssetObservation(
        "content_source",
        metadata={
            "source": listing.source,
            "entries": len(listing.entries),
            "excluded": listing.excluded,
            "complete": listing.complete,
            "new_batches": len(intake.recorded),
        },
        tags={"dagster/data_version": listing_version(listing)},
    )


def _under_way(instance: dg.DagsterInstance, batch: str) -> bool:
    filters = dg.RunsFilter(tags={"dagster/partition": batch}, statuses=_UNDER_WAY)
    return instance.get_runs_count(filters) > 0
