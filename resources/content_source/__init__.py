"""Where content comes from: listing a source and reading its bytes."""

from resources.content_source.contract import (
    ContentError,
    FileContent,
    ListedEntry,
    Listing,
    ListingBudget,
    SourceError,
    Version,
    relative_path,
)
from resources.content_source.folder import FolderSource
from resources.content_source.http import HttpSource
from resources.content_source.names import address_path, file_address, source_name
from resources.content_source.opening import open_source
from resources.content_source.source import Source
from resources.content_source.url import UrlSource
from resources.content_source.versions import odd_time

__all__ = [
    "ContentError",
    "FileContent",
    "FolderSource",
    "HttpSource",
    "ListedEntry",
    "Listing",
    "ListingBudget",
    "Source",
    "SourceError",
    "UrlSource",
    "Version",
    "address_path",
    "file_address",
    "odd_time",
    "open_source",
    "relative_path",
    "source_name",
]
