"""Values of a policy file that are tagged, and mean something until files are merged.

``!template TEXT`` is a template, rendered once everything is merged; ``!remove`` takes out what an
earlier file says; ``!replace {...}`` keeps nothing of an earlier file's mapping.
"""

from dataclasses import dataclass
from typing import Any, Final

TEMPLATE_TAG: Final = "!template"
REMOVE_TAG: Final = "!remove"
REPLACE_TAG: Final = "!replace"


@dataclass(frozen=True, slots=True)
class ValueTemplate:
    """The text of a ``!template``, not rendered yet."""

    text: str


@dataclass(frozen=True, slots=True)
class RemoveMark:
    """What stands for a value that is to be taken out."""


class ReplacingMapping(dict[str, Any]):
    """A mapping that takes the place of an earlier file's one instead of being merged into it."""
