"""Plain copies of compressed record files: as large as promised, or not at all."""

import shutil
import zlib
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.listings import ContentError

_BLOCK_BYTES: Final = 1 << 20
# however well a small file is packed, this much is no attack
_HARMLESS_BYTES: Final = 16 << 20
_SPARE_BYTES: Final = 1 << 30
_GZIP: Final = 16 + zlib.MAX_WBITS


def unpacked_name(item_id: str, size_bytes: int, modified_ns: int, etag: str | None) -> str:
    """The name of a plain copy: the file's item, and a hash of its version."""
    version = blake2b(repr((size_bytes, modified_ns, etag)).encode(), digest_size=8)
    return f"{item_id}-{version.hexdigest()}"


def expansion_limit(size_bytes: int, max_expansion: float) -> int:
    """How many bytes a file may hold once it is unpacked."""
    return int(max(size_bytes * max_expansion, _HARMLESS_BYTES))


def bomb(size_bytes: int, limit: int) -> ContentError:
    """The refusal of a file that holds more than that."""
    return ContentError(
        RejectReason.BOMB,
        f"{size_bytes} bytes grow to more than {limit}; raise max_expansion in the policy if that "
        "is right",
    )


def unpacker(
    stream: BinaryIO, packing: str, size_bytes: int, max_expansion: float, room: Path
) -> Callable[[BinaryIO], None]:
    """A function that writes the plain bytes of a packed stream to a file.

    It raises ContentError when the stream is damaged, grows to more than ``max_expansion`` times
    its size, or would leave less than 1 GiB free where ``room`` lies.
    """
    blocks = _gzip(stream) if packing == "gzip" else _arrow(stream, packing)

    def write(target: BinaryIO) -> None:
        limit = expansion_limit(size_bytes, max_expansion)
        written = 0
        for block in blocks:
            written += len(block)
            if written > limit:
                raise bomb(size_bytes, limit)
            spare_room(room)
            target.write(block)

    return write


def spare_room(room: Path) -> None:
    """Raises ContentError when less than 1 GiB is free where ``room`` lies."""
    if shutil.disk_usage(room).free < _SPARE_BYTES:
        raise ContentError(
            RejectReason.UNREADABLE,
            "no room to unpack it: less than 1 GiB would be left in the home",
        )


def _arrow(stream: BinaryIO, packing: str) -> Iterator[bytes]:
    import pyarrow as pa

    try:
        with pa.CompressedInputStream(pa.PythonFile(stream, "r"), packing) as plain:
            while block := plain.read(_BLOCK_BYTES):
                yield block
    except (OSError, pa.ArrowException) as error:
        raise ContentError(RejectReason.MALFORMED, f"not {packing}: {error}") from error


def _gzip(stream: BinaryIO) -> Iterator[bytes]:
    """Member after member, up to the end or to the NUL bytes that tapes and downloads are padded
    with.
    """
    data = stream.read(_BLOCK_BYTES)
    members = False
    while data:
        member = zlib.decompressobj(wbits=_GZIP)
        while not member.eof:
            if not data:
                message = "not gzip: it ends in the middle; it was cut short, fetch it again"
                raise ContentError(RejectReason.MALFORMED, message)
            try:
                yield member.decompress(data, _BLOCK_BYTES)
            except zlib.error as error:
                told = "what follows the packed data is no gzip: cut it off" if members else error
                message = f"not gzip: {told}"
                raise ContentError(RejectReason.MALFORMED, message) from error
            # what one call leaves is either too much for its result, or after the member's end
            data = member.unconsumed_tail or member.unused_data
            if not data:
                data = stream.read(_BLOCK_BYTES)
        members = True
        while data and not data.strip(b"\x00"):
            data = stream.read(_BLOCK_BYTES)
        data = data.lstrip(b"\x00")
