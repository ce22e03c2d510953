"""Any store that fsspec reaches as a source of content: object stores, memory, remote hosts.

Credentials come from the store's own environment variables, never from the URL: addresses are
kept in tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

from orchestration_assets.schemas.enums import RejectReason
from resources.content_source.bounded import BoundedCalls, bounded_stream
from resources.content_source.contract import (
    Budget,
    ContentError,
    EntryTable,
    FileContent,
    Listing,
    SourceError,
    Unlimited,
    Version,
    make_address,
    relative_path,
)
from resources.content_source.patterns import Patterns
from resources.content_source.walk import Walk

# stores name the same fact differently
_TIMES: Final = ("LastModified", "last_modified", "mtime", "modified", "updated", "created")
_ETAGS: Final = ("ETag", "etag", "md5Hash", "md5", "checksum")
_BLOCK_BYTES: Final = 4 << 20


class UrlSource:
    """What lies below one fsspec URL.

    Each listing and reading is bounded by ``read_seconds``. Raises SourceError when the URL cannot
    be used.
    """

    def __init__(
        self,
        url: str,
        include: Sequence[str] = ("**",),
        exclude: Sequence[str] = (),
        read_seconds: float = 30.0,
    ) -> None:
        self.source = _checked(url)
        self._include = None if tuple(include) == ("**",) else Patterns(include)
        self._exclude = Patterns(exclude)
        self._calls = BoundedCalls(read_seconds)
        self._fs, root = _connect(self.source)
        self._root = root.rstrip("/")

    def list(self, began: datetime, budget: Budget | None = None, start: str = "") -> Listing:
        """Every object below the URL that is included and not excluded: see ``Source.list``."""
        if self._is_file():
            entries = EntryTable()
            self.add(entries, "", self._call("info", self._root))
            return Listing(self.source, began, entries.table())
        return Walk(self, self._include, self._exclude, budget or Unlimited()).listing(began, start)

    def _is_file(self) -> bool:
        """Whether the URL names one file; what is not there shows itself when it is listed."""
        try:
            return bool(self._call("info", self._root).get("type") == "file")
        except ContentError:
            return False

    def children(self, folder: str) -> Iterator[tuple[str, bool, Mapping[str, Any]]]:
        """What lies directly in a relative folder. Raises ContentError."""
        path = f"{self._root}/{folder}".rstrip("/")
        for found in self._call("ls", path, True):
            name = str(self._fs._strip_protocol(found["name"])).rstrip("/")
            # stores list the marker object of a folder among what is in it
            if name != path:
                yield name.removeprefix(f"{path}/"), found.get("type") == "directory", found

    def hidden(self, relative: str, child: Mapping[str, Any]) -> str | None:
        return None

    def add(self, entries: EntryTable, relative: str, child: Mapping[str, Any]) -> None:
        """Adds the row of one object."""
        version = version_of(child)
        entries.add(
            make_address(self.source, relative),
            relative or self.source.rsplit("/", 1)[-1],
            version.size_bytes,
            version.modified_ns,
            version.modified_ns,
            version.etag,
            RejectReason.SPECIAL_FILE if unsafe(relative) else None,
        )

    def read(self, address: str, max_bytes: int) -> FileContent:
        """The bytes behind an address. Raises ContentError, with the reason."""
        path = self._path(address)
        version = self.version(address)
        if version.size_bytes > max_bytes:
            raise ContentError(
                RejectReason.TOO_LARGE, f"{version.size_bytes} bytes, the limit is {max_bytes}"
            )
        data: bytes = self._call("cat_file", path)
        if len(data) > max_bytes:
            raise ContentError(RejectReason.TOO_LARGE, f"grew beyond {max_bytes} bytes")
        return FileContent(data, len(data), version.modified_ns, version.etag)

    def open(self, address: str) -> BinaryIO:
        """A seekable stream: see ``Source.open``."""
        path = self._path(address)
        stream = self._call("open", path, "rb", _BLOCK_BYTES)
        return bounded_stream(
            stream, self._calls, lambda opened, size: _translated(opened.read, (size,))
        )

    def version(self, address: str) -> Version:
        """What is at an address now. Raises ContentError."""
        found = self._call("info", self._path(address))
        if found.get("type") != "file":
            raise ContentError(RejectReason.SPECIAL_FILE, "a folder")
        return version_of(found)

    def _path(self, address: str) -> str:
        relative = relative_path(self.source, address)
        inside = address == self.source or address.startswith(self.source.rstrip("/") + "/")
        if not inside or unsafe(relative):
            raise ContentError(RejectReason.LINK_OUTSIDE, "leads out of the source")
        return f"{self._root}/{relative}" if relative else self._root

    def _call(self, method: str, *arguments: Any) -> Any:
        return self._calls.call(_translated, getattr(self._fs, method), arguments)


def unsafe(relative: str) -> bool:
    """Whether a name could lead a file-like store out of its root."""
    return ".." in relative.split("/")


def version_of(found: Mapping[str, Any]) -> Version:
    """Size, modification time and etag from what a store says of a file."""
    moment = next((found[name] for name in _TIMES if found.get(name) is not None), None)
    etag = next((str(found[name]) for name in _ETAGS if found.get(name)), None)
    return Version(int(found.get("size") or 0), _nanoseconds(moment), etag)


def _nanoseconds(moment: Any) -> int:
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return 0
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment = aware.timestamp()
    # a float holds no more than microseconds of a date
    return round(moment * 1e6) * 1000 if isinstance(moment, int | float) else 0


def _translated(function: Any, arguments: tuple[Any, ...]) -> Any:
    """The call, with whatever the store's client raises as a ContentError."""
    try:
        return function(*arguments)
    except FileNotFoundError as error:
        raise ContentError(RejectReason.VANISHED, "not there") from error
    except Exception as error:  # every store's client has exceptions of its own
        raise ContentError(RejectReason.UNREADABLE, _first_line(error)) from error


def _first_line(error: Exception) -> str:
    said = (str(error).splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _checked(url: str) -> str:
    """The URL as a source's name. Raises SourceError for what must not be one."""
    if "::" in url:
        raise SourceError(f"cannot read {url!r}: chained URLs are not supported; unpack it first")
    parts = urlsplit(url)
    if parts.password is not None:
        shown = url.replace(f":{parts.password}@", ":…@")
        raise SourceError(
            f"the source {shown!r} contains a password; put it into the environment of the store's "
            "client: addresses are kept in tables"
        )
    return url.rstrip("/") if parts.path.strip("/") or parts.netloc else url


def _connect(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        # listings are looked at again at every tick: a remembered one would hide what is new
        fs, root = fsspec.core.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
    except ImportError as error:
        raise SourceError(
            f"cannot read {url!r}: {error}; for s3:// install 'content-orchestration[s3]'"
        ) from error
    except ValueError as error:
        raise SourceError(
            f"cannot read {url!r}: {error}; give a folder or an fsspec URL"
        ) from error
    return fs, str(root)
