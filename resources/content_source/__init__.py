"""Where content comes from: listing a source and reading its bytes."""

from resources.content_source.contract import (
    Allowance,
    Budget,
    ContentError,
    FileContent,
    ListedEntry,
    Listing,
    Source,
    SourceError,
    Unlimited,
    Version,
    listed,
    relative_path,
)
from resources.content_source.folder import FolderSource, address_path, file_address
from resources.content_source.opening import open_source, source_name
from resources.content_source.patterns import Patterns
from resources.content_source.url import UrlSource

__all__ = [
    "Allowance",
    "Budget",
    "ContentError",
    "FileContent",
    "FolderSource",
    "ListedEntry",
    "Listing",
    "Patterns",
    "Source",
    "SourceError",
    "Unlimited",
    "UrlSource",
    "Version",
    "address_path",
    "file_address",
    "listed",
    "open_source",
    "relative_path",
    "source_name",
]
