"""Redacts a service's own key where its reply repeats it, in whole or in part.

Found are keys as they are, escaped (JSON, URL, HTML), in base64 or hexadecimal, and any of these
nested. In texts of up to 8,000 characters also keys with white space, punctuation or zero-width
characters between their letters, full-width letters, and base64 broken into lines.

Not found are other encodings (base32, base85, compressed, decimal numbers), ciphers, reversed keys,
keys with words between their letters, and look-alike letters.
"""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from orchestration_assets.schemas.items import Alternative, Reading

PLACEHOLDER: Final = "[KEY]"
MIN_FRAGMENT: Final = 8
"""So many consecutive characters of a key reveal too much; masks show four."""
_PIECE_CHARS: Final = MIN_FRAGMENT // 2
"""Every fragment of MIN_FRAGMENT characters holds one of a key's pieces of this size."""
_MAX_ERROR_CHARS: Final = 4000
"""Error messages are cut to so many characters."""

_MAX_ESCAPES: Final = 4
"""Nested escapes are decoded so many times."""
_MAX_ENCODINGS: Final = 3
"""Nested base64 and hexadecimal are decoded so many times."""
_ESCAPED: Final = re.compile(
    r"\\{1,8}(?:U(?P<long>0000[0-9a-fA-F]{4})|[uU]\{(?P<braced>[0-9a-fA-F]{1,6})\})"
    r"|\\{1,8}[uU](?P<json>[0-9a-fA-F]{4})|\\{1,8}[xX](?P<byte>[0-9a-fA-F]{2})"
    r"|\\{1,8}(?P<octal>[01][0-7]{2})|%(?P<url>[0-9a-fA-F]{2})"
    r"|&#(?P<number>\d{1,7});?|&#[xX](?P<hex>[0-9a-fA-F]{1,6});?|&(?P<name>[A-Za-z]{2,8});"
    r"|\\{1,8}(?=[/\"'\\_+.=~-])|=(?:\r?\n)(?=\S)"
)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{11,}={0,2}")
_HEX: Final = re.compile(r"[0-9a-fA-F]{2}(?:[\s:,;.-]{0,3}(?:\\{0,8}[0\\][xX])?[0-9a-fA-F]{2}){7,}")
_HEX_SEPARATOR: Final = re.compile(r"[0\\][xX]|[^0-9a-fA-F]")
_BROKEN_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{11,}")
_MAX_SPACED_CHARS: Final = 8000
"""Texts of up to so many characters are also searched without separators."""
_MAX_CAUSE_CHARS: Final = 8000
"""Causes of an error are searched up to so many characters, else dropped."""


