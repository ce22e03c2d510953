"""The parts of a question that a prompt shows: redacted, and cut to fit the model's window."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from orchestration_assets.schemas.answers import shown
from orchestration_assets.schemas.conversations import ConversationMemory
from orchestration_assets.schemas.items import NearItem, Question
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.context_window import FittedContext, fit, fit_pieces
from orchestration_assets.text.prompts.shown_answers import ShownAnswer, shown_answers
from orchestration_assets.text.prompts.shown_memory import ShownMemory, shown_memory, shown_speaker
from orchestration_assets.text.prompts.shown_parts import shown_part, shown_parts
from orchestration_assets.text.prompts.shown_passages import shown_passages
from orchestration_assets.text.redacted_pieces import RedactedPieces, redacted_pieces
from orchestration_assets.text.redaction import (
    RedactedText,
    injection_markers,
    redact,
    without_turn_marks,
)
from orchestration_assets.text.token_estimates import token_estimate

_EARLIER_SHARE: Final = 4
"""Earlier answers take at most one in so many tokens of the window; the latest come first."""
_MEMORY_SHARE: Final = 2
"""One in so many tokens of the memory is kept as long as there is content that can give way."""
_NEIGHBOUR_CHARS: Final = 16_000
"""Characters of a neighbour that its few hundred tokens are chosen from."""
_MAX_SECRET_CHARS: Final = 24_000
"""A private key may begin within those characters and end behind them."""
_MAX_KEPT_CHARS: Final = 16_384
_MAX_KEPT: Final = 256
"""So many redacted texts are kept, of so many characters at most: a few megabytes."""
_NOTHING_SAID: Final = RedactedText("", {})
_NO_MEMORY: Final = shown_memory(ConversationMemory((), 0, ""), (), 0)
"""Of an item that belongs to no conversation."""


class SentContent(NamedTuple):
    """What leaves the machine for one question.

    ``content_share`` is the share of the content's tokens in [0, 1] that is sent, ``left_out``
    names what is not; ``redacted`` counts what was taken out, by kind.
    """

    tokens_estimated: int
    content_share: float
    left_out: str | None
    redacted: Mapping[str, int]
    injection_markers: int


class PromptContext(NamedTuple):
    """The parts of a prompt that come from the item. ``content`` was chosen from ``pieces``."""

    pieces: RedactedPieces
    content: FittedContext
    earlier: tuple[dict[str, Any], ...]
    neighbours: tuple[dict[str, Any], ...]
    path: str
    redacted: Mapping[str, int]
    earlier_left_out: int
    neighbours_left_out: int
    answers: Mapping[str, ShownAnswer]
    answers_cut: int
    part: Mapping[str, Any]
    parts: tuple[Mapping[str, Any], ...]
    passages: tuple[dict[str, Any], ...] = ()
    passages_left_out: int = 0
    memory: ShownMemory = _NO_MEMORY
    memory_kept: int = 0
    speaker: str = ""

    @property
    def left_out(self) -> str | None:
        """What is not shown, for a person to read; None when all is."""
        parts = []
        if self.content.tokens < self.content.tokens_whole:
            parts.append(f"{self.content.tokens_whole - self.content.tokens} content tokens")
        if self.earlier_left_out:
            parts.append(f"{self.earlier_left_out} earlier answers")
        if self.neighbours_left_out:
            parts.append(f"{self.neighbours_left_out} neighbours")
        if self.passages_left_out:
            parts.append(f"{self.passages_left_out} passages")
        if self.memory.left_out:
            parts.append(f"of the conversation {self.memory.left_out}")
        if self.answers_cut:
            parts.append(f"the ends of {self.answers_cut} answers to other tasks")
        return ", ".join(parts) or None

    @property
    def injection_markers(self) -> int:
        """Places in what is shown that read like instructions to a model."""
        shown = (*self.neighbours, *self.passages)
        near = sum([injection_markers(one["content"]) for one in shown]) if shown else 0
        said = self.memory.values["text"]
        remembered = injection_markers(said) if said else 0
        return injection_markers(self.content.text) + near + remembered

    def sent(self, tokens: int) -> SentContent:
        """The record of a request of so many tokens that holds this context."""
        redacted = dict(sorted(self.redacted.items())) if self.redacted else {}
        return SentContent(
            tokens, self.content.share, self.left_out, redacted, self.injection_markers
        )

    def smaller(self, tokens: int) -> "PromptContext | None":
        """The context with about ``tokens`` tokens less; None when there is nothing to remove.

        Neighbours are removed first, the least similar before others; then passages but the best;
        then half of the memory, what matters least before the rest; then content; then that
        passage, what is left of the memory, and earlier answers, the oldest first.
        """
        if self.neighbours:
            left_out = self.neighbours_left_out + 1
            return self._replace(neighbours=self.neighbours[:-1], neighbours_left_out=left_out)
        if len(self.passages) > 1:
            return self._without_last_passage()
        spare = self.memory.tokens - self.memory_kept
        if spare > 0 and (memory := self.memory.smaller(min(tokens, spare))) is not None:
            return self._replace(memory=memory)
        if self.content.tokens:
            return self._replace(
                content=fit_pieces(self.pieces, max(0, self.content.tokens - tokens))
            )
        if self.passages:
            return self._without_last_passage()
        if (memory := self.memory.smaller(tokens)) is not None:
            return self._replace(memory=memory)
        if self.earlier:
            left_out = self.earlier_left_out + 1
            return self._replace(earlier=self.earlier[1:], earlier_left_out=left_out)
        return None

    def _without_last_passage(self) -> "PromptContext":
        left_out = self.passages_left_out + 1
        return self._replace(passages=self.passages[:-1], passages_left_out=left_out)


def context_for(
    question: Question,
    kinds: Collection[SensitiveKind],
    content_tokens: int,
    window_tokens: int,
    *,
    with_path: bool = False,
    neighbour_tokens: int | None = None,
    passage_tokens: int | None = None,
    memory_tokens: int | None = None,
    with_answers: bool = False,
) -> PromptContext:
    """What a prompt shows of a question: redacted first, then cut to its token limits.

    ``window_tokens`` limits the whole prompt. ``with_path``: whether the path is shown.
    ``neighbour_tokens`` limits all neighbours together; None when none are shown.
    ``passage_tokens`` limits all passages together; None when none are shown.
    ``memory_tokens`` limits what is shown of the conversation; None when nothing is.
    ``with_answers``: whether the answers to the tasks before this one are shown. A long text is cut
    into pieces before it is redacted, at places that no secret spans.
    """
    text = question.item.text
    shown_by = _shown if len(text) <= _MAX_KEPT_CHARS else _shown.__wrapped__
    pieces, in_content, content = shown_by(text, tuple(kinds), content_tokens)
    if not with_path and _is_alone(question):
        unread = 0 if neighbour_tokens is None else question.near_unread
        part, _ = shown_part(None, kinds)
        return PromptContext(
            pieces, content, (), (), "", in_content, 0, unread, {}, 0, part, parts=()
        )
    path = redact(without_turn_marks(question.item.path), kinds) if with_path else _NOTHING_SAID
    earlier, left_out = _earlier_answers(question, kinds, window_tokens // _EARLIER_SHARE)
    items = question.near if neighbour_tokens is not None else ()
    neighbours, redacted = _neighbours(items, kinds, neighbour_tokens or 0) if items else ((), [])
    chosen = question.passages if passage_tokens is not None else ()
    passages, without = shown_passages(chosen, kinds, passage_tokens or 0) if chosen else ([], 0)
    memory, speaker = _NO_MEMORY, _NOTHING_SAID
    if memory_tokens is not None and question.memory is not None:
        memory = shown_memory(question.memory, kinds, memory_tokens)
        speaker = shown_speaker(question.memory.speaker, kinds)
    before = question.answers if with_answers else ()
    answers = shown_answers(before, kinds, window_tokens // _EARLIER_SHARE)
    part, in_part = shown_part(question.part, kinds)
    parts = shown_parts(question.parts, kinds)
    counts = _summed(
        in_content,
        path.counts,
        *(answer.counts for _, answer, _ in earlier),
        *redacted,
        *(one.counts for one in passages),
        memory.counts,
        speaker.counts,
        *answers.redacted,
        *in_part,
    )
    return PromptContext(
        pieces,
        content,
        tuple(
            {"service": service, "answer": answer.text, "confidence": confidence}
            for service, answer, confidence in earlier
        ),
        neighbours,
        path.text,
        counts,
        left_out,
        0 if neighbour_tokens is None else question.near_unread,
        answers.by_task,
        answers.cut,
        part,
        parts,
        tuple(one.values for one in passages),
        without,
        memory,
        memory.tokens // _MEMORY_SHARE,
        speaker.text,
    )


def _is_alone(question: Question) -> bool:
    """Whether nothing can be shown but the content."""
    beside = question.earlier or question.near or question.passages or question.answers
    return not (beside or question.parts) and question.memory is None and question.part is None


@lru_cache(maxsize=_MAX_KEPT)
def _shown(
    text: str, kinds: tuple[SensitiveKind, ...], tokens: int
) -> tuple[RedactedPieces, Mapping[str, int], FittedContext]:
    """A text redacted, what was taken out, and as much of it as fits.

    Kept for short texts: several services are asked about the same one, each for several tasks.
    """
    pieces, counts = redacted_pieces(text, tokens, lambda part: redact(part, kinds))
    pieces = RedactedPieces(tuple(map(without_turn_marks, pieces.texts)), pieces.share)
    return pieces, counts, fit_pieces(pieces, tokens)


def _neighbours(
    near: Sequence[NearItem], kinds: Collection[SensitiveKind], tokens: int
) -> tuple[tuple[dict[str, Any], ...], list[Mapping[str, int]]]:
    """The neighbours as a prompt sees them, and what was redacted in each part of them."""
    neighbours: list[dict[str, Any]] = []
    counts: list[Mapping[str, int]] = []
    for neighbour in near:
        content = _redacted_start(neighbour.text, kinds)
        path = redact(without_turn_marks(neighbour.path), kinds)
        answer = redact(without_turn_marks(neighbour.answer), kinds)
        part = fit(without_turn_marks(content.text), tokens // len(near)).text
        similarity = {"similarity": neighbour.similarity}
        neighbours.append({"content": part, "answer": answer.text, "path": path.text, **similarity})
        counts += (content.counts, path.counts, answer.counts)
    return tuple(neighbours), counts


def _redacted_start(text: str, kinds: Collection[SensitiveKind]) -> RedactedText:
    """The start of a text, redacted; of a long one, without what a cut may have hidden."""
    redacted = redact(text[: _NEIGHBOUR_CHARS + _MAX_SECRET_CHARS], kinds)
    if len(text) <= _NEIGHBOUR_CHARS + _MAX_SECRET_CHARS:
        return redacted
    return redacted._replace(text=redacted.text[: max(0, len(redacted.text) - _MAX_SECRET_CHARS)])


def _earlier_answers(
    question: Question, kinds: Collection[SensitiveKind], tokens: int
) -> tuple[list[tuple[str, RedactedText, float | None]], int]:
    """The latest answers that fit, in their order, and how many do not."""
    if not question.earlier:
        return [], 0
    kept: list[tuple[str, RedactedText, float | None]] = []
    for service, reading in reversed(question.earlier):
        answer = redact(without_turn_marks(shown(reading.answer) or "no answer"), kinds)
        tokens -= token_estimate(answer.text)
        if tokens < 0:
            break
        kept.append((service, answer, reading.confidence))
    return kept[::-1], len(question.earlier) - len(kept)


def _summed(*counts: Mapping[str, int]) -> Mapping[str, int]:
    if not any(counts):
        return {}
    nonempty = [counter for counter in counts if counter]
    if len(nonempty) < 2:
        return nonempty[0] if nonempty else {}
    return {
        kind: sum(counter.get(kind, 0) for counter in nonempty)
        for counter in nonempty
        for kind in counter
    }
