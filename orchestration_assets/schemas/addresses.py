"""Web addresses of services: what one must look like before anything is sent there."""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, WithJsonSchema

_LONGEST: Final = 2000
_UNUSABLE: Final = re.compile(r"[^\x21-\x7e\u00a1-\U0010ffff]|[\\\"<>^`{|}]")
_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")


def address_problem(address: str) -> str | None:
    """What is wrong with the base address of a service, without a word of the address itself.

    An address is http or https with a host; the paths of requests are appended to it, so it has no
    query and no fragment. A user and password stand in no file.
    """
    if not address.startswith(("http://", "https://")):
        return "must start with http:// or https://"
    if len(address) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is no address: its host or port cannot be read (a port lies from 1 to 65535)"
    if "@" in parts.netloc:
        return (
            "holds a user or password: take them out, put the key in an environment variable and "
            "name it under api_key_env"
        )
    if _UNUSABLE.search(address):
        return "holds a space or another character that no address has"
    if not host:
        return "names no host"
    if port == 0:
        return "has port 0: a port lies from 1 to 65535"
    if "?" in address or "#" in address:
        return (
            "has a query or fragment: requests append their own path; a key belongs in an "
            "environment variable that api_key_env names"
        )
    if parts.netloc.startswith("["):
        return None
    return None if _is_host(host) else "names a host that cannot exist"


def _is_host(host: str) -> bool:
    try:
        labels = host.encode("idna").decode().removesuffix(".").split(".")
    except UnicodeError:
        return False
    return all(_HOST.fullmatch(label) for label in labels)


def _checked(address: str) -> str:
    if (problem := address_problem(address)) is not None:
        raise ValueError(problem)
    return address


ServiceAddress = Annotated[
    str,
    AfterValidator(_checked),
    WithJsonSchema({"type": "string", "pattern": r"^https?://[^\s?#@]+$"}),
]
"""A field with the base address of a service; what it refuses it does not quote."""
