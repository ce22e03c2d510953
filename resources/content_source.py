"""Where content comes from: listing a source and reading its bytes.

A listing never opens a file and never follows a link out of the source; what cannot be read
is listed with its problem, so that nothing disappears silently.
"""

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit

import pyarrow as pa
from wcmatch import glob

from orchestration_assets.schemas.enums import RejectReason

_GLOB_FLAGS: Final = glob.GLOBSTAR | glob.DOTGLOB | glob.BRACE | glob.CASE | glob.FORCEUNIX


# what a listing says it left out when the home lies inside the source
OWN_HOME: Final = "(the home)"


class SourceError(Exception):
    """The source cannot be listed at all; the message names it and the remedy."""


class ContentError(Exception):
    """One entry cannot be read; ``reason`` is its reject reason."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """One thing that a listing found; ``problem`` is set when it cannot be read."""

    address: str
    path: str
    size_bytes: int
    modified_ns: int
    problem: RejectReason | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """All entries of a source, sorted by address.

    ``complete`` is False when a part could not be listed: absence then proves nothing.
    ``excluded`` counts the files and folders that a pattern left out, ``excluded_by`` says
    which patterns did.
    """

    source: str
    entries: tuple[ListedEntry, ...]
    complete: bool
    excluded: int
    excluded_by: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class FileContent:
    """The bytes of one file with the size and time that they were read under."""

    data: bytes
    size_bytes: int
    modified_ns: int


def file_address(path: str | Path) -> str:
    """The ``file://`` URL of a path; any file name, however encoded, survives the round trip."""
    return "file://" + quote_from_bytes(os.fsencode(path), safe=b"/")


def address_path(address: str) -> Path:
    """The path of a ``file://`` address. Raises ValueError for any other scheme."""
    parts = urlsplit(address)
    if parts.scheme != "file":
        raise ValueError(f"not a file address: {address}")
    return Path(os.fsdecode(unquote_to_bytes(parts.path)))


