import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.posterior import posterior
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Alternative, Reading


def ok(answer: str, confidence: float | None = None, *others: tuple[str, float]) -> Reading:
    alternatives = tuple(Alternative(*other) for other in others)
    return Reading(Status.OK, answer, confidence, alternatives)


readings = st.lists(
    st.builds(
        ok,
        st.sampled_from(["a", "b", "c"]),
        st.none() | st.floats(0, 1),
    )
    | st.just(Reading(Status.ABSTAINED, reason="no idea")),
    max_size=6,
)


def test_two_services_of_two_labels_give_the_product_of_their_odds() -> None:
    found = posterior([ok("a", 0.8), ok("a", 0.7)], n_answers=3)

    def doubted(share: float) -> float:
        return 0.98 * share + 0.02 / 3

    # three labels: before doubt, odds of a against each other label are (.8/.1) * (.7/.15)
    odds = (doubted(0.8) / doubted(0.1)) * (doubted(0.7) / doubted(0.15))
    assert found.probability == pytest.approx(odds / (odds + 2))


def test_agreement_makes_an_answer_surer_and_contradiction_less_sure() -> None:
    alone = posterior([ok("a", 0.8)]).probability
    assert posterior([ok("a", 0.8), ok("a", 0.8)]).probability > alone
    assert posterior([ok("a", 0.8), ok("b", 0.8)]).probability < alone


def test_the_surer_service_wins() -> None:
    assert posterior([ok("a", 0.6), ok("b", 0.9)]).answer == "b"


def test_an_alternative_supports_the_answer_that_it_names() -> None:
    without = posterior([ok("c", 0.55), ok("cpp", 0.6)])
    with_it = posterior([ok("c", 0.55, ("cpp", 0.44)), ok("cpp", 0.6)])
    assert with_it.probabilities["cpp"] > without.probabilities["cpp"]


def test_nobody_answering_is_complete_uncertainty() -> None:
    found = posterior([Reading(Status.FAILED, reason="broken")])
    assert (found.answer, found.probability, found.entropy) == (None, 0.0, 1.0)


def test_no_service_rules_out_what_another_is_sure_of() -> None:
    found = posterior([ok("a", 1.0), ok("b", 1.0), ok("b", 0.9)])
    assert found.answer == "b"
    assert 0.5 < found.probability < 1.0


@given(readings, st.integers(0, 40))
def test_probabilities_are_a_distribution_in_a_stable_order(given_readings, n_answers) -> None:
    found = posterior(given_readings, n_answers)
    total = sum(found.probabilities.values()) + found.other
    assert math.isclose(total, 1.0, rel_tol=1e-9)
    assert 0.0 <= found.entropy <= 1.0
    assert list(found.probabilities.values()) == sorted(found.probabilities.values(), reverse=True)
    shuffled = posterior(list(reversed(given_readings)), n_answers)
    assert shuffled.answer == found.answer or math.isclose(shuffled.probability, found.probability)


@given(readings)
def test_only_answers_that_were_given_can_win(given_readings) -> None:
    given_answers = {reading.answer for reading in given_readings if reading.answer}
    assert set(posterior(given_readings).probabilities) == given_answers
