"""Which answer is accepted after any set of services, and how right it is said to be."""

from dataclasses import replace

import numpy as np
import pytest

from orchestration_assets.evidence.accepted_answers import (
    AcceptedAnswers,
    answers_tell,
    fit_accepted_answers,
    pack_accepted_answers,
    unpack_accepted_answers,
)
from orchestration_assets.evidence.recorded_answers import MISSING, Floats, RecordedAnswers
from tests.evidence.made import made

Fitted = tuple[AcceptedAnswers, RecordedAnswers, Floats]


def expected_of(recorded: RecordedAnswers) -> Floats:
    return np.tile(recorded.scores.mean(axis=0), (recorded.n_items, 1))


@pytest.fixture(scope="module", params=[400, 2_000], ids=["few", "many"])
def fitted(request: pytest.FixtureRequest) -> Fitted:
    train, test = made(request.param, seed=1), made(3_000, seed=2)
    silent = replace(test, confidences=np.full(test.answers.shape, np.nan))
    untold = replace(train, confidences=np.full(train.answers.shape, np.nan))
    model = fit_accepted_answers(untold, expected_of(untold), np.arange(3), 3)
    return model, silent, np.tile(train.scores.mean(axis=0), (3_000, 1))


@pytest.mark.parametrize("asked", [(0,), (2,), (0, 1), (1, 2), (0, 1, 2)])
def test_it_is_as_right_as_it_says_after_any_set(fitted: Fitted, asked: tuple[int, ...]) -> None:
    model, test, expected = fitted
    mask = np.tile([k in asked for k in range(3)], (test.n_items, 1))
    accepted = model(expected, test.answers, test.confidences, mask)
    scores = test.scores[np.arange(test.n_items), accepted.service]
    # few outcomes tell the level, and not yet each kind of contradiction
    tolerance = 0.08 if model.boosted is not None else 0.15
    assert scores.mean() >= test.scores[:, list(asked)].mean(axis=0).max() - 0.01
    for low, high in ((0.0, 0.6), (0.6, 0.85), (0.85, 1.01)):
        band = (accepted.probability >= low) & (accepted.probability < high)
        if band.sum() >= 200:
            assert scores[band].mean() == pytest.approx(
                accepted.probability[band].mean(), abs=tolerance
            )


def test_those_who_agree_are_believed_more_and_those_who_do_not_less(fitted: Fitted) -> None:
    model, _, expected = fitted
    answers = np.array([[0, 0, MISSING], [0, 1, MISSING], [MISSING, 1, MISSING]])
    asked = np.array([[True, True, False], [True, True, False], [False, True, False]])
    accepted = model(expected[:3], answers, np.full((3, 3), np.nan), asked)
    assert accepted.probability[0] > accepted.probability[2] > accepted.probability[1]
    assert accepted.runner_up[1] > 0.0
    assert accepted.runner_up[0] == accepted.runner_up[2] == 0.0


def test_no_answer_is_no_service_and_nought(fitted: Fitted) -> None:
    model, _, expected = fitted
    nothing = np.full((2, 3), MISSING)
    for asked in (np.zeros((2, 3), dtype=np.bool_), np.ones((2, 3), dtype=np.bool_)):
        accepted = model(expected[:2], nothing, np.full((2, 3), np.nan), asked)
        assert (accepted.service == MISSING).all()
        assert (accepted.probability == 0.0).all()


def test_where_answers_tell_nothing_what_was_expected_stands() -> None:
    recorded = made(500)
    free = replace(
        recorded,
        labels=("free text",),
        answers=np.full(recorded.answers.shape, MISSING),
        confidences=np.full(recorded.answers.shape, np.nan),
        gold=np.full(500, MISSING),
        correct=recorded.scores,
    )
    assert not answers_tell(free)
    expected = np.random.default_rng(0).uniform(0.1, 0.9, free.answers.shape)
    model = fit_accepted_answers(free, expected, np.arange(3), 2)
    accepted = model(expected, free.answers, free.confidences, free.asked)
    assert (accepted.service == expected.argmax(axis=1)).all()
    assert accepted.probability == pytest.approx(expected.max(axis=1))


def test_a_label_that_a_service_gets_wrong_is_believed_less_of_it() -> None:
    recorded = made(3_000)
    biased = recorded.answers.copy()
    biased[::2, 0] = 0
    train = replace(recorded, answers=biased)
    model = fit_accepted_answers(train, expected_of(train), np.arange(3), 2)
    assert model.label_odds[0, 0] < min(model.label_odds[0, 1:]) - 0.3


def test_it_comes_back_from_arrays_as_it_was(fitted: Fitted) -> None:
    model, test, expected = fitted
    arrays: dict[str, np.ndarray] = {}
    facts = pack_accepted_answers("a", model, arrays)
    again = unpack_accepted_answers("a", arrays, facts)
    for one, other in zip(
        vars(model(expected, test.answers, test.confidences, test.asked)).values(),
        vars(again(expected, test.answers, test.confidences, test.asked)).values(),
        strict=True,
    ):
        assert (one == other).all()
