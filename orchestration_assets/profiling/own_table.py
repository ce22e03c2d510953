"""What the stored table of a batch already says of the same contents, by the same code.

Results that are cheaper to compute than to keep are in no cache. A batch that is processed again
still finds them: its own table has them, as long as it was made from the same keys.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.records import MADE_FROM
from resources.feature_cache.tier import Counts
from resources.home import Home
from resources.table_store import TableMissingError

OWN_TABLE: Final = "table"
"""The origin of a row that the batch's own table had, and what stands for it in the accounts."""


def made_from(keys: Sequence[str]) -> str:
    """Names the keys of all rows of a table, in their order: 128 bits of blake2b, hex."""
    named = "\n".join(keys).encode("utf-8", "surrogatepass")
    return blake2b(named, digest_size=16).hexdigest()


def marked(table: pa.Table, keys: Sequence[str]) -> pa.Table:
    """The table, which from now on says what keys it was made from."""
    return table.replace_schema_metadata({MADE_FROM: made_from(keys).encode()})


class OwnTable:
    """The stored table of a batch, where it was made from the same ``keys``, one a row."""

    def __init__(
        self, home: Home, table: str, batch: str, keys: Sequence[str], columns: Sequence[str]
    ) -> None:
        self.counts = Counts()
        self._place = home, table, batch
        self._keys = keys
        self._columns = columns

    def recall(self, wanted: Sequence[int]) -> tuple[pa.Table | None, list[int]]:
        """The rows at the ``wanted`` positions that are there and whole, and their positions.

        Without a table of these keys, or with a damaged one, there are none.
        """
        self.counts.lookups = self.counts.not_kept = len(wanted)
        home, name, batch = self._place
        if not wanted or not home.tables.exists(name, batch):
            return None, []
        try:
            table = home.tables.read(name, batch, self._columns)
        except (TableMissingError, DamagedFileError):
            # it is made again now; whoever reads it is told of the damage
            return None, []
        said = (table.schema.metadata or {}).get(MADE_FROM, b"").decode()
        if said != made_from(self._keys) or table.num_rows != len(self._keys):
            return None, []
        whole = pc.equal(table["status"], ProfileStatus.OK)
        if "cut_by_clock" in self._columns:
            whole = pc.and_not(whole, table["cut_by_clock"])
        is_whole = whole.to_pylist()
        positions = [n for n in wanted if is_whole[n]]
        self.counts.hits = len(positions)
        return table.take(pa.array(positions, pa.int64())), positions
