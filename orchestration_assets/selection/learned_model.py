"""What is learned of one task: a selector of services, and what it expects of them before calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.evidence.success.predictor import SuccessPredictor
from orchestration_assets.evidence.success.stored import pack_predictor, unpack_predictor
from orchestration_assets.selection.choice_reasons import (
    ChoiceReasons,
    plain_reasons,
    reasons_of,
)
from orchestration_assets.selection.known_items import KnownItems, expected_on
from orchestration_assets.selection.trained_selector import (
    TrainedSelector,
    pack_selector,
    unpack_selector,
)

_PREFIX: Final = "success."


@dataclass(frozen=True)
class LearnedModel:
    """``selector`` decides the steps; ``predictor`` says what it expects of each service on an
    item before any call, None where what items are like tells nothing; ``reasons`` why."""

    selector: TrainedSelector
    predictor: SuccessPredictor | None = None
    reasons: ChoiceReasons | None = None

    def expected_scores(self, items: KnownItems | None) -> Floats | None:
        """(n, K) expected scores in [0, 1]; the overall ones of items of which nothing is known.

        None without a predictor, and where nothing is known of any item.
        """
        if self.predictor is None or items is None:
            return None
        return expected_on(items, self.predictor, self.selector.solo_accuracy)


def pack_model(model: LearnedModel) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays by name, and facts that JSON can hold; :func:`unpack_model` turns them back."""
    arrays, selector = pack_selector(model.selector)
    facts: dict[str, Any] = {"selector": selector}
    if model.predictor is not None:
        of_predictor, facts["predictor"] = pack_predictor(model.predictor)
        arrays |= {_PREFIX + name: array for name, array in of_predictor.items()}
    if model.reasons is not None:
        facts["reasons"] = plain_reasons(model.reasons)
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
    return LearnedModel(unpack_selector(arrays, facts["selector"]), predictor, reasons)
