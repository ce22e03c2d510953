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
from resources.content_source.folder import FolderSource
from resources.content_source.http import HttpSource
from resources.content_source.names import address_path, file_address, source_name
from resources.content_source.opening import open_source
from resources.content_source.url import UrlSource
from resources.content_source.versions import odd_time

__all__ = [
    "Allowance",
    "Budget",
    "ContentError",
    "FileContent",
    "FolderSource",
    "HttpSource",
    "ListedEntry",
    "Listing",
    "Source",
    "SourceError",
    "Unlimited",
    "UrlSource",
    "Version",
    "address_path",
    "file_address",
    "listed",
    "odd_time",
    "open_source",
    "relative_path",
    "source_name",
]
