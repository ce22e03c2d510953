"""Assets of the intake: the source as Dagster knows it, and the manifest of each batch."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.content.batch_completion import nothing_left
from orchestration_assets.content.corpus_view import current_items
from orchestration_assets.content.gold_columns import keep_declared
from orchestration_assets.content.item_lookup import finder
from orchestration_assets.content.manifest_builder import make_manifest
from orchestration_assets.content.verdict_folder import (
    ACCEPTED,
    accepted_verdicts,
    take,
    verdict_rows,
)
from orchestration_assets.content.verdicts import VerdictContext, merge, understand
from orchestration_assets.partitions import content_batches
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.pinned_policy import pin_policy
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from resources.home import HomeResource, PolicyFileResource

content_source = dg.AssetSpec(
    "content_source",
    group_name="1_content",
    description=(
        "The folders and stores that content comes from. Nothing here is computed: the "
        "new_content_sensor and `orchestrate run` look at them and make batches of what is new, "
        "changed or gone."
    ),
    kinds={"file"},
    owners=["team:content"],
)


@dg.asset(
    partitions_def=content_batches,
    deps=[content_source],
    group_name="1_content",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:content"],
    code_version="2",
    output_required=False,
    description=(
        "What became of every entry of the batch, and of every record in it: accepted, rejected "
        "with a reason, duplicate, unchanged, moved, gone or superseded; a record file is unpacked "
        "into its records. The outcomes add up to the listing."
    ),
)
def content_manifest(
    context: dg.AssetExecutionContext,
    home: HomeResource,
    policy_file: PolicyFileResource,
    progress: dg.ResourceParam[Progress],
) -> Iterator[dg.MaterializeResult[pa.Table]]:
    """Reads each entry once, hashes it, and settles its outcome.

    Yields nothing, and so ends the run, where another process has finished the batch meanwhile.
    """
    batch = context.partition_key
    if nothing_left(home.folder, home.claim, policy_file.path):
        context.log.info(f"batch {batch} was finished by another process: nothing is left to do")
        return
    content = load_policy(policy_file.path).policy.content
    manifest = make_manifest(home.folder, batch, content, progress)
    counts = {
        outcome.value: pc.sum(pc.equal(manifest["outcome"], outcome.value)).as_py() or 0
        for outcome in EntryOutcome
    }
    source = home.batches.source(batch)
    yield dg.MaterializeResult(value=manifest, metadata={**counts, "source": source})


@dg.asset(
    deps=[content_manifest],
    group_name="7_corpus",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:content"],
    code_version="1",
    description=(
        "Every item of the corpus as it stands now: its latest content, in which batch it came, "
        "how many versions came before, and whether it is still there."
    ),
)
def content_ledger(home: HomeResource) -> dg.MaterializeResult[pa.Table]:
    """Folds all manifests, oldest first, into one row an item."""
    items = current_items(home.folder)
    present = pc.sum(pc.equal(items["state"], "present")).as_py() or 0
    metadata = {"present": present, "not_present": items.num_rows - present}
    return dg.MaterializeResult(value=items, metadata=metadata)


@dg.asset(
    deps=[content_manifest],
    group_name="7_corpus",
    io_manager_key="tables",
    kinds={"parquet"},
    owners=["team:content"],
    code_version="1",
    description=(
        "What people say is right: one row an item and task with the latest verdict, and every "
        "verdict before it. Takes in the files dropped into the home's folder verdicts/, each as a "
        "whole or not at all, and the columns that tasks declare as gold; it is rebuilt from all "
        "files ever accepted and all manifests."
    ),
)
def gold_labels(
    context: dg.AssetExecutionContext, home: HomeResource, policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Takes in what waits, then merges every accepted verdict."""
    loaded = load_policy(policy_file.path)
    pin_policy(home.policies, loaded)
    rules = VerdictContext(loaded.policy.tasks, loaded.hash, datetime.now(UTC))
    find = finder(home.tables)
    taken = take(
        home.verdicts,
        time.time,
        loaded.policy.feedback.settle_seconds,
        lambda name, data: understand(name, data, rules, find),
    )
    for name, why in taken.rejected.items():
        context.log.warning(f"verdict file {name} was moved aside: {why}")
    declared = keep_declared(home.tables, home.verdicts / ACCEPTED, rules)
    for example in declared.examples:
        context.log.warning(f"declared gold that is no answer: {example}")
    verdicts = accepted_verdicts(home.verdicts)
    gold = rows_to_arrow(GOLD_LABELS, merge(verdict_rows(verdicts)))
    metadata = {
        "verdicts": verdicts.num_rows,
        "declared": len(declared.verdicts),
        "declared_unusable": declared.unusable,
        "files_accepted": len(taken.accepted),
        "files_known": len(taken.known),
        "files_rejected": len(taken.rejected),
        "lines_not_judged": taken.not_judged,
        "disputed": pc.sum(pc.greater(pc.list_value_length(gold["dissenters"]), 0)).as_py() or 0,
        "policy_hash": loaded.hash,
        **{f"gold: {task}": n for task, n in sorted(Counter(gold["task"].to_pylist()).items())},
    }
    return dg.MaterializeResult(value=gold, metadata=metadata)