class _MappedText(NamedTuple):
    """A decoded text and, for each character, its begin and end in the original text."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


class KeyEchoes:
    """Redacts keys of at least four characters."""

    def __init__(self, keys: Iterable[str]) -> None:
        whole = [key.lower() for key in keys if len(key) >= MIN_FRAGMENT // 2]
        self._parts = _KeyFragments(whole)
        bare = ("".join(filter(str.isalnum, key)) for key in whole)
        self._spaced_fragments = _KeyFragments([key for key in bare if len(key) >= MIN_FRAGMENT])

    def __bool__(self) -> bool:
        """Whether there is any key that a text may hold."""
        return bool(self._parts)

    def redacted(self, text: str) -> str:
        """The text with each echo replaced by ``[KEY]``; the same text when there is none."""
        if not self._parts:
            return text
        spans = sorted({*self._spans(text, _MAX_ENCODINGS), *self._spaced_spans(text)})
        if not spans:
            return text
        parts: list[str] = []
        done = 0
        for start, end in spans:
            if start > done or not parts:
                parts += (text[done:start], PLACEHOLDER)
            done = max(done, end)
        return "".join((*parts, text[done:]))

    def _spans(self, text: str, layers: int) -> Iterator[tuple[int, int]]:
        view = _MappedText(text, range(len(text)), range(1, len(text) + 1))
        for _ in range(_MAX_ESCAPES):
            for start, end in self._parts.found(view.text):
                yield view.starts[start], view.ends[end - 1]
            for pattern, decoded in ((_BASE64, _from_base64), (_HEX, _from_hex)):
                for run in pattern.finditer(view.text):
                    if layers and any(
                        next(self._spans(decoded_text, layers - 1), None)
                        for decoded_text in decoded(run.group())
                    ):
                        yield view.starts[run.start()], view.ends[run.end() - 1]
            further = _unescaped(view)
            if further is None:
                return
            view = further

    def _spaced_spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Spans of keys with separators or full-width letters, or in base64 of several lines."""
        if len(text) > _MAX_SPACED_CHARS:
            return
        view = _letters_only(text, "")
        for start, end in self._spaced_fragments.found(view.text):
            yield view.starts[start], view.ends[end - 1]
        view = _letters_only(text, "+/-_")
        plain = view.text.replace("-", "+").replace("_", "/")
        for run in _BROKEN_BASE64.finditer(plain):
            for begin in range(4):
                for decoded_text in _from_base64(run.group()[begin:], phases=1):
                    for start, end in self._parts.found(decoded_text):
                        first = run.start() + begin + start * 4 // 3
                        last = min(run.start() + begin + -(-end * 4 // 3), run.end()) - 1
                        yield view.starts[first], view.ends[last]

    def redacted_reading(self, reading: Reading, labels: Sequence[str] = ()) -> Reading:
        """The reading without echoes; the task's own labels are kept."""
        answer = reading.answer
        if isinstance(answer, str) and answer not in labels:
            answer = self.redacted(answer)
        elif isinstance(answer, tuple) and answer and isinstance(answer[0], str):
            answer = tuple(
                member if member in labels else self.redacted(str(member)) for member in answer
            )
        alternatives = tuple(
            member
            if member.answer in labels
            else Alternative(self.redacted(member.answer), member.confidence)
            for member in reading.alternatives
        )
        evidence, reason = (
            text and self.redacted(text) for text in (reading.evidence, reading.reason)
        )
        return replace(
            reading, answer=answer, alternatives=alternatives, evidence=evidence, reason=reason
        )

    def redact_error(self, error: BaseException) -> None:
        """Redacts an error's message, and drops its causes if they hold an echo."""
        error.args = tuple(
            self.redacted(argument[:_MAX_ERROR_CHARS]) if isinstance(argument, str) else argument
            for argument in error.args
        )
        cause = error.__cause__ or error.__context__
        while cause is not None:
            held = (*cause.args, *vars(cause).values())
            # an error of a parser may hold the whole answer
            size = sum(
                len(argument) for argument in held if isinstance(argument, str | bytes | bytearray)
            )
            text = "" if size > _MAX_CAUSE_CHARS else f"{cause} {cause.args!r} {vars(cause)!r}"
            if size > _MAX_CAUSE_CHARS or self.redacted(text) != text:
                error.__cause__ = error.__context__ = None
                return
            cause = cause.__cause__ or cause.__context__


class _KeyFragments:
    """The lower-case fragments of keys to search for; a short key is one fragment."""

    def __init__(self, keys: Sequence[str]) -> None:
        runs = {run: None for key in keys for run in _substrings(key, MIN_FRAGMENT)}
        self._all = tuple(runs)
        # each run holds one of these fewer ones
        self._some = tuple(
            {
                key[at : at + _PIECE_CHARS]: None
                for key in keys
                for at in range(0, len(key) - _PIECE_CHARS + 1, _PIECE_CHARS)
            }
        )

    def __bool__(self) -> bool:
        return bool(self._all)

    def found(self, text: str) -> Iterator[tuple[int, int]]:
        """The spans of fragments in a text, ignoring case."""
        lower = text.lower()
        if not any(some in lower for some in self._some):
            return
        if len(lower) != len(text):
            # a letter whose lower case is two characters is not in a key
            lower = "".join(
                character.lower() if len(character.lower()) == 1 else "?" for character in text
            )
        for part in self._all:
            place = lower.find(part)
            while place >= 0:
                yield place, place + len(part)
                place = lower.find(part, place + 1)


@lru_cache(64)
def key_echoes(keys: tuple[str, ...]) -> KeyEchoes:
    """Cached: every reply of a service is searched for the same keys."""
    return KeyEchoes(keys)


def _substrings(key: str, size: int) -> Iterator[str]:
    """Every substring of ``size`` characters; the whole of a shorter key."""
    size = min(len(key), size)
    return (key[at : at + size] for at in range(len(key) - size + 1))


def _letters_only(text: str, signs: str) -> _MappedText:
    """The letters and digits of a text in normal width, and these signs."""
    parts: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        usual = character if character.isascii() else unicodedata.normalize("NFKC", character)
        for sign in usual:
            if sign.isalnum() or sign in signs:
                parts.append(sign)
                places.append(place)
    return _MappedText("".join(parts), places, [place + 1 for place in places])


def _unescaped(view: _MappedText) -> _MappedText | None:
    """The text with one layer of escapes decoded; None without escapes."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for match in _ESCAPED.finditer(view.text):
        replacement = _unescaped_character(match)
        if replacement is None:
            continue
        start, end = match.span()
        parts += (view.text[done:start], replacement)
        starts += view.starts[done:start]
        ends += view.ends[done:start]
        starts += [view.starts[start]] * len(replacement)
        ends += [view.ends[end - 1]] * len(replacement)
        done = end
    if not done:
        return None
    return _MappedText(
        "".join((*parts, view.text[done:])),
        [*starts, *view.starts[done:]],
        [*ends, *view.ends[done:]],
    )


def _unescaped_character(match: re.Match[str]) -> str | None:
    """The character of an escape; empty for an escaped line break; None if unknown."""
    for group in ("long", "braced", "json", "byte", "url", "hex"):
        if match[group]:
            return _from_code_point(int(match[group], 16))
    if match["octal"]:
        return _from_code_point(int(match["octal"], 8))
    if match["number"]:
        return _from_code_point(int(match["number"]))
    if match["name"]:
        text = html.unescape(match.group())
        return text if len(text) == 1 else None
    return ""


def _from_code_point(code: int) -> str:
    return chr(code) if 0 < code < 0x110000 else "?"


def _from_base64(run: str, phases: int = 4) -> Iterator[str]:
    """Decodings of a run at each of the offsets that a key may have in it."""
    plain = run.rstrip("=").replace("-", "+").replace("_", "/")
    for begin in range(phases):
        part = plain[begin:]
        part = part[: len(part) - (len(part) % 4 == 1)]
        try:
            data = base64.b64decode(part + "=" * (-len(part) % 4))
        except binascii.Error:
            continue
        yield data.decode("latin-1")


def _from_hex(run: str) -> Iterator[str]:
    digits = _HEX_SEPARATOR.sub("", run)
    for begin in range(2):
        part = digits[begin:]
        yield bytes.fromhex(part[: len(part) // 2 * 2]).decode("latin-1")
