import numpy as np
import pytest

from orchestration_assets.evidence.records.field_model import (
    ABSENT,
    NOT_ASKED,
    FieldModel,
    fit_field,
    prior_model,
)


def scripted(right, cells: int, seed: int, together: float = 0.3):
    """Codes (n, 3) of services that are right so often, and the group that is right."""
    chance = np.random.default_rng(seed)
    codes = np.zeros((cells, len(right)), np.int64)
    truth = np.zeros(cells, np.int64)
    for cell in range(cells):
        said: list[str] = []
        for rate in right:
            if chance.random() < rate:
                said.append("right")
            elif chance.random() < together and any(one != "right" for one in said):
                said.append(next(one for one in said if one != "right"))
            else:
                said.append(f"wrong {len(said)}")
        groups = {one: number for number, one in enumerate(dict.fromkeys(said), 1)}
        codes[cell] = [groups[one] for one in said]
        truth[cell] = groups.get("right", len(right) + 1)
    return codes, truth


def test_how_often_services_are_right_is_found_from_their_agreement() -> None:
    codes, _ = scripted((0.95, 0.85, 0.7), 3_000, seed=5)
    model = fit_field(codes)
    assert model.right == pytest.approx([0.95, 0.85, 0.7], abs=0.05)
    assert model.cells == 3_000


def test_probabilities_of_what_stands_are_true_on_average() -> None:
    codes, truth = scripted((0.95, 0.85, 0.7), 3_000, seed=6)
    told = fit_field(codes).posterior(codes)
    best = told[:, :4].argmax(axis=1)
    assert told.sum(axis=1) == pytest.approx(1.0)
    assert told.max(axis=1).mean() == pytest.approx((best == truth).mean(), abs=0.03)


def test_the_order_of_cells_and_their_repetition_change_no_model() -> None:
    codes, _ = scripted((0.9, 0.8, 0.7), 300, seed=7)
    model, reversed_ = fit_field(codes), fit_field(codes[::-1])
    assert model.right.tolist() == reversed_.right.tolist()
    assert model.coincide == reversed_.coincide


def test_a_good_service_outweighs_two_bad_ones_and_no_more_than_is_known_of_them() -> None:
    """The likelihood of an error that two share is not the product of two errors."""
    codes, _ = scripted((0.97, 0.6, 0.6), 3_000, seed=8)
    told = fit_field(codes).posterior(np.array([[1, 2, 2], [1, 1, 2], [1, 1, 1], [1, 2, 3]]))
    assert told[0].argmax() == 1
    assert told[1, 1] > told[0, 1]
    assert told[2, 1] > told[1, 1]
    assert told[3].argmax() == 1


def test_what_one_leaves_out_speaks_less_against_a_value_than_another_value_does() -> None:
    model = prior_model(3)
    left_out, contradicted = model.posterior(np.array([[1, 1, ABSENT], [1, 1, 2]]))
    assert left_out[1] > contradicted[1] > 0.5


def test_who_was_not_asked_says_nothing() -> None:
    model = prior_model(3)
    two = prior_model(2).posterior(np.array([[1, 1]]))[0]
    told = model.posterior(np.array([[1, 1, NOT_ASKED]]))[0]
    assert told[:2] == pytest.approx(two[:2])


def test_a_stated_confidence_stands_for_what_is_not_known() -> None:
    model = prior_model(2)
    codes = np.array([[1, 2]])
    told = model.posterior(codes, np.array([[0.95, 0.4]]))[0]
    assert told[1] > told[2]
    assert model.posterior(codes, np.array([[np.nan, np.nan]])) == pytest.approx(
        model.posterior(codes)
    )


def test_no_cells_teach_nothing() -> None:
    model = fit_field(np.zeros((0, 3), np.int64))
    assert isinstance(model, FieldModel)
    assert model.right == pytest.approx(prior_model(3).right)
