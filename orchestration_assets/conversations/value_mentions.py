"""Values that a message mentions, each with the words that tell what it is about.

No form of sentence is looked for. A value shows by its own form what sort it is; what it is a value
of is told by the other words of its sentence. Of a value that is asked for, supposed, denied or of
another time there is no mention. Only the words that grade a sentence are English.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from orchestration_assets.conversations.content_words import content_words
from orchestration_assets.conversations.sentence_cues import (
    Factuality,
    asks,
    changes,
    factuality,
)
from orchestration_assets.conversations.statements import MAX_SENTENCES, telling_words
from orchestration_assets.conversations.typed_values import TypedValue, ValueKind, typed_values
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redaction import sensitive_spans
from orchestration_assets.text.sentences import one_line, sentences_of

_MAX_MENTIONS: Final = 12
_MAX_CHARS: Final = 320
"""A longer sentence, and the values in it, are about too much to be about one thing."""
_WHOLE: Final = 240
"""A message of at most so many characters is told whole, else the sentence."""
_NAME: Final = re.compile(r"[^\W\d_a-z][\w\u2019'-]*[a-z](?: [^\W\d_a-z][\w\u2019'-]*[a-z]){0,2}")
_POSSESSIVE: Final = re.compile(r"['\u2019]s?$")
_MINE: Final = re.compile(r"\b(?:my|mine)\b", re.IGNORECASE)
_ME: Final = re.compile(r"\b(?:i|me)\b", re.IGNORECASE)
_YOURS: Final = re.compile(r"\b(?:your|yours)\b", re.IGNORECASE)
_DENIED: Final = re.compile(
    r"(?:\b(?:not|never|no longer|instead of|rather than|cannot|nor)|n['\u2019]t)"
    r"(?: [^\W\d_]+){0,3}\W*$",
    re.IGNORECASE,
)
_NEVER: Final = re.compile(r"\s*(?:was|is|were|are)(?: never| not|n['\u2019]t)\b", re.IGNORECASE)
_UNIT: Final = re.compile(r"(?<=\d)\s+[^\W\d_]+$")


@dataclass(frozen=True, slots=True)
class ValueMention:
    """A value in a sentence that asserts something.

    ``words`` are those of the sentence that tell something, lower-case and without those of the
    value; ``context`` are those of the sentences before it, and of the question that it answers;
    ``owners`` are the words that name somebody or something. ``said`` is what is shown for it.
    ``may_be_owner``: the sentence holds another value, which may be one of this.
    ``denied``: it is said not to hold. ``of_speaker``: it is of who says it.
    ``sentence`` counts the sentences of the message: mentions of one stand beside each other.
    """

    value: str
    kind: ValueKind
    words: frozenset[str]
    context: frozenset[str]
    owners: frozenset[str]
    said: str
    sentence: int
    changes: bool = False
    believed: bool = False
    may_be_owner: bool = False
    denied: bool = False
    of_speaker: bool = False

    @property
    def key(self) -> str:
        """What makes two values the same: of a number it is the digits, whatever follows them."""
        return value_key(self.value, self.kind)


def value_key(value: str, kind: str) -> str:
    """A value as it is compared with others of its kind."""
    plain = " ".join(value.casefold().split())
    return _UNIT.sub("", plain) if kind == ValueKind.NUMBER else plain


def value_mentions(
    text: str, speaker: str | None, addressee: str | None, question: str
) -> list[ValueMention]:
    """The values that a message mentions, at most 12, in its order.

    ``question``: what was asked right before; "" where nothing was. A message that holds a secret
    mentions none.
    """
    if sensitive_spans(text, (SensitiveKind.SECRET,)):
        return []
    whole = one_line(text)
    before = context = content_words(question)
    found: list[ValueMention] = []
    for number, sentence in enumerate(_joined(_sentences(text))):
        words = _about(sentence, (), speaker, addressee)
        if len(sentence) <= _MAX_CHARS:
            said = whole if len(whole) <= _WHOLE else sentence
            found.extend(_of_sentence(sentence, before, context, said, number, speaker, addressee))
        before = words or before
        context |= words
        if len(found) >= _MAX_MENTIONS:
            break
    return found[:_MAX_MENTIONS]


def _sentences(text: str) -> Iterator[str]:
    left = MAX_SENTENCES
    for line in text.splitlines():
        for sentence in sentences_of(line, left) if line.strip() and left else ():
            left -= 1
            yield sentence


def _joined(sentences: Iterator[str]) -> Iterator[str]:
    """A sentence that is nothing but a value is told with the one after it."""
    before = ""
    for sentence in sentences:
        whole = f"{before} {sentence}".strip()
        if not asks(sentence) and not _about(whole, _values(whole), None, None):
            before = whole
            continue
        before = ""
        yield whole
    if before:
        yield before


def _values(sentence: str) -> tuple[TypedValue, ...]:
    typed = typed_values(sentence)
    return (*typed, *_names(sentence, typed))


def _of_sentence(
    sentence: str,
    before: frozenset[str],
    context: frozenset[str],
    said: str,
    number: int,
    speaker: str | None,
    addressee: str | None,
) -> Iterator[ValueMention]:
    typed = typed_values(sentence)
    names = list(_names(sentence, typed))
    grade = factuality(sentence) if typed or names else Factuality.NOT_ASSERTED
    if grade is Factuality.NOT_ASSERTED:
        return
    changed = changes(sentence)
    # a name and an identifier may be what another value is of; other values never are
    blank = tuple(
        _without_unit(sentence, one) for one in typed if one.kind is not ValueKind.IDENTIFIER
    )
    named = (*names, *(one for one in typed if one.kind is ValueKind.IDENTIFIER))
    owners = telling_words(*(sentence[one.start : one.end] for one in named))
    if _ME.search(sentence) and speaker:
        context |= telling_words(speaker)
    # beside a value of another sort, a name is what that is a value of
    has_value = any(one.kind is not ValueKind.NUMBER for one in typed)
    for one in typed if has_value else (*typed, *names):
        value = _POSSESSIVE.sub("", sentence[one.start : one.end])
        words = _about(sentence, (*blank, _without_unit(sentence, one)), speaker, addressee)
        if not words:
            words = before
        if words:
            yield ValueMention(
                value,
                one.kind,
                words,
                context - words,
                owners & words,
                said,
                number,
                changed,
                grade is Factuality.BELIEVED,
                one.kind is ValueKind.IDENTIFIER and len(blank) > 0,
                _is_denied(sentence, one),
                bool(_MINE.search(sentence)) and bool(speaker),
            )


def _is_denied(sentence: str, one: TypedValue) -> bool:
    before, after = sentence[: one.start], sentence[one.end :]
    return bool(_DENIED.search(before) or _NEVER.match(after))


def _without_unit(sentence: str, one: TypedValue) -> TypedValue:
    """What follows a number tells what it counts."""
    if one.kind is not ValueKind.NUMBER:
        return one
    return one._replace(end=one.start + len(_UNIT.sub("", sentence[one.start : one.end])))


def _names(sentence: str, typed: list[TypedValue]) -> Iterator[TypedValue]:
    """Capitalised words that do not stand where every sentence has a capital."""
    for match in _NAME.finditer(sentence):
        start, end = match.span()
        before = sentence[:start].rstrip(" \"'(*-")
        # two capitals in a row are a name wherever they stand
        if (not before or before[-1] in ".!?:") and " " not in match[0]:
            continue
        if len(match[0]) > 1 and all(end <= o.start or start >= o.end for o in typed):
            yield TypedValue(start, end, ValueKind.NAME)


def _about(
    sentence: str,
    values: tuple[TypedValue, ...],
    speaker: str | None,
    addressee: str | None,
) -> frozenset[str]:
    """What a sentence is about without its values; *my* is the speaker, *your* the addressee."""
    text = sentence
    for one in values:
        text = text[: one.start] + " " * (one.end - one.start) + text[one.end :]
    words = content_words(text)
    if _MINE.search(text) and speaker:
        words |= telling_words(speaker)
    if _YOURS.search(text) and addressee:
        words |= telling_words(addressee)
    return words
