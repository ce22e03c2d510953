"""Any store that fsspec reaches as a source of content: object stores, memory, remote hosts.

Credentials come from the store's own environment variables, never from the URL: addresses are
kept in tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.file_versions import version_of
from orchestration_assets.schemas.listings import (
    ContentError,
    EntryTable,
    FileContent,
    Version,
    make_address,
    refuse_too_large,
)
from orchestration_assets.schemas.source_urls import checked_url, shown
from resources.content_source.source import READ_SECONDS, Source, leaves_root
from resources.content_source.stores import connection_help, store_class

_BLOCK_BYTES: Final = 4 << 20


class UrlSource(Source):
    """What lies below one fsspec URL.

    Each listing and reading is bounded by ``read_seconds``. Raises SourceError when the URL cannot
    be used.
    """

    def __init__(
        self,
        url: str,
        include: Sequence[str] = ("**",),
        exclude: Sequence[str] = (),
        read_seconds: float = READ_SECONDS,
    ) -> None:
        super().__init__(checked_url(url), include, exclude, read_seconds)
        try:
            self._fs, root = self._calls.call(_connect, self.source)
        except SourceError:
            raise
        except Exception as error:  # every store's client has exceptions of its own
            raise SourceError(
                f"cannot read {shown(self.source)}: {_first_line(error)}; "
                f"{connection_help(self.source)}"
            ) from error
        self._root = root.rstrip("/")

    def _add_single_file(self, entries: EntryTable) -> bool:
        try:
            metadata = self._call("info", self._root)
        except ContentError:
            return False  # what is not there shows itself when it is listed
        if metadata.get("type") != "file":
            return False
        self.add(entries, "", metadata)
        return True

    def children(self, folder: str) -> Iterator[tuple[str, bool, Mapping[str, Any]]]:
        """What lies directly in a relative folder. Raises ContentError."""
        path = f"{self._root}/{folder}".rstrip("/")
        for metadata in self._call("ls", path, True):
            name = str(self._fs._strip_protocol(metadata["name"])).rstrip("/")
            # stores list the marker object of a folder among what is in it
            if name != path:
                yield name.removeprefix(f"{path}/"), _type(metadata) == "directory", metadata

    def add(self, entries: EntryTable, relative: str, child: Mapping[str, Any]) -> None:
        """Adds the row of one object."""
        problem = RejectReason.SPECIAL_FILE if leaves_root(relative) else _problem(child)
        name = relative or self.source.rsplit("/", 1)[-1]
        entries.add(make_address(self.source, relative), name, version_of(child), problem)

    def _read(self, address: str, max_bytes: int) -> FileContent:
        version = self._version(address)
        refuse_too_large(version.size_bytes, max_bytes)
        data = _translated(_whole, self._fs, self._path(address), max_bytes + 1)
        if len(data) > max_bytes:
            raise ContentError(RejectReason.TOO_LARGE, f"grew beyond {max_bytes} bytes")
        return FileContent(data, len(data), version.modified_ns, version.etag)

    def _open(self, address: str) -> Any:
        return _translated(self._fs.open, self._path(address), "rb", _BLOCK_BYTES)

    def _read_part(self, stream: Any, size: int) -> bytes:
        return bytes(_translated(stream.read, size))

    def _version(self, address: str) -> Version:
        metadata = _translated(self._fs.info, self._path(address))
        if _type(metadata) != "file":
            raise ContentError(
                _problem(metadata) or RejectReason.SPECIAL_FILE, f"a {_type(metadata)}"
            )
        return version_of(metadata)

    def _path(self, address: str) -> str:
        relative = self._relative(address)
        return f"{self._root}/{relative}" if relative else self._root

    def _call(self, method: str, *arguments: Any) -> Any:
        return self._calls.call(_translated, getattr(self._fs, method), *arguments)


def _whole(fs: Any, path: str, most: int) -> bytes:
    """A file's bytes, at most so many where a store sends what it likes."""
    if getattr(fs, "async_impl", False):
        # an object store: what it sends has the length that it told
        return bytes(fs.cat_file(path))
    with fs.open(path, "rb") as stream:
        return bytes(stream.read(most))


def _type(metadata: Mapping[str, Any]) -> str:
    return str(metadata.get("type") or "file").lower()


def _problem(metadata: Mapping[str, Any]) -> RejectReason | None:
    """Why what a store lists is no file, if so: where a link leads cannot be seen from here."""
    kind = _type(metadata)
    if kind == "file":
        return None
    return RejectReason.LINK_OUTSIDE if "link" in kind else RejectReason.SPECIAL_FILE


def _translated(function: Any, *arguments: Any) -> Any:
    """The call, with whatever the store's client raises as a ContentError."""
    try:
        return function(*arguments)
    except FileNotFoundError as error:
        raise ContentError(RejectReason.VANISHED, "not there") from error
    except Exception as error:  # every store's client has exceptions of its own
        raise ContentError(RejectReason.UNREADABLE, _first_line(error)) from error


def _first_line(error: Exception) -> str:
    message = next((line.strip() for line in str(error).splitlines() if line.strip()), "")[:200]
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _connect(url: str) -> tuple[Any, str]:
    import fsspec

    store = store_class(url)
    # listings are looked at again at every tick: a remembered one would hide what is new
    options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
    try:
        fs, root = fsspec.core.url_to_fs(url, **options)
    except TypeError:
        # some hand every option on to their client
        del options["use_listings_cache"]
        fs, root = fsspec.core.url_to_fs(url, **options)
    if not isinstance(fs, store):
        raise TypeError(f"{type(fs).__name__} is not the store of the URL")
    return fs, str(root)
