"""Walking a source folder by folder in the order of relative paths, as far as a budget goes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.text.path_patterns import Patterns
from resources.content_source.contract import (
    EVERYTHING,
    Budget,
    ContentError,
    EntryTable,
    Listing,
    SourceError,
    Span,
    make_address,
)

Child = TypeVar("Child")


class Tree(Protocol[Child]):
    """What a walk needs to know of a store; relative folders end with a slash, the root is ""."""

    source: str

    def children(self, folder: str) -> Iterable[tuple[str, bool, Child]]:
        """Name, whether it is a folder, and a handle of each child. Raises ContentError."""
        ...

    def add(self, entries: EntryTable, relative: str, child: Child) -> None:
        """Adds the row of one file."""
        ...

    def hidden(self, relative: str, child: Child) -> str | None:
        """Why an entry is no content whatever the patterns say, if so."""
        ...


@dataclass(slots=True)
class Walk(Generic[Child]):
    """One look at a source; ``include`` of None means everything."""

    tree: Tree[Child]
    include: Patterns | None
    exclude: Patterns
    budget: Budget
    entries: EntryTable = field(default_factory=EntryTable)
    holes: list[str] = field(default_factory=list)
    excluded: dict[str, int] = field(default_factory=dict)
    advanced: bool = False

    def listing(self, began: datetime, start: str) -> Listing:
        """From ``start`` to the end, then from the beginning up to ``start``.

        Raises SourceError when the root cannot be listed.
        """
        stopped = self._pass(start, None)
        covered: tuple[Span, ...] = ((start, stopped),)
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
        ahead: list[tuple[str, Child | None]] = [("", None)]
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

    def _children(
        self, folder: str, lower: str, upper: str | None
    ) -> list[tuple[str, Child | None]]:
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
            self.entries.add(address, folder[:-1], 0, 0, 0, None, RejectReason.UNREADABLE)
            return []
        kept: list[tuple[str, Child | None]] = []
        for name, is_folder, child in children:
            relative = folder + name
            key = f"{relative}/" if is_folder else relative
            pattern = self.tree.hidden(relative, child) or self.exclude.match(relative)
            if pattern is not None:
                # a look in two passes comes by here twice and counts once
                if key >= lower and (upper is None or key < upper):
                    self.excluded[pattern] = self.excluded.get(pattern, 0) + 1
            elif is_folder:
                kept.append((key, None))
            elif self.include is None or self.include.match(relative):
                kept.append((key, child))
        kept.sort(key=lambda one: one[0])
        return kept
