"""From what people write as a source to the source itself."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from resources.content_source.contract import Source
from resources.content_source.folder import READ_SECONDS, FolderSource, address_path, file_address
from resources.content_source.url import UrlSource

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)(://|::)")


def source_name(source: str) -> str:
    """The one URL that a source goes by, however people write it; it need not exist."""
    if _SCHEME.match(source) is None:
        return file_address(Path(source).expanduser().resolve())
    if source.startswith("file://"):
        return file_address(address_path(source).resolve())
    return source.rstrip("/")


def open_source(
    source: str,
    include: Sequence[str] = ("**",),
    exclude: Sequence[str] = (),
    home: Path | None = None,
    read_seconds: float = READ_SECONDS,
) -> Source:
    """The source behind a path or URL; a ``home`` inside a folder is no content.

    Raises SourceError when it does not exist, cannot be reached or is of no known kind.
    """
    scheme = _SCHEME.match(source)
    if scheme is None:
        return FolderSource(source, include, exclude, home, read_seconds)
    if scheme.group() == "file://":
        return FolderSource(address_path(source), include, exclude, home, read_seconds)
    return UrlSource(source, include, exclude, read_seconds)
