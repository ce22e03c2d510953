"""Peers of choosing a service by what an item says: common ways to route, on texts and outcomes."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from orchestration_assets.evidence.recorded_answers import MISSING, Floats, RecordedAnswers
from orchestration_assets.selection.policy_outcomes import PolicyOutcome, outcome_of_service

_PRIOR_ITEMS = 5.0
_NEIGHBOURS = 40
_DIRECTIONS = 128
_TREES = 300


def of_task(tasks: Sequence[str], scores: Floats, asked: Sequence[str]) -> Floats:
    """(m, K) mean scores of the task of each of the items ``asked``, for a person who knows the
    tasks of items: ``tasks`` (n,) with ``scores`` (n, K)."""
    overall = scores.mean(axis=0)
    expected = np.tile(overall, (len(asked), 1))
    for task in set(asked):
        inside = scores[np.array(tasks) == task]
        mean = (inside.sum(axis=0) + _PRIOR_ITEMS * overall) / (len(inside) + _PRIOR_ITEMS)
        expected[np.array(asked) == task] = mean
    return expected


class TextPeers:
    """Expected scores (m, K) of the texts ``asked`` by three models on TF-IDF of words and pairs.

    ``shape`` and ``asked_shape`` are (n, features) and (m, features) of the items.
    """

    def __init__(self, texts: Sequence[str], scores: Floats, asked: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        weights = TfidfVectorizer(sublinear_tf=True, min_df=2, ngram_range=(1, 2))
        self._known: Any = weights.fit_transform(texts)
        self._asked: Any = weights.transform(asked)
        self._scores = scores

    def ridge(self) -> Floats:
        """Linear regression of scores on TF-IDF, ridge 1."""
        from sklearn.linear_model import Ridge

        overall = self._scores.mean(axis=0)
        model = Ridge(alpha=1.0).fit(self._known, self._scores - overall)
        expected: Floats = overall + model.predict(self._asked).reshape(-1, len(overall))
        return expected

    def neighbours(self) -> Floats:
        """Mean scores of the 40 texts of the highest cosine."""
        count = min(_NEIGHBOURS, len(self._scores))
        cosines = (self._asked @ self._known.T).toarray()
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        expected: Floats = self._scores[nearest].mean(axis=1)
        return expected

    def trees(self, shape: Floats, asked_shape: Floats, seed: int) -> Floats:
        """Extremely randomised trees on shape and 128 directions of TF-IDF."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.ensemble import ExtraTreesRegressor

        size = min(_DIRECTIONS, *(length - 1 for length in self._known.shape))
        directions = TruncatedSVD(size, random_state=seed).fit(self._known)
        trees = ExtraTreesRegressor(_TREES, min_samples_leaf=5, max_features=0.3, random_state=seed)
        trees.fit(np.hstack([shape, directions.transform(self._known)]), self._scores)
        rows = np.hstack([asked_shape, directions.transform(self._asked)])
        expected: Floats = trees.predict(rows).reshape(len(rows), -1)
        return expected


class AgreementCascade:
    """Asks two services; where they agree that answer is taken, else a third one is asked."""

    def __init__(self, first: int, second: int, third: int) -> None:
        self._order = (first, second, third)

    def run(self, recorded: RecordedAnswers) -> PolicyOutcome:
        first, second, third = self._order
        agreed = _agree(recorded, first, second)
        asked = np.zeros(recorded.answers.shape, dtype=np.bool_)
        asked[:, [first, second]] = True
        asked[:, third] |= ~agreed
        return outcome_of_service(recorded, asked, np.where(agreed, first, third))


def fit_agreement(train: RecordedAnswers, rates: Floats) -> list[AgreementCascade]:
    """For each exchange rate the three services of the highest score less rate * price."""
    cascades, scores, prices = [], [], []
    for first, second in combinations(range(train.n_services), 2):
        for third in range(train.n_services):
            if third not in (first, second):
                cascades.append(AgreementCascade(first, second, third))
                outcome = cascades[-1].run(train)
                scores.append(outcome.accuracy)
                prices.append(outcome.price)
    values = np.array(scores) - rates[:, None] * np.array(prices)
    return [cascades[at] for at in values.argmax(axis=1)]


def _agree(recorded: RecordedAnswers, first: int, second: int) -> Any:
    answers = recorded.answers
    return (answers[:, first] == answers[:, second]) & (answers[:, first] != MISSING)
