"""Which identifiers name a secret: by the words they are made of, whatever joins them."""

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from functools import lru_cache
from typing import Final, NamedTuple

from orchestration_assets.text.sensitive.spans import places, small


class NameMeaning(Enum):
    """What a name says of its value."""

    CHOSEN = auto()
    """A password: a person chose it, so it may be short, and a word."""
    PHRASE = auto()
    """Of several words."""
    ISSUED = auto()
    """A key or a token: made by a machine, long and drawn by chance."""


class SecretName(NamedTuple):
    """Where the name of a secret stands."""

    start: int
    end: int
    naming: NameMeaning
    upper: bool
    """Whether it is written as in an environment: in capitals."""
    a_word: bool
    """Whether it is a word of other uses too: only a sign between makes it a name."""


LITERALS: Final = (
    *("pass", "pwd", "secret", "token", "key", "auth", "credential", "sess", "phrase"),
    *("kennwort", "contrase", "senha", "wachtwoord", "mnemonic", "bearer"),
)
"""Of these one stands in every name, in small letters."""

_CHOSEN: Final = (
    *("password", "passwd", "passwort", "passcode", "pwd", "kennwort", "contrasena", "senha"),
    *("contrase\u00f1a", "wachtwoord", "userpass", "dbpass", "rootpass", "passw"),
)
_PHRASES: Final = ("passphrase", "mnemonic", "seedphrase", "recoveryphrase")
_ISSUED: Final = (
    *("secret", "token", "apikey", "accesskey", "secretkey", "privatekey", "accountkey", "authkey"),
    *("signingkey", "encryptionkey", "masterkey", "appkey", "authtoken", "credential", "sessid"),
    *("credentials", "authorization", "sessionid", "licensekey", "presharedkey", "sharedkey"),
)
# short for password alone and after one of these only; elsewhere it is a word like any other
_PASS: Final = frozenset(
    (
        "db user admin root smtp ftp mail email mysql pg postgres redis mongo rabbitmq ldap bind "
        "login proxy http https ssh auth my key store keystore truststore api account wifi wpa "
        "basic sudo service sa jenkins nexus docker registry imap pop mqtt sql database default"
    ).split()
)
# a key is a secret's name after one of these only
_KEYS: Final = frozenset(
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
_TAILS: Final = frozenset(
    (
        "value string str plain text prod production dev development staging stage test live local "
        "old new current backup base64 b64 hex main default key"
    ).split()
)
# before the word of the secret these make it something else
_NO_SECRETS: Final = frozenset(
    (
        "public next page prev previous continuation sync max min num total prompt completion eos "
        "bos pad unk end start stop special no is has use show hide reset forgot per n count sort "
        "partition foreign mask cls sep idempotency compact tokenizer lookup completion tokens by "
        "without missing invalid wrong bad"
    ).split()
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+", re.UNICODE)
_LONGEST: Final = 48
_INSIDE: Final = b"abcdefghijklmnopqrstuvwxyz0123456789_.-?"
_PARTS: Final = bytes(ord("a") if one in _INSIDE else ord(" ") for one in range(256))
"""What identifiers are made of; beyond ASCII, which encoding makes a question mark, is within."""
_WORDS: Final = frozenset(("pass", "pass_", "auth", "bearer"))


@lru_cache(8192)
def naming(identifier: str) -> NameMeaning | None:
    """What an identifier, such as ``db.password`` or ``awsSecretKey2``, says of its value."""
    words = [small(one) for one in _WORD.findall(identifier)]
    while len(words) > 1 and (words[-1].isdigit() or words[-1] in _TAILS):
        if words[-1] == "key" and words[-2] in _KEYS:
            break
        words.pop()
    if not words:
        return None
    last = words[-1]
    before = words[-2] if len(words) > 1 else ""
    if before in _NO_SECRETS or last in _NO_SECRETS or "public" in words:
        return None
    if last == "key":
        return NameMeaning.ISSUED if before in _KEYS else None
    if last == "id":
        return NameMeaning.ISSUED if before in ("session", "sess") else None
    if last == "phrase":
        return NameMeaning.PHRASE if before in ("pass", "seed", "recovery", "secret") else None
    if last == "passe":
        return NameMeaning.CHOSEN if before == "de" else None
    if last == "pass":
        alone = identifier.strip("_").lower() == "pass"
        return NameMeaning.CHOSEN if alone or before in _PASS else None
    if last in ("auth", "bearer"):
        return NameMeaning.ISSUED
    if last.endswith(_PHRASES):
        return NameMeaning.PHRASE
    if last.endswith(_CHOSEN):
        return NameMeaning.CHOSEN
    return NameMeaning.ISSUED if last.endswith(_ISSUED) else None


def names(text: str, lower: str, literals: Sequence[str] = LITERALS) -> Iterator[SecretName]:
    """The names of secrets in a text, of which ``lower`` is the small form, from left to right:
    those in which one of ``literals`` stands."""
    found_at = [place for literal in literals for place in places(lower, literal)]
    if not found_at:
        return
    parts = lower.encode("ascii", "replace").translate(_PARTS)
    done = 0
    for place in sorted(found_at):
        if place < done:
            continue
        end = parts.find(b" ", place)
        end = done = len(lower) if end < 0 else end
        if end - place > _LONGEST:
            continue
        start = parts.rfind(b" ", max(0, place - _LONGEST), place) + 1 or max(0, place - _LONGEST)
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
        found = naming(identifier)
        if found is not None:
            a_word = found is NameMeaning.PHRASE or identifier.lower() in _WORDS
            yield SecretName(start, end, found, identifier == identifier.upper(), a_word)


_SESSION: Final = re.compile(r" (?:id|key|cookie)\b")


def _word_before(lower: str, start: int) -> int:
    """Where the words before it begin that belong to a name in prose: ``api key``."""
    floor = max(0, start - 16)
    before = lower[floor:start]
    found = re.search(r"(?:mot de |[a-z-]{2,14} )\Z", before)
    return floor + found.start() if found else start
