"""What was remembered before the messages of a batch that is carried out, from its tables."""

from orchestration_assets.processing.thread_memories import ThreadMemories, memories_of
from orchestration_assets.schemas.answers import answer_of
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import RESOLUTIONS
from resources.home import Home
from resources.table_store import TableMissingError


def recalled_memories(home: Home, batch: str, policy: Policy) -> ThreadMemories | None:
    """As :func:`memories_of`, with what stands of the batch in the end.

    What stood when a message was asked about may have been something else: of a whole batch more is
    known of services. Where it matters, the key of the answer tells. Raises DamagedFileError.
    """
    memories = memories_of(policy, home, batch)
    if memories is None or not memories.remembered:
        return memories
    try:
        table = home.tables.read(RESOLUTIONS.name, batch)
    except TableMissingError:
        return memories
    for row in RESOLUTIONS.rows(table):
        if row.task in memories.remembered:
            memories.note_stored(row.item_id, row.task, answer_of(row))
    return memories
