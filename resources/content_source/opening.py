"""From what people write as a source to the source itself."""

from collections.abc import Sequence
from pathlib import Path

from resources.content_source.folder import FolderSource
from resources.content_source.http import MEASURED_BYTES, HttpSource
from resources.content_source.names import (
    LOCAL,
    WEB,
    checked_url,
    is_chained,
    local_path,
    scheme_of,
)
from resources.content_source.source import READ_SECONDS, Source
from resources.content_source.url import UrlSource


def open_source(
    source: str,
    include: Sequence[str] = ("**",),
    exclude: Sequence[str] = (),
    home: Path | None = None,
    read_seconds: float = READ_SECONDS,
    measured_bytes: int = MEASURED_BYTES,
) -> Source:
    """The source behind a path or URL; a ``home`` inside a folder is no content.

    A web server that does not say how long a file is, or of which version, is read up to
    ``measured_bytes`` to learn it.

    Raises SourceError when it does not exist, cannot be reached or is of no known kind.
    """
    scheme = scheme_of(source)
    if (scheme is None or scheme in LOCAL) and not is_chained(source):
        return FolderSource(local_path(source), include, exclude, home, read_seconds)
    url = checked_url(source)
    if scheme in WEB:
        return HttpSource(url, include, exclude, read_seconds, measured_bytes)
    return UrlSource(url, include, exclude, read_seconds)
