"""The asset of conversations: the messages of a batch, each with its place in its thread."""

import dagster as dg
import pyarrow as pa

from orchestration_assets.conversations.thread_table import thread_messages_of
from orchestration_assets.schemas.conversations import THREAD_MESSAGES
from orchestration_assets.table_assets import materialize, table_asset
from resources.home import Home


@table_asset(
    THREAD_MESSAGES,
    group="2_conversations",
    team="content",
    description=(
        "The messages of the batch, of records that name their conversation: the place of each in "
        "its thread, over all batches, and which messages come before it. Other batches whose "
        "messages have others before them now are noted as stale."
    ),
)
def thread_messages(
    context: dg.AssetExecutionContext, content_manifest: pa.Table, home: dg.ResourceParam[Home]
) -> dg.MaterializeResult[pa.Table]:
    """Merges the batch into the states of its threads."""
    return materialize(context, thread_messages_of(home, context.partition_key, content_manifest))
