"""The stored form of a policy over content and answers: arrays by name, and facts beside."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestration_assets.evidence.accepted_answers import (
    pack_accepted_answers,
    unpack_accepted_answers,
)
from orchestration_assets.evidence.belief import Subset
from orchestration_assets.evidence.forest import Forest, pack_forest, unpack_forest
from orchestration_assets.selection.action_gains import ActionGains
from orchestration_assets.selection.content_policy import ContentPolicy


def pack_content_policy(
    name: str, policy: ContentPolicy, arrays: dict[str, NDArray[Any]]
) -> dict[str, Any]:
    """Puts the policy's arrays under names that begin with ``name``; gives the facts beside."""
    arrays[f"{name}.exchange"] = policy.exchange_rates
    arrays[f"{name}.prices"], arrays[f"{name}.times"] = policy.prices, policy.times
    for subset, forest in policy.forests.items():
        key = f"{name}.{'_'.join(map(str, subset))}"
        pack_forest(key, forest, arrays)
        # only leaves have averages
        leaf = forest.children[:, 0] == np.arange(forest.n_nodes)
        arrays[f"{key}.corrections"] = policy.corrections[subset][:, leaf]
        models = policy.gain_models[subset]
        arrays[f"{key}.slopes"] = np.stack([model.slopes for model in models])
        arrays[f"{key}.offsets"] = np.stack([model.offset for model in models])
        arrays[f"{key}.parts"] = np.array(
            [(model.of_plain, model.of_corrections, model.of_level) for model in models]
        )
    return {
        "candidates": list(policy.candidates),
        "most_asked": policy.most_asked,
        "accepted": pack_accepted_answers(f"{name}.accepted", policy.accepted, arrays),
        "subsets": [list(subset) for subset in policy.forests],
    }


def unpack_content_policy(
    name: str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
) -> ContentPolicy:
    """What :func:`pack_content_policy` stored."""
    forests: dict[Subset, Forest] = {}
    corrections: dict[Subset, NDArray[np.float32]] = {}
    gain_models: dict[Subset, list[ActionGains]] = {}
    for services in facts["subsets"]:
        subset: Subset = tuple(services)
        key = f"{name}.{'_'.join(map(str, subset))}"
        forest, at_leaves = unpack_forest(key, arrays), arrays[f"{key}.corrections"]
        all_nodes = np.zeros((at_leaves.shape[0], forest.n_nodes, at_leaves.shape[2]), np.float32)
        all_nodes[:, forest.children[:, 0] == np.arange(forest.n_nodes)] = at_leaves
        forests[subset], corrections[subset] = forest, all_nodes
        gain_models[subset] = [
            ActionGains(slopes, float(parts[0]), float(parts[1]), float(parts[2]), offset)
            for slopes, parts, offset in zip(
                arrays[f"{key}.slopes"],
                arrays[f"{key}.parts"],
                arrays[f"{key}.offsets"],
                strict=True,
            )
        ]
    return ContentPolicy(
        tuple(facts["candidates"]),
        facts["most_asked"],
        arrays[f"{name}.exchange"],
        arrays[f"{name}.prices"],
        arrays[f"{name}.times"],
        unpack_accepted_answers(f"{name}.accepted", arrays, facts["accepted"]),
        forests,
        corrections,
        gain_models,
    )
