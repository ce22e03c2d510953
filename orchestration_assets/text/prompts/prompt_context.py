"""What of a question a service is shown: redacted, within its window, what matters most first."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from orchestration_assets.schemas.answers import shown
from orchestration_assets.schemas.items import NearItem, Question
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.context_window import FittedContext, fit, fit_pieces
from orchestration_assets.text.redacted_pieces import RedactedPieces, redacted_pieces
from orchestration_assets.text.redaction import (
    RedactedText,
    injection_markers,
    redact,
    without_turn_marks,
)
from orchestration_assets.text.token_estimates import token_estimate

_EARLIER_SHARE: Final = 4
"""Earlier answers take at most one in so many tokens of the room; the latest come first."""
_NEAR_CHARS: Final = 16_000
"""So much of a near item is chosen from: it is shown in a few hundred tokens."""
_LONGEST_SECRET: Final = 24_000
"""A private key may begin within what is chosen from and end beyond it."""
_NO_PATH: Final = RedactedText("", {})


class PromptContext(NamedTuple):
    """The parts of a prompt that come from the item. ``pieces`` is what ``content`` is part of."""

    pieces: RedactedPieces
    content: FittedContext
    earlier: tuple[dict[str, Any], ...]
    neighbours: tuple[dict[str, Any], ...]
    path: str
    redacted: Mapping[str, int]
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

    @property
    def markers(self) -> int:
        """Places in what is shown that read like instructions."""
        near = sum(injection_markers(one["content"]) for one in self.neighbours)
        return injection_markers(self.content.text) + near

    def smaller(self, tokens: int) -> "PromptContext | None":
        """The same with less in it, towards ``tokens`` fewer; None when nothing is left to go.

        What is like the content gives way before it, the least near first; then the content, and
        what others said of it last, the oldest first.
        """
        if self.neighbours:
            left_out = self.neighbours_left_out + 1
            return self._replace(neighbours=self.neighbours[:-1], neighbours_left_out=left_out)
        if self.content.tokens:
            return self._replace(
                content=fit_pieces(self.pieces, max(0, self.content.tokens - tokens))
            )
        if self.earlier:
            left_out = self.earlier_left_out + 1
            return self._replace(earlier=self.earlier[1:], earlier_left_out=left_out)
        return None


def show(
    question: Question,
    kinds: Collection[SensitiveKind],
    content_tokens: int,
    room: int,
    *,
    with_path: bool = False,
    near_tokens: int | None = None,
) -> PromptContext:
    """Redacts, then fits; a long text is cut into pieces first, where no secret can span a cut.

    ``room`` is what the whole prompt may take, in tokens. ``with_path``: whether the path is part
    of what is shown. ``near_tokens`` is what all near items may take together; None when none
    belong there.
    """
    pieces, in_content = redacted_pieces(
        question.item.text, content_tokens, lambda text: redact(text, kinds)
    )
    pieces = pieces._replace(texts=tuple(map(without_turn_marks, pieces.texts)))
    path = redact(without_turn_marks(question.item.path), kinds) if with_path else _NO_PATH
    earlier, left_out = _earlier(question, kinds, room // _EARLIER_SHARE)
    near = question.near if near_tokens is not None else ()
    neighbours, redacted = _neighbours(near, kinds, near_tokens or 0) if near else ((), [])
    counts = _sum(in_content, path.counts, *(said.counts for _, said, _ in earlier), *redacted)
    return PromptContext(
        pieces,
        fit_pieces(pieces, content_tokens),
        tuple(
            {"service": service, "answer": said.text, "confidence": confidence}
            for service, said, confidence in earlier
        ),
        neighbours,
        path.text,
        counts,
        left_out,
        0 if near_tokens is None else question.near_unread,
    )


def _neighbours(
    near: Sequence[NearItem], kinds: Collection[SensitiveKind], tokens: int
) -> tuple[tuple[dict[str, Any], ...], list[Mapping[str, int]]]:
    """The neighbours as a prompt sees them, and what was redacted in each part of them."""
    found: list[dict[str, Any]] = []
    counts: list[Mapping[str, int]] = []
    for one in near:
        content = _beginning(one.text, kinds)
        path = redact(without_turn_marks(one.path), kinds)
        answer = redact(without_turn_marks(one.answer), kinds)
        part = fit(without_turn_marks(content.text), tokens // len(near)).text
        similarity = {"similarity": one.similarity}
        found.append({"content": part, "answer": answer.text, "path": path.text, **similarity})
        counts += (content.counts, path.counts, answer.counts)
    return tuple(found), counts


def _beginning(text: str, kinds: Collection[SensitiveKind]) -> RedactedText:
    """Where a long text begins, redacted; what a cut may have hidden from the patterns is not
    in it."""
    looked_at = redact(text[: _NEAR_CHARS + _LONGEST_SECRET], kinds)
    if len(text) <= _NEAR_CHARS + _LONGEST_SECRET:
        return looked_at
    return looked_at._replace(text=looked_at.text[: max(0, len(looked_at.text) - _LONGEST_SECRET)])


def _earlier(
    question: Question, kinds: Collection[SensitiveKind], tokens: int
) -> tuple[list[tuple[str, RedactedText, float | None]], int]:
    """The latest answers that fit, in their order, and how many do not."""
    if not question.earlier:
        return [], 0
    kept: list[tuple[str, RedactedText, float | None]] = []
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
