"""How long work says how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Told of each stage that begins and of each piece that is done."""

    def stage(self, name: str, total: int) -> None:
        """A stage of ``total`` pieces begins."""

    def advance(self, pieces: int) -> None:
        """So many more pieces of the stage are done."""


class SilentProgress:
    """Says nothing: for runs that nobody watches on a terminal."""

    def stage(self, name: str, total: int) -> None: ...

    def advance(self, pieces: int) -> None: ...
