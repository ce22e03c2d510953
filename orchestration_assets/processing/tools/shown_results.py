"""Results of tools as they are shown: bounded, redacted, and without marks of turns."""

import json
from collections.abc import Collection
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
    a line break is not recognised.
    """
    is_cut = _is_cut(said, most)
    if not isinstance(said, str):
        said = json.dumps(_freed_within(said, most, redacted), ensure_ascii=False)
    text = _freed(said, most, redacted)
    return ToolResult(outcome, text[:most], cut=len(text) > most or is_cut or _is_cut(said, most))


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


def _freed_within(value: Any, most: int, redacted: Collection[SensitiveKind]) -> Any:
    match value:
        case str():
            return _freed(value, most, redacted)
        case list() | tuple():
            return [_freed_within(one, most, redacted) for one in value]
        case dict():
            return {name: _freed_within(one, most, redacted) for name, one in value.items()}
        case int() | float() | None:
            return value
        case _:
            return _freed(str(value), most, redacted)


def _is_cut(value: Any, most: int) -> bool:
    """Whether a text in it is so long that only its beginning is looked at."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return any(_is_cut(one, most) for one in value)
    return isinstance(value, str) and len(value) > _window(most)
