"""The part that is asked about, and what was answered about parts, as a prompt shows them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from orchestration_assets.schemas.answers import shown
from orchestration_assets.schemas.parts import ItemPart, PartAnswer
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redaction import RedactedText, redact, without_turn_marks

Counts = Sequence[Mapping[str, int]]
_WHOLE: Final[Mapping[str, Any]] = {"number": 1, "of": 1, "heading": ""}
"""What a prompt shows of an item that is asked about as a whole."""


def shown_part(
    part: ItemPart | None, kinds: Collection[SensitiveKind]
) -> tuple[Mapping[str, Any], Counts]:
    """Number, of how many, and heading, redacted; what was taken out."""
    if part is None:
        return _WHOLE, ()
    heading = _safe(part.heading, kinds)
    return {"number": part.number, "of": part.of, "heading": heading.text}, (heading.counts,)


def shown_parts(
    parts: Sequence[PartAnswer], kinds: Collection[SensitiveKind]
) -> tuple[Mapping[str, Any], ...]:
    """Each part with its answer as text, "" for none, redacted.

    What is taken out is counted with the content, which says the same.
    """
    answers: list[Mapping[str, Any]] = []
    for part in parts:
        heading, answer = _safe(part.heading, kinds), _safe(shown(part.answer) or "", kinds)
        about = {"number": part.number, "of": part.of, "heading": heading.text}
        answers.append({**about, "answer": answer.text})
    return tuple(answers)


def _safe(text: str, kinds: Collection[SensitiveKind]) -> RedactedText:
    return redact(without_turn_marks(text), kinds)
