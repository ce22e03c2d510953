"""What of a question a service is shown: redacted, within its window, what matters most first."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from orchestration_assets.schemas.answers import shown
from orchestration_assets.schemas.items import Question
from orchestration_assets.schemas.services import SensitiveKind
from resources.ai_services.context import Fitted, fit
from resources.ai_services.guard import injection_markers, redact, without_turn_marks
from resources.ai_services.tokens import token_estimate

_EARLIER_SHARE = 4
"""Earlier answers take at most one in so many tokens of the window; the latest come first."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The parts of a prompt that come from the item."""

    content: Fitted
    earlier: tuple[dict[str, Any], ...]
    path: str
    redacted: Counter[str]
    markers: int
    earlier_left_out: int

    @property
    def left_out(self) -> str | None:
        """What is not shown, in words."""
        parts = []
        if self.content.tokens < self.content.tokens_whole:
            parts.append(f"{self.content.tokens_whole - self.content.tokens} content tokens")
        if self.earlier_left_out:
            parts.append(f"{self.earlier_left_out} earlier answers")
        return ", ".join(parts) or None


def show(
    question: Question, kinds: Collection[SensitiveKind], content_tokens: int, window_tokens: int
) -> Shown:
    """Redacts first, then fits: no cut can hide a secret from the patterns."""
    content = redact(question.item.text, kinds)
    path = redact(question.item.path, kinds)
    counts = content.counts + path.counts
    text = without_turn_marks(content.text)
    earlier, left_out = _earlier(question, kinds, counts, window_tokens // _EARLIER_SHARE)
    fitted = fit(text, content_tokens)
    return Shown(fitted, earlier, path.text, counts, injection_markers(fitted.text), left_out)


def _earlier(
    question: Question, kinds: Collection[SensitiveKind], counts: Counter[str], tokens: int
) -> tuple[tuple[dict[str, Any], ...], int]:
    kept: list[dict[str, Any]] = []
    for service, reading in reversed(question.earlier):
        said = redact(without_turn_marks(shown(reading.answer) or "no answer"), kinds)
        tokens -= token_estimate(said.text)
        if tokens < 0:
            break
        counts.update(said.counts)
        kept.append({"service": service, "answer": said.text, "confidence": reading.confidence})
    return tuple(reversed(kept)), len(question.earlier) - len(kept)
