"""What a request must be before any page sees it, and what every answer says to browsers.

Whoever listens on this machine alone is still reached by pages of other sites that run in a
browser here: a name of theirs may be made to mean 127.0.0.1 (DNS rebinding), and their forms may
be sent here. So the Host header must name this server, requests that change something must come
from its own pages, and sizes are bounded.
"""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestration_assets.schemas.errors import OrchestrationError

MOST_BODY: Final = 64 * 1024
MOST_QUERY: Final = 4096
_MOST_PATH: Final = 512
_METHODS: Final = ("GET", "HEAD", "POST")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_REPORT_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; sandbox allow-scripts"
)
_OWN_SCRIPT: Final = re.compile(r"script-src 'sha256-[A-Za-z0-9+/]{43}='")
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def report_policy(page: str) -> str:
    """For a stored page, which brings its style with it, and may be searched by one script.

    Which one that is stands in the page before anything that content could have come into.
    """
    found = _OWN_SCRIPT.search(page.partition("<title>")[0])
    return f"{_REPORT_POLICY}; {found[0]}" if found else _REPORT_POLICY


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def allowed_hosts(host: str, named: Collection[str]) -> frozenset[str]:
    """The names under which the server may be asked for, without ports."""
    own = {host.strip("[]").lower()} - {"0.0.0.0", "::", ""}  # noqa: S104 -- none that is asked for
    local = LOOPBACK_NAMES if is_loopback(host) else frozenset()
    return frozenset({*own, *local, *(name.lower() for name in named)})


def host_of(header: str) -> str:
    """The name in a Host header, without its port; empty when it is none."""
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    words: str


@dataclass(frozen=True)
class RequestGuard:
    """Refuses what no page of ours would ask, and adds the headers to every answer."""

    app: ASGIApp
    hosts: frozenset[str]
    headers: dict[str, str] = field(default_factory=lambda: dict(HEADERS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = refused(scope, self.hosts)
        if refusal is not None:
            await PlainTextResponse(f"{refusal.words}\n", refusal.status)(
                scope, receive, with_headers
            )
            return
        await self.app(scope, _bounded(receive), with_headers)


class BodyTooLargeError(OrchestrationError):
    """A request sends more than a form of ours can."""


def _bounded(receive: Receive) -> Receive:
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MOST_BODY:
            raise BodyTooLargeError("the request is larger than any form of these pages")
        return message

    return bounded


def refused(scope: Scope, hosts: frozenset[str]) -> _Refusal | None:
    """Why a request is not answered; None when it is."""
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if len(headers.getlist("host")) != 1 or host_of(host) not in hosts:
        return _Refusal(421, "this server does not go by that name: see --allow-host")
    if scope["method"] not in _METHODS:
        return _Refusal(405, "only GET, HEAD and POST are answered")
    if len(scope.get("raw_path") or b"") > _MOST_PATH or len(scope["query_string"]) > MOST_QUERY:
        return _Refusal(414, f"the address is too long: at most {MOST_QUERY} bytes of parameters")
    if scope["method"] != "POST":
        return None
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MOST_BODY:
        return _Refusal(413, f"the form is too large: at most {MOST_BODY} bytes")
    if headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        return _Refusal(415, "only forms are taken")
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return _Refusal(403, "the form came from another site")
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return _Refusal(403, "the form came from another site")
    return None
