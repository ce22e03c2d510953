"""What a service says of its own answer: the model that gave it, its id, and why it ended."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from orchestration_assets.schemas.storable_values import whole_text

_MOST_CHARS: Final = 200


class ResponseFacts(NamedTuple):
    """Each None where the service does not say it, or at more length than any name has."""

    model: str | None = None
    id: str | None = None
    finish_reason: str | None = None


def response_facts(body: Mapping[str, Any], finish_reason: str = "") -> ResponseFacts:
    """The facts in the body of a response; ``finish_reason`` is that of its first choice."""
    return ResponseFacts(_text(body.get("model")), _text(body.get("id")), finish_reason or None)


def _text(value: Any) -> str | None:
    # never cut: half of a secret that is echoed here would not be found
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_CHARS:
        return None
    return whole_text(value)
