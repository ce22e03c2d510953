"""A web server as a source: one file, or a folder whose index pages link to what is in it.

Nothing is asked of another host than the source's own, whatever links and redirections say; every
body is read up to a bound.
"""

import io
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urljoin, urlsplit

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
from orchestration_assets.text.index_page import (
    IndexPage,
    Link,
    folders_above,
    read_index,
    same_site,
)
from resources.content_source.source import READ_SECONDS, Source

if TYPE_CHECKING:
    import httpx

MEASURED_BYTES: Final = 64 << 20
"""How much is read, by default, of a file that the server tells no size or version of."""

QUERY_LINKS: Final = "(links with a query)"
"""What a listing says it left out of an index page."""

_PAGE_BYTES: Final = 8 << 20
_MOST_PAGES: Final = 10_000
_MOST_LEVELS: Final = 32
_MOST_REDIRECTS: Final = 5
_CHUNK_BYTES: Final = 1 << 16
_BLOCK_BYTES: Final = 4 << 20
# of a record file on a server that cannot give a part of it
_SPOOLED_BYTES: Final = 1 << 30
_PAGES: Final = ("text/html", "application/xhtml+xml")
_GONE: Final = frozenset({404, 410})
_PACKED: Final = (".gz", ".tgz", ".z")
_FACTS: Final = ("ETag", "Last-Modified", "Content-MD5", "Digest")


