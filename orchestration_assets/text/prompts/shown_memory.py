"""What is remembered of a conversation as a prompt shows it: redacted, and as much as fits."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from orchestration_assets.schemas.conversations import (
    ConversationMemory,
    MemoryLevel,
    MemoryPiece,
)
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redaction import RedactedText, redact, without_turn_marks
from orchestration_assets.text.sentences import one_line
from orchestration_assets.text.token_estimates import token_estimate

_SECTIONS: Final = (
    (MemoryLevel.CORE, "core", "Given:"),
    (MemoryLevel.FACT, "facts", "Facts stated so far:"),
    (MemoryLevel.SUMMARY, "summary", "Summary of earlier messages:"),
    (MemoryLevel.EVENT, "events", "Earlier messages:"),
    (MemoryLevel.RECENT, "recent", "Latest messages:"),
)
"""In the order that they are shown, with their name among the values and their heading."""
_HEADING_TOKENS: Final = {level: token_estimate(heading) for level, _, heading in _SECTIONS}
_SHARE: Final = 4
"""What can be said in brief is shown whole only within one of so many tokens, so that one long
message does not take the place of all others; what is left at the end goes to it again."""
_MESSAGES: Final = (MemoryLevel.EVENT, MemoryLevel.RECENT)
_LONG: Final = 48
"""A message of fewer tokens is shown whole or not at all."""
_BEGINNING: Final = 160
"""Characters of the beginning that stands for a long message which has nothing else in brief."""
_SPEAKER_CHARS: Final = 200
_MAX_KEPT: Final = 8_192
_MAX_KEPT_CHARS: Final = 2_048
"""So many redacted texts are kept, of so many characters at most: a message is shown again for
each message that follows it."""


class _Line(NamedTuple):
    """A text as it is shown: what it takes of the prompt, and what was redacted in it."""

    text: str
    block: str
    tokens: int
    counts: Mapping[str, int]


class _Candidate(NamedTuple):
    """A piece with all that may be shown of it. ``place`` is its place among those given."""

    place: int
    level: MemoryLevel
    priority: float
    number: int | None
    speaker: str | None
    whole: _Line
    brief: _Line | None


class _Choice(NamedTuple):
    candidate: _Candidate
    line: _Line

    @property
    def in_brief(self) -> bool:
        return self.line is not self.candidate.whole


class ShownMemory(NamedTuple):
    """What a prompt sees of a conversation.

    ``values``: ``core``, ``facts``, ``summary``, ``events`` and ``recent``, each a list of
    ``{"text", "number", "speaker"}``, and ``text``, all of it as one block of lines. ``tokens`` are
    those of ``text``, estimated. ``counts``: what was redacted in what is shown, by kind.
    ``left_out``: what is not shown, or not whole, in words; None when all is.
    """

    values: dict[str, Any]
    counts: Mapping[str, int]
    left_out: str | None
    tokens: int
    candidates: tuple[_Candidate, ...]
    memory: ConversationMemory

    def smaller(self, tokens: int) -> "ShownMemory | None":
        """The memory with about ``tokens`` tokens less, at least one; None when none is shown."""
        if not self.tokens:
            return None
        return _fitted(self.candidates, self.memory, max(0, self.tokens - max(1, tokens)))


def shown_memory(
    memory: ConversationMemory, kinds: Collection[SensitiveKind], tokens: int
) -> ShownMemory:
    """As much of the memory as fits into so many tokens, by priority.

    Each piece, the highest priority first, is shown whole, else in brief, else not at all: none is
    missing while one of lower priority is shown, unless not even its brief fits. Lines that follow
    the first of a message are indented: no message can pass for several.
    """
    kept = tuple(kinds)
    candidates = tuple(_candidate(*numbered, kept) for numbered in enumerate(memory.pieces))
    ranked = tuple(sorted(candidates, key=lambda one: (-one.priority, one.place)))
    return _fitted(ranked, memory, tokens)


def shown_speaker(speaker: str | None, kinds: Collection[SensitiveKind]) -> RedactedText:
    """Who says a message, on one line of at most 200 characters, cut after it was redacted; "" for
    nobody."""
    who = _redacted(one_line(speaker or ""), tuple(kinds))
    return who._replace(text=who.text[:_SPEAKER_CHARS])


def _candidate(place: int, piece: MemoryPiece, kinds: tuple[SensitiveKind, ...]) -> _Candidate:
    said_by = shown_speaker(piece.speaker, kinds).text
    whole = _line(piece.text, piece.number, said_by, kinds)
    brief = (
        _line(piece.brief, piece.number, said_by, kinds)
        if piece.brief
        else _beginning(whole, piece, said_by)
    )
    if brief is not None and brief.tokens >= whole.tokens:
        brief = None
    return _Candidate(
        place, piece.level, piece.priority, piece.number, said_by or None, whole, brief
    )


def _beginning(whole: _Line, piece: MemoryPiece, speaker: str | None) -> _Line | None:
    """How a long message begins, cut after it was redacted: of one that holds a secret nothing
    shorter is given, since no cut may hide what a secret is recognised by."""
    if piece.level not in _MESSAGES or whole.tokens < _LONG or len(whole.text) <= _BEGINNING:
        return None
    start = whole.text[:_BEGINNING]
    words = start.rpartition(" ")[0] if " " in start[_BEGINNING // 2 :] else start
    text = f"{words.rstrip()} ..."
    marks = {kind: text.count(f"[{kind.upper()}]") for kind in whole.counts}
    counts = {kind: count for kind, count in marks.items() if count}
    return _block(RedactedText(text, counts), piece.number, speaker)


def _line(
    text: str, number: int | None, speaker: str | None, kinds: tuple[SensitiveKind, ...]
) -> _Line:
    return _block(_redacted(text, kinds), number, speaker)


def _block(content: RedactedText, number: int | None, speaker: str | None) -> _Line:
    first = f"[{number}] " if number is not None else "- "
    who = f"{speaker}: " if speaker else ""
    block = first + who + "\n    ".join(content.text.splitlines())
    return _Line(content.text, block, token_estimate(block), content.counts)


def _redacted(text: str, kinds: tuple[SensitiveKind, ...]) -> RedactedText:
    shown_by = _kept if len(text) <= _MAX_KEPT_CHARS else _kept.__wrapped__
    return shown_by(text, kinds)


@lru_cache(maxsize=_MAX_KEPT)
def _kept(text: str, kinds: tuple[SensitiveKind, ...]) -> RedactedText:
    return redact(without_turn_marks(text), kinds)


def _fitted(ranked: tuple[_Candidate, ...], memory: ConversationMemory, tokens: int) -> ShownMemory:
    """What fits of pieces that are given by priority.

    Tokens end where lines do, so that the block takes at most the sum of its lines.
    """
    left = tokens
    chosen: dict[int, _Choice] = {}
    opened: set[MemoryLevel] = set()
    share = tokens if _all_fit(ranked, tokens) else tokens // _SHARE
    for one in ranked:
        heading = 0 if one.level in opened else _HEADING_TOKENS[one.level]
        bound = left if one.brief is None else min(left, share)
        line = one.whole if heading + one.whole.tokens <= bound else one.brief
        if line is not None and heading + line.tokens <= left:
            chosen[one.place] = _Choice(one, line)
            opened.add(one.level)
            left -= heading + line.tokens
    for place, choice in chosen.items():
        more = choice.candidate.whole.tokens - choice.line.tokens
        if choice.in_brief and more <= left:
            chosen[place] = choice._replace(line=choice.candidate.whole)
            left -= more
    return _shown(ranked, chosen, memory)


def _all_fit(ranked: Sequence[_Candidate], tokens: int) -> bool:
    headings = sum(_HEADING_TOKENS[level] for level in {one.level for one in ranked})
    return headings + sum(one.whole.tokens for one in ranked) <= tokens


def _shown(
    ranked: tuple[_Candidate, ...], chosen: Mapping[int, _Choice], memory: ConversationMemory
) -> ShownMemory:
    values: dict[str, Any] = {}
    blocks: list[str] = []
    for level, name, heading in _SECTIONS:
        own = [one for one in chosen.values() if one.candidate.level is level]
        own.sort(key=lambda one: (one.candidate.number or 0, one.candidate.place))
        values[name] = [
            {
                "text": one.line.text,
                "number": one.candidate.number,
                "speaker": one.candidate.speaker,
            }
            for one in own
        ]
        if own:
            blocks += [heading, *(one.line.block for one in own)]
    values["text"] = "\n".join(blocks)
    counts: Counter[str] = Counter()
    for choice in chosen.values():
        counts.update(choice.line.counts)
    return ShownMemory(
        values,
        dict(sorted(counts.items())),
        _left_out(ranked, chosen, memory),
        token_estimate(values["text"]),
        ranked,
        memory,
    )


def _left_out(
    ranked: Iterable[_Candidate], chosen: Mapping[int, _Choice], memory: ConversationMemory
) -> str | None:
    """What is missing, for a person to read: messages by how much of them is shown, and the rest.

    A message of which only a sentence stands in the summary is shown in brief. Of messages beyond
    what the policy has remembered, neither facts nor anything else is left.
    """
    whole: set[int] = set()
    brief: set[int] = set()
    missing: Counter[MemoryLevel] = Counter()
    for one in ranked:
        choice = chosen.get(one.place)
        if choice is None:
            missing[one.level] += 1
        elif one.number is not None and one.level is not MemoryLevel.FACT:
            in_brief = one.level is MemoryLevel.SUMMARY or choice.in_brief
            (brief if in_brief else whole).add(one.number)
    brief -= whole
    without = max(0, memory.messages - len(whole) - len(brief))
    beyond = f" ({memory.beyond} beyond conversation.messages)" if memory.beyond else ""
    parts = [
        f"{_counted(without, 'message')} of {memory.messages}{beyond}" if without else "",
        f"{len(brief)} in brief" if brief else "",
        _counted(missing[MemoryLevel.FACT], "fact") if missing[MemoryLevel.FACT] else "",
        f"{missing[MemoryLevel.CORE]} that are always given" if missing[MemoryLevel.CORE] else "",
    ]
    return ", ".join(filter(None, parts)) or None


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
