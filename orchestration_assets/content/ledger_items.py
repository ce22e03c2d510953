"""Which items the stored ledger of all items has, part by part, as numbers that are kept.

What is asked of all of it (whether an item stands in it, or twice) reads the ids of no more than
those parts that were written since.
"""

from base64 import b64decode, b64encode
from typing import Any, Final

import numpy as np

from orchestration_assets.content.manifest_items import Numbers, item_numbers
from orchestration_assets.schemas.tables import CONTENT_LEDGER
from resources.derived_facts import kept_facts
from resources.table_store import TableStore

# another number where items are told in another way
_FACTS: Final = "ledger_items_1"
_NUMBERS: Final = np.dtype("<u8")


def part_items(store: TableStore, part: str) -> Numbers:
    """(n,) the ids of a part's items, ascending.

    Raises TableMissingError and DamagedFileError, and ValueError where the ids are no numbers or do
    not ascend.
    """

    def derive() -> dict[str, Any]:
        ids = store.read(CONTENT_LEDGER.name, part, CONTENT_LEDGER.key)["item_id"]
        numbers = item_numbers(ids)
        if not np.all(numbers[1:] > numbers[:-1]):
            raise ValueError(f"the items of {part} do not ascend")
        return {"numbers": b64encode(numbers.astype(_NUMBERS).tobytes()).decode()}

    found = kept_facts(store, part, _FACTS, (CONTENT_LEDGER.name,), derive)
    return np.frombuffer(b64decode(found["numbers"]), _NUMBERS).astype(np.uint64)
