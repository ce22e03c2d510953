"""How many batches are carried out side by side where nobody says: a pure decision."""

from collections.abc import Sequence
from typing import Final

MEMORY_OF_ONE: Final = 1 << 30
"""Bytes that a process needs for a batch of 10,000 items, with its libraries."""
LEAST_ENTRIES: Final = 500
"""Of fewer entries beside the largest batch, starting processes takes longer than they save."""


def job_count(entries: Sequence[int], cores: int, memory_bytes: int) -> int:
    """How many processes carry out batches of so many ``entries`` (files, or records) best."""
    if not entries or sum(entries) - max(entries) < LEAST_ENTRIES:
        return 1
    return max(1, min(len(entries), cores, memory_bytes // MEMORY_OF_ONE))
