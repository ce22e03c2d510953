"""What is known of items before any service is asked: profile features and vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from orchestration_assets.evidence.item_terms import ItemTerms
from orchestration_assets.evidence.recorded_answers import Bools, Floats, Ints

Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class ItemInputs:
    """``n`` items, before any call.

    ``profiles`` (n rows) has the columns of the profile's features, by name; ``words`` (n, 512)
    are hashed words and ``semantic`` (n, D) embedded words as the table of vectors holds them, an
    item without any as zeros. ``semantic`` is None where the policy does not ask for them, and
    ``terms`` where the items' terms are not known.
    """

    profiles: pa.Table
    words: Floats32
    semantic: Floats32 | None = None
    terms: ItemTerms | None = None

    def __post_init__(self) -> None:
        """Raises ValueError when the parts are not about the same number of items."""
        parts = {"words": self.words, "semantic": self.semantic, "terms": self.terms}
        for name, part in parts.items():
            if part is not None and len(part) != self.profiles.num_rows:
                raise ValueError(
                    f"{name} are of {len(part)} items, profiles of {self.profiles.num_rows}"
                )

    def __len__(self) -> int:
        return int(self.profiles.num_rows)

    def numbers(self, features: Sequence[str]) -> Floats:
        """(n, features) values of numeric and boolean features; NaN where an item has none."""
        columns = [
            self.profiles[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
            for name in features
        ]
        numbers: Floats = np.stack(columns, axis=1) if columns else np.zeros((len(self), 0))
        return numbers

    def take(self, rows: Ints | Bools | slice) -> "ItemInputs":
        """The items at ``rows`` (positions, a mask or a slice), in that order."""
        positions = np.arange(len(self))[rows]
        return replace(
            self,
            profiles=self.profiles.take(pa.array(positions)),
            words=self.words[positions],
            semantic=None if self.semantic is None else self.semantic[positions],
            terms=None if self.terms is None else self.terms.take(positions),
        )
