"""The label model of one task, and its form as arrays and facts for the model store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.agreement import AgreementModel
from orchestration_assets.evidence.bins import ConfidenceBins
from orchestration_assets.evidence.calibration import PlattScaling
from orchestration_assets.evidence.few_labels import FewLabelsModel, StackedLikelihoods
from orchestration_assets.evidence.label_free import LabelFreeModel
from orchestration_assets.evidence.likelihoods import LikelihoodTables
from orchestration_assets.evidence.logistic import sigmoid
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, Ints
from orchestration_assets.evidence.stacking import StackingModel

FORMAT: Final = 2
_AGREEMENT: Final = ("knots", "middle", "scale", "weights")


def artefact_name(task: str) -> str:
    """The name under which the model in use of a task is kept."""
    return f"calibration.{task}"


@dataclass(frozen=True)
class LabelModel:
    """A fitted label model; ``services`` with their ``versions``, and ``labels``, name positions.

    ``few_labels`` is None when there was not enough gold.
    """

    services: tuple[str, ...]
    versions: tuple[str, ...]
    labels: tuple[str, ...]
    label_free: LabelFreeModel
    few_labels: FewLabelsModel | None = None

    @property
    def n_gold(self) -> int:
        return self.few_labels.n_gold if self.few_labels else 0

    @property
    def sole_service(self) -> str | None:
        """The service whose answer is always taken: on gold, the model is not clearly better."""
        if self.few_labels is None or np.isfinite(self.few_labels.margin):
            return None
        return self.services[self.few_labels.best_service]

    def resolve(self, answers: Ints, confidences: Floats) -> tuple[Floats, Ints, Floats]:
        """(n, L) log-probabilities, (n,) the resolved answer, (n,) its probability of error.

        Only an answer that some service gave is taken; ``MISSING`` where none did, with error
        probability 1.
        """
        log_posterior = (self.few_labels or self.label_free).log_posterior(answers, confidences)
        resolved = self._resolved(log_posterior, answers, confidences)
        if self.few_labels is not None:
            risk = self.few_labels.error_probability(answers, confidences, resolved)
        else:
            risk = sigmoid(self.label_free.error_log_odds(answers, confidences, resolved))
        return log_posterior, resolved, np.where(resolved == MISSING, 1.0, risk)

    def resolved(self, answers: Ints, confidences: Floats) -> Ints:
        """(n,) the answer that :meth:`resolve` gives, without what its risk takes."""
        log_posterior = (self.few_labels or self.label_free).log_posterior(answers, confidences)
        return self._resolved(log_posterior, answers, confidences)

    def _resolved(self, log_posterior: Floats, answers: Ints, confidences: Floats) -> Ints:
        given = np.zeros(log_posterior.shape, dtype=np.bool_)
        for k in range(answers.shape[1]):
            answered = np.flatnonzero(answers[:, k] != MISSING)
            given[answered, answers[answered, k]] = True
        resolved = np.where(given, log_posterior, -np.inf).argmax(axis=1)
        if self.few_labels is not None:
            predicted = self.few_labels.predict(answers, confidences)
            was_given = given[np.arange(len(given)), predicted]
            resolved = np.where(was_given, predicted, resolved)
        return np.where(given.any(axis=1), resolved, MISSING)


def encode_votes(
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
    for row, by_service in enumerate(votes):
        for k, service in enumerate(services):
            if service in by_service:
                label, confidence = by_service[service]
                answers[row, k] = code.get(label, MISSING)
                if confidence is not None and answers[row, k] != MISSING:
                    confidences[row, k] = confidence
    return answers, confidences


def pack(model: LabelModel) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays by name, and facts that JSON can hold; :func:`unpack` turns them back."""
    label_free = model.label_free
    arrays = {
        "reliability": label_free.reliability,
        "original": label_free.original,
        **_pack_tables("free", label_free.bins, label_free.tables),
        **_pack_agreement("free", label_free.agreement),
    }
    facts: dict[str, Any] = {
        "format": FORMAT,
        "services": list(model.services),
        "versions": list(model.versions),
        "labels": list(model.labels),
        "gold": model.n_gold,
        "folds": 0,
    }
    if model.few_labels is not None:
        facts["folds"] = len(model.few_labels.stacks)
        facts["weight"] = model.few_labels.stack_weight
        facts["best"] = model.few_labels.best_service
        # JSON knows no infinity
        facts["margin"] = model.few_labels.margin if np.isfinite(model.few_labels.margin) else None
        facts["platt"] = [model.few_labels.platt.slope, model.few_labels.platt.offset]
        for fold, stack in enumerate(model.few_labels.stacks):
            arrays |= _pack_tables(f"fold{fold}", stack.bins, stack.tables)
            arrays[f"fold{fold}_stack"] = stack.stack.weights
        for fold, agreement in enumerate(model.few_labels.agreement_models):
            arrays |= _pack_agreement(f"fold{fold}", agreement)
    return arrays, facts


def unpack(arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> LabelModel:
    """The model that :func:`pack` took apart. Raises ValueError for another format."""
    if facts.get("format") != FORMAT:
        raise ValueError(f"format {facts.get('format')} of a label model, expected {FORMAT}")
    label_free = LabelFreeModel(
        arrays["reliability"],
        arrays["original"],
        *_unpack_tables("free", arrays),
        _unpack_agreement("free", arrays),
    )
    few_labels = None
    if facts["folds"]:
        stacks, agreement = [], []
        for fold in range(facts["folds"]):
            weights = arrays[f"fold{fold}_stack"]
            stack = StackingModel(tuple(range((len(weights) - 1) // 2)), weights)
            stacks.append(StackedLikelihoods(*_unpack_tables(f"fold{fold}", arrays), stack))
            agreement.append(_unpack_agreement(f"fold{fold}", arrays))
        platt = PlattScaling(*facts["platt"])
        few_labels = FewLabelsModel(
            label_free=label_free,
            stacks=tuple(stacks),
            agreement_models=tuple(agreement),
            platt=platt,
            n_gold=facts["gold"],
            stack_weight=facts["weight"],
            best_service=facts["best"],
            margin=np.inf if facts["margin"] is None else facts["margin"],
        )
    return LabelModel(
        services=tuple(facts["services"]),
        versions=tuple(facts["versions"]),
        labels=tuple(facts["labels"]),
        label_free=label_free,
        few_labels=few_labels,
    )


def _pack_tables(prefix: str, bins: ConfidenceBins, tables: LikelihoodTables) -> dict[str, Any]:
    return {
        f"{prefix}_edges": bins.edges,
        f"{prefix}_prior": tables.prior,
        f"{prefix}_answers": tables.answers,
        f"{prefix}_bins": tables.bins,
    }


def _unpack_tables(
    prefix: str, arrays: Mapping[str, Any]
) -> tuple[ConfidenceBins, LikelihoodTables]:
    parts = [arrays[f"{prefix}_{name}"] for name in ("prior", "answers", "bins")]
    return ConfidenceBins(arrays[f"{prefix}_edges"]), LikelihoodTables(*parts)


def _pack_agreement(prefix: str, model: AgreementModel) -> dict[str, Any]:
    arrays = {f"{prefix}_{name}": getattr(model, name) for name in _AGREEMENT}
    return arrays | {f"{prefix}_offset": np.array(model.offset)}


def _unpack_agreement(prefix: str, arrays: Mapping[str, Any]) -> AgreementModel:
    knots, middle, scale, weights = (arrays[f"{prefix}_{name}"] for name in _AGREEMENT)
    return AgreementModel(knots, middle, scale, weights, float(arrays[f"{prefix}_offset"]))
