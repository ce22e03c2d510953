"""Decompresses bodies (RFC 9110, 8.4) chunk by chunk, up to a limit of size."""

import zlib
from typing import Final

_SUPPORTED: Final = {"gzip", "x-gzip", "deflate"}
_GZIP_MAGIC: Final = b"\x1f\x8b"


class EncodingError(ValueError):
    """The body cannot be decompressed, or not within its limit; the message says why."""


class Decompressor:
    """Decompresses by ``Content-Encoding``; gzip is recognised without it too.

    Raises EncodingError for an encoding that is not known here, for damaged data, and once more
    than ``limit`` bytes came out.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        names = [name.strip().lower() for name in content_encoding.split(",")]
        self._names = [name for name in names if name not in ("", "identity")]
        if unknown := [name for name in self._names if name not in _SUPPORTED]:
            raise EncodingError(
                f"the answer is compressed as {unknown[0][:20]}, which was not asked for and is "
                "not read here"
            )
        if len(self._names) > 2:
            raise EncodingError("the answer is compressed more than twice")
        self._bytes_left = limit
        self._limit = limit
        self._stages: list[_Stage] | None = None

    def feed(self, part: bytes) -> bytes:
        """The decompressed bytes of this chunk; chunks may end anywhere."""
        if not part:
            return b""
        if self._stages is None:
            names = self._names or (["gzip"] if part.startswith(_GZIP_MAGIC) else [])
            # the last encoding was applied last
            self._stages = [_Stage(name) for name in reversed(names)]
        for stage in self._stages:
            part = stage.feed(part, self._bytes_left)
        self._bytes_left -= len(part)
        if self._bytes_left < 0:
            raise EncodingError(f"the answer is larger than {self._limit} bytes")
        return part

    def finish(self) -> None:
        """Raises EncodingError when the data is truncated."""
        if any(not stage.ended for stage in self._stages or ()):
            raise EncodingError("the compressed answer breaks off")


class _Stage:
    """One encoding; gzip may have several members, deflate a zlib header or none."""

    def __init__(self, name: str) -> None:
        self._gzip = name != "deflate"
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16) if self._gzip else None
        self.ended = False

    def feed(self, part: bytes, most: int) -> bytes:
        chunks = []
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
                chunks.append(self._inflate.decompress(part, most + 1))
            except zlib.error as error:
                raise EncodingError(f"the compressed answer is damaged: {error}") from error
            most -= len(chunks[-1])
            if most < 0:
                break
            self.ended = self._inflate.eof
            part = self._inflate.unused_data
        return b"".join(chunks)
