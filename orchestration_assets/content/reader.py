"""Reading accepted items again, verified against the hash that the manifest recorded."""

from collections.abc import Callable, Mapping
from typing import Any

from orchestration_assets.content.manifest import content_hash
from orchestration_assets.schemas.enums import RejectReason
from resources.content_source import ContentError, FileContent


class SupersededError(Exception):
    """The content is no longer what the manifest recorded; it comes again in a later batch."""


Read = Callable[[str, int], FileContent]


def read_text(row: Mapping[str, Any], read: Read) -> str:
    """The decoded content of an accepted manifest row; ``read`` takes address and size limit.

    Raises SupersededError when the bytes have changed or vanished since the manifest, and
    ContentError when they cannot be read.
    """
    try:
        data = read(row["address"], row["size_bytes"]).data
    except ContentError as error:
        if error.reason in (RejectReason.VANISHED, RejectReason.TOO_LARGE):
            raise SupersededError("changed or removed after the manifest was made") from error
        raise
    if content_hash(data) != row["content_hash"]:
        raise SupersededError("changed after the manifest was made")
    return data.decode(row["encoding"])
