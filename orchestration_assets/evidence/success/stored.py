"""A success predictor as arrays by name and facts that JSON can hold."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.forest import Forest
from orchestration_assets.evidence.success.alike_items import AlikeItems
from orchestration_assets.evidence.success.blend import Blend
from orchestration_assets.evidence.success.familiarity import Familiarity
from orchestration_assets.evidence.success.item_space import ItemSpace, TermWeights
from orchestration_assets.evidence.success.predictor import SuccessPredictor
from orchestration_assets.evidence.success.tree_scores import TreeScores

FORMAT: Final = 1


def pack_predictor(
    predictor: SuccessPredictor,
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays by name, and facts; :func:`unpack_predictor` turns them back."""
    space = predictor.space
    arrays: dict[str, NDArray[Any]] = {
        "centres": space.centres,
        "scales": space.scales,
        "vocabulary": space.terms.vocabulary,
        "inverse_frequencies": space.terms.inverse_frequencies,
        "directions": space.terms.directions,
        "places": predictor.alike.places,
        "place_means": predictor.alike.means,
        "slopes": predictor.slopes,
        "overall": predictor.blend.overall,
        "levels": predictor.blend.levels,
        "contrasts": predictor.blend.contrasts,
        "references": predictor.known.references,
        "nearness": predictor.known.nearness,
    }
    if space.semantic is not None:
        arrays["semantic"] = space.semantic
    facts: dict[str, Any] = {
        "format": FORMAT,
        "services": list(predictor.services),
        "names": [list(pair) for pair in space.names],
        "unknown": space.terms.unknown,
    }
    for name, trees in (("trees", predictor.trees), ("later_trees", predictor.later_trees)):
        arrays[f"{name}.feature"] = trees.forest.feature.astype(np.int16)
        arrays[f"{name}.threshold"] = trees.forest.threshold
        arrays[f"{name}.children"] = trees.forest.children
        arrays[f"{name}.roots"] = trees.forest.roots
        arrays[f"{name}.means"] = trees.leaf_means
        facts[f"{name}.depth"] = trees.forest.depth
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
        _unpack_trees("trees", arrays, facts),
        _unpack_trees("later_trees", arrays, facts),
        AlikeItems(arrays["places"], arrays["place_means"]),
        arrays["slopes"],
        Blend(arrays["overall"], arrays["levels"], arrays["contrasts"]),
        Familiarity(arrays["references"], arrays["nearness"]),
    )


def _unpack_trees(
    name: str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
) -> TreeScores:
    forest = Forest(
        arrays[f"{name}.feature"].astype(np.int32),
        arrays[f"{name}.threshold"],
        arrays[f"{name}.children"],
        arrays[f"{name}.roots"],
        int(facts[f"{name}.depth"]),
    )
    return TreeScores(forest, arrays[f"{name}.means"])