class HttpSource(Source):
    """What lies below one http or https URL.

    A URL is a folder where the server leads from it to an HTML page at the address with a slash at
    its end, or has an index page there; the links of its index pages are followed within it. Any
    other is one file. ``measured_bytes`` is how much
    is read of a file to learn its size or version where the server tells none.

    Raises SourceError when the URL cannot be used.
    """

    def __init__(
        self,
        url: str,
        include: Sequence[str] = ("**",),
        exclude: Sequence[str] = (),
        read_seconds: float = READ_SECONDS,
        measured_bytes: int = MEASURED_BYTES,
    ) -> None:
        import httpx

        super().__init__(checked_url(url), include, exclude, read_seconds)
        self._measured_bytes = measured_bytes
        self._client = httpx.Client(
            timeout=read_seconds,
            follow_redirects=False,
            headers={"Accept": "*/*", "Accept-Encoding": "identity"},
        )
        self._pages = 0
        self._root: IndexPage | None = None
        self._is_page = False
        # what index pages further up link to, by the folder that it lies in
        self._linked: dict[str, dict[str, Link]] = {}

    def _add_single_file(self, entries: EntryTable) -> bool:
        self._pages, self._linked = 0, {}
        try:
            self._root = self._calls.call(self._root_index)
        except ContentError as error:
            raise SourceError(
                f"cannot list the source {shown(self.source)}: {error}; check the URL and that the "
                "server is reachable without a password"
            ) from error
        if self._root is None:
            self._add(entries, "", self.source)
            return True
        if not self._root.links and not self._root.headed:
            raise SourceError(
                f"cannot list the source {shown(self.source)}: the page there has no links to "
                "anything below it; give the URL of a file, or of a folder's index page"
            )
        return False

    def children(self, folder: str) -> Iterator[tuple[str, bool, Link]]:
        """What the index page of a relative folder links to. Raises ContentError."""
        linked = self._linked.setdefault(folder, {})
        try:
            for link in self._links(folder):
                self._keep(folder, link)
        except ContentError:
            # a page further up may have told all that is known of it
            if not linked:
                raise
        folders = {name for name in linked if name.endswith("/")}
        for name, link in linked.items():
            if f"{name}/" not in folders:
                yield name.rstrip("/\0"), name in folders, link

    def _keep(self, folder: str, link: Link) -> None:
        above = list(folders_above(link.path))
        for inner in above:
            outer = inner[:-1].rpartition("/")[0]
            place = f"{folder}{outer}/" if outer else folder
            name = inner[:-1].rpartition("/")[2] + "/"
            self._linked.setdefault(place, {}).setdefault(name, Link(name))
        place = folder + above[-1] if above else folder
        name = link.path[len(above[-1]) :] if above else link.path
        # the query is left out of the listing, and must not hide the file itself
        key = f"{name}\0" if link.query else name
        self._linked.setdefault(place, {}).setdefault(key, Link(name, link.query))

    def _links(self, folder: str) -> tuple[Link, ...]:
        if not folder and self._root is not None:
            return self._root.links
        if folder.count("/") > _MOST_LEVELS:
            raise ContentError(RejectReason.UNREADABLE, f"more than {_MOST_LEVELS} folders deep")
        self._pages += 1
        if self._pages > _MOST_PAGES:
            raise SourceError(
                f"cannot list the source {shown(self.source)}: it has more than {_MOST_PAGES:,} "
                "folders; give a folder further down"
            )
        page = self._calls.call(self._index, make_address(self.source, folder))
        if page is None or not (page.links or page.headed):
            raise ContentError(RejectReason.UNREADABLE, "no index page")
        return page.links

    def hidden(self, relative: str, child: Link) -> str | None:
        """Links with a query sort an index page, or ask for what has no name."""
        return QUERY_LINKS if child.query else None

    def add(self, entries: EntryTable, relative: str, child: Link) -> None:
        """Adds the row of one file."""
        self._add(entries, relative, make_address(self.source, relative))

    def _add(self, entries: EntryTable, relative: str, address: str) -> None:
        try:
            current = self.version(address)
        except ContentError:
            current = Version(0, 0)  # reading it says why
        entries.add(address, relative or _file_name(self.source), current)

    def _read(self, address: str, max_bytes: int) -> FileContent:
        self._relative(address)
        with self._asked("GET", address) as response:
            self._is_file(address, response)
            metadata = _told(response)
            refuse_too_large(metadata.get("size", 0), max_bytes)
            data = b"".join(self._body(response, max_bytes + 1))
        if len(data) > max_bytes:
            raise ContentError(RejectReason.TOO_LARGE, f"did not end within {max_bytes} bytes")
        if metadata.get("size") is not None and len(data) != metadata["size"]:
            raise ContentError(
                RejectReason.UNREADABLE, f"ended after {len(data)} of {metadata['size']} bytes"
            )
        current = version_of(metadata)
        etag = current.etag
        if not _tells_version(metadata) and len(data) <= self._measured_bytes:
            etag = _etag_of(blake2b(data, digest_size=16).hexdigest())
        return FileContent(data, len(data), current.modified_ns, etag)

    def _version(self, address: str) -> Version:
        self._relative(address)
        try:
            with self._asked("HEAD", address) as response:
                self._is_file(address, response)
                metadata = _told(response)
        except ContentError as error:
            if error.reason in (RejectReason.LINK_OUTSIDE, RejectReason.SPECIAL_FILE):
                raise
            metadata = {}  # some servers know GET only
        # a size of 0 may mean that HEAD has no body
        if metadata.get("size") and _tells_version(metadata):
            return version_of(metadata)
        with self._asked("GET", address) as response:
            self._is_file(address, response)
            metadata = _told(response)
            size = metadata.get("size")
            if size is not None and (_tells_version(metadata) or size > self._measured_bytes):
                return version_of(metadata)
            hashed, length = blake2b(digest_size=16), 0
            for chunk in self._body(response, self._measured_bytes + 1):
                hashed.update(chunk)
                length += len(chunk)
        current = version_of({**metadata, "size": length})
        if _tells_version(metadata) or length > self._measured_bytes:
            return current
        return Version(current.size_bytes, current.modified_ns, _etag_of(hashed.hexdigest()))

    def _open(self, address: str) -> Any:
        self._relative(address)
        with self._asked("GET", address, {"Range": "bytes=0-0"}) as response:
            size = _total(response) if response.status_code == 206 else None
            if size is not None:
                return _Ranges(size, lambda start, stop: self._range(address, start, stop))
            spooled = tempfile.TemporaryFile()  # noqa: SIM115 -- the stream's reader closes it
            length = 0
            for chunk in self._body(response, _SPOOLED_BYTES + 1):
                length += spooled.write(chunk)
        if length > _SPOOLED_BYTES:
            spooled.close()
            raise ContentError(
                RejectReason.TOO_LARGE,
                f"more than {_SPOOLED_BYTES} bytes from a server that cannot give parts of a file",
            )
        spooled.seek(0)
        return spooled

    def _is_file(self, url: str, response: "httpx.Response") -> None:
        """Raises ContentError when a link turned out to lead to a folder."""
        if url != self.source and not url.endswith("/") and response.url.path.endswith("/"):
            raise ContentError(
                RejectReason.SPECIAL_FILE, "a folder: the link to it has no slash at its end"
            )

    def _range(self, url: str, start: int, stop: int) -> bytes:
        with self._asked("GET", url, {"Range": f"bytes={start}-{stop - 1}"}) as response:
            if response.status_code != 206:
                raise ContentError(RejectReason.UNREADABLE, "no longer gives parts of the file")
            return b"".join(self._body(response, stop - start))

    def _root_index(self) -> IndexPage | None:
        """The index page of the source; None when it is one file."""
        if urlsplit(self.source).query:
            return None
        page = self._index(self.source)
        if page is not None or not self._is_page:
            return page
        try:
            # some servers have the same page at both addresses and lead from none to the other
            page = self._index(self.source + "/")
        except ContentError:
            return None
        return page if page is not None and page.headed else None

    def _index(self, url: str) -> IndexPage | None:
        """The index page at an address; None when what is there is no folder's page."""
        with self._asked("GET", url) as response:
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            final = str(response.url)
            self._is_page = not kind or kind in _PAGES
            if not self._is_page or not response.url.path.endswith("/"):
                return None
            page = b"".join(self._body(response, _PAGE_BYTES + 1))
        if len(page) > _PAGE_BYTES:
            raise ContentError(
                RejectReason.TOO_LARGE, f"an index page of more than {_PAGE_BYTES} bytes"
            )
        return read_index(page, final)

    @contextmanager
    def _asked(
        self, method: str, url: str, headers: Mapping[str, str] | None = None
    ) -> "Iterator[httpx.Response]":
        """The response, after redirections within the host. Raises ContentError."""
        import httpx

        try:
            for _ in range(_MOST_REDIRECTS + 1):
                with self._client.stream(method, url, headers=headers) as response:
                    if response.status_code in _GONE and url == self.source and "?" not in url:
                        # the name of a source ends without a slash, which it may need
                        url += "/"
                        continue
                    if not response.has_redirect_location:
                        _check(response)
                        yield response
                        return
                    url = self._followed(response)
        except httpx.TimeoutException as error:
            raise ContentError(
                RejectReason.SLOW, f"did not answer within {self._calls.seconds:g} s"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            message = " ".join(str(error).split())[:200]
            name = type(error).__name__
            raise ContentError(
                RejectReason.UNREADABLE, f"{name}: {message}" if message else name
            ) from (error)
        raise ContentError(RejectReason.UNREADABLE, f"redirected more than {_MOST_REDIRECTS} times")

    def _followed(self, response: "httpx.Response") -> str:
        """Where a redirection leads. Raises ContentError when that is another host."""
        requested = str(response.url)
        try:
            target = urljoin(requested, response.headers["Location"].strip())
            redirected = urlsplit(target)
            host = redirected.netloc.rpartition("@")[2]
        except ValueError as error:
            raise ContentError(RejectReason.UNREADABLE, "redirected to no URL") from error
        if not same_site(urlsplit(self.source), redirected) and not same_site(
            urlsplit(requested), redirected
        ):
            raise ContentError(
                RejectReason.LINK_OUTSIDE,
                f"redirected out of the source, to {redirected.scheme}://{host}"[:200],
            )
        return target

    def _body(self, response: "httpx.Response", most: int) -> Iterator[bytes]:
        """A body up to ``most`` bytes, unpacked where the server packed it unasked."""
        until = time.monotonic() + self._calls.seconds
        unpacking = _unpacking(response)
        left = most
        for received in response.iter_raw(_CHUNK_BYTES):
            chunk = received if unpacking is None else _unpacked(unpacking, received, left)
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return
            if time.monotonic() > until:
                raise ContentError(
                    RejectReason.SLOW, f"did not end within {self._calls.seconds:g} s"
                )
        if unpacking is not None and not unpacking.eof:
            raise ContentError(RejectReason.UNREADABLE, "ended before its end")


class _Ranges(io.RawIOBase):
    """A file on a server that gives parts of it."""

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        self._size = size
        self._fetch = fetch
        self._at = 0
        self._block = b""
        self._block_at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        wanted = self._size - self._at if size < 0 else min(size, self._size - self._at)
        if wanted <= 0:
            return b""
        inside = self._at - self._block_at
        if not 0 <= inside < len(self._block):
            stop = min(self._at + max(wanted, _BLOCK_BYTES), self._size)
            self._block, self._block_at, inside = self._fetch(self._at, stop), self._at, 0
            if not self._block:
                raise ContentError(RejectReason.UNREADABLE, "ended before its size")
        part = self._block[inside : inside + wanted]
        self._at += len(part)
        return part


def _told(response: "httpx.Response") -> dict[str, Any]:
    """What the headers say of the file, named as other stores name it."""
    metadata: dict[str, Any] = {
        name: response.headers[name] for name in _FACTS if response.headers.get(name)
    }
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and not _packing(response):
        metadata["size"] = int(length)
    return metadata


def _tells_version(metadata: Mapping[str, Any]) -> bool:
    return any(name in metadata for name in _FACTS)


def _etag_of(digest: str) -> str:
    return f"blake2b:{digest}"


def _packing(response: "httpx.Response") -> str | None:
    """How the server packed the body; a file that is packed itself is what it is."""
    packing = response.headers.get("Content-Encoding", "").strip().lower()
    packed = response.url.path.lower().endswith(_PACKED)
    return None if packing in ("", "identity") or packed else packing


def _unpacking(response: "httpx.Response") -> "zlib._Decompress | None":
    packing = _packing(response)
    if packing is None:
        return None
    if packing not in ("gzip", "x-gzip", "deflate"):
        raise ContentError(
            RejectReason.UNREADABLE, f"sent packed as {packing[:40]!r}, which was not asked for"
        )
    return zlib.decompressobj(zlib.MAX_WBITS | 32)


def _unpacked(unpacking: "zlib._Decompress", received: bytes, most: int) -> bytes:
    try:
        return unpacking.decompress(received, most)
    except zlib.error as error:
        raise ContentError(RejectReason.UNREADABLE, f"badly packed: {error}") from error


def _check(response: "httpx.Response") -> None:
    status = response.status_code
    if status in _GONE:
        raise ContentError(RejectReason.VANISHED, "not there")
    if not 200 <= status < 300:
        raise ContentError(
            RejectReason.UNREADABLE, f"the server says {status} {response.reason_phrase[:80]}"
        )


def _total(response: "httpx.Response") -> int | None:
    total = response.headers.get("Content-Range", "").rpartition("/")[2].strip()
    return int(total) if total.isdecimal() else None


def _file_name(url: str) -> str:
    parts = urlsplit(url)
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.netloc
