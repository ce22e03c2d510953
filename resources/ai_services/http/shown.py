"""What of a question a service is shown: redacted, within its window, what matters most first."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from orchestration_assets.schemas.answers import shown
from orchestration_assets.schemas.items import NearItem, Question
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
    neighbours: tuple[dict[str, Any], ...]
    path: str
    redacted: Mapping[str, int]
    markers: int
    earlier_left_out: int
    neighbours_left_out: int

    @property
    def left_out(self) -> str | None:
        """What is not shown, in words."""
        parts = []
        if self.content.tokens < self.content.tokens_whole:
            parts.append(f"{self.content.tokens_whole - self.content.tokens} content tokens")
        if self.earlier_left_out:
            parts.append(f"{self.earlier_left_out} earlier answers")
        if self.neighbours_left_out:
            parts.append(f"{self.neighbours_left_out} neighbours")
        return ", ".join(parts) or None


def show(
    question: Question,
    kinds: Collection[SensitiveKind],
    content_tokens: int,
    window_tokens: int,
    *,
    with_path: bool = False,
    near: Sequence[NearItem] | None = None,
    near_tokens: int = 0,
) -> Shown:
    """Redacts first, then fits: no cut can hide a secret from the patterns.

    ``with_path``: whether the path is part of what is shown. ``near``: the neighbours that are,
    each in at most ``near_tokens`` tokens; None when none belong there.
    """
    content = redact(question.item.text, kinds)
    path = redact(question.item.path, kinds) if with_path else _NO_PATH
    earlier, left_out = _earlier(question, kinds, window_tokens // _EARLIER_SHARE)
    fitted = fit(without_turn_marks(content.text), content_tokens)
    neighbours, redacted = _neighbours(near or (), kinds, near_tokens)
    counts = _sum(content.counts, path.counts, *(said.counts for _, said, _ in earlier), *redacted)
    return Shown(
        fitted,
        tuple(
            {"service": service, "answer": said.text, "confidence": confidence}
            for service, said, confidence in earlier
        ),
        neighbours,
        path.text,
        counts,
        injection_markers(fitted.text),
        left_out,
        0 if near is None else len(question.near) + question.near_unread - len(neighbours),
    )


def _neighbours(
    near: Sequence[NearItem], kinds: Collection[SensitiveKind], tokens: int
) -> tuple[tuple[dict[str, Any], ...], list[Mapping[str, int]]]:
    """The neighbours as a prompt sees them, each in at most so many tokens; what was redacted."""
    found: list[dict[str, Any]] = []
    counts: list[Mapping[str, int]] = []
    for one in near:
        content, path = redact(one.text, kinds), redact(one.path, kinds)
        answer = redact(without_turn_marks(one.answer), kinds)
        part = fit(without_turn_marks(content.text), tokens).text
        found.append(
            {
                "content": part,
                "answer": answer.text,
                "similarity": one.similarity,
                "path": path.text,
            }
        )
        counts += (content.counts, path.counts, answer.counts)
    return tuple(found), counts


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
