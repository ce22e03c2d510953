"""The secrets in the headers of a service's requests, from the environment."""

import os
from collections.abc import Iterator
from typing import Final

from orchestration_assets.schemas.services import HttpConfig
from orchestration_assets.text.replies.call_errors import Unauthorised

_SCHEMES: Final = frozenset("apikey basic bearer digest negotiate token".split())
_MIN_PART_CHARS: Final = 8
"""Shorter parts of a value may be common words."""


def header_value(variable: str, value: str) -> str:
    """``value`` if a header can carry it. Raises Unauthorised, without the value."""
    if any(not " " <= character <= "~" for character in value):
        raise Unauthorised(
            f"the environment variable {variable} holds a line break, a control character or a "
            "letter beyond ASCII, which no header can carry: export it again without"
        )
    return value


def secrets_of(config: HttpConfig) -> Iterator[str]:
    """The secret values that a service receives: its key and its secret headers."""
    for variable in (config.api_key_env, *config.header_env.values()):
        if variable and (value := os.environ.get(variable, "").strip()):
            yield from secret_parts(value)


def secret_parts(value: str) -> Iterator[str]:
    """The value behind its scheme, and each of its parts that is long enough."""
    first, *others = value.split(maxsplit=1)
    if others and first.lower() in _SCHEMES:
        value = others[0]
    yield value
    if len(parts := value.split()) > 1:
        yield from (part for part in parts if len(part) >= _MIN_PART_CHARS)
