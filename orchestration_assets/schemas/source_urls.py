"""Paths and URLs of sources: their schemes, their one form, and what a URL must not contain."""

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote_from_bytes, unquote_to_bytes, urlsplit

from orchestration_assets.schemas.errors import SourceError

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)(://|::)")
_CHAINED: Final = re.compile(r"[A-Za-z0-9+.-]+::|.*::[A-Za-z][A-Za-z0-9+.-]*(?:://|::)", re.DOTALL)
LOCAL: Final = frozenset({"file", "local"})
"""Schemes of folders on this machine."""

WEB: Final = frozenset({"http", "https"})
"""Schemes of web servers."""

_HOST: Final = re.compile(r"(?:\[[^\[\]]*\]|[^:\[\]]*)(?::\d*)?")
# names of parameters that let somebody in
_KEYS: Final = re.compile(
    r"(?:.*[-_.])?(?:sig|signature|token|secret|password|passwd|pwd|credential|auth"
    r"|key|apikey|accesskey|accesstoken|authtoken|sessionid)",
    re.IGNORECASE,
)
_SHOWN_CHARS: Final = 200


def scheme_of(source: str) -> str | None:
    """The scheme of a URL in lower case, the first of a chained one; None for a path."""
    match = _SCHEME.match(source)
    return match[1].lower() if match else None


def file_address(path: str | Path) -> str:
    """The ``file://`` URL of a path; any file name, however encoded, survives the round trip."""
    return "file://" + quote_from_bytes(os.fsencode(path), safe=b"/")


def address_path(address: str) -> Path:
    """The path of a ``file://`` address. Raises ValueError for any other scheme."""
    if scheme_of(address) != "file":
        raise ValueError(f"not a file address: {address}")
    # by hand: urlsplit leaves out line ends and takes a bracket for an IPv6 host
    inside = address[len("file://") :].split("#", 1)[0]
    return Path(os.fsdecode(unquote_to_bytes(inside[max(inside.find("/"), 0) :])))


def local_path(source: str) -> str | Path:
    """The path that a path, a ``file://`` or a ``local://`` URL names.

    Raises SourceError for nothing, and for a URL that names another machine, or has a query or a
    fragment.
    """
    if not source.strip() or source.lower() == "local://":
        raise SourceError("no source is given; write . for this folder")
    scheme = scheme_of(source)
    if scheme is None:
        return source
    rest = source.split("://", 1)[1]
    if scheme == "local":
        return rest
    host, slash, _ = rest.partition("/")
    if host.lower() not in ("", "localhost") or not slash:
        raise SourceError(
            f"cannot read {shown(source)}: a file URL names a folder of this machine as "
            "file:///folder; mount the other machine's folder, or give the plain path"
        )
    if "?" in rest or "#" in rest:
        raise SourceError(
            f"cannot read {shown(source)}: in a file URL write ? as %3F and # as %23, or give the "
            "plain path"
        )
    return address_path("file://" + rest)


def url_name(url: str) -> str:
    """The one form of a store's URL: its scheme in lower case, no fragment, no final slash."""
    scheme = scheme_of(url) or ""
    url = scheme + url[len(scheme) :]
    # what stands behind # is never asked for, and a slash within a query is part of it
    if scheme in WEB:
        url = url.split("#", 1)[0]
    return url if scheme in WEB and "?" in url else url.rstrip("/")


def checked_url(url: str) -> str:
    """The URL of a store as a source's name. Raises SourceError for what must not be one."""
    if is_chained(url):
        raise SourceError(
            f"cannot read {shown(url)}: chained URLs are not supported; unpack it first (a folder "
            "of that name is written ./NAME)"
        )
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in url):
        raise SourceError(f"cannot read {shown(url)}: control characters; write them as %XX")
    if _has_password(url):
        raise SourceError(
            f"the source {shown(url)} contains a password; put it into the environment of the "
            "store's client: addresses are kept in tables"
        )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise SourceError(f"cannot read {shown(url)}: {error}; mend the URL") from error
    if parts.scheme in WEB and not parts.hostname:
        raise SourceError(f"cannot read {shown(url)}: it names no host; mend the URL")
    if parts.scheme in WEB and "@" in parts.netloc:
        raise SourceError(
            f"the source {shown(url)} names a user: addresses are kept in tables; give the URL "
            "without it"
        )
    parameters = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    if any(_KEYS.fullmatch(name) for name in parameters):
        raise SourceError(
            f"the source {shown(url)} has a key or signature in its query; give one that needs "
            "none, or copy the content: addresses are kept in tables"
        )
    return url_name(url)


def shown(url: str) -> str:
    """A source as a message may show it: quoted, in one line, without users, passwords, queries."""
    hidden = url
    if _has_password(url):
        scheme = url.index("://") + 3
        hidden = f"{url[:scheme]}…@{url[url.rindex('@') + 1 :]}"
    elif scheme_of(url) in WEB:
        hidden = re.sub(r"(://)[^/?#]*@", r"\1…@", url)
    hidden = re.sub(r"([?&;][^=&;?]*=)[^&;]*", r"\1…", hidden) if "://" in hidden else hidden
    if len(hidden) > _SHOWN_CHARS:
        hidden = hidden[:_SHOWN_CHARS] + "…"
    return repr(hidden)


def _has_password(url: str) -> bool:
    """Whether a URL has a user with a password, also one that is not written as it should be."""
    _, separator, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, _, host = authority.rpartition("@")
    if ":" in re.sub("%3a", ":", user, flags=re.IGNORECASE):
        return bool(separator)
    # a password with a slash in it: what stands behind the colon is no port
    return bool(separator) and "@" in rest[len(authority) :] and _HOST.fullmatch(host) is None


def is_chained(source: str) -> bool:
    """Whether it is one store's URL within another's, as in ``zip://inner::file:///outer``."""
    # the colons of an IPv6 host chain nothing
    plain = re.sub(r"(://[^/]*)\[[0-9A-Fa-f:.%]*\]", r"\1", source, count=1)
    return scheme_of(plain) is not None and _CHAINED.match(plain) is not None
