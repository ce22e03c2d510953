"""Results of tools as they are shown: bounded, redacted, and without marks of turns."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tool_use import ToolOutcome, ToolResult
from orchestration_assets.text.redaction import redact, sensitive_spans, without_turn_marks

_LONGEST_SECRET: Final = 8_192


def shown_result(
    outcome: ToolOutcome, said: Any, most: int, redacted: Collection[SensitiveKind]
) -> ToolResult:
    """As services and tables see it: whole characters, no marks of turns, nothing sensitive.

    Texts within a structure are freed of that one by one too: escaped as JSON, what stands behind
    a line break is not recognised. Only its beginning is gone through: servers may give millions.
    """
    room = _Room(_window(most))
    if not isinstance(said, str):
        said = json.dumps(_freed_within(said, room, most, redacted), ensure_ascii=False)
    text = _freed(said, most, redacted)
    is_cut = room.is_used_up or len(said) > _window(most)
    return ToolResult(outcome, text[:most], cut=len(text) > most or is_cut)


@dataclass(slots=True)
class _Room:
    """How many characters of a structure are still gone through."""

    left: int
    is_used_up: bool = False

    def takes(self, value: Any) -> bool:
        """Whether there is room for one more, which may be the last."""
        if self.left <= 0:
            self.is_used_up = True
            return False
        self.left -= len(value) + 2 if isinstance(value, str) else 1
        return True


def _freed(text: str, most: int, redacted: Collection[SensitiveKind]) -> str:
    """The beginning of a text, at least of what is shown of it unless much of it is redacted.

    What is cut first costs no more to free than what is shown. It is cut where nothing sensitive
    is: a piece of that would not be recognised any more.
    """
    begins = without_turn_marks(whole_text(text[: _window(most)]))
    if len(text) > _window(most):
        end = len(begins) - _LONGEST_SECRET
        spans = sensitive_spans(begins, redacted) if redacted else []
        begins = begins[: next((one for one, other, _ in spans if one < end < other), end)]
    return redact(begins, redacted).text if redacted else begins


def _window(most: int) -> int:
    return 2 * (most + _LONGEST_SECRET)


def _freed_within(value: Any, room: _Room, most: int, redacted: Collection[SensitiveKind]) -> Any:
    match value:
        case str():
            room.is_used_up |= len(value) > _window(most)
            return _freed(value, most, redacted)
        case list() | tuple():
            held = takewhile(room.takes, value)
            return [_freed_within(one, room, most, redacted) for one in held]
        case dict():
            pairs = takewhile(
                lambda pair: room.takes(pair[0]) and room.takes(pair[1]), value.items()
            )
            return {name: _freed_within(one, room, most, redacted) for name, one in pairs}
        case int() | float() | None:
            return value
        case _:
            return _freed(str(value), most, redacted)
