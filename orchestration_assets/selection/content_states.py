"""The state of items after a set of services was asked: what is known of each, as features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestration_assets.evidence.accepted_answers import Accepted, AcceptedAnswers
from orchestration_assets.evidence.belief import Subset
from orchestration_assets.evidence.recorded_answers import Bools, Floats, Ints, RecordedAnswers


@dataclass(frozen=True)
class ItemStates:
    """Of ``n`` items after one set of services: ``features`` (n, F), ``accepted`` answers, and the
    scores ``expected`` (n, K) before any call."""

    features: Floats
    accepted: Accepted
    expected: Floats

    def plain_gains(self, actions: Sequence[Subset]) -> Floats:
        """(n, actions) by how much the best expected score of an action exceeds what is had."""
        best = [self.expected[:, action].max(axis=1) for action in actions]
        gains: Floats = np.stack(best, axis=1) - self.accepted.probability[:, None]
        return np.maximum(gains, 0.0)


def states_after(
    model: AcceptedAnswers,
    candidates: Subset,
    subset: Subset,
    expected: Floats,
    recorded: RecordedAnswers,
    asked: Bools,
    accepted: Accepted,
) -> ItemStates:
    """The states of items of which ``asked`` (n, K) gave the answers ``recorded``, which leave
    ``accepted`` standing; ``subset`` are the candidates among those asked."""
    columns = list(subset)
    codes = model.agreeing(recorded.answers, asked, accepted.service)[:, columns]
    stated = np.nan_to_num(recorded.confidences[:, columns], nan=-1.0)
    features = np.column_stack(
        [
            accepted.probability,
            accepted.runner_up,
            expected.mean(axis=1),
            expected[:, candidates],
            codes,
            stated,
        ]
    )
    return ItemStates(features, accepted, expected)


def joined_states(parts: Sequence[ItemStates], order: Ints) -> ItemStates:
    """The states of all items, from those of the folds, brought into order."""
    return ItemStates(
        np.concatenate([part.features for part in parts])[order],
        Accepted(
            np.concatenate([part.accepted.service for part in parts])[order],
            np.concatenate([part.accepted.probability for part in parts])[order],
            np.concatenate([part.accepted.runner_up for part in parts])[order],
        ),
        np.concatenate([part.expected for part in parts])[order],
    )
