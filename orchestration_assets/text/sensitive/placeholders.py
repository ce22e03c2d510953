"""Recognises what is written in the place of a secret: placeholders, references, code."""

import re
from typing import Final

from orchestration_assets.text.sensitive.randomness import is_random, words_in

# a value of nothing but these words is a description or a type
_PLACEHOLDER_WORDS: Final = frozenset(
    (
        "a an the my our your their this that some any no not none null nil undefined void unset "
        "empty blank missing unknown true false yes on off required optional default value values "
        "val var string str text bytes byte int integer number float bool boolean char object dict "
        "list array map type any secret secrets secretstr password passwords passwd pass pwd "
        "passphrase passcode token tokens key keys api apikey apitoken auth authorization "
        "authentication bearer basic digest oauth jwt access refresh client private public session "
        "cookie user users username login email name id account credential credentials admin root "
        "guest anonymous change changeme changeit replace replaceme insert enter put here todo "
        "tbd fixme xxx xx yyy zzz foo bar baz qux quux spam eggs example examples sample dummy "
        "fake mock test tests testing demo placeholder redacted masked hidden removed censored "
        "omitted secure random generated generate value from env environ environment config "
        "settings set get in is to of for with and or as by new old current temp temporary "
        "hash hashed hex encoded plain prompt input self cls return break continue pass raise "
        "yield else if "
        "async await function const let invalid valid wrong bad good expired field label header "
        "passwort kennwort contrasena contraseña senha parola haslo hasło wachtwoord mot de passe "
        "пароль 密码 パスワード"
    ).split()
)
# words of an instruction: figures after them make no secret of it
_INSTRUCTIONS: Final = frozenset(
    "your yours change changeme changeit replace replaceme insert here todo fixme example sample "
    "dummy placeholder redacted fake mock xxx xxxx".split()
)
_REFERENCE: Final = re.compile(
    r"\$\{|\$\(|\$[A-Za-z_]\w*\Z|\{\{|\{[A-Za-z_][^{}]{0,80}\}?\Z|\*.*\*\Z|<[^<>]{0,80}>?\Z|%\(?\w{0,40}\)?[sd%]?\Z"
    r"|\[[^\]]{0,80}\]?\Z|@\{|#\{|!(?:Ref|Sub|GetAtt|secret|vault|env_var|ENV)\b|&[a-z]+;\Z"
    r"|(?:env|ref|vault|secret|ssm|op|file|arn|gcp|aws|azure|sops|keyring|projects)[:/]"
    r"|\w{1,20}://[^@]*\Z|(?:\.{0,2}|~)/[\w.-]+(?:/[\w.-]+)*\Z|ssh-(?:rsa|ed25519)\b"
)
_TEMPLATE: Final = re.compile(
    r"\{\{|\$\{|\{[A-Za-z_][\w.]{1,60}(?:![rsa])?(?::[^{}]{0,20})?\}|<%|%\(\w"
)
_NAME: Final = r"[A-Za-z_$@][\w$]{0,80}"
_ATTRIBUTE: Final = re.compile(rf"[&*!]?{_NAME}(?:(?:\.|\?\.|->|::)#?{_NAME})+[);,:\]}}]*\Z")
_CALL: Final = re.compile(rf"[&*!]?{_NAME}(?:(?:\.|\?\.|->|::){_NAME})*!?[(\[{{<]")
_CLOSING: Final = (")", "]", "}", ">", ",", ";", ":", "(", "[", "{", '"', "'", "|", "\\", ".")
_IDENTIFIER: Final = re.compile(rf"{_NAME}\Z")
_KEYWORD: Final = re.compile(rf"\*{{0,2}}{_NAME}=|\*\*{_NAME}")
_MIN_NAME_CHARS: Final = 5
_SMALL_NUMBER: Final = re.compile(r"[\d.,_+-]*\d{0,3}%?\Z|0x[0-9a-fA-F]{0,16}[uUlL]*\Z")


def is_placeholder(value: str) -> bool:
    """Whether ``value`` describes a secret, refers to one, or is masked already."""
    if _REFERENCE.match(value) or _TEMPLATE.search(value):
        return True
    if sum(map(str.isalnum, set(value))) == 1:
        return True
    words = words_in(value)
    if not words:
        return value.lower() in _PLACEHOLDER_WORDS
    if not (_PLACEHOLDER_WORDS.issuperset(words) or value.lower() in _PLACEHOLDER_WORDS):
        return False
    figures = sum(map(str.isdigit, value))
    return figures == 0 or (figures <= 4 and not _INSTRUCTIONS.isdisjoint(words))


def is_code(value: str) -> bool:
    """Whether an unquoted ``value`` is an expression of code: a name, an attribute, a call."""
    if _IDENTIFIER.match(value.rstrip("),;:]}")):
        return is_wordy(value)
    if _ATTRIBUTE.match(value):
        first, *more = (part for part in re.split(r"\W+", value) if part)
        return is_wordy(first) and (len(first) >= _MIN_NAME_CHARS or all(map(is_wordy, more)))
    if keyword := _KEYWORD.match(value):
        return is_wordy(keyword[0].strip("*=")) and keyword.end() > _MIN_NAME_CHARS
    if not _CALL.match(value):
        return False
    # a sentence's or an argument's end may be gone, and the closing sign with it
    return value.endswith(_CLOSING) or any(
        value.count(opening) > value.count(closing) for opening, closing in ("()", "[]", "{}")
    )


def is_wordy(value: str) -> bool:
    """Whether it reads like an identifier: words, and hardly a digit."""
    figures = sum(map(str.isdigit, value))
    if figures > 2 or is_random(value):
        return False
    words = words_in(value)
    return figures == 0 or (bool(words) and _PLACEHOLDER_WORDS.issuperset(words))


def is_small_number(value: str) -> bool:
    """Whether it is a number in a program: decimal, percent or hexadecimal."""
    return bool(_SMALL_NUMBER.match(value))
