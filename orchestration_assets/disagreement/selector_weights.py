"""What a learned plan's own model believes: it asked for these answers, so it weighs them too."""

from collections.abc import Iterable, Mapping
from typing import Any

from orchestration_assets.disagreement.label_weights import Key, WeighedAnswers, said
from orchestration_assets.disagreement.readings import ServiceReadings
from orchestration_assets.selection.trained_selector import TrainedSelector

Plan = Mapping[str, Any]


def learned_weights(
    plans: Iterable[Plan],
    heard: Mapping[Key, ServiceReadings],
    models: Mapping[str, TrainedSelector],
) -> dict[Key, WeighedAnswers]:
    """(item, task) -> what the answers weigh, for plans whose steps a learned model decided.

    Items that no service answered are missing.
    """
    found: dict[Key, WeighedAnswers] = {}
    for plan in plans:
        key = (plan["item_id"], plan["task"])
        version = plan["artefact"]
        if version is None or not (votes := said(heard.get(key, ()))):
            continue
        silent = {name: (None, None) for name, _ in heard[key]}
        believed = models[version].label_probabilities(plan["point"], {**silent, **votes})
        if believed is not None:
            answer, sure, probabilities = believed
            given = {label: probabilities.get(label, 0.0) for label, _ in votes.values()}
            basis = f"learned model {version}, calibrated on gold"
            found[key] = WeighedAnswers(given, answer, 1.0 - sure, basis)
    return found
