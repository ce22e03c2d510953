"""A local folder, or one file, as a source of content.

A listing never opens a file and never follows a link out of the folder; what cannot be read is
listed with its problem, so that nothing disappears silently.
"""

import io
import os
import stat
from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.file_versions import version
from orchestration_assets.schemas.listings import (
    OWN_HOME,
    ContentError,
    EntryTable,
    FileContent,
    Version,
    refuse_too_large,
)
from orchestration_assets.schemas.source_urls import address_path, file_address, shown
from resources.content_source.source import READ_SECONDS, ListingBudget, Source

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class FolderSource(Source):
    """A local folder (or one file) as a source of content."""

    def __init__(
        self,
        root: str | Path,
        include: Sequence[str] = ("**",),
        exclude: Sequence[str] = (),
        home: Path | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        try:
            self.root = Path(root).expanduser().resolve(strict=True)
        # pathlib: no home of such a user, a loop of links, a NUL in the path
        except (OSError, RuntimeError, ValueError) as error:
            message = getattr(error, "strerror", None) or str(error)
            raise SourceError(
                f"cannot read the source {shown(str(root))}: {message}; give an existing folder or "
                "file, or a URL such as s3://bucket/folder"
            ) from error
        super().__init__(file_address(self.root), include, exclude, read_seconds)
        self._home = str(home.resolve()) if home is not None else None

    def _add_single_file(self, entries: EntryTable) -> bool:
        if self.root.is_dir():
            return False
        self._add(entries, self.root.name, self.root, self.root.stat())
        return True

    def children(self, folder: str) -> Iterator[tuple[str, bool, "os.DirEntry[str]"]]:
        """What lies directly in a relative folder. Raises ContentError."""
        try:
            with os.scandir(self.root / folder) as scanned:
                for child in scanned:
                    yield child.name, child.is_dir(follow_symlinks=False), child
        except OSError as error:
            raise _unreadable(error) from error

    def fingerprint(self, budget: ListingBudget) -> str | None:
        """A hash over name, kind, size and times of every file and folder that a listing visits.

        None where it cannot tell: with links, whose targets may be anywhere, folders that cannot be
        listed, and times beyond 64 bits.
        """
        digest = blake2b(digest_size=16)
        ahead = [""]
        try:
            while ahead:
                folder = ahead.pop()
                if budget.spent():
                    return None
                names: list[str] = []
                numbers: list[int] = []
                # the kernel finds a child by its name alone in a folder that is open
                opened = os.open(f"{self.root}/{folder}", _FOLDER)
                try:
                    with os.scandir(opened) as scanned:
                        for child in scanned:
                            names.append(child.name)
                            if child.is_dir(follow_symlinks=False):
                                is_visited = self._is_visited(folder + child.name)
                                numbers.append(-1 if is_visited else -2)
                                if is_visited:
                                    ahead.append(f"{folder}{child.name}/")
                                continue
                            status = child.stat(follow_symlinks=False)
                            mode = status.st_mode
                            if stat.S_ISLNK(mode):
                                return None
                            times = status.st_mtime_ns, status.st_ctime_ns
                            numbers.extend((mode, status.st_size, *times))
                finally:
                    os.close(opened)
                # no name has a slash or a NUL: what is joined can be told apart
                digest.update("\0".join((folder, *names, "/")).encode("utf-8", "surrogateescape"))
                digest.update(array("q", numbers).tobytes())
        except (OSError, OverflowError):
            return None
        return digest.hexdigest()

    def _is_visited(self, folder: str) -> bool:
        """Whether a listing looks into a relative folder."""
        return f"{self.root}/{folder}" != self._home and self.exclude.match(folder) is None

    def hidden(self, relative: str, child: "os.DirEntry[str]") -> str | None:
        """The home is no content, even when it lies inside the source."""
        return OWN_HOME if child.path == self._home else None

    def add(self, entries: EntryTable, relative: str, child: "os.DirEntry[str]") -> None:
        """Adds the row of one entry, with its problem if it has one."""
        path = child.path
        try:
            if child.is_symlink():
                return self._add_link(entries, relative, Path(path))
            status = child.stat(follow_symlinks=False)
        except FileNotFoundError:
            return self._add(entries, relative, path, None, RejectReason.VANISHED)
        except OSError:
            return self._add(entries, relative, path, None, RejectReason.UNREADABLE)
        problem = None if stat.S_ISREG(status.st_mode) else RejectReason.SPECIAL_FILE
        self._add(entries, relative, path, status, problem)

    def _add_link(self, entries: EntryTable, relative: str, path: Path) -> None:
        """A link counts as its target when that is a regular file inside the source."""
        own = path.lstat()
        try:
            target = path.resolve(strict=True)
            status = target.stat()
        except FileNotFoundError:
            return self._add(entries, relative, path, own, RejectReason.LINK_DANGLING)
        except (OSError, RuntimeError):  # pathlib reports a loop as RuntimeError before 3.13
            return self._add(entries, relative, path, own, RejectReason.LINK_LOOP)
        if not target.is_relative_to(self.root):
            return self._add(entries, relative, path, own, RejectReason.LINK_OUTSIDE)
        if stat.S_ISREG(status.st_mode):
            return self._add(entries, relative, path, status)
        if not stat.S_ISDIR(status.st_mode):
            return self._add(entries, relative, path, own, RejectReason.SPECIAL_FILE)
        loops = path.is_relative_to(target)
        problem = RejectReason.LINK_LOOP if loops else RejectReason.LINK_FOLDER
        self._add(entries, relative, path, own, problem)

    @staticmethod
    def _add(
        entries: EntryTable,
        relative: str,
        path: str | Path,
        status: os.stat_result | None,
        problem: RejectReason | None = None,
    ) -> None:
        now, changed_ns = Version(0, 0), None
        if status is not None:
            now = version(status.st_size, status.st_mtime_ns)
            changed_ns = version(0, status.st_ctime_ns).modified_ns
        entries.add(file_address(path), relative, now, problem, changed_ns)

    def _version(self, address: str) -> Version:
        with self._open(address) as file:
            status = os.fstat(file.fileno())
        return version(status.st_size, status.st_mtime_ns)

    def _read(self, address: str, max_bytes: int) -> FileContent:
        # nothing but a regular file inside the root is ever opened for its content
        with self._open(address) as file:
            status = os.fstat(file.fileno())
            refuse_too_large(status.st_size, max_bytes)
            data = self._read_part(file, status.st_size + 1)
        if len(data) > max_bytes:
            raise ContentError(RejectReason.TOO_LARGE, f"grew beyond {max_bytes} bytes")
        now = version(len(data), status.st_mtime_ns)
        return FileContent(data, now.size_bytes, now.modified_ns, now.etag)

    def _open(self, address: str) -> io.FileIO:
        path = address_path(address).resolve()
        if not path.is_relative_to(self.root):
            raise ContentError(RejectReason.LINK_OUTSIDE, "leads out of the source")
        try:
            # O_NONBLOCK: opening a pipe that replaced the file must not hang the worker;
            # O_NOFOLLOW: the path is resolved, so a link there now was put there just now
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
            file = io.FileIO(os.open(path, flags), "rb")
        except FileNotFoundError as error:
            raise ContentError(RejectReason.VANISHED, "no longer there when read") from error
        except OSError as error:
            raise _unreadable(error) from error
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            file.close()
            raise ContentError(RejectReason.SPECIAL_FILE, _special_kind(mode))
        return file

    def _read_part(self, stream: io.FileIO, size: int) -> bytes:
        try:
            return stream.read(size)
        except OSError as error:
            raise _unreadable(error) from error


def _unreadable(error: OSError) -> ContentError:
    return ContentError(RejectReason.UNREADABLE, error.strerror or str(error))


def _special_kind(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISDIR, "a folder"))
    return next((words for test, words in kinds if test(mode)), "a device")
