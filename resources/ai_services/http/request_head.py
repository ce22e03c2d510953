"""The head of requests to one address, written once: they differ only in key and length."""

import asyncio
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

_HEADERS: Final = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    # answers are small and read as they come
    "accept-encoding": "identity",
    "user-agent": "content-orchestration",
}
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
KEY_HEADER: Final = "idempotency-key"
_PLAIN_KEY: Final = re.compile(r"[\w-]{1,128}", re.ASCII)
_MAX_KEPT: Final = 16
# stand for what differs between requests; a head that holds one of its own is not kept
_ANY_KEY: Final = "key-bc6b9b0e5f3f4f0f"
_ANY_LENGTH: Final = "length-95ab0e1b4ce34c5a"
_PLACES: Final = re.compile(f"{_ANY_KEY}|{_ANY_LENGTH}")


class _Parts(NamedTuple):
    """A head around its key and its length."""

    before: bytes
    between: bytes
    after: bytes


class RequestHead:
    """The head of requests to one address, which goes to ``host``.

    aiohttp connects for ``any_request``, and tells connections apart by its ``connection_key``.
    """

    def __init__(self, url: str) -> None:
        """Raises ValueError for what is no address that a request can be made to."""
        import aiohttp
        from yarl import URL

        address = URL(url)
        if address.user is not None or address.password is not None:
            raise ValueError("it holds a name or a password, which belong in header_env")
        self.any_request = aiohttp.ClientRequest("GET", address, loop=asyncio.get_running_loop())
        self.connection_key = self.any_request.connection_key
        self.host = self.any_request.headers["host"]
        self._path = address.raw_path_qs
        self._kept: dict[tuple[str | tuple[str, str], ...], _Parts | None] = {}

    def request(self, method: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        """A whole request. Raises ValueError where a header would break out of its line."""
        if body is None:
            return self._written(method, headers, None)
        key = headers.get(KEY_HEADER, "")
        parts: _Parts | None = None
        if _PLAIN_KEY.fullmatch(key):
            given = [pair for pair in headers.items() if pair[0] != KEY_HEADER]
            others: tuple[str | tuple[str, str], ...] = (method, *given)
            if others not in self._kept:
                if len(self._kept) >= _MAX_KEPT:
                    self._kept.clear()
                self._kept[others] = self._parts(method, headers, str(others))
            parts = self._kept[others]
        if parts is None:
            return self._written(method, headers, str(len(body))) + body
        before, between, after = parts
        return b"%b%b%b%d%b%b" % (before, key.encode(), between, len(body), after, body)

    def _parts(self, method: str, headers: Mapping[str, str], others: str) -> _Parts | None:
        """None where a header of the policy takes the place of the key, or looks like a place.

        ``others``: all of the headers but the key.
        """
        whole = self._written(method, {**headers, KEY_HEADER: _ANY_KEY}, _ANY_LENGTH).decode()
        own = _PLACES.search(f"{self._path}{others}")
        is_plain = own is None and _PLACES.findall(whole) == [_ANY_KEY, _ANY_LENGTH]
        pieces = [piece.encode() for piece in _PLACES.split(whole)]
        return _Parts(*pieces) if is_plain else None

    def _written(self, method: str, headers: Mapping[str, str], length: str | None) -> bytes:
        """All that comes before the body."""
        fields = {"host": self.host, **_HEADERS}
        fields.update((name.lower(), value) for name, value in headers.items())
        if length is not None:
            fields["content-length"] = length
        lines = [f"{method} {self._path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items())]
        head = "\n".join(lines)
        if head.count("\n") != len(lines) - 1 or _CONTROLS.search(head.replace("\n", "")):
            raise ValueError("a header holds a line break or a control character")
        return head.replace("\n", "\r\n").encode() + b"\r\n\r\n"
