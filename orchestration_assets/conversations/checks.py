"""Checks of conversations: every accepted message has its row, and its place in its thread."""

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.conversations import THREAD_MESSAGES
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from orchestration_assets.table_assets import Balance, Stored, table_checks


def _check_messages_placed(stored: Stored, messages: pa.Table) -> list[Balance]:
    manifest = stored.table(CONTENT_MANIFEST.name)
    accepted = manifest.filter(pc.equal(manifest["outcome"], EntryOutcome.ACCEPTED))
    placed = accepted.filter(pc.is_valid(accepted["message"]))
    found = set(placed["item_id"].to_pylist()) & set(messages["item_id"].to_pylist())
    return [
        Balance(placed.num_rows, messages.num_rows, "accepted messages with a row"),
        Balance(placed.num_rows, len(found), "accepted messages found again"),
    ]


thread_messages_checks = table_checks(THREAD_MESSAGES, _check_messages_placed)
