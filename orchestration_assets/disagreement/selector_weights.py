"""What a learned plan's own model believes: it asked for these answers, so it weighs them too."""

from collections.abc import Iterable, Mapping

from orchestration_assets.disagreement.label_weights import Key, WeighedAnswers, said
from orchestration_assets.disagreement.readings import ServiceReadings
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.selection.trained_selector import TrainedSelector


def learned_weights(
    plans: Iterable[PlanRow],
    heard: Mapping[Key, ServiceReadings],
    models: Mapping[str, TrainedSelector],
) -> dict[Key, WeighedAnswers]:
    """(item, task) -> what the answers weigh, for plans whose steps a learned model decided.

    Items that no service answered are missing.
    """
    found: dict[Key, WeighedAnswers] = {}
    for plan in plans:
        key = (plan.item_id, plan.task)
        version, point = plan.artefact, plan.point
        if version is None or point is None or not (votes := said(heard.get(key, ()))):
            continue
        silent = {name: (None, None) for name, _ in heard[key]}
        believed = models[version].label_probabilities(point, {**silent, **votes})
        if believed is not None:
            answer, sure, probabilities = believed
            given = {label: probabilities.get(label, 0.0) for label, _ in votes.values()}
            basis = f"learned model {version}, calibrated on gold"
            found[key] = WeighedAnswers(given, answer, 1.0 - sure, basis)
    return found
