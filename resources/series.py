"""The batches that one run carries out, in their order: what each may see of the others.

Batches side by side must yield the tables that they yield one after the other. So a batch waits
until those before it have stored what it is about to read. Of statistics over calls, such as prices
and tokens, nothing is waited for: those of the batches just before are not counted, however many
processes there are.
"""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

LAG: Final = 8
"""Of a series, statistics over calls rest on batches that are at least so many places before."""
_ENDED: Final = "ended"
_ORDER: Final = "order.json"
_LOOK_EVERY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Series:
    """``batches`` in their order. Where they are ``side_by_side``, ``folder`` has an empty file for
    each table that one of them has stored in this run; else there is nothing to wait for."""

    batches: tuple[str, ...] = ()
    folder: Path | None = None
    side_by_side: bool = False

    def store(self) -> None:
        """Writes the order into the folder, for :func:`read_series`."""
        assert self.folder is not None
        facts = {"batches": self.batches, "side_by_side": self.side_by_side}
        (self.folder / _ORDER).write_text(json.dumps(facts), encoding="utf-8")

    def note(self, batch: str, table: str) -> None:
        """The table of this batch is as later batches may read it."""
        if self.folder is not None and self.side_by_side and batch in self.batches:
            (self.folder / f"{batch}.{table}").touch()

    def note_ended(self, batch: str) -> None:
        """Nothing more comes of the batch in this run, whether it succeeded or not."""
        self.note(batch, _ENDED)

    def await_earlier(self, batch: str, table: str) -> None:
        """Returns once every batch before this one has stored the table, or has ended."""
        self._await(self._before(batch), table)

    def before(self, batch: str) -> Sequence[str]:
        """The batches of the series that come before this one: they have seen nothing of it."""
        return self._before(batch)

    def not_later(self, batch: str, names: Iterable[str]) -> list[str]:
        """Those of the names that are no later batch of the series."""
        later = set(self.batches[len(self._before(batch)) + 1 :]) if batch in self.batches else ()
        return [name for name in names if name not in later]

    def settled(self, batch: str, table: str, names: Iterable[str]) -> list[str]:
        """Those of the names whose ``table`` statistics of the batch may rest on.

        Waits for those of them that belong to the series, ``LAG`` places before at least.
        """
        before = self._before(batch)
        settled = before[: max(len(before) - LAG + 1, 0)]
        self._await(settled, table)
        hidden = set(self.batches) - {*settled, batch} if batch in self.batches else ()
        return [name for name in names if name not in hidden]

    def _before(self, batch: str) -> Sequence[str]:
        return self.batches[: self.batches.index(batch)] if batch in self.batches else ()

    def _await(self, batches: Iterable[str], table: str) -> None:
        if self.folder is None or not self.side_by_side:
            return
        for batch in batches:
            while not any((self.folder / f"{batch}.{one}").exists() for one in (table, _ENDED)):
                time.sleep(_LOOK_EVERY_S)


ALONE: Final = Series()
"""No series: every batch sees whatever is stored."""


@lru_cache(maxsize=4)
def read_series(folder: str) -> Series:
    """The series that is stored in the folder."""
    facts = json.loads((Path(folder) / _ORDER).read_text("utf-8"))
    return Series(tuple(facts["batches"]), Path(folder), facts["side_by_side"])
