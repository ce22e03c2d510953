"""A success predictor as arrays by name and facts that JSON can hold."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.forest import Forest
from orchestration_assets.evidence.success.blend import Blend
from orchestration_assets.evidence.success.familiarity import Familiarity
from orchestration_assets.evidence.success.item_space import ItemSpace, TermWeights
from orchestration_assets.evidence.success.predictor import SuccessPredictor

FORMAT: Final = 1


def pack_predictor(
    predictor: SuccessPredictor,
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays by name, and facts; :func:`unpack_predictor` turns them back."""
    space, forest = predictor.space, predictor.forest
    arrays: dict[str, NDArray[Any]] = {
        "centres": space.centres,
        "scales": space.scales,
        "vocabulary": space.terms.vocabulary,
        "inverse_frequencies": space.terms.inverse_frequencies,
        "directions": space.terms.directions,
        "feature": forest.feature.astype(np.int16),
        "threshold": forest.threshold,
        "children": forest.children,
        "roots": forest.roots,
        "leaf_means": predictor.leaf_means,
        "slopes": predictor.slopes,
        "overall": predictor.blend.overall,
        "levels": predictor.blend.levels,
        "contrasts": predictor.blend.contrasts,
        "references": predictor.known.references,
        "nearness": predictor.known.nearness,
    }
    if space.semantic is not None:
        arrays["semantic"] = space.semantic
    facts = {
        "format": FORMAT,
        "services": list(predictor.services),
        "names": [list(pair) for pair in space.names],
        "unknown": space.terms.unknown,
        "depth": forest.depth,
    }
    return arrays, facts


def unpack_predictor(
    arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
) -> SuccessPredictor:
    """What :func:`pack_predictor` stored. Raises ValueError for another format."""
    if facts.get("format") != FORMAT:
        raise ValueError(f"format {facts.get('format')!r} of a predictor, {FORMAT} is known")
    terms = TermWeights(
        arrays["vocabulary"], arrays["inverse_frequencies"], arrays["directions"], facts["unknown"]
    )
    names = tuple((feature, value) for feature, value in facts["names"])
    return SuccessPredictor(
        tuple(facts["services"]),
        ItemSpace(arrays["centres"], arrays["scales"], names, terms, arrays.get("semantic")),
        Forest(
            arrays["feature"].astype(np.int32),
            arrays["threshold"],
            arrays["children"],
            arrays["roots"],
            int(facts["depth"]),
        ),
        arrays["leaf_means"],
        arrays["slopes"],
        Blend(arrays["overall"], arrays["levels"], arrays["contrasts"]),
        Familiarity(arrays["references"], arrays["nearness"]),
    )
