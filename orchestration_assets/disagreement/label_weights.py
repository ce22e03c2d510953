"""How probable each label is that an item's services gave, by what is known of the services.

In the order of what is known best: a calibration that was promoted for exactly these services; what
the batch itself shows, when enough of its items were answered by three or more services that do
not repeat each other; and else the services' own confidences, which nobody has checked. Whichever
it is, the basis says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.disagreement.readings import (
    Key,
    ServiceReadings,
    ok_votes,
    once_for_each,
)
from orchestration_assets.evidence.label_free import fit_label_free
from orchestration_assets.evidence.label_model import LabelModel, encode_votes
from orchestration_assets.evidence.recorded_answers import MISSING
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.tables import PlanRow
from orchestration_assets.selection.expectations import expected_by
from orchestration_assets.selection.trained_selector import TrainedSelector
from orchestration_assets.services.identity import changed_parts

_ENOUGH_SERVICES: Final = 3
_LABELS_MOST: Final = 400

LabelVotes = Mapping[str, tuple[str, float | None]]


@dataclass(frozen=True, slots=True)
class WeighedAnswers:
    """``probabilities``: each answer that was given; ``answer`` stands, and is wrong with
    probability ``risk``. ``basis`` says in words what that rests on."""

    probabilities: Mapping[str, float]
    answer: str
    risk: float
    basis: str

    def risk_of(self, answer: str) -> float:
        """The probability that this answer is wrong."""
        return self.risk if answer == self.answer else 1.0 - self.probabilities.get(answer, 0.0)


@dataclass(frozen=True, slots=True)
class PromotedCalibration:
    """A calibration in use, and the version that it is known by."""

    model: LabelModel
    version: str


def label_votes(readings: ServiceReadings) -> dict[str, tuple[str, float | None]]:
    """Service -> its label and confidence, of the readings that vote."""
    return {name: (str(reading.answer), reading.confidence) for name, reading in ok_votes(readings)}


def weigh(
    task: Task,
    readings: Mapping[Key, ServiceReadings],
    versions: Mapping[str, str],
    promoted: PromotedCalibration | None,
    learn_from: int,
) -> tuple[dict[Key, WeighedAnswers], str]:
    """(item, task) -> the probabilities of its labels, and the basis of the items that got none.

    ``readings`` are the task's independent readings, ``versions`` those of the services that gave
    them. An item without probabilities is resolved by the confidences that services state.
    """
    votes_of = once_for_each(label_votes)
    answered = {key: given for key, of_key in readings.items() if (given := votes_of(of_key))}
    keys, votes = list(answered), list(answered.values())
    if promoted is not None:
        why = mismatch(promoted.model, versions)
        if why is None:
            return _weigh_by_calibration(
                keys, votes, promoted
            ), "stated confidences: a label that is new"
        basis = f"stated confidences: calibration {promoted.version} is not valid, {why}"
    else:
        basis = "stated confidences, unchecked: no calibration"
    model, why = _fit_from_batch(task, votes, versions, learn_from)
    if model is None:
        return {}, f"{basis}; {why}"
    n_services = int((~model.label_free.clones).sum())
    named = f"how {n_services} services agree over {len(keys)} items of this batch, no verdicts"
    return _weigh_by_model(keys, votes, model, named), basis


def mismatch(model: LabelModel, versions: Mapping[str, str]) -> str | None:
    """Why a model does not hold for services of these versions; None when it does."""
    learnt_versions = dict(zip(model.services, model.versions, strict=True))
    if new := sorted(set(versions) - set(learnt_versions)):
        return f"it does not know {', '.join(new)}"
    for service, version in sorted(versions.items()):
        if learnt_versions[service] != version:
            return f"{service} {changed_parts(learnt_versions[service], version)}"
    return None


def _fit_from_batch(
    task: Task, votes: Sequence[LabelVotes], versions: Mapping[str, str], learn_from: int
) -> tuple[LabelModel | None, str]:
    """A label model fitted to the agreement within this batch; or None and the reason."""
    services = sorted({service for by_service in votes for service in by_service})
    if len(services) < _ENOUGH_SERVICES:
        return None, f"{len(services)} services cannot judge each other"
    enough = sum(len(by_service) >= _ENOUGH_SERVICES for by_service in votes)
    if enough < learn_from:
        return None, f"{enough} items with three answers, {learn_from} would teach"
    labels = sorted(
        {label for by_service in votes for label, _ in by_service.values()} | set(task.labels)
    )
    if not 2 <= len(labels) <= _LABELS_MOST:
        return None, f"{len(labels)} different labels"
    answers, confidences = encode_votes(votes, services, labels)
    free = fit_label_free(answers, confidences, len(labels))
    if (~free.clones).sum() < _ENOUGH_SERVICES:
        return None, "services that repeat each other cannot judge each other"
    used_versions = tuple(versions.get(service, "") for service in services)
    return LabelModel(tuple(services), used_versions, tuple(labels), free), ""


def _weigh_by_calibration(
    keys: Sequence[Key], votes: Sequence[LabelVotes], promoted: PromotedCalibration
) -> dict[Key, WeighedAnswers]:
    """The probabilities by a promoted calibration, for items whose labels it all knows."""
    model = promoted.model
    basis = f"calibration {promoted.version}, {model.n_gold} verdicts"
    if model.sole_service is not None:
        basis += f": {model.sole_service} stands, verdicts cannot tell that all together are better"
    known_labels = set(model.labels)
    inside = [
        k
        for k, by_service in enumerate(votes)
        if all(label in known_labels for label, _ in by_service.values())
    ]
    return _weigh_by_model([keys[k] for k in inside], [votes[k] for k in inside], model, basis)


def _weigh_by_model(
    keys: Sequence[Key], votes: Sequence[LabelVotes], model: LabelModel, basis: str
) -> dict[Key, WeighedAnswers]:
    """The label probabilities and the standing answer of each item that the model resolves.

    Items of the same figures share one object.
    """
    if not keys:
        return {}
    answers, confidences = encode_votes(votes, model.services, model.labels)
    belief, standing, risk = model.resolve(answers, confidences)
    probabilities = np.exp(belief)
    weights: dict[Key, WeighedAnswers] = {}
    known: dict[tuple[bytes, ...], WeighedAnswers] = {}
    for row, key in enumerate(keys):
        if standing[row] == MISSING:
            continue
        figures = (answers[row], probabilities[row], standing[row], risk[row])
        same = tuple(one.tobytes() for one in figures)
        if same in known:
            weights[key] = known[same]
            continue
        given: list[Any] = sorted({int(code) for code in answers[row] if code != MISSING})
        shares = {model.labels[code]: float(probabilities[row, code]) for code in given}
        stands = model.labels[int(standing[row])]
        weights[key] = known[same] = WeighedAnswers(shares, stands, float(risk[row]), basis)
    return weights


def learned_weights(
    plans: Iterable[PlanRow],
    readings: Mapping[Key, ServiceReadings],
    models: Mapping[str, TrainedSelector],
) -> dict[Key, WeighedAnswers]:
    """(item, task) -> what the answers weigh, for plans whose steps a learned model decided.

    Items that no service answered are missing.
    """
    weights: dict[Key, WeighedAnswers] = {}
    for plan in plans:
        key = (plan.item_id, plan.task)
        version, point = plan.artefact, plan.point
        if plan.kind is not AnswerKind.LABEL:
            continue
        if version is None or point is None or not (votes := label_votes(readings.get(key, ()))):
            continue
        model = models[version]
        if not votes.keys() <= set(model.services):
            continue  # a taught service answered in place of all that the model knows
        heard = [name for name, _ in readings[key] if name in model.services]
        silent = dict.fromkeys(heard, (None, None))
        expected = expected_by(plan, model.services)
        belief = model.label_probabilities(point, {**silent, **votes}, expected)
        if belief is not None:
            answer, sure, probabilities = belief
            given = {label: probabilities.get(label, 0.0) for label, _ in votes.values()}
            basis = f"learned model {version}, calibrated on gold"
            weights[key] = WeighedAnswers(given, answer, 1.0 - sure, basis)
    return weights
