"""A source that is no file system: documents by path, as a plug-in gives them."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.listings import (
    ContentError,
    EntryTable,
    FileContent,
    Version,
    make_address,
    refuse_too_large,
)
from orchestration_assets.schemas.source_urls import checked_url
from resources.content_source.source import READ_SECONDS, Source

_MESSAGE_CHARS = 200


class DocumentSource(Source):
    """What stands behind one URL of a scheme of its own; subclasses list and fetch.

    ``source`` is the URL without a final slash. Listing everything, and each fetch, is bounded by
    ``read_seconds``; whatever a subclass raises there makes the source or the document unreadable,
    and is said. Credentials come from the environment: the URL is kept in tables.
    """

    def __init__(
        self,
        url: str,
        include: Sequence[str] = ("**",),
        exclude: Sequence[str] = (),
        read_seconds: float = READ_SECONDS,
    ) -> None:
        """Raises SourceError for a URL that must not be a source's."""
        super().__init__(checked_url(url), include, exclude, read_seconds)
        self._below: dict[str, dict[str, Version | None]] = {}

    @abstractmethod
    def documents(self) -> Iterable[tuple[str, Version]]:
        """The path and version of every document. A path is relative, with / between its steps;
        a version changes whenever the bytes do."""

    @abstractmethod
    def fetch(self, path: str) -> FileContent:
        """One document with its version as :meth:`documents` gives it; FileNotFoundError where
        there is none any more."""

    def children(self, folder: str) -> Iterator[tuple[str, bool, Version | None]]:
        """What lies directly in a relative folder; the root lists everything anew."""
        if not folder:
            self._below = self._calls.call(_translated, self._listed)
        for name, version in self._below.get(folder, {}).items():
            yield name, version is None, version

    def _listed(self) -> dict[str, dict[str, Version | None]]:
        """Folder -> what is in it: versions of documents, None for folders."""
        below: dict[str, dict[str, Version | None]] = {}
        for path, version in self.documents():
            folder, *rest = "", *path.split("/")
            for step in rest[:-1]:
                below.setdefault(folder, {}).setdefault(step, None)
                folder = f"{folder}{step}/"
            below.setdefault(folder, {})[rest[-1]] = version
        return below

    def add(self, entries: EntryTable, relative: str, child: Version) -> None:
        """Adds the row of one document; a path that no URL can name is none."""
        steps = relative.split("/")
        problem = RejectReason.SPECIAL_FILE if {"", ".", ".."} & set(steps) else None
        entries.add(make_address(self.source, relative), relative, child, problem)

    def _add_single_file(self, entries: EntryTable) -> bool:
        return False

    def _read(self, address: str, max_bytes: int) -> FileContent:
        content: FileContent = _translated(self.fetch, self._relative(address))
        refuse_too_large(len(content.data), max_bytes)
        return content

    def _open(self, address: str) -> BytesIO:
        return BytesIO(_translated(self.fetch, self._relative(address)).data)

    def _version(self, address: str) -> Version:
        content: FileContent = _translated(self.fetch, self._relative(address))
        return Version(content.size_bytes, content.modified_ns, content.etag)


def _translated(function: Any, *arguments: Any) -> Any:
    """The call, with whatever the plug-in raises as a ContentError."""
    try:
        return function(*arguments)
    except (ContentError, SourceError):
        raise
    except FileNotFoundError as error:
        raise ContentError(RejectReason.VANISHED, "not there") from error
    except Exception as error:  # every client has exceptions of its own
        said = " ".join(f"{type(error).__name__}: {error}".split())[:_MESSAGE_CHARS]
        raise ContentError(RejectReason.UNREADABLE, said) from error
