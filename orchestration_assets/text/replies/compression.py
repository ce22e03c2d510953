"""Bodies that come compressed although nobody asked for it (RFC 9110, 8.4): undone as they arrive,
never to more than a given size."""

import zlib
from typing import Final

_UNDONE: Final = {"gzip", "x-gzip", "deflate"}
_GZIP_MARK: Final = b"\x1f\x8b"


class EncodingError(ValueError):
    """The body cannot be decompressed, or not within its limit; the message says why."""


class Decompressor:
    """Undoes a ``Content-Encoding``; gzip is recognised without one too.

    Raises EncodingError for an encoding that is not known here, for damaged data, and once more
    than ``limit`` bytes came out.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        names = [one.strip().lower() for one in content_encoding.split(",")]
        self._names = [one for one in names if one not in ("", "identity")]
        if unknown := [one for one in self._names if one not in _UNDONE]:
            raise EncodingError(
                f"the answer is compressed as {unknown[0][:20]}, which was not asked for and is "
                "not read here"
            )
        if len(self._names) > 2:
            raise EncodingError("the answer is compressed more than twice")
        self._left = limit
        self._limit = limit
        self._stages: list[_Stage] | None = None

    def feed(self, part: bytes) -> bytes:
        """What this part of the body comes to; parts may end anywhere."""
        if not part:
            return b""
        if self._stages is None:
            names = self._names or (["gzip"] if part.startswith(_GZIP_MARK) else [])
            # the last encoding was applied last
            self._stages = [_Stage(name) for name in reversed(names)]
        for stage in self._stages:
            part = stage.feed(part, self._left)
        self._left -= len(part)
        if self._left < 0:
            raise EncodingError(f"the answer is larger than {self._limit} bytes")
        return part

    def finish(self) -> None:
        """Raises EncodingError when the data broke off."""
        if any(not stage.ended for stage in self._stages or ()):
            raise EncodingError("the compressed answer breaks off")


class _Stage:
    """One encoding; gzip may have several members, deflate a zlib header or none."""

    def __init__(self, name: str) -> None:
        self._gzip = name != "deflate"
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16) if self._gzip else None
        self.ended = False

    def feed(self, part: bytes, most: int) -> bytes:
        found = []
        while part:
            if self.ended:
                # zeros after the last member are padding
                if not self._gzip or not (part := part.lstrip(b"\0")):
                    break
                self._inflate, self.ended = zlib.decompressobj(zlib.MAX_WBITS | 16), False
            if self._inflate is None:
                raw = part[0] & 0x0F != zlib.DEFLATED
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
            try:
                # one more than allowed, so that too much is seen
                found.append(self._inflate.decompress(part, most + 1))
            except zlib.error as error:
                raise EncodingError(f"the compressed answer is damaged: {error}") from error
            most -= len(found[-1])
            if most < 0:
                break
            self.ended = self._inflate.eof
            part = self._inflate.unused_data
        return b"".join(found)