class _Patterns:
    """Globs over relative paths; one without a slash matches any single file or folder name."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._compiled: list[tuple[str, re.Pattern[str]]] = []
        for pattern in patterns:
            anywhere = pattern if "/" in pattern or pattern == "**" else f"**/{pattern}"
            for expression in glob.translate(anywhere.rstrip("/"), flags=_GLOB_FLAGS)[0]:
                self._compiled.append((pattern, re.compile(expression)))

    def match(self, path: str) -> str | None:
        """The first pattern that matches, or None."""
        return next((p for p, expression in self._compiled if expression.match(path)), None)


class FolderSource:
    """A local folder (or one file) as a source of content."""

    def __init__(
        self,
        root: str | Path,
        include: Sequence[str] = ("**",),
        exclude: Sequence[str] = (),
        home: Path | None = None,
    ) -> None:
        given = Path(root).expanduser()
        try:
            self.root = given.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise SourceError(
                f"cannot read the source {str(given)!r}: {error}; give an existing folder or file"
            ) from error
        self.source = file_address(self.root)
        self._home = home.resolve() if home is not None else None
        self._everything = tuple(include) == ("**",)
        self._include = _Patterns(include)
        self._exclude = _Patterns(exclude)

    def list(self) -> Listing:
        """Every entry below the root that is included and not excluded.

        Raises SourceError when the root itself cannot be listed.
        """
        entries: list[ListedEntry] = []
        excluded: dict[str, int] = {}
        if not self.root.is_dir():
            entries.append(self._entry(self.root.name, self.root, self.root.stat()))
            return Listing(self.source, tuple(entries), True, 0, ())
        complete = True
        folders = [self.root]
        while folders:
            folder = folders.pop()
            try:
                children = list(os.scandir(folder))
            except OSError as error:
                if folder == self.root:
                    raise SourceError(
                        f"cannot list the source {str(folder)!r}: {error.strerror}; "
                        "check its permissions"
                    ) from error
                complete = False
                entries.append(
                    self._entry(self._relative(folder), folder, None, RejectReason.UNREADABLE)
                )
                continue
            for child in children:
                path = Path(child.path)
                relative = self._relative(path)
                pattern = self._exclude.match(relative)
                if pattern is None and path == self._home:
                    pattern = OWN_HOME
                if pattern is not None:
                    excluded[pattern] = excluded.get(pattern, 0) + 1
                elif child.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif self._everything or self._include.match(relative):
                    entries.append(self._examine(child, path, relative))
        entries.sort(key=lambda entry: entry.address)
        by_pattern = tuple(sorted(excluded.items()))
        return Listing(self.source, tuple(entries), complete, sum(excluded.values()), by_pattern)

    def read(self, address: str, max_bytes: int) -> FileContent:
        """The bytes behind an address of this source.

        Raises ContentError, with the reason, for whatever cannot be read: nothing but a regular
        file inside the root is ever opened for its content.
        """
        path = address_path(address)
        if not path.resolve().is_relative_to(self.root):
            raise ContentError(RejectReason.LINK_OUTSIDE, "leads out of the source")
        try:
            # O_NONBLOCK: opening a pipe that replaced the file must not hang the worker
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise ContentError(RejectReason.VANISHED, "no longer there when read") from error
        except OSError as error:
            raise ContentError(RejectReason.UNREADABLE, error.strerror or str(error)) from error
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ContentError(RejectReason.SPECIAL_FILE, _special_kind(found.st_mode))
            if found.st_size > max_bytes:
                raise ContentError(
                    RejectReason.TOO_LARGE, f"{found.st_size} bytes, the limit is {max_bytes}"
                )
            try:
                data = file.read(max_bytes + 1)
            except OSError as error:
                raise ContentError(RejectReason.UNREADABLE, error.strerror or str(error)) from error
        if len(data) > max_bytes:
            raise ContentError(RejectReason.TOO_LARGE, f"grew beyond {max_bytes} bytes")
        return FileContent(data, len(data), found.st_mtime_ns)

    def _relative(self, path: Path) -> str:
        return str(path)[len(str(self.root)) :].lstrip("/")

    def _entry(
        self,
        relative: str,
        path: Path,
        found: os.stat_result | None,
        problem: RejectReason | None = None,
    ) -> ListedEntry:
        shown = os.fsencode(relative).decode("utf-8", "backslashreplace")
        size, modified = (found.st_size, found.st_mtime_ns) if found else (0, 0)
        return ListedEntry(file_address(path), shown, size, modified, problem)

    def _examine(self, child: "os.DirEntry[str]", path: Path, relative: str) -> ListedEntry:
        try:
            if child.is_symlink():
                return self._examine_link(path, relative)
            found = child.stat(follow_symlinks=False)
        except FileNotFoundError:
            return self._entry(relative, path, None, RejectReason.VANISHED)
        except OSError:
            return self._entry(relative, path, None, RejectReason.UNREADABLE)
        problem = None if stat.S_ISREG(found.st_mode) else RejectReason.SPECIAL_FILE
        return self._entry(relative, path, found, problem)

    def _examine_link(self, path: Path, relative: str) -> ListedEntry:
        """A link counts as its target when that is a regular file inside the source."""
        own = path.lstat()
        try:
            target = path.resolve(strict=True)
        except FileNotFoundError:
            return self._entry(relative, path, own, RejectReason.LINK_DANGLING)
        except (OSError, RuntimeError):  # pathlib reports a loop as RuntimeError before 3.13
            return self._entry(relative, path, own, RejectReason.LINK_LOOP)
        if not target.is_relative_to(self.root):
            return self._entry(relative, path, own, RejectReason.LINK_OUTSIDE)
        found = target.stat()
        if stat.S_ISREG(found.st_mode):
            return self._entry(relative, path, found)
        if not stat.S_ISDIR(found.st_mode):
            return self._entry(relative, path, own, RejectReason.SPECIAL_FILE)
        loops = path.is_relative_to(target)
        problem = RejectReason.LINK_LOOP if loops else RejectReason.LINK_FOLDER
        return self._entry(relative, path, own, problem)


def _special_kind(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISDIR, "a folder"))
    return next((words for test, words in kinds if test(mode)), "a device")


def open_source(
    source: str, include: Sequence[str], exclude: Sequence[str], home: Path | None = None
) -> FolderSource:
    """The source behind a path or ``file://`` URL; a ``home`` inside it is no content.

    Raises SourceError when it does not exist or its scheme is not supported.
    """
    scheme = urlsplit(source).scheme if re.match(r"^[a-z][a-z0-9+.-]+://", source) else ""
    if scheme not in ("", "file"):
        raise SourceError(f"cannot read {source!r}: only folders and file:// URLs are supported")
    return FolderSource(address_path(source) if scheme else source, include, exclude, home)


def open_batch_source(entries: pa.Table) -> FolderSource:
    """The source that a recorded batch was listed from.

    Raises SourceError when it is no longer there.
    """
    return open_source(entries["source"][0].as_py(), ("**",), ())
