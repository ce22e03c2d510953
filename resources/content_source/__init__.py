"""Where content comes from: listing a source and reading its bytes."""

from resources.content_source.documents import DocumentSource
from resources.content_source.folder import FolderSource
from resources.content_source.http import HttpSource
from resources.content_source.opening import open_source, source_name
from resources.content_source.source import ListingBudget, Source
from resources.content_source.url import UrlSource

__all__ = [
    "DocumentSource",
    "FolderSource",
    "HttpSource",
    "ListingBudget",
    "Source",
    "UrlSource",
    "open_source",
    "source_name",
]
