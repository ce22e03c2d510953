"""Secrets that stand in settings, where they would be shown, hashed and kept.

No message quotes what it refuses.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import AfterValidator

from orchestration_assets.schemas.variables import begins_like_key, looks_like_secret

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS: Final = frozenset(
    "auth authorization authorisation bearer credential credentials jwt key keys apikey apikeys "
    "passphrase passwd password passwords passwort pwd secret secrets signature token "
    "apitoken authtoken accesstoken accesskey secretkey".split()
)
# keys that sort or group, and tokens of a model's vocabulary: secret only if they look it
_PLAIN_KINDS: Final = frozenset(
    "bos cache cls end eos foreign group mask order pad partition primary sep sort special start "
    "stop unk unknown".split()
)
_PLAIN_NAME: Final = re.compile(r"[A-Za-z][\w-]{0,59}")
_SCHEME: Final = re.compile(r"\s*(?:(?:bearer|basic|token|apikey)\s+)?", re.I)

# the second form: a password with a slash in it, and no port
_PASSWORD: Final = re.compile(r"//(?:[^/?#]*:[^/?#]*@|[^/?#@:]*:(?![0-9]{1,5}(?:[/?#]|$))[^@]*@)")
_USER: Final = re.compile(r"//([^/?#@]+)@")
_ASKED: Final = re.compile(r"[?&;]([^=&;#]{1,100})=[^&;#]")


def _is_secret_name(name: str) -> bool:
    words = {word.lower() for word in _WORD.findall(name)}
    return bool(words & _SECRET_WORDS) or "".join(_WORD.findall(name)).lower() in _SECRET_WORDS


def _is_plain_kind(name: str) -> bool:
    return any(word.lower() in _PLAIN_KINDS for word in _WORD.findall(name))


def _is_issued(text: str) -> bool:
    begin = _SCHEME.match(text)
    return begins_like_key(text[begin.end() if begin else 0 :])


def _secret_places(value: Any, name: str, under_secret: bool) -> Iterator[str]:
    """The names of the values that look secret.

    Below a secret name, only what is put together like a key: labels may be called anything.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            key_name = str(key)
            if _is_issued(key_name):
                yield name
            own = _is_secret_name(key_name)
            plain = _PLAIN_NAME.fullmatch(key_name) and not looks_like_secret(key_name)
            place = f"{name}.{key_name}" if plain else name
            if own and isinstance(inner, str) and inner.strip() and not _is_plain_kind(key_name):
                yield place
            else:
                yield from _secret_places(inner, place, own or under_secret)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secret_places(inner, name, under_secret)
    elif isinstance(value, str) and (
        _is_issued(value)
        or (under_secret and len(value.split()) == 1 and looks_like_secret(value.strip()))
    ):
        yield name


def _without_secrets(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters as they are. Raises ValueError."""
    place = next(_secret_places(parameters, "parameters", under_secret=False), None)
    if place is not None:
        raise ValueError(
            f"what {place} holds looks secret, and parameters are shown and kept: put it into an "
            "environment variable and name that in api_key_env or header_env of a service over HTTP"
        )
    return parameters


def holds_secret(text: str) -> bool:
    """Whether a text is an issued key, or an address with a password or key in it."""
    return _is_issued(text) or _has_password(text)


def _has_password(address: str) -> bool:
    user = _USER.search(address)
    return bool(
        _PASSWORD.search(address)
        or (user and _is_issued(user[1]))
        or any(_is_secret_name(name) or name == "sig" for name in _ASKED.findall(address))
    )


def _without_password(address: str) -> str:
    """The address as it is. Raises ValueError."""
    if _has_password(address):
        raise ValueError(
            "the address holds a user and password or a key, and policies are shown and kept: "
            "leave it out and give it to the process's environment or the store's own settings"
        )
    return address


Parameters = Annotated[dict[str, Any], AfterValidator(_without_secrets)]
"""Free settings that may hold anything but a secret."""
PlainAddress = Annotated[str, AfterValidator(_without_password)]
"""A folder or URL without credentials."""
