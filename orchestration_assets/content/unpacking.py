"""Plain copies of compressed record files: as large as promised, or not at all."""

import shutil
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

from orchestration_assets.schemas.enums import RejectReason
from resources.content_source import ContentError

_BLOCK_BYTES: Final = 1 << 20
# however well a small file is packed, this much is no attack
_HARMLESS_BYTES: Final = 16 << 20
_SPARE_BYTES: Final = 1 << 30


def unpacked_name(item_id: str, size_bytes: int, modified_ns: int, etag: str | None) -> str:
    """The name of a plain copy: the file's item, and a hash of its version."""
    version = blake2b(repr((size_bytes, modified_ns, etag)).encode(), digest_size=8)
    return f"{item_id}-{version.hexdigest()}"


def unpacker(
    stream: BinaryIO, packing: str, size_bytes: int, max_expansion: float, room: Path
) -> Callable[[BinaryIO], None]:
    """A function that writes the plain bytes of a packed stream to a file.

    It raises ContentError when the stream is damaged, grows to more than ``max_expansion`` times
    its size, or would leave less than 1 GiB free where ``room`` lies.
    """
    import pyarrow as pa

    def write(target: BinaryIO) -> None:
        limit = max(size_bytes * max_expansion, _HARMLESS_BYTES)
        written = 0
        try:
            with pa.CompressedInputStream(pa.PythonFile(stream, "r"), packing) as plain:
                while block := plain.read(_BLOCK_BYTES):
                    written += len(block)
                    if written > limit:
                        raise ContentError(
                            RejectReason.BOMB,
                            f"{size_bytes} bytes grow to more than {int(limit)}; raise "
                            "max_expansion in the policy if that is right",
                        )
                    if shutil.disk_usage(room).free < _SPARE_BYTES:
                        raise ContentError(
                            RejectReason.UNREADABLE,
                            "no room to unpack it: less than 1 GiB would be left in the home",
                        )
                    target.write(block)
        except (OSError, pa.ArrowException) as error:
            raise ContentError(RejectReason.MALFORMED, f"not {packing}: {error}") from error

    return write
