"""The secrets that a service's requests carry, from the environment."""

import os
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from orchestration_assets.schemas.services import HttpConfig
from resources.ai_services.http.errors import Unauthorised


def checked(variable: str, value: str) -> str:
    """``value`` as a header can carry it. Raises Unauthorised, which never quotes it."""
    if any(not " " <= one <= "~" for one in value):
        raise Unauthorised(
            f"the environment variable {variable} holds a line break, a control character or a "
            "letter beyond ASCII, which no header can carry: export it again without"
        )
    return value


def secrets_of(config: HttpConfig) -> Iterator[str]:
    """The values that a service must not be heard to repeat: its key, its secret headers, the
    user and password of its address."""
    header_env = getattr(config, "header_env", None) or {}
    for variable in (config.api_key_env, *header_env.values()):
        if variable and (value := os.environ.get(variable, "").strip()):
            yield value
            if " " in value:
                # a scheme before it, or parts: each is a secret of its own
                yield from value.split()
    address = config.base_url or os.environ.get(getattr(config, "base_url_env", None) or "", "")
    if "@" in address:
        try:
            parts = urlsplit(address)
        except ValueError:
            return
        yield from (unquote(one) for one in (parts.password, parts.username) if one)
