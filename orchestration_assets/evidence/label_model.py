"""What has been learnt about the services of one label task, as arrays that can be kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.agreement import AgreementModel
from orchestration_assets.evidence.bins import Bins
from orchestration_assets.evidence.calibration import Platt
from orchestration_assets.evidence.few_labels import FewLabels, Witnesses
from orchestration_assets.evidence.label_free import LabelFree
from orchestration_assets.evidence.likelihoods import Likelihoods
from orchestration_assets.evidence.logistic import sigmoid
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, Ints
from orchestration_assets.evidence.stacking import Stack

FORMAT: Final = 2
_AGREEMENT: Final = ("knots", "middle", "scale", "weights")


@dataclass(frozen=True)
class LabelModel:
    """``services`` with their ``versions``, and ``labels``, give names to positions.

    ``few`` is None when there was not enough gold.
    """

    services: tuple[str, ...]
    versions: tuple[str, ...]
    labels: tuple[str, ...]
    free: LabelFree
    few: FewLabels | None = None

    @property
    def n_gold(self) -> int:
        return self.few.n_gold if self.few else 0

    @property
    def alone(self) -> str | None:
        """The service whose answer always stands: gold cannot tell that all together are better."""
        if self.few is None or np.isfinite(self.few.margin):
            return None
        return self.services[self.few.best]

    def stands(self, answers: Ints, confidences: Floats) -> tuple[Floats, Ints, Floats]:
        """(n, L) log-probabilities, (n,) the answer that stands, (n,) its probability of error.

        Only an answer that some service gave can stand; ``MISSING`` where none did, at risk 1.
        """
        belief = (self.few or self.free).belief(answers, confidences)
        given = np.zeros(belief.shape, dtype=np.bool_)
        for k in range(answers.shape[1]):
            there = np.flatnonzero(answers[:, k] != MISSING)
            given[there, answers[there, k]] = True
        standing = np.where(given, belief, -np.inf).argmax(axis=1)
        if self.few is not None:
            relied_on = self.few.answer(answers, confidences)
            said = given[np.arange(len(given)), relied_on]
            standing = np.where(said, relied_on, standing)
        standing = np.where(given.any(axis=1), standing, MISSING)
        if self.few is not None:
            risk = self.few.risk(answers, confidences, standing)
        else:
            risk = sigmoid(self.free.odds(answers, confidences, standing))
        return belief, standing, np.where(standing == MISSING, 1.0, risk)


def coded(
    votes: Sequence[Mapping[str, tuple[str, float | None]]],
    services: Sequence[str],
    labels: Sequence[str],
) -> tuple[Ints, Floats]:
    """(n, K) codes and confidences of items whose ``votes`` map service to label and confidence.

    A label outside ``labels`` counts as no answer.
    """
    code = {label: position for position, label in enumerate(labels)}
    answers = np.full((len(votes), len(services)), MISSING, dtype=np.int64)
    confidences = np.full(answers.shape, np.nan)
    for row, said in enumerate(votes):
        for k, service in enumerate(services):
            if service in said:
                label, confidence = said[service]
                answers[row, k] = code.get(label, MISSING)
                if confidence is not None and answers[row, k] != MISSING:
                    confidences[row, k] = confidence
    return answers, confidences


def pack(model: LabelModel) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays by name, and facts that JSON can hold; :func:`unpack` turns them back."""
    free = model.free
    arrays = {
        "reliability": free.reliability,
        "original": free.original,
        **_packed("free", free.bins, free.tables),
        **_packed_agreement("free", free.agreement),
    }
    facts: dict[str, Any] = {
        "format": FORMAT,
        "services": list(model.services),
        "versions": list(model.versions),
        "labels": list(model.labels),
        "gold": model.n_gold,
        "folds": 0,
    }
    if model.few is not None:
        facts["folds"] = len(model.few.witnesses)
        facts["weight"] = model.few.weight
        facts["best"] = model.few.best
        # JSON knows no infinity
        facts["margin"] = model.few.margin if np.isfinite(model.few.margin) else None
        facts["platt"] = [model.few.platt.slope, model.few.platt.offset]
        for fold, one in enumerate(model.few.witnesses):
            arrays |= _packed(f"fold{fold}", one.bins, one.tables)
            arrays[f"fold{fold}_stack"] = one.stack.weights
        for fold, risk in enumerate(model.few.agreement):
            arrays |= _packed_agreement(f"fold{fold}", risk)
    return arrays, facts


def unpack(arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> LabelModel:
    """The model that :func:`pack` took apart. Raises ValueError for another format."""
    if facts.get("format") != FORMAT:
        raise ValueError(f"format {facts.get('format')} of a label model, expected {FORMAT}")
    free = LabelFree(
        arrays["reliability"],
        arrays["original"],
        *_unpacked("free", arrays),
        _unpacked_agreement("free", arrays),
    )
    few = None
    if facts["folds"]:
        witnesses, agreement = [], []
        for fold in range(facts["folds"]):
            weights = arrays[f"fold{fold}_stack"]
            stack = Stack(tuple(range((len(weights) - 1) // 2)), weights)
            witnesses.append(Witnesses(*_unpacked(f"fold{fold}", arrays), stack))
            agreement.append(_unpacked_agreement(f"fold{fold}", arrays))
        platt = Platt(*facts["platt"])
        few = FewLabels(
            free=free,
            witnesses=tuple(witnesses),
            agreement=tuple(agreement),
            platt=platt,
            n_gold=facts["gold"],
            weight=facts["weight"],
            best=facts["best"],
            margin=np.inf if facts["margin"] is None else facts["margin"],
        )
    return LabelModel(
        services=tuple(facts["services"]),
        versions=tuple(facts["versions"]),
        labels=tuple(facts["labels"]),
        free=free,
        few=few,
    )


def _packed(prefix: str, bins: Bins, tables: Likelihoods) -> dict[str, Any]:
    return {
        f"{prefix}_edges": bins.edges,
        f"{prefix}_prior": tables.prior,
        f"{prefix}_answers": tables.answers,
        f"{prefix}_bins": tables.bins,
    }


def _unpacked(prefix: str, arrays: Mapping[str, Any]) -> tuple[Bins, Likelihoods]:
    parts = [arrays[f"{prefix}_{name}"] for name in ("prior", "answers", "bins")]
    return Bins(arrays[f"{prefix}_edges"]), Likelihoods(*parts)


def _packed_agreement(prefix: str, one: AgreementModel) -> dict[str, Any]:
    arrays = {f"{prefix}_{name}": getattr(one, name) for name in _AGREEMENT}
    return arrays | {f"{prefix}_offset": np.array(one.offset)}


def _unpacked_agreement(prefix: str, arrays: Mapping[str, Any]) -> AgreementModel:
    knots, middle, scale, weights = (arrays[f"{prefix}_{name}"] for name in _AGREEMENT)
    return AgreementModel(knots, middle, scale, weights, float(arrays[f"{prefix}_offset"]))
