"""The places of a text that tell which answer is right: where it says what the answers say."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Final

from orchestration_assets.text.document_frequencies import OUT_OF, document_frequencies
from orchestration_assets.text.graphemes import boundary_after, boundary_before
from orchestration_assets.text.written_values import spans_of_value

_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003fffd"
)
"""Scripts that write no spaces between words: Thai to Khmer, kana, ideographs."""
_WORD: Final = re.compile(
    rf"[{_UNSPACED}]|[A-Z]{{2,}}(?![a-z])|[A-Z]?[^\W\d_A-Z{_UNSPACED}]+|[A-Z]|\d+"
)
_IS_UNSPACED: Final = re.compile(rf"[{_UNSPACED}]")
_MAX_CHARS: Final = 600
"""Characters of an answer or quote that are looked for."""
_MAX_PHRASES: Final = 48
_MAX_WORDS: Final = 96
_MAX_PLACES: Final = 40
"""Places of one word or phrase that are looked at."""
_MAX_TRIES: Final = 2000
_MAX_BETWEEN: Final = 12
"""Characters that are no letters between two words of a phrase: marks of emphasis, line ends."""
_LEAST_WEIGHT: Final = 0.3
"""A word that three in four documents have tells nothing."""
_QUOTED: Final = 4.0
_WHOLE: Final = 2.0
_SAID_BY_ALL: Final = 0.5


@dataclass(frozen=True, slots=True)
class DecidingPlace:
    """A span of a text, what of the answers stands there (in lower case), and how telling it is."""

    start: int
    end: int
    phrase: str
    weight: float


def deciding_places(
    text: str, answers: Sequence[str], quotes: Sequence[str] = ()
) -> list[DecidingPlace]:
    """Where the text says what was quoted, or what an answer says as a whole, or words of it.

    In the order of the text. The weight of a word is its inverse document frequency; of a phrase
    the sum of those of its words, twice for a whole answer, four times for a quote; half where all
    answers have it. What occurs often in the text weighs less. Words are compared in lower case,
    whatever stands between them; identifiers are split at capitals and underscores. A date or a
    number is looked for as a whole, in whichever form the text writes it. Linear in the text, for a
    bounded number of words.
    """
    lowered = _lowered(text)
    answers = answers[:_MAX_PHRASES]
    phrases = [_words_of(answer) for answer in answers]
    times = Counter(phrases)
    values = {
        phrase: find
        for phrase, answer in zip(phrases, answers, strict=True)
        if (find := spans_of_value(answer)) is not None
    }
    found = [
        place
        for quote in dict.fromkeys(quotes[:_MAX_PHRASES])
        for place in _quoted_places(text, lowered, quote)
    ]
    for phrase in dict.fromkeys(phrases):
        factor = _WHOLE * _share(times[phrase], len(phrases))
        if phrase in values:
            spans = list(islice(values[phrase](text), _MAX_PLACES))
            found += _weighed(text, spans, " ".join(phrase), factor * max(_weight(phrase), 1.0))
        else:
            found += _places(text, lowered, phrase, factor)
    # a part of a date or of a number stands for others too
    whole = {place.phrase for place in found} | {" ".join(phrase) for phrase in values}
    parts = [tuple(dict.fromkeys(_parts_of(answer))) for answer in answers]
    times.update(part for each in parts for part in each)
    # words of an answer that stands there as a whole would lead away from it
    sought = dict.fromkeys(
        part
        for phrase, each in zip(phrases, parts, strict=True)
        if " ".join(phrase) not in whole
        for part in each
    )
    for part in list(sought)[:_MAX_WORDS]:
        found += _places(text, lowered, part, _share(times[part], len(phrases)))
    return sorted(found, key=lambda place: (place.start, -place.end))


def _share(count: int, answers: int) -> float:
    return _SAID_BY_ALL if 1 < answers == count else 1.0


def _words_of(text: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(text[:_MAX_CHARS]))


def _parts_of(text: str) -> Iterator[tuple[str, ...]]:
    """The single words that can tell anything, and pairs of words that tell it together.

    These are names and what stands beside a number; where no spaces are written, all pairs.
    """
    words = _WORD.findall(text[:_MAX_CHARS])
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        unspaced = _IS_UNSPACED.match(word) is not None
        if not unspaced and not _too_short(word):
            yield (word.lower(),)
        if following and (
            (unspaced and _IS_UNSPACED.match(following))
            or word.isdigit()
            or following.isdigit()
            or (word[0].isupper() and following[0].isupper())
        ):
            yield word.lower(), following.lower()


def _weight(words: Sequence[str]) -> float:
    table, rarest = document_frequencies()
    return sum(math.log(OUT_OF / table.get(word, rarest / 2)) for word in words)


def _places(
    text: str, lowered: str, phrase: tuple[str, ...], factor: float
) -> Iterator[DecidingPlace]:
    if not phrase or (len(phrase) == 1 and _too_short(phrase[0])):
        return
    unspaced = _IS_UNSPACED.match(phrase[0]) is not None
    weight = factor * _weight(["".join(phrase)] if unspaced else phrase)
    if weight < _LEAST_WEIGHT:
        return
    yield from _weighed(text, list(_spans(text, lowered, phrase)), " ".join(phrase), weight)


def _quoted_places(text: str, lowered: str, quote: str) -> Iterator[DecidingPlace]:
    """Where a quote stands, sign by sign; else where its words follow each other."""
    quote = quote.strip()[:_MAX_CHARS].lower()
    words = _words_of(quote)
    if not quote:
        return
    spans = list(islice(_exact_spans(text, lowered, quote), _MAX_PLACES))
    if not spans and words:
        spans = list(_spans(text, lowered, words))
    # what a service names as decisive counts, however frequent its words are
    yield from _weighed(text, spans, quote, _QUOTED * max(_weight(words), 1.0))


def _weighed(
    text: str, spans: Sequence[tuple[int, int]], phrase: str, weight: float
) -> Iterator[DecidingPlace]:
    # words end at graphemes where all signs are ASCII
    whole: Sequence[tuple[int, int]] = spans
    if not text.isascii():
        size = len(text)
        whole = [(boundary_before(text, a), boundary_after(text, b, size)) for a, b in spans]
    for start, end in whole:
        yield DecidingPlace(start, end, phrase, weight / (1.0 + math.log(len(spans))))


def _exact_spans(text: str, lowered: str, quote: str) -> Iterator[tuple[int, int]]:
    at = lowered.find(quote)
    while at >= 0:
        end = at + len(quote)
        if not _joined(text, at) and not _joined(text, end):
            yield at, end
        at = lowered.find(quote, end)


def _too_short(word: str) -> bool:
    """One letter or digit, and two plain letters, stand everywhere."""
    return (len(word) < 2 and word.isalnum()) or (
        len(word) == 2 and word.isascii() and word.isalpha()
    )


def _spans(text: str, lowered: str, phrase: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    first, rest = phrase[0], phrase[1:]
    at = lowered.find(first)
    tries = found = 0
    while at >= 0 and found < _MAX_PLACES and tries < _MAX_TRIES:
        tries += 1
        end: int | None = _word_end(text, at, at + len(first))
        if end is not None and not _joined(text, at):
            for word in rest:
                end = _next_word(text, lowered, end, word)
                if end is None:
                    break
            if end is not None:
                found += 1
                yield at, end
                at = end - 1
        at = lowered.find(first, at + 1)


def _next_word(text: str, lowered: str, at: int, word: str) -> int | None:
    """The end of the word, where it is the next one from a position on."""
    latest = min(at + _MAX_BETWEEN, len(text))
    while at < latest and not text[at].isalnum():
        at += 1
    if not lowered.startswith(word, at) or _joined(text, at):
        return None
    return _word_end(text, at, at + len(word))


def _word_end(text: str, start: int, end: int) -> int | None:
    """The end of the word that begins there, a plural included; None where it is a longer one."""
    if not _joined(text, end):
        return end
    if text[end] in "sS" and end - start > 2 and not _joined(text, end + 1):
        return end + 1
    return None


def _joined(text: str, at: int) -> bool:
    """Whether the characters on both sides of a position belong to one word."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if not (before.isalnum() and after.isalnum()) or before.isdigit() != after.isdigit():
        return False
    if after.isupper() and (before.islower() or text[at + 1 : at + 2].islower()):
        return False
    if max(before, after) < _UNSPACED[0]:
        return True
    return not (_IS_UNSPACED.match(before) or _IS_UNSPACED.match(after))


def _lowered(text: str) -> str:
    """The text in lower case, each character in its place."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := sign.lower()) == 1 else sign for sign in text)
