"""Finds secrets by the name that they are assigned to, in code, settings, logs and prose."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from itertools import islice
from typing import Final, NamedTuple

from orchestration_assets.text.sensitive.placeholders import (
    is_code,
    is_placeholder,
    is_small_number,
    is_wordy,
)
from orchestration_assets.text.sensitive.randomness import is_random
from orchestration_assets.text.sensitive.secret_names import (
    LITERALS,
    NameMeaning,
    SecretName,
    secret_names,
)
from orchestration_assets.text.sensitive.spans import Span, find_all, lowercase


class _Assignment(Enum):
    """How a value is assigned to its name."""

    QUOTED = auto()
    LINE = auto()
    """``NAME=value`` as environments have it."""
    SETTING = auto()
    """The name begins a line that the value ends."""
    CODE = auto()
    """Any other bare value: in an expression, a query of a URL, a list."""
    PROSE = auto()
    ARGUMENT = auto()


class _Value(NamedTuple):
    start: int
    end: int
    text: str
    assignment: _Assignment


_SIGN: Final = re.compile(
    r"(?:\\{0,3}[\"'`\]})?]|\*\*){0,3}[ \t]{0,30}"
    r"(?::[ \t]{0,4}[A-Za-z_][\w.\[\]|, ]{0,40}?[ \t]{0,4}=(?=[ \t]{0,4}[brfu]{0,2}[\"'])"
    r"|:=|=>|={1,3}|!==?|->|\?=|\+=|:|%3[dD])"
    r"(?:\*\*)?[ \t]{0,40}(?:[|>][-+]?[ \t]{0,4}\r?\n[ \t]{1,40}|\(?\r?\n[ \t]{1,40}(?=[\"']))?"
)
_STRUCTURED_SIGNS: Final = (
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
_ARGUMENT_SIGN: Final = re.compile(
    r"(?:\\{0,3}[\"']\]?[ \t]{0,4},|[ \t]?\()\s{0,4}(?=[brfu]{0,2}\\{0,3}[\"'`])"
)
_PROSE_SIGN: Final = re.compile(
    r"(?:[ \t]+[(\"]?[A-Za-z][\w'\u2019./@-]{0,24}[)\"]?,?){0,6}?[ \t]+(?:is|was|to|as|are|be|ist|"
    r"lautet|est|es|\u00e8|\u00e9|=|:|this)(?:[ \t]+(?:now|still|just))?[ \t]*:?[ \t\n]{1,3}"
)
_NEXT_WORD: Final = re.compile(r"[\"'`)]?[ \t]{1,4}(?:=[ \t]*)?|[ \t]{1,3}\(")
_WEAK_SIGNS: Final = (
    (_ARGUMENT_SIGN, _Assignment.ARGUMENT),
    (_PROSE_SIGN, _Assignment.PROSE),
    (_NEXT_WORD, _Assignment.PROSE),
)
_QUOTE: Final = re.compile(r"[brfuBRFU@$]{0,2}(\\{0,3})(\"{3}\s{0,40}|'{3}\s{0,40}|[\"'`])")
_QUOTED: Final = {
    quote: re.compile(rf"(?:[^{quote}\n\\]|\\.){{0,160}}") for quote in ('"', "'", "`")
}
_ESCAPED: Final = {quote: re.compile(rf"[^{quote}\n\\]{{0,160}}") for quote in ('"', "'", "`")}
_UNQUOTED: Final = re.compile(r"[^\s\"'`<>]{1,160}")
_TO_SPACE: Final = re.compile(r"\S{1,160}")
# where one of several values in a row ends and the next name begins
_NEXT_NAME: Final = re.compile(r"[;&,|](?=\s|\Z|[\w.-]{1,40}[=:])|&amp;|\\n|\\r|#|</")
_JUDGED_CHARS: Final = 160
"""Characters of a value that are judged; the whole value is the span."""
_REST_OF_VALUE: Final = re.compile(r"[^\s\"'`<>]*")
_SCHEME: Final = re.compile(r"(?:bearer|basic|token|digest|apikey|negotiate|splunk)[ \t]+", re.I)
_TRAILING: Final = ".,;:!?)]}\\"
_LINE_START: Final = re.compile(
    r"(?:^|\n|\\n)[ \t]*(?:(?:export|set|env|ENV|ARG|-e|-)[ \t]+)?[\"']?\Z"
)
_LINE_END: Final = re.compile(r"[ \t]*(?:\r?\n|\\n|#|\Z)")
_PHRASE: Final = re.compile(r"[a-z]{3,10}(?:[ ,-]{1,2}[a-z]{3,10}){2,23}")
_SEED_WORDS: Final = 12
_BEFORE_QUERY_NAME: Final = frozenset("?&")


def assigned_secrets(text: str) -> Iterator[Span]:
    """The values, without quotes, that are assigned to names of secrets."""
    lower = lowercase(text)
    yield from _values(text, lower, LITERALS)
    yield from _authorization_values(text, lower)
    yield from _option_passwords(text)
    yield from _command_passwords(text, lower)
    yield from _password_files(text)


def values_of_names(text: str, literals: Sequence[str], most: int) -> Iterator[Span]:
    """The values assigned to names of secrets that contain one of ``literals``.

    Examines at most ``most`` names, with or without a value.
    """
    yield from _values(text, lowercase(text), literals, most)


def _values(
    text: str, lower: str, literals: Sequence[str], most: int | None = None
) -> Iterator[Span]:
    done = 0
    for named in islice(secret_names(text, lower, literals), most):
        if named.start >= done and (span := _value(text, named)):
            done = span[1]
            yield span


def _value(text: str, named: SecretName) -> Span | None:
    """The value of a name, by the first pattern of assignment that fits."""
    if named.meaning is NameMeaning.PHRASE and (span := _phrase(text, named.end)):
        return span
    sign = _SIGN.match(text, named.end)
    if sign and (span := _accepted(text, named, sign)):
        return span
    for pattern in _STRUCTURED_SIGNS:
        found = pattern.match(text, named.end)
        if found and (span := _accepted(text, named, found)):
            return span
    if sign is None and not named.is_common_word:
        for pattern, carrier in _WEAK_SIGNS:
            found = pattern.match(text, named.end)
            if found and (span := _accepted(text, named, found, carrier)):
                return span
    return None


def _phrase(text: str, place: int) -> Span | None:
    """A passphrase: several lower-case words in quotes, after a sign, or as many as a seed has."""
    for pattern in (_SIGN, *_STRUCTURED_SIGNS, _ARGUMENT_SIGN, _PROSE_SIGN, _NEXT_WORD):
        before = pattern.match(text, place)
        if before is None:
            continue
        quote = _QUOTE.match(text, before.end())
        phrase = _PHRASE.match(text, quote.end() if quote else before.end())
        if phrase is None or is_placeholder(phrase.group()):
            continue
        is_clear = quote or pattern is not _NEXT_WORD or phrase.group().count("-") > 1
        loose = pattern in (_PROSE_SIGN, _NEXT_WORD) and "-" not in phrase.group()
        if is_clear and (quote or not loose or phrase.group().count(" ") >= _SEED_WORDS - 1):
            return phrase.span()
    return None


def _accepted(
    text: str, named: SecretName, before: re.Match[str], carrier: _Assignment | None = None
) -> Span | None:
    value = _read_value(text, named, before, carrier)
    if value is None or not value.text or is_placeholder(value.text):
        return None
    if not _is_secret(value.text, value.assignment, named.meaning):
        return None
    end = value.end
    if end - value.start >= _JUDGED_CHARS:
        more = _REST_OF_VALUE.match(text, end)
        end = more.end() if more else end
    return value.start, end


def _read_value(
    text: str, named: SecretName, before: re.Match[str], carrier: _Assignment | None
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
        return _Value(start, found.end(), value, carrier or _Assignment.QUOTED)
    if carrier:
        found = _UNQUOTED.match(text, start)
        bare = _first_of_row(found.group()).rstrip(_TRAILING) if found else ""
        return _Value(start, start + len(bare), bare, _Assignment.PROSE)
    line_start = _LINE_START.search(text, max(0, named.start - 60), named.start)
    sign = before.group()
    if line_start and sign == "=" and (named.is_uppercase or "export" in line_start.group()):
        found = _TO_SPACE.match(text, start)
        value = found.group().split("\\n")[0] if found else ""
        return _Value(start, start + len(value), value, _Assignment.LINE)
    found = _UNQUOTED.match(text, start)
    if found is None:
        return None
    value = _first_of_row(found.group())
    end = start + len(value)
    whole_line = line_start and _LINE_END.match(text, end)
    if whole_line:
        return _Value(start, end, value, _Assignment.SETTING)
    if text[named.start - 1 : named.start] not in _BEFORE_QUERY_NAME:
        value = value.rstrip(_TRAILING)
    return _Value(start, start + len(value), value, _Assignment.CODE)


def _first_of_row(value: str) -> str:
    end = _NEXT_NAME.search(value, 1)
    return value[: end.start()] if end else value


def _is_secret(value: str, carrier: _Assignment, naming: NameMeaning) -> bool:
    """Whether a value that is not a placeholder is a secret, given how it is assigned."""
    size = len(value)
    spaces = any(map(str.isspace, value))
    figures = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    signs = size - figures - letters
    if spaces or size < 4:
        return False
    if carrier is _Assignment.ARGUMENT and not (
        is_random(value) or figures >= 3 or _mixes_signs(value)
    ):
        return False
    if naming is NameMeaning.ISSUED:
        if size < (6 if carrier is _Assignment.LINE else 8):
            return False
        if letters == 0:
            return figures >= 16
        if carrier in (_Assignment.CODE, _Assignment.PROSE, _Assignment.SETTING) and is_code(value):
            return False
        if carrier is _Assignment.LINE:
            return not is_code(value) or figures > 2
        return is_random(value) or figures > 2 or (figures == 2 and not is_wordy(value))
    if is_code(value) and carrier is not _Assignment.QUOTED:
        # a word at the end of a line of settings is a weak password, not an identifier
        weak = carrier is _Assignment.SETTING and size >= 8 and value.isalpha() and value.islower()
        return weak or (carrier is _Assignment.LINE and value.isalnum() and size >= 6)
    if letters == 0:
        return figures >= (4 if carrier in (_Assignment.LINE, _Assignment.QUOTED) else 6) and not (
            carrier is _Assignment.CODE and is_small_number(value) and size < 6
        )
    if carrier in (_Assignment.LINE, _Assignment.QUOTED):
        return size >= 8 or figures > 0 or (signs > 0 and not is_wordy(value))
    return size >= 5 and (figures > 0 or is_random(value) or _mixes_signs(value))


def _mixes_signs(value: str) -> bool:
    """Whether it holds letters, and signs that do not occur within words and identifiers."""
    return any(sign in "!#$%^&*+=?@~|" for sign in value) and any(map(str.isalpha, value))


_BEARER: Final = re.compile(r"bearer[ \t]{1,4}([\w.~+/=-]{8,2000})", re.I)
_BASIC: Final = re.compile(r"basic[ \t]{1,4}([A-Za-z0-9+/]{8,500}={0,2})(?![\w+/])", re.I)


def _authorization_values(text: str, lower: str) -> Iterator[Span]:
    """Credentials after an authorization scheme (RFC 6750, RFC 7617)."""
    for place in find_all(lower, "bearer "):
        found = _BEARER.match(text, place)
        if found and not is_placeholder(found[1]):
            bare = found[1].rstrip(".,")
            if is_random(bare) or (any(map(str.isdigit, bare)) and not is_wordy(bare)):
                yield found.start(1), found.start(1) + len(bare)
    for place in find_all(lower, "basic "):
        found = _BASIC.match(text, place)
        if found and _holds_user_and_password(found[1]):
            yield found.span(1)


def _holds_user_and_password(encoded: str) -> bool:
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return b":" in decoded and decoded.isascii() and all(32 <= byte < 127 for byte in decoded)


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


def _option_passwords(text: str) -> Iterator[Span]:
    if "-u" not in text and " -p" not in text:
        return
    for needed, literal, pattern in _OPTIONS:
        if needed not in text:
            continue
        for place in find_all(text, literal):
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


def _command_passwords(text: str, lower: str) -> Iterator[Span]:
    """Passwords after the words of a command that takes a password there."""
    for literal, pattern in _ANNOUNCED:
        if literal not in lower:
            continue
        for place in find_all(lower, literal):
            found = pattern.match(text, place)
            if found and not is_placeholder(found[1]):
                yield found.span(1)


def _password_files(text: str) -> Iterator[Span]:
    for found in _DATABASE_LINE.finditer(text):
        line = text.rfind("\n", max(0, found.start() - 255), found.start()) + 1
        host = text[line : found.start()]
        if _HOST.match(host) and not host.isdigit() and not is_placeholder(found[1]):
            yield found.span(1)
