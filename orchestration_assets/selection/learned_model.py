"""What is learned of one task: a selector of services, and what it expects of them before calls."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.evidence.success.predictor import SuccessPredictor
from orchestration_assets.evidence.success.stored import pack_predictor, unpack_predictor
from orchestration_assets.selection.choice_reasons import (
    ChoiceReasons,
    plain_reasons,
    reasons_of,
)
from orchestration_assets.selection.item_prices import (
    ItemPrices,
    item_tokens,
    pack_item_prices,
    unpack_item_prices,
)
from orchestration_assets.selection.known_items import KnownItems, expected_on
from orchestration_assets.selection.trained_selector import (
    TrainedSelector,
    pack_selector,
    unpack_selector,
)

_PREFIX: Final = "success."
_TRAINED_ON: Final = "trained_on"

ContentKeys = NDArray[np.uint64]


@dataclass(frozen=True)
class LearnedModel:
    """``selector`` decides the steps; ``predictor`` says what it expects of each service on an
    item before any call, None where what items are like tells nothing; ``reasons`` why;
    ``prices`` what calls cost on an item. ``trained_on`` are the contents whose outcomes it was
    fitted to, as :func:`content_keys`; None where that is not known."""

    selector: TrainedSelector
    predictor: SuccessPredictor | None = None
    reasons: ChoiceReasons | None = None
    prices: ItemPrices | None = None
    trained_on: ContentKeys | None = None

    def was_trained_on(self, content: str) -> bool:
        """Whether the model was fitted to the outcome of a content, given by its hash; also where
        that is not known."""
        if self.trained_on is None:
            return True
        key = content_keys([content])
        at = int(np.searchsorted(self.trained_on, key[0]))
        return at < len(self.trained_on) and bool(self.trained_on[at] == key[0])

    def expected_scores(self, items: KnownItems | None) -> Floats | None:
        """(n, K) expected scores in [0, 1]; the overall ones of items of which nothing is known.

        None without a predictor, and where nothing is known of any item.
        """
        if self.predictor is None or items is None:
            return None
        return expected_on(items, self.predictor, self.selector.solo_accuracy)

    def expected_usd(self, items: KnownItems | None) -> Floats | None:
        """(n, K) USD that calls are expected to cost; the mean of items of which nothing is known.

        None where the model does not tell items apart by price, and where no item is known.
        """
        if self.prices is None or items is None:
            return None
        return self.prices(item_tokens(items.inputs))


def content_keys(contents: Iterable[str]) -> ContentKeys:
    """Ascending keys of 64 bits of contents, given by their hashes."""
    digests = [blake2b(content.encode(), digest_size=8).digest() for content in contents]
    return np.sort(np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64))


def pack_model(model: LearnedModel) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays by name, and facts that JSON can hold; :func:`unpack_model` turns them back."""
    arrays, selector = pack_selector(model.selector)
    facts: dict[str, Any] = {"selector": selector}
    if model.predictor is not None:
        of_predictor, facts["predictor"] = pack_predictor(model.predictor)
        arrays |= {_PREFIX + name: array for name, array in of_predictor.items()}
    if model.reasons is not None:
        facts["reasons"] = plain_reasons(model.reasons)
    if model.prices is not None:
        facts["prices"] = pack_item_prices(model.prices)
    if model.trained_on is not None:
        arrays[_TRAINED_ON] = model.trained_on
    return arrays, facts


def unpack_model(arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> LearnedModel:
    """What :func:`pack_model` stored. Raises KeyError and ValueError for what cannot be read."""
    predictor = None
    if "predictor" in facts:
        own = {
            name.removeprefix(_PREFIX): array
            for name, array in arrays.items()
            if name.startswith(_PREFIX)
        }
        predictor = unpack_predictor(own, facts["predictor"])
    reasons = reasons_of(facts["reasons"]) if "reasons" in facts else None
    prices = unpack_item_prices(facts["prices"]) if "prices" in facts else None
    selector = unpack_selector(arrays, facts["selector"])
    return LearnedModel(selector, predictor, reasons, prices, arrays.get(_TRAINED_ON))
