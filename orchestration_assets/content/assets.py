"""Assets of the intake: the source as Dagster knows it, and the manifest of each batch."""

from collections.abc import Iterator
from functools import partial

import dagster as dg
import pyarrow as pa

from orchestration_assets.content.batch_completion import nothing_left
from orchestration_assets.content.gold import update_gold
from orchestration_assets.content.kept_ledger import keep_ledger
from orchestration_assets.content.manifest_builder import make_manifest
from orchestration_assets.content.name_filter import keep_name_filters
from orchestration_assets.policy.load import load_policy
from orchestration_assets.progress import Progress
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.tables import (
    CONTENT_LEDGER,
    CONTENT_MANIFEST,
    weighed_counts,
)
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from orchestration_assets.table_assets import materialize, table_asset
from resources.fact_packs import pack_facts
from resources.home import Home
from resources.home_resource import PolicyFileResource
from resources.table_io_manager import StoredTable

_corpus_asset = partial(table_asset, group="7_corpus", team="content", per_batch=False)

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


@table_asset(
    CONTENT_MANIFEST,
    group="1_content",
    team="content",
    deps=["content_source"],
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
    home: dg.ResourceParam[Home],
    policy_file: PolicyFileResource,
    progress: dg.ResourceParam[Progress],
) -> Iterator[dg.MaterializeResult[pa.Table]]:
    """Reads each entry once, hashes it, and settles its outcome.

    Yields nothing, and so ends the run, where another process has finished the batch meanwhile.
    """
    batch = context.partition_key
    if nothing_left(home, policy_file.path):
        context.log.info(f"batch {batch} was finished by another process: nothing is left to do")
        return
    content = load_policy(policy_file.path).policy.content
    manifest = make_manifest(home, batch, content, progress)
    found = weighed_counts(manifest, "outcome")
    counts = {outcome.value: found.get(outcome.value, 0) for outcome in EntryOutcome}
    source = home.batches.source(batch)
    yield dg.MaterializeResult(value=manifest, metadata={**counts, "source": source})


@_corpus_asset(
    CONTENT_LEDGER,
    deps=[CONTENT_MANIFEST.name],
    description=(
        "Every item of the corpus as it stands now: its latest content, in which batch it came, "
        "how many versions came before, and whether it is still there."
    ),
)
def content_ledger(home: dg.ResourceParam[Home]) -> dg.MaterializeResult[StoredTable]:
    """Puts the items of further batches among those of earlier ones, one row an item; keeps which
    batch names which, and puts together what is kept about batches."""
    counts = keep_ledger(home)
    keep_name_filters(home.tables)
    pack_facts(home.tables)
    metadata = {"present": counts.present, "not_present": counts.rows - counts.present}
    return dg.MaterializeResult(value=StoredTable(), metadata=metadata)


@_corpus_asset(
    GOLD_LABELS,
    deps=[CONTENT_MANIFEST.name],
    description=(
        "What people say is right: one row an item and task with the latest verdict, and every "
        "verdict before it. Takes in the files dropped into the home's folder verdicts/, each as a "
        "whole or not at all, and the columns that tasks declare as gold; it is rebuilt from all "
        "files ever accepted and all manifests."
    ),
)
def gold_labels(
    context: dg.AssetExecutionContext, home: dg.ResourceParam[Home], policy_file: PolicyFileResource
) -> dg.MaterializeResult[pa.Table]:
    """Takes in what waits, then merges every accepted verdict."""
    return materialize(context, update_gold(home, load_policy(policy_file.path)))
