"""Walking a source folder by folder in the order of relative paths, as far as a budget goes."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Final

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.listings import (
    EVERYTHING,
    ContentError,
    EntryTable,
    FileContent,
    Listing,
    PathRange,
    Version,
    make_address,
    relative_path,
)
from orchestration_assets.text.path_patterns import Patterns
from resources.content_source.bounded import BoundedCalls, bounded_stream

READ_SECONDS: Final = 30.0
"""How long, by default, a listing of one folder or one reading may take."""


class ListingBudget:
    """What a listing may spend: so many seconds from now, and so many requests; no limits by
    default."""

    def __init__(
        self,
        seconds: float = math.inf,
        requests: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._until = clock() + seconds
        self._requests = requests

    def spent(self, requests: int = 0) -> bool:
        """Counts ``requests`` more; True when the listing should stop where it stands."""
        self._requests -= requests
        return self._requests <= 0 or self._clock() >= self._until


class Source(ABC):
    """A place that content comes from; each kind of store fills in the abstract methods.

    ``source`` is its URL without credentials: every address begins with it. A question to the
    store that takes longer than ``read_seconds`` is given up.
    """

    def __init__(
        self, source: str, include: Sequence[str], exclude: Sequence[str], read_seconds: float
    ) -> None:
        self.source = source
        # None: everything
        self.include = None if tuple(include) == ("**",) else Patterns(include)
        self.exclude = Patterns(exclude)
        self._calls = BoundedCalls(read_seconds)

    def list(
        self, began: datetime, budget: ListingBudget | None = None, start: str = ""
    ) -> Listing:
        """Every entry that is included and not excluded, from relative path ``start`` on, then
        from the beginning up to ``start``, until the budget is spent; a look always gets at least
        a little further. ``began`` is the time to put on the listing.

        Raises SourceError when the root itself cannot be listed.
        """
        entries = EntryTable()
        if self._add_single_file(entries):
            return Listing(self.source, began, entries.table())
        return _Walk(self, budget or ListingBudget(), entries).listing(began, start)

    def fingerprint(self, budget: ListingBudget) -> str | None:
        """A hash over all that a listing of the whole source would look at.

        None where nothing less than a listing tells whether anything has changed, and when the
        budget's time runs out.
        """
        return None

    def read(self, address: str, max_bytes: int) -> FileContent:
        """The bytes behind an address. Raises ContentError, with the reason."""
        return self._calls.call(self._read, address, max_bytes)

    def open(self, address: str) -> BinaryIO:
        """A seekable binary stream; each read of it keeps the deadline.

        Raises ContentError, with the reason; so do the stream's own methods.
        """
        return bounded_stream(self._calls.call(self._open, address), self._calls, self._read_part)

    def version(self, address: str) -> Version:
        """What is at an address now. Raises ContentError."""
        return self._calls.call(self._version, address)

    def close(self) -> None:
        """Lets go of what reading holds; the next question to the store takes it again."""
        self._calls.close()

    @abstractmethod
    def children(self, folder: str) -> Iterable[tuple[str, bool, Any]]:
        """Name, whether it is a folder, and a handle of each child of a relative folder.

        Relative folders end with a slash, the root is "". Raises ContentError.
        """

    @abstractmethod
    def add(self, entries: EntryTable, relative: str, child: Any) -> None:
        """Adds the row of one file."""

    def hidden(self, relative: str, child: Any) -> str | None:
        """Why an entry is no content whatever the patterns say, if so."""
        return None

    @abstractmethod
    def _add_single_file(self, entries: EntryTable) -> bool:
        """Adds the source's own row when it is one file. Raises SourceError."""

    @abstractmethod
    def _read(self, address: str, max_bytes: int) -> FileContent: ...

    @abstractmethod
    def _open(self, address: str) -> Any: ...

    @abstractmethod
    def _version(self, address: str) -> Version: ...

    def _read_part(self, stream: Any, size: int) -> bytes:
        """The next bytes of what ``_open`` gave. Raises ContentError."""
        return bytes(stream.read(size))

    def _relative(self, address: str) -> str:
        """The path of an address below the source. Raises ContentError for one outside it."""
        relative = relative_path(self.source, address)
        inside = address == self.source or address.startswith(self.source.rstrip("/") + "/")
        if not inside or leaves_root(relative):
            raise ContentError(RejectReason.LINK_OUTSIDE, "leads out of the source")
        return relative


def leaves_root(relative: str) -> bool:
    """Whether a path could lead a store out of its root."""
    return ".." in relative.split("/")


class _Walk:
    """One look at a source."""

    def __init__(self, tree: Source, budget: ListingBudget, entries: EntryTable) -> None:
        self.tree = tree
        self.budget = budget
        self.entries = entries
        self.holes: list[str] = []
        self.excluded: dict[str, int] = {}
        self.advanced = False

    def listing(self, began: datetime, start: str) -> Listing:
        """From ``start`` to the end, then from the beginning up to ``start``.

        Raises SourceError when the root cannot be listed.
        """
        stopped = self._pass(start, None)
        covered: tuple[PathRange, ...] = ((start, stopped),)
        if stopped is None and start:
            stopped = self._pass("", start)
            covered = (*covered, ("", start if stopped is None else stopped))
        return Listing(
            self.tree.source,
            began,
            self.entries.table(),
            EVERYTHING if stopped is None else covered,
            tuple(self.holes),
            stopped,
            tuple(sorted(self.excluded.items())),
        )

    def _pass(self, lower: str, upper: str | None) -> str | None:
        """Walks from ``lower`` to before ``upper``; says where it stopped early.

        A folder stands in the order as its name with a slash, before everything inside it.
        """
        ahead: list[tuple[str, Any | None]] = [("", None)]
        while ahead:
            key, child = ahead.pop()
            if upper is not None and key >= upper:
                return None
            is_folder = child is None
            if key < lower and not (is_folder and lower.startswith(key)):
                continue
            if self.advanced and self.budget.spent(1 if is_folder else 0):
                return key
            if child is None:
                # reversed, so that the first comes off the stack first
                ahead += reversed(self._children(key, lower, upper))
            else:
                self.tree.add(self.entries, key, child)
            # folders on the way to where the walk begins are no progress
            self.advanced = self.advanced or key >= lower
        return None

    def _children(self, folder: str, lower: str, upper: str | None) -> list[tuple[str, Any | None]]:
        try:
            children = list(self.tree.children(folder))
        except ContentError as error:
            if not folder:
                raise SourceError(
                    f"cannot list the source {self.tree.source!r}: {error}; check that it exists, "
                    "its permissions, and credentials in the environment"
                ) from error
            self.holes.append(folder)
            address = make_address(self.tree.source, folder[:-1])
            self.entries.add(address, folder[:-1], Version(0, 0), RejectReason.UNREADABLE)
            return []
        kept: list[tuple[str, Any | None]] = []
        for name, is_folder, child in children:
            relative = folder + name
            key = f"{relative}/" if is_folder else relative
            pattern = self.tree.hidden(relative, child) or self.tree.exclude.match(relative)
            if pattern is not None:
                # a look in two passes comes by here twice and counts once
                if key >= lower and (upper is None or key < upper):
                    self.excluded[pattern] = self.excluded.get(pattern, 0) + 1
            elif is_folder:
                kept.append((key, None))
            elif self.tree.include is None or self.tree.include.match(relative):
                kept.append((key, child))
        kept.sort(key=lambda one: one[0])
        return kept
