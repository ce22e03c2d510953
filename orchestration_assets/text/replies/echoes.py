"""What a service repeats of its own key is taken out of what it said before that goes anywhere.

A key comes back as it is, in part, or written another way: escaped as in JSON, in addresses or in
HTML, in base64 or hexadecimal, and any of these within another. In texts of up to 8,000 characters
it is also found where white space, punctuation or characters without a width stand between its
letters, where they have another width, and where base64 is broken into lines.

Not found are other encodings (base32, base85, compressed, numbers in decimal), ciphers, a key
backwards or with words between its letters, and letters that only look alike.
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

STAND_IN: Final = "[KEY]"
LEAST: Final = 8
"""So many characters in a row of a key tell too much of it; masks show four."""
_SURE: Final = LEAST // 2
"""One of a key's pieces of this size, laid end to end, stands in every run of LEAST."""
_ERROR_MOST: Final = 4000
"""An error's words are cut to so many characters before they are read."""

_ROUNDS: Final = 4
"""Escapes within escapes are read so many times."""
_LAYERS: Final = 3
"""And so many encodings within each other."""
_ESCAPED: Final = re.compile(
    r"\\{1,8}(?:U(?P<long>0000[0-9a-fA-F]{4})|[uU]\{(?P<braced>[0-9a-fA-F]{1,6})\})"
    r"|\\{1,8}[uU](?P<json>[0-9a-fA-F]{4})|\\{1,8}[xX](?P<byte>[0-9a-fA-F]{2})"
    r"|\\{1,8}(?P<octal>[01][0-7]{2})|%(?P<url>[0-9a-fA-F]{2})"
    r"|&#(?P<number>\d{1,7});?|&#[xX](?P<hex>[0-9a-fA-F]{1,6});?|&(?P<name>[A-Za-z]{2,8});"
    r"|\\{1,8}(?=[/\"'\\_+.=~-])|=(?:\r?\n)(?=\S)"
)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{11,}={0,2}")
_HEX: Final = re.compile(r"[0-9a-fA-F]{2}(?:[\s:,;.-]{0,3}(?:\\{0,8}[0\\][xX])?[0-9a-fA-F]{2}){7,}")
_NO_HEX: Final = re.compile(r"[0\\][xX]|[^0-9a-fA-F]")
_BROKEN: Final = re.compile(r"[A-Za-z0-9+/]{11,}")
_SQUEEZED_MOST: Final = 8000
"""So long a text is looked at without what stands between its letters, too."""
_CAUSE_MOST: Final = 8000
"""What an error came from is read for echoes up to so many characters, else forgotten."""


class _View(NamedTuple):
    """A text and, for each of its characters, where it begins and ends in the one it is read
    from."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


class Echoes:
    """Finds some keys in what came back. Those of less than four characters are none."""

    def __init__(self, keys: Iterable[str]) -> None:
        whole = [key.lower() for key in keys if len(key) >= LEAST // 2]
        self._parts = _Parts(whole)
        bare = ("".join(filter(str.isalnum, key)) for key in whole)
        self._bare = _Parts([key for key in bare if len(key) >= LEAST])

    def without(self, text: str) -> str:
        """The text with each echo replaced by ``[KEY]``; the same text when there is none."""
        if not self._parts:
            return text
        spans = sorted({*self._spans(text, _LAYERS), *self._squeezed(text)})
        if not spans:
            return text
        parts: list[str] = []
        done = 0
        for start, end in spans:
            if start > done or not parts:
                parts += (text[done:start], STAND_IN)
            done = max(done, end)
        return "".join((*parts, text[done:]))

    def _spans(self, text: str, layers: int) -> Iterator[tuple[int, int]]:
        view = _View(text, range(len(text)), range(1, len(text) + 1))
        for _ in range(_ROUNDS):
            for start, end in self._parts.found(view.text):
                yield view.starts[start], view.ends[end - 1]
            for pattern, decoded in ((_BASE64, _from_base64), (_HEX, _from_hex)):
                for run in pattern.finditer(view.text):
                    if layers and any(
                        next(self._spans(said, layers - 1), None) for said in decoded(run.group())
                    ):
                        yield view.starts[run.start()], view.ends[run.end() - 1]
            further = _unescaped(view)
            if further is None:
                return
            view = further

    def _squeezed(self, text: str) -> Iterator[tuple[int, int]]:
        """Where keys stand with their letters apart or of another width, or in lines of base64."""
        if len(text) > _SQUEEZED_MOST:
            return
        view = _bare(text, "")
        for start, end in self._bare.found(view.text):
            yield view.starts[start], view.ends[end - 1]
        view = _bare(text, "+/-_")
        plain = view.text.replace("-", "+").replace("_", "/")
        for run in _BROKEN.finditer(plain):
            for begin in range(4):
                for said in _from_base64(run.group()[begin:], phases=1):
                    for start, end in self._parts.found(said):
                        first = run.start() + begin + start * 4 // 3
                        last = min(run.start() + begin + -(-end * 4 // 3), run.end()) - 1
                        yield view.starts[first], view.ends[last]

    def without_in(self, reading: Reading, labels: Sequence[str] = ()) -> Reading:
        """The reading without echoes. An answer that is one of the task's labels stays."""
        answer = reading.answer
        if isinstance(answer, str) and answer not in labels:
            answer = self.without(answer)
        elif isinstance(answer, tuple) and answer and isinstance(answer[0], str):
            answer = tuple(one if one in labels else self.without(str(one)) for one in answer)
        alternatives = tuple(
            one if one.answer in labels else Alternative(self.without(one.answer), one.confidence)
            for one in reading.alternatives
        )
        evidence, reason = (
            said and self.without(said) for said in (reading.evidence, reading.reason)
        )
        return replace(
            reading, answer=answer, alternatives=alternatives, evidence=evidence, reason=reason
        )

    def clean(self, error: BaseException) -> None:
        """Takes echoes out of an error's words, and away what it came from if that holds any."""
        error.args = tuple(
            self.without(one[:_ERROR_MOST]) if isinstance(one, str) else one for one in error.args
        )
        cause = error.__cause__ or error.__context__
        while cause is not None:
            held = (*cause.args, *vars(cause).values())
            # an error of a parser may hold the whole answer
            size = sum(len(one) for one in held if isinstance(one, str | bytes | bytearray))
            said = "" if size > _CAUSE_MOST else f"{cause} {cause.args!r} {vars(cause)!r}"
            if size > _CAUSE_MOST or self.without(said) != said:
                error.__cause__ = error.__context__ = None
                return
            cause = cause.__cause__ or cause.__context__


