"""Sessions in signed cookies, and tokens that prove that a form came from a page of ours.

A cookie is ``<payload>.<signature>``: JSON as URL-safe base64, and HMAC-SHA256 over it under a key
that only this home's explorer knows.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

_COOKIE: Final = "orchestrate_session"
MOST_NAME: Final = 60
_KEY_BYTES: Final = 32
_KEY_FILE: Final = "session.key"
_LONGEST_COOKIE: Final = 1024


@dataclass(frozen=True, slots=True)
class Session:
    """One browser: a random ``number``, the name of the person, and whether the token was given."""

    number: str
    who: str = ""
    admitted: bool = False

    def named(self, who: str) -> "Session":
        return replace(self, who=who)


class Signer:
    """Signs and verifies under one key and, where one is asked for, the token: whoever came in
    by another token than that of now has to give it again."""

    def __init__(self, key: bytes, token: str | None = None) -> None:
        self._key = key if token is None else hmac.digest(key, token.encode(), "sha256")
        # browsers send the cookies of all ports of a machine: each home has a name of its own
        self.cookie_name = f"{_COOKIE}_{hashlib.sha256(key).hexdigest()[:8]}"

    def cookie(self, session: Session) -> str:
        """The session as the value of a cookie."""
        plain = json.dumps(asdict(session), separators=(",", ":")).encode()
        # a cookie with = in it would be quoted
        payload = base64.urlsafe_b64encode(plain).decode().rstrip("=")
        return f"{payload}.{self._signature('session', payload)}"

    def session(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None for one that is missing, changed or of another home."""
        if not cookie or len(cookie) > _LONGEST_COOKIE:
            return None
        payload, _, signature = cookie.partition(".")
        if not _same(signature, self._signature("session", payload)):
            return None
        try:
            given = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return Session(str(given["number"]), str(given["who"]), given["admitted"] is True)
        except (ValueError, KeyError, TypeError, binascii.Error):
            return None

    def form_token(self, session: Session) -> str:
        """What every form of this session carries."""
        return self._signature("form", session.number)

    def is_form_token(self, session: Session, given: str) -> bool:
        return _same(given, self.form_token(session))

    def _signature(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def new_session() -> Session:
    """A session of a browser that came without one."""
    return Session(secrets.token_urlsafe(16))


def clean_name(text: str) -> str:
    """A person's name as verdicts are signed with it: one line of printable characters, cut."""
    printable = "".join(sign for sign in text if sign.isprintable())
    return " ".join(printable.split())[:MOST_NAME].strip()


def kept_key(folder: Path) -> bytes:
    """The key of a home, made when there is none yet; readable by this user alone."""
    path = folder / _KEY_FILE
    folder.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        return key if len(key) == _KEY_BYTES else secrets.token_bytes(_KEY_BYTES)
    key = secrets.token_bytes(_KEY_BYTES)
    with os.fdopen(file, "wb") as sink:
        sink.write(key)
    return key
