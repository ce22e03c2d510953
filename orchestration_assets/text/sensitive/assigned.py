"""Secrets that are known by the name they are given to, in code, settings, logs and prose."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from itertools import islice
from typing import Final, NamedTuple

from orchestration_assets.text.sensitive.names import LITERALS, NameMeaning, SecretName, names
from orchestration_assets.text.sensitive.placeholders import (
    is_code,
    is_placeholder,
    is_small_number,
    is_wordy,
)
from orchestration_assets.text.sensitive.randomness import is_random
from orchestration_assets.text.sensitive.spans import Span, places, small


class _Carrier(Enum):
    """How a value is given to its name."""

    QUOTED = auto()
    LINE = auto()
    """``NAME=value`` as environments have it."""
    SETTING = auto()
    """The name begins a line that the value ends."""
    CODE = auto()
    PROSE = auto()
    ARGUMENT = auto()


class _Value(NamedTuple):
    start: int
    end: int
    text: str
    carrier: _Carrier


_SIGN: Final = re.compile(
    r"(?:\\{0,3}[\"'`\]})?]|\*\*){0,3}[ \t]{0,30}"
    r"(?::[ \t]{0,4}[A-Za-z_][\w.\[\]|, ]{0,40}?[ \t]{0,4}=(?=[ \t]{0,4}[brfu]{0,2}[\"'])"
    r"|:=|=>|={1,3}|!==?|->|\?=|\+=|:|%3[dD])"
    r"(?:\*\*)?[ \t]{0,40}(?:[|>][-+]?[ \t]{0,4}\r?\n[ \t]{1,40}|\(?\r?\n[ \t]{1,40}(?=[\"']))?"
)
_PLACES: Final = (
    # an element or an attribute: <password>x</password>, name="password" value="x"
    re.compile(r"(?:\s[^<>\n]{0,80})?>(?:<!\[CDATA\[)?(?=[^<>\s]{4,300}(?:</|\]\]>))"),
    re.compile(
        r"\\{0,3}[\"']\s{1,4}(?:[\w-]{1,20}=[\"'][^\"'\n]{0,40}[\"']\s{1,4}){0,2}value=(?=[\"'])"
    ),
    # {"name": "DB_PASSWORD", "value": "x"}, and the same in YAML
    re.compile(
        r"\\{0,3}[\"']?,?\s{1,40}\\{0,3}[\"']?(?:value|default)\\{0,3}[\"']?"
        r"[ \t]{0,4}[:=][ \t]{0,4}"
    ),
    # variable "password" { type = string, default = "x" }
    re.compile(r"[\"']\s{0,4}\{[^{}]{0,200}?\bdefault[ \t]{0,20}=[ \t]{0,20}(?=[\"'])"),
    # a row of a table: | password | x |
    re.compile(r"[`*]{0,3}[ \t]{0,40}\|[ \t]{1,40}(?=[^\s|]{6,160}[ \t]{1,40}\|)"),
)
# an argument: set_password("x"), define('DB_PASSWORD', 'x'), get("TOKEN", "x")
_ARGUMENT: Final = re.compile(
    r"(?:\\{0,3}[\"']\]?[ \t]{0,4},|[ \t]?\()\s{0,4}(?=[brfu]{0,2}\\{0,3}[\"'`])"
)
_WORDS: Final = re.compile(
    r"(?:[ \t]+[(\"]?[A-Za-z][\w'\u2019./@-]{0,24}[)\"]?,?){0,6}?[ \t]+(?:is|was|to|as|are|be|ist|"
    r"lautet|est|es|\u00e8|\u00e9|=|:|this)(?:[ \t]+(?:now|still|just))?[ \t]*:?[ \t\n]{1,3}"
)
_NEXT: Final = re.compile(r"[\"'`)]?[ \t]{1,4}(?:=[ \t]*)?|[ \t]{1,3}\(")
_LOOSE: Final = ((_ARGUMENT, _Carrier.ARGUMENT), (_WORDS, _Carrier.PROSE), (_NEXT, _Carrier.PROSE))
_QUOTE: Final = re.compile(r"[brfuBRFU@$]{0,2}(\\{0,3})(\"{3}\s{0,40}|'{3}\s{0,40}|[\"'`])")
_QUOTED: Final = {
    quote: re.compile(rf"(?:[^{quote}\n\\]|\\.){{0,160}}") for quote in ('"', "'", "`")
}
_ESCAPED: Final = {quote: re.compile(rf"[^{quote}\n\\]{{0,160}}") for quote in ('"', "'", "`")}
_UNQUOTED: Final = re.compile(r"[^\s\"'`<>]{1,160}")
_TO_SPACE: Final = re.compile(r"\S{1,160}")
# where one of several values in a row ends and the next name begins
_NEXT_NAME: Final = re.compile(r"[;&,|](?=\s|\Z|[\w.-]{1,40}[=:])|&amp;|\\n|\\r|#|</")
_JUDGED: Final = 160
"""A value is judged by so much of it, and taken whole."""
_MORE: Final = re.compile(r"[^\s\"'`<>]*")
_SCHEME: Final = re.compile(r"(?:bearer|basic|token|digest|apikey|negotiate|splunk)[ \t]+", re.I)
_TRAILING: Final = ".,;:!?)]}\\"
_LINE_START: Final = re.compile(
    r"(?:^|\n|\\n)[ \t]*(?:(?:export|set|env|ENV|ARG|-e|-)[ \t]+)?[\"']?\Z"
)
_LINE_END: Final = re.compile(r"[ \t]*(?:\r?\n|\\n|#|\Z)")
_PHRASE: Final = re.compile(r"[a-z]{3,10}(?:[ ,-]{1,2}[a-z]{3,10}){2,23}")
_SEED_WORDS: Final = 12
_QUERY: Final = frozenset("?&")


def assigned_secrets(text: str) -> Iterator[Span]:
    """The values, without quotes, that are given to names of secrets."""
    lower = small(text)
    yield from _values(text, lower, LITERALS)
    yield from _bearers(text, lower)
    yield from _command_lines(text)
    yield from _announced(text, lower)
    yield from _password_files(text)


def values_of_names(text: str, literals: Sequence[str], most: int) -> Iterator[Span]:
    """The values given to names of secrets in which one of ``literals`` stands.

    At most ``most`` names are looked at, whether or not a value follows them.
    """
    yield from _values(text, small(text), literals, most)


def _values(
    text: str, lower: str, literals: Sequence[str], most: int | None = None
) -> Iterator[Span]:
    done = 0
    for named in islice(names(text, lower, literals), most):
        if named.start >= done and (span := _value(text, named)):
            done = span[1]
            yield span


def _value(text: str, named: SecretName) -> Span | None:
    """The value of a name, by the first way of giving it that there is one."""
    if named.naming is NameMeaning.PHRASE and (span := _phrase(text, named.end)):
        return span
    sign = _SIGN.match(text, named.end)
    if sign and (span := _accepted(text, named, sign)):
        return span
    for pattern in _PLACES:
        found = pattern.match(text, named.end)
        if found and (span := _accepted(text, named, found)):
            return span
    if sign is None and not named.a_word:
        for pattern, carrier in _LOOSE:
            found = pattern.match(text, named.end)
            if found and (span := _accepted(text, named, found, carrier)):
                return span
    return None


def _phrase(text: str, place: int) -> Span | None:
    """Several small words in a row: in quotes or after a sign, or so many as seeds have."""
    for pattern in (_SIGN, *_PLACES, _ARGUMENT, _WORDS, _NEXT):
        before = pattern.match(text, place)
        if before is None:
            continue
        quote = _QUOTE.match(text, before.end())
        phrase = _PHRASE.match(text, quote.end() if quote else before.end())
        if phrase is None or is_placeholder(phrase.group()):
            continue
        sure = quote or pattern is not _NEXT or phrase.group().count("-") > 1
        loose = pattern in (_WORDS, _NEXT) and "-" not in phrase.group()
        if sure and (quote or not loose or phrase.group().count(" ") >= _SEED_WORDS - 1):
            return phrase.span()
    return None


def _accepted(
    text: str, named: SecretName, before: re.Match[str], carrier: _Carrier | None = None
) -> Span | None:
    value = _read(text, named, before, carrier)
    if value is None or not value.text or is_placeholder(value.text):
        return None
    if not _is_secret(value.text, value.carrier, named.naming):
        return None
    end = value.end
    if end - value.start >= _JUDGED:
        more = _MORE.match(text, end)
        end = more.end() if more else end
    return value.start, end


def _read(
    text: str, named: SecretName, before: re.Match[str], carrier: _Carrier | None
) -> _Value | None:
    start = before.end()
    if scheme := _SCHEME.match(text, start):
        start = scheme.end()
    if quote := _QUOTE.match(text, start):
        if len(quote[2]) > 1 and before.group().rstrip().endswith(":"):
            # the words that describe a function whose last argument is the name
            return None
        start = quote.end()
        found = (_ESCAPED if quote[1] else _QUOTED)[quote[2][0]].match(text, start)
        if found is None:
            return None
        if scheme := _SCHEME.match(text, start, found.end()):
            start = scheme.end()
        value = text[start : found.end()]
        return _Value(start, found.end(), value, carrier or _Carrier.QUOTED)
    if carrier:
        found = _UNQUOTED.match(text, start)
        bare = _first_of_row(found.group()).rstrip(_TRAILING) if found else ""
        return _Value(start, start + len(bare), bare, _Carrier.PROSE)
    line_start = _LINE_START.search(text, max(0, named.start - 60), named.start)
    sign = before.group()
    if line_start and sign == "=" and (named.upper or "export" in line_start.group()):
        found = _TO_SPACE.match(text, start)
        value = found.group().split("\\n")[0] if found else ""
        return _Value(start, start + len(value), value, _Carrier.LINE)
    found = _UNQUOTED.match(text, start)
    if found is None:
        return None
    value = _first_of_row(found.group())
    end = start + len(value)
    whole_line = line_start and _LINE_END.match(text, end)
    if whole_line:
        return _Value(start, end, value, _Carrier.SETTING)
    if text[named.start - 1 : named.start] not in _QUERY:
        value = value.rstrip(_TRAILING)
    return _Value(start, start + len(value), value, _Carrier.CODE)


def _first_of_row(value: str) -> str:
    end = _NEXT_NAME.search(value, 1)
    return value[: end.start()] if end else value


def _is_secret(value: str, carrier: _Carrier, naming: NameMeaning) -> bool:
    """Whether a value that is no placeholder is what its name says."""
    size = len(value)
    spaces = any(map(str.isspace, value))
    figures = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    signs = size - figures - letters
    if spaces or size < 4:
        return False
    if carrier is _Carrier.ARGUMENT and not (is_random(value) or figures >= 3 or _mixed(value)):
        return False
    if naming is NameMeaning.ISSUED:
        if size < (6 if carrier is _Carrier.LINE else 8):
            return False
        if letters == 0:
            return figures >= 16
        if carrier in (_Carrier.CODE, _Carrier.PROSE, _Carrier.SETTING) and is_code(value):
            return False
        if carrier is _Carrier.LINE:
            return not is_code(value) or figures > 2
        return is_random(value) or figures > 2 or (figures == 2 and not is_wordy(value))
    if is_code(value) and carrier is not _Carrier.QUOTED:
        # a word at the end of a line of settings is a weak password, not the name of one
        weak = carrier is _Carrier.SETTING and size >= 8 and value.isalpha() and value.islower()
        return weak or (carrier is _Carrier.LINE and value.isalnum() and size >= 6)
    if letters == 0:
        return figures >= (4 if carrier in (_Carrier.LINE, _Carrier.QUOTED) else 6) and not (
            carrier is _Carrier.CODE and is_small_number(value) and size < 6
        )
    if carrier in (_Carrier.LINE, _Carrier.QUOTED):
        return size >= 8 or figures > 0 or (signs > 0 and not is_wordy(value))
    return size >= 5 and (figures > 0 or is_random(value) or _mixed(value))


def _mixed(value: str) -> bool:
    """Letters, and signs that neither words nor names have within them."""
    return any(one in "!#$%^&*+=?@~|" for one in value) and any(map(str.isalpha, value))


_BEARER: Final = re.compile(r"bearer[ \t]{1,4}([\w.~+/=-]{8,2000})", re.I)
_BASIC: Final = re.compile(r"basic[ \t]{1,4}([A-Za-z0-9+/]{8,500}={0,2})(?![\w+/])", re.I)


def _bearers(text: str, lower: str) -> Iterator[Span]:
    """Credentials after the scheme that announces them (RFC 6750, RFC 7617)."""
    for place in places(lower, "bearer "):
        found = _BEARER.match(text, place)
        if found and not is_placeholder(found[1]):
            bare = found[1].rstrip(".,")
            if is_random(bare) or (any(map(str.isdigit, bare)) and not is_wordy(bare)):
                yield found.start(1), found.start(1) + len(bare)
    for place in places(lower, "basic "):
        found = _BASIC.match(text, place)
        if found and _holds_user_and_password(found[1]):
            yield found.span(1)


def _holds_user_and_password(encoded: str) -> bool:
    try:
        said = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return b":" in said and said.isascii() and all(32 <= one < 127 for one in said)


_USER_OPTION: Final = re.compile(r"-u(?:ser)?[ =]?[\"']?[\w.@+-]{1,64}:([^\s\"']{3,200})")
_SSHPASS: Final = re.compile(r"sshpass[ \t]{1,4}-p[ \t]{0,4}[\"']?([^\s\"']{3,200})")
_MYSQL: Final = re.compile(r"(?:mysql|mysqldump|mariadb)\b[^\n|;]{0,120}?[ \t]-p([^\s\"']{4,200})")
_OPTIONS: Final = (
    (" -u", "-u", _USER_OPTION),
    ("-user", "-user", _USER_OPTION),
    (" -p", "sshpass ", _SSHPASS),
    (" -p", "mysql", _MYSQL),
    (" -p", "mariadb", _MYSQL),
)
# host:port:database:user:password, and login x password y of other lists
_DATABASE_LINE: Final = re.compile(
    r":(?:\d{2,5}|\*):[\w*.-]{1,64}:[\w*.@-]{1,64}:([^\s:\"']{4,200})$", re.M
)
_HOST: Final = re.compile(r"(?:[\w-]{1,63}\.){0,6}[\w*-]{1,63}\Z")


def _command_lines(text: str) -> Iterator[Span]:
    for needed, literal, pattern in _OPTIONS:
        if needed not in text:
            continue
        for place in places(text, literal):
            found = pattern.match(text, place)
            if found and not is_placeholder(found[1]) and not is_code(found[1]):
                yield found.span(1)


_ANNOUNCED: Final = (
    (
        "identified ",
        re.compile(
            r"identified[ \t]{1,4}(?:with[ \t]{1,4}[\w\"'`]{1,40}[ \t]{1,4})?by[ \t]{1,4}"
            r"(?:password[ \t]{1,4})?[\"']([^\s\"']{4,200})[\"']",
            re.I,
        ),
    ),
    (
        "convertto-securestring",
        re.compile(
            r"convertto-securestring[ \t]{1,4}(?:-string[ \t]{1,4})?[\"']([^\s\"']{4,200})[\"']",
            re.I,
        ),
    ),
)


def _announced(text: str, lower: str) -> Iterator[Span]:
    """Passwords behind the words of a command that takes nothing else there."""
    for literal, pattern in _ANNOUNCED:
        for place in places(lower, literal):
            found = pattern.match(text, place)
            if found and not is_placeholder(found[1]):
                yield found.span(1)


def _password_files(text: str) -> Iterator[Span]:
    for found in _DATABASE_LINE.finditer(text):
        line = text.rfind("\n", max(0, found.start() - 255), found.start()) + 1
        host = text[line : found.start()]
        if _HOST.match(host) and not host.isdigit() and not is_placeholder(found[1]):
            yield found.span(1)
