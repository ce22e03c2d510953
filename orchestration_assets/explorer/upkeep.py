"""A thread that keeps the indexes of a served home in step with its tables."""

import logging
import threading
from contextlib import suppress
from typing import Final

from orchestration_assets.explorer.index_files import IndexFiles
from orchestration_assets.explorer.item_rows import ItemRows
from orchestration_assets.schemas.errors import OrchestrationError
from resources.table_store import TableMissingError

_LOG: Final = logging.getLogger("orchestration_assets.explorer")
_EVERY_SECONDS: Final = 3.0


class Upkeep:
    """Use it as a context manager: the thread ends with it."""

    def __init__(self, index: IndexFiles, rows: ItemRows) -> None:
        self._index = index
        self._rows = rows
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="explorer-upkeep", daemon=True)

    def __enter__(self) -> "Upkeep":
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self.round()
            except (OrchestrationError, OSError) as error:
                _LOG.warning("the index is not brought up to date: %s", error)
            self._stop.wait(_EVERY_SECONDS)

    def round(self) -> None:
        """Indexes everything that has changed, what is searched before what is looked up."""
        current = self._index.bring_up_to_date(self._stop.is_set)
        for batch in current.batches:
            if self._stop.is_set():
                return
            if not self._rows.is_current(batch.batch):
                # a table that went away meanwhile is looked at again in the next round
                with suppress(TableMissingError):
                    self._rows.make(batch.batch)
        self._rows.tidy({one.batch for one in current.batches})
