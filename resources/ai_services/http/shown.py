"""What of a question a service is shown: redacted, within its window, what matters most first."""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from orchestration_assets.schemas.answers import shown
from orchestration_assets.schemas.items import Question
from orchestration_assets.schemas.services import SensitiveKind
from resources.ai_services.context import Fitted, fit
from resources.ai_services.guard import Redacted, injection_markers, redact, without_turn_marks
from resources.ai_services.tokens import token_estimate

_EARLIER_SHARE: Final = 4
"""Earlier answers take at most one in so many tokens of the window; the latest come first."""
_NO_PATH: Final = Redacted("", {})


class Shown(NamedTuple):
    """The parts of a prompt that come from the item."""

    content: Fitted
    earlier: tuple[dict[str, Any], ...]
    path: str
    redacted: Mapping[str, int]
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
    question: Question,
    kinds: Collection[SensitiveKind],
    content_tokens: int,
    window_tokens: int,
    *,
    with_path: bool = False,
) -> Shown:
    """Redacts first, then fits: no cut can hide a secret from the patterns.

    ``with_path``: whether the path is part of what is shown.
    """
    content = redact(question.item.text, kinds)
    path = redact(question.item.path, kinds) if with_path else _NO_PATH
    earlier, left_out = _earlier(question, kinds, window_tokens // _EARLIER_SHARE)
    fitted = fit(without_turn_marks(content.text), content_tokens)
    counts = _sum(content.counts, path.counts, *(said.counts for _, said, _ in earlier))
    return Shown(
        fitted,
        tuple(
            {"service": service, "answer": said.text, "confidence": confidence}
            for service, said, confidence in earlier
        ),
        path.text,
        counts,
        injection_markers(fitted.text),
        left_out,
    )


def _earlier(
    question: Question, kinds: Collection[SensitiveKind], tokens: int
) -> tuple[list[tuple[str, Redacted, float | None]], int]:
    """The latest answers that fit, in their order, and how many do not."""
    kept: list[tuple[str, Redacted, float | None]] = []
    for service, reading in reversed(question.earlier):
        said = redact(without_turn_marks(shown(reading.answer) or "no answer"), kinds)
        tokens -= token_estimate(said.text)
        if tokens < 0:
            break
        kept.append((service, said, reading.confidence))
    return kept[::-1], len(question.earlier) - len(kept)


def _sum(*counts: Mapping[str, int]) -> Mapping[str, int]:
    found = [one for one in counts if one]
    if len(found) < 2:
        return found[0] if found else {}
    return {kind: sum(one.get(kind, 0) for one in found) for one in found for kind in one}
