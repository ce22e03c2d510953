"""Finds identifiers that name a secret, by the words that they are made of."""

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from functools import lru_cache
from typing import Final, NamedTuple

from orchestration_assets.text.sensitive.spans import find_all, lowercase


class NameMeaning(Enum):
    """The kind of secret that a name announces."""

    CHOSEN = auto()
    """A password: chosen by a person, so it may be short or a word."""
    PHRASE = auto()
    """A passphrase of several words."""
    ISSUED = auto()
    """A key or token: generated, long and random."""


class SecretName(NamedTuple):
    """A name of a secret, and its span in the text."""

    start: int
    end: int
    meaning: NameMeaning
    is_uppercase: bool
    """Whether it is in capitals, as environment variables are."""
    is_common_word: bool
    """Whether it is also a common word, which names a secret only before a sign."""


LITERALS: Final = (
    *("pass", "pwd", "secret", "token", "key", "auth", "credential", "sess", "phrase"),
    *("kennwort", "contrase", "senha", "wachtwoord", "mnemonic", "bearer"),
)
"""Every name contains one of these, in lower case."""

_PASSWORD_NAMES: Final = (
    *("password", "passwd", "passwort", "passcode", "pwd", "kennwort", "contrasena", "senha"),
    *("contrase\u00f1a", "wachtwoord", "userpass", "dbpass", "rootpass", "passw"),
)
_PHRASE_NAMES: Final = ("passphrase", "mnemonic", "seedphrase", "recoveryphrase")
_TOKEN_NAMES: Final = (
    *("secret", "token", "apikey", "accesskey", "secretkey", "privatekey", "accountkey", "authkey"),
    *("signingkey", "encryptionkey", "masterkey", "appkey", "authtoken", "credential", "sessid"),
    *("credentials", "authorization", "sessionid", "licensekey", "presharedkey", "sharedkey"),
)
# short for password alone and after one of these only; elsewhere it is a word like any other
_BEFORE_PASS: Final = frozenset(
    (
        "db user admin root smtp ftp mail email mysql pg postgres redis mongo rabbitmq ldap bind "
        "login proxy http https ssh auth my key store keystore truststore api account wifi wpa "
        "basic sudo service sa jenkins nexus docker registry imap pop mqtt sql database default"
    ).split()
)
# a key is a secret's name after one of these only
_BEFORE_KEY: Final = frozenset(
    (
        "api app access account shared private encryption encrypt signing sign master consumer "
        "client service subscription license licence deploy webhook storage hmac jwt auth ssh gpg "
        "admin root server cookie session integration write ingest ingestion instrumentation "
        "preshared fernet aes security bot team org "
        "organization bearer secret algolia maps stripe openai anthropic sendgrid mailgun datadog "
        "dd heroku twilio aws azure gcp google vault rails laravel django wireguard psk crypt "
        "crypto cipher decryption decrypt recovery unseal"
    ).split()
)
_SUFFIXES: Final = frozenset(
    (
        "value string str plain text prod production dev development staging stage test live local "
        "old new current backup base64 b64 hex main default key"
    ).split()
)
# before the word of the secret these make it something else
_NOT_SECRET: Final = frozenset(
    (
        "public next page prev previous continuation sync max min num total prompt completion eos "
        "bos pad unk end start stop special no is has use show hide reset forgot per n count sort "
        "partition foreign mask cls sep idempotency compact tokenizer lookup completion tokens by "
        "without missing invalid wrong bad"
    ).split()
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+", re.UNICODE)
_MAX_NAME_CHARS: Final = 48
_IDENTIFIER_CHARS: Final = b"abcdefghijklmnopqrstuvwxyz0123456789_.-?"
_IDENTIFIER_MASK: Final = bytes(
    ord("a") if one in _IDENTIFIER_CHARS else ord(" ") for one in range(256)
)
"""What identifiers are made of; beyond ASCII, which encoding makes a question mark, is within."""
_COMMON_WORDS: Final = frozenset(("pass", "pass_", "auth", "bearer"))


@lru_cache(8192)
def name_meaning(identifier: str) -> NameMeaning | None:
    """The kind of secret that an identifier such as ``awsSecretKey2`` names; None for none."""
    words = [lowercase(word) for word in _WORD.findall(identifier)]
    while len(words) > 1 and (words[-1].isdigit() or words[-1] in _SUFFIXES):
        if words[-1] == "key" and words[-2] in _BEFORE_KEY:
            break
        words.pop()
    if not words:
        return None
    last = words[-1]
    before = words[-2] if len(words) > 1 else ""
    if before in _NOT_SECRET or last in _NOT_SECRET or "public" in words:
        return None
    if last == "key":
        return NameMeaning.ISSUED if before in _BEFORE_KEY else None
    if last == "id":
        return NameMeaning.ISSUED if before in ("session", "sess") else None
    if last == "phrase":
        return NameMeaning.PHRASE if before in ("pass", "seed", "recovery", "secret") else None
    if last == "passe":
        return NameMeaning.CHOSEN if before == "de" else None
    if last == "pass":
        is_whole_name = identifier.strip("_").lower() == "pass"
        return NameMeaning.CHOSEN if is_whole_name or before in _BEFORE_PASS else None
    if last in ("auth", "bearer"):
        return NameMeaning.ISSUED
    if last.endswith(_PHRASE_NAMES):
        return NameMeaning.PHRASE
    if last.endswith(_PASSWORD_NAMES):
        return NameMeaning.CHOSEN
    return NameMeaning.ISSUED if last.endswith(_TOKEN_NAMES) else None


def secret_names(text: str, lower: str, literals: Sequence[str] = LITERALS) -> Iterator[SecretName]:
    """The names of secrets in a text, from left to right, that contain one of ``literals``.

    ``lower``: the text in lower case."""
    found_at = [
        place for literal in literals if literal in lower for place in find_all(lower, literal)
    ]
    if not found_at:
        return
    parts = lower.encode("ascii", "replace").translate(_IDENTIFIER_MASK)
    done = 0
    for place in sorted(found_at):
        if place < done:
            continue
        end = parts.find(b" ", place)
        end = done = len(lower) if end < 0 else end
        if end - place > _MAX_NAME_CHARS:
            continue
        start = parts.rfind(b" ", max(0, place - _MAX_NAME_CHARS), place) + 1 or max(
            0, place - _MAX_NAME_CHARS
        )
        while lower[end - 1] in ".-":
            end -= 1
        while lower[start] in ".-":
            start += 1
        identifier = text[start:end]
        if identifier == "SECRET" and text[start - 1 : start] == "[" and text[end : end + 1] == "]":
            # what stands in for one that was taken out
            continue
        if lower[start:end].endswith("session") and (more := _SESSION.match(lower, end)):
            end = more.end()
            identifier = text[start:end].replace(" ", "_")
        elif lower[start:end] in ("key", "keys", "phrase", "passe"):
            start = _word_before(lower, start)
            identifier = text[start:end]
        found = name_meaning(identifier)
        if found is not None:
            is_common_word = found is NameMeaning.PHRASE or identifier.lower() in _COMMON_WORDS
            yield SecretName(start, end, found, identifier == identifier.upper(), is_common_word)


_SESSION: Final = re.compile(r" (?:id|key|cookie)\b")


def _word_before(lower: str, start: int) -> int:
    """Where a name of several words in prose begins: ``api key``."""
    floor = max(0, start - 16)
    before = lower[floor:start]
    found = re.search(r"(?:mot de |[a-z-]{2,14} )\Z", before)
    return floor + found.start() if found else start
