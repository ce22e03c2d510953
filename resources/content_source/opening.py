"""From what people write as a source to the source itself."""

from collections.abc import Sequence
from pathlib import Path

from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.source_urls import (
    LOCAL,
    WEB,
    checked_url,
    file_address,
    is_chained,
    local_path,
    scheme_of,
    url_name,
)
from resources.content_source.folder import FolderSource
from resources.content_source.http import MEASURED_BYTES, HttpSource
from resources.content_source.plugged_in import open_plugged_in
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

    Raises SourceError when it does not exist, cannot be reached or is of no known kind, and
    PluginError when a plug-in has its scheme and cannot be used.
    """
    scheme = scheme_of(source)
    if (scheme is None or scheme in LOCAL) and not is_chained(source):
        return FolderSource(local_path(source), include, exclude, home, read_seconds)
    url = checked_url(source)
    if scheme in WEB:
        return HttpSource(url, include, exclude, read_seconds, measured_bytes)
    plugged_in = open_plugged_in(scheme or "", url, include, exclude, read_seconds)
    return plugged_in or UrlSource(url, include, exclude, read_seconds)


def source_name(source: str) -> str:
    """The one URL that a source goes by, however people write it; it need not exist."""
    scheme = scheme_of(source)
    if is_chained(source):
        return source
    if scheme is not None and scheme not in LOCAL:
        return url_name(source)
    try:
        return file_address(Path(local_path(source)).expanduser().resolve())
    except (SourceError, OSError, RuntimeError, ValueError):
        return source  # opening it says what is wrong
