"""From what people write as a source to the source itself."""

import re
from collections.abc import Sequence
from pathlib import Path

from resources.content_source.contract import Source
from resources.content_source.folder import READ_SECONDS, FolderSource, address_path
from resources.content_source.url import UrlSource


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
    scheme = re.match(r"([a-z][a-z0-9+.-]*)(://|::)", source)
    if scheme is None:
        return FolderSource(source, include, exclude, home, read_seconds)
    if scheme.group() == "file://":
        return FolderSource(address_path(source), include, exclude, home, read_seconds)
    return UrlSource(source, include, exclude, read_seconds)