class _Parts:
    """Every run of some keys, in small letters, that tells too much; the whole of a short one."""

    def __init__(self, keys: Sequence[str]) -> None:
        runs = {run: None for key in keys for run in _runs(key, LEAST)}
        self._all = tuple(runs)
        # each run holds one of these fewer ones
        self._some = tuple(
            {
                key[at : at + _SURE]: None
                for key in keys
                for at in range(0, len(key) - _SURE + 1, _SURE)
            }
        )

    def __bool__(self) -> bool:
        return bool(self._all)

    def found(self, text: str) -> Iterator[tuple[int, int]]:
        """Where one stands in the text, in letters of either case."""
        lower = text.lower()
        if not any(some in lower for some in self._some):
            return
        if len(lower) != len(text):
            # a letter whose small form is two: none of a key's
            lower = "".join(one.lower() if len(one.lower()) == 1 else "?" for one in text)
        for part in self._all:
            place = lower.find(part)
            while place >= 0:
                yield place, place + len(part)
                place = lower.find(part, place + 1)


@lru_cache(64)
def echoes_of(keys: tuple[str, ...]) -> Echoes:
    """The same keys are looked for in every answer of a service."""
    return Echoes(keys)


def _runs(key: str, size: int) -> Iterator[str]:
    """Every run of so many characters; the whole of a shorter key."""
    size = min(len(key), size)
    return (key[at : at + size] for at in range(len(key) - size + 1))


def _bare(text: str, signs: str) -> _View:
    """The letters and figures of a text in their usual width, and these signs."""
    parts: list[str] = []
    places: list[int] = []
    for place, one in enumerate(text):
        usual = one if one.isascii() else unicodedata.normalize("NFKC", one)
        for sign in usual:
            if sign.isalnum() or sign in signs:
                parts.append(sign)
                places.append(place)
    return _View("".join(parts), places, [place + 1 for place in places])


def _unescaped(view: _View) -> _View | None:
    """One layer of escapes read; None where there is none."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for found in _ESCAPED.finditer(view.text):
        said = _character(found)
        if said is None:
            continue
        start, end = found.span()
        parts += (view.text[done:start], said)
        starts += view.starts[done:start]
        ends += view.ends[done:start]
        starts += [view.starts[start]] * len(said)
        ends += [view.ends[end - 1]] * len(said)
        done = end
    if not done:
        return None
    return _View(
        "".join((*parts, view.text[done:])),
        [*starts, *view.starts[done:]],
        [*ends, *view.ends[done:]],
    )


def _character(found: re.Match[str]) -> str | None:
    """What an escape stands for: one character, or none where it only breaks a line."""
    for group in ("long", "braced", "json", "byte", "url", "hex"):
        if found[group]:
            return _of_code(int(found[group], 16))
    if found["octal"]:
        return _of_code(int(found["octal"], 8))
    if found["number"]:
        return _of_code(int(found["number"]))
    if found["name"]:
        said = html.unescape(found.group())
        return said if len(said) == 1 else None
    return ""


def _of_code(code: int) -> str:
    return chr(code) if 0 < code < 0x110000 else "?"


def _from_base64(run: str, phases: int = 4) -> Iterator[str]:
    """What a run may mean, whatever stands before the key in it."""
    plain = run.rstrip("=").replace("-", "+").replace("_", "/")
    for begin in range(phases):
        part = plain[begin:]
        part = part[: len(part) - (len(part) % 4 == 1)]
        try:
            said = base64.b64decode(part + "=" * (-len(part) % 4))
        except binascii.Error:
            continue
        yield said.decode("latin-1")


def _from_hex(run: str) -> Iterator[str]:
    digits = _NO_HEX.sub("", run)
    for begin in range(2):
        part = digits[begin:]
        yield bytes.fromhex(part[: len(part) // 2 * 2]).decode("latin-1")
