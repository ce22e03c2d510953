"""How many parts an item will have, by its profile: an estimate before anybody splits it."""

from collections.abc import Mapping
from math import ceil
from typing import Any, Final

from orchestration_assets.schemas.parts import PartsBy, TaskParts

_FILLED: Final = 0.75
"""A chunk ends anywhere in the second half of its room."""
_PAGE_TOKENS: Final = 500
_ENTRIES: Final = 5
"""Entries of a list that nobody has answered yet: nothing of the item tells how many."""


def estimated_parts(parts: TaskParts | None, features: Mapping[str, Any]) -> int | None:
    """About how many parts the item has, from 1 to ``at_most``; None for a task of whole items.

    Sections by the headings, functions by their count with one stretch between each two, chunks by
    the tokens over three quarters of their room, pages of 500 tokens, 5 entries of a list.
    """
    if parts is None:
        return None
    tokens = int(features.get("token_estimate") or 0)
    match parts.by:
        case PartsBy.SECTIONS:
            count = 1 + int(features.get("heading_count") or 0)
        case PartsBy.FUNCTIONS:
            count = 1 + 2 * int(features.get("function_count") or 0)
        case PartsBy.PAGES:
            count = ceil(tokens / _PAGE_TOKENS)
        case PartsBy.ENTRIES:
            count = _ENTRIES
        case PartsBy.CHUNKS:
            count = 1
    if parts.max_tokens is not None and tokens > parts.max_tokens:
        room = (parts.max_tokens - parts.overlap_tokens) * _FILLED
        count = max(count, ceil(tokens / room))
    return min(max(count, 1), parts.at_most)
