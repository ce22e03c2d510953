"""What a difference would change, kind by kind of answer, on answers of other domains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.disagreement.consequences.labels import judge_labels
from orchestration_assets.disagreement.consequences.scores import (
    UsualDifference,
    band_of,
    in_words,
    judge_scores,
    usual_difference,
)
from orchestration_assets.disagreement.consequences.sets import judge_sets
from orchestration_assets.disagreement.consequences.texts import judge_texts
from orchestration_assets.evidence.single_values import (
    answers_in_values,
    are_forms_of_one,
    exclude_each_other,
)
from orchestration_assets.schemas.enums import AnswerKind, Consequence, Status
from orchestration_assets.schemas.items import Alternative, Reading, Task

NONE = Consequence.NONE


def label(answer: str, confidence: float | None = 0.9, **beside: float) -> Reading:
    named = tuple(Alternative(one, share) for one, share in beside.items())
    return Reading(Status.OK, answer, confidence, named)


def test_two_services_that_each_prefer_their_label_dispute_it() -> None:
    found = judge_labels(("x", label("refund", 0.8)), ("y", label("exchange", 0.7)))
    assert found.consequence is Consequence.OTHER_LABEL
    assert 0.8 < found.strength < 1.0
    assert found.sentence == "x says \u201crefund\u201d, y says \u201cexchange\u201d"


def test_a_service_that_holds_the_other_label_nearly_as_likely_disputes_nothing() -> None:
    found = judge_labels(("x", label("c", 0.45, cpp=0.4)), ("y", label("cpp", 0.99)))
    assert found.consequence is NONE
    assert found.strength == 0.0
    assert "x holds \u201ccpp\u201d to be nearly as likely" in found.sentence


def test_a_confidence_that_is_not_stated_is_no_hesitation() -> None:
    found = judge_labels(("x", label("a", None)), ("y", label("b", None)))
    assert (found.consequence, found.strength) == (Consequence.OTHER_LABEL, pytest.approx(1.0))


def test_near_synonyms_by_policy_change_nothing() -> None:
    groups = (("invoice", "bill"), ("letter", "note"))
    sides = ("x", label("invoice")), ("y", label("bill"))
    assert judge_labels(*sides, groups).consequence is NONE
    across = ("x", label("invoice")), ("y", label("note"))
    assert judge_labels(*across, groups).consequence is Consequence.OTHER_LABEL


@pytest.mark.parametrize(
    ("first", "second"),
    [("Refund", "refund"), ("delivery delay", "delivery_delays"), ("Café", "cafe")],
)
def test_two_spellings_of_a_label_are_one_unless_the_set_is_closed(first, second) -> None:
    sides = ("x", label(first)), ("y", label(second))
    assert judge_labels(*sides).consequence is NONE
    assert judge_labels(*sides, (), (first, second)).consequence is Consequence.OTHER_LABEL


def test_a_sign_in_a_label_is_no_spelling() -> None:
    assert judge_labels(("x", label("C")), ("y", label("C++"))).consequence is not NONE


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_strength_of_labels_is_a_share_and_symmetric(a, b, beside_a, beside_b) -> None:
    first, second = ("x", label("p", a, q=beside_a)), ("y", label("q", b, p=beside_b))
    one, other = judge_labels(first, second), judge_labels(second, first)
    assert 0.0 <= one.strength <= 1.0
    assert (one.consequence, one.strength) == (other.consequence, pytest.approx(other.strength))


def test_a_guess_against_near_certainty_is_settled_by_both_readings() -> None:
    sure, guess = label("python", 0.985), label("yaml", 0.55, ini=0.2)
    found = judge_labels(("x", sure), ("y", guess), others=[label("python", 0.98)])
    assert found.consequence is NONE
    assert found.sentence.endswith("all readings together make it \u201cpython\u201d")
    firm = judge_labels(("x", sure), ("y", label("yaml", 0.97)))
    assert firm.consequence is Consequence.OTHER_LABEL


def test_a_third_reading_settles_a_guess_but_no_firm_dissent() -> None:
    others = [label("csv", 0.99)]
    sides = ("x", label("csv", 0.6)), ("y", label("markdown", 0.5))
    assert judge_labels(*sides).consequence is Consequence.OTHER_LABEL
    assert judge_labels(*sides, others=others).consequence is NONE
    firm = ("x", label("csv", 0.99)), ("y", label("markdown", 0.8))
    alone, settled = judge_labels(*firm), judge_labels(*firm, others=others)
    assert alone.consequence is settled.consequence is Consequence.OTHER_LABEL
    assert settled.strength < 0.5 * alone.strength


def test_a_service_that_holds_its_own_label_for_unlikely_disputes_nothing() -> None:
    found = judge_labels(("x", label("shell", 0.7)), ("y", label("html", 0.45)))
    assert found.consequence is NONE
    assert found.sentence.endswith("y is no more than 45% sure")


def test_two_guesses_contradict_nothing() -> None:
    found = judge_labels(("x", label("lua", 0.52)), ("y", label("haskell", 0.55)))
    assert found.consequence is NONE
    assert found.sentence.endswith("both are no more than guesses")


def test_labels_of_a_closed_set_share_what_a_service_leaves_to_them() -> None:
    sides = ("x", label("urgent", 0.9)), ("y", label("routine", 0.6))
    two, many = (judge_labels(*sides, (), [str(n) for n in range(size)]) for size in (3, 60))
    assert two.consequence is many.consequence is Consequence.OTHER_LABEL


def texts(first: str, second: str, sure: float | None = None) -> tuple[tuple[str, Reading], ...]:
    return ("x", Reading(Status.OK, first)), ("y", Reading(Status.OK, second, sure))


def test_a_service_that_hardly_stands_by_its_text_disputes_nothing() -> None:
    said = "The lease runs until 30 June", "The lease runs until 30 July"
    assert judge_texts(*texts(*said, 0.9)).consequence is Consequence.CONTRADICTION
    found = judge_texts(*texts(*said, 0.2))
    assert found.consequence is NONE
    assert found.sentence.endswith("but y is no more than 20% sure")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The lease runs until 30 June", "The lease runs until 30 July"),
        ("Moreau chairs the committee", "Ishikawa chairs the committee"),
        ("The pump is covered by the warranty", "The pump is not covered by the warranty"),
    ],
)
def test_texts_that_exclude_each_other_are_a_dispute_at_any_distance(first, second) -> None:
    found = judge_texts(*texts(first, second))
    assert found.consequence is Consequence.CONTRADICTION
    assert 0.0 < found.strength <= 1.0


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("A field guide to mosses", "A field guide to mosses of the northern coast"),
        ("Contributors", "How to set up the parser"),
        ("The council approved the bridge", "The bridge was approved by the council"),
    ],
)
def test_texts_that_can_both_be_true_are_none(first, second) -> None:
    assert judge_texts(*texts(first, second)).consequence is NONE


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("urgent", "routine"),
        ("dairy", "bakery"),
        ("mina@example.org", "otto@example.org"),
        ("ward 3", "clinic 9"),
        ("-5", "5"),
        ("+1", "-1"),
        ("10 m", "10 mm"),
        ("5 EUR", "5 USD"),
        ("$5", "\u20ac5"),
        ("C", "C++"),
        ("Java", "JavaScript"),
        ("mina@example.org", "mina@example.org.uk"),
    ],
)
def test_values_that_differ_exclude_each_other(first, second) -> None:
    assert exclude_each_other(first, second)
    assert (
        judge_texts(*texts(first, second), in_values=True).consequence is Consequence.CONTRADICTION
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Berlin, Germany", "berlin"),
        ("Nov", "November"),
        ("2025-02-01", "1 February 2025"),
        ("R. Okafor", "Okafor, Ruth"),
        ("1,200", "1200"),
        ("12 500 EUR", "12,500 EUR"),
        ("5 %", "5"),
        ("A-12", "a12"),
        ("IBM", "International Business Machines"),
        ("corp", "Corporation"),
        ("Café", "cafe"),
        ("cancel", "cancelled"),
    ],
)
def test_two_forms_of_one_value_do_not(first, second) -> None:
    assert not exclude_each_other(first, second)
    assert judge_texts(*texts(first, second), in_values=True).consequence is NONE


@pytest.mark.parametrize(
    ("first", "second"), [("approved", "not approved"), ("no refund", "refund")]
)
def test_a_denied_value_is_no_form_of_it(first, second) -> None:
    found = judge_texts(*texts(first, second), in_values=True)
    assert found.consequence is Consequence.CONTRADICTION


def test_two_long_texts_are_no_forms_of_one_value() -> None:
    """They may use the same words and exclude each other."""
    first, second = "The dog of Moreau bit the cat of Ruth", "The cat of Ruth bit the dog of Moreau"
    assert are_forms_of_one("Moreau, Anne", "A. Moreau")
    assert not are_forms_of_one(first, second)


def test_titles_are_no_values_and_codes_are() -> None:
    assert answers_in_values(["A-113", "B-7", "urgent", "routine", "C-9"])
    assert not answers_in_values(["Main Authors", "Driver Status", "Using the cache", "Usage"])
    assert not answers_in_values(["a sentence that says what happened then", "urgent"])
    assert not answers_in_values([])


TONE = Task("tone", "1", AnswerKind.SCORE, scale=(-1.0, 1.0), disagree_at=0.5)


def test_scores_of_one_band_change_nothing_and_bands_are_the_policys() -> None:
    nothing = usual_difference([], TONE)
    assert judge_scores("x", 0.07, "y", 0.13, TONE, nothing).consequence is NONE
    found = judge_scores("x", -0.6, "y", 0.7, TONE, nothing)
    assert found.consequence is Consequence.OTHER_BAND
    assert found.strength == pytest.approx(0.65)
    fine = Task("t", "1", AnswerKind.SCORE, scale=(0.0, 1.0), disagree_at=0.01, bands=(0.1,))
    assert (
        judge_scores("x", 0.07, "y", 0.13, fine, usual_difference([], fine)).consequence is not NONE
    )


def test_what_is_usual_between_two_services_is_no_dispute() -> None:
    """One service stands half a scale above the other wherever both are high."""
    pairs = [(0.9 - 0.001 * n, 0.3 - 0.001 * n) for n in range(30)]
    low = [(-0.8 + 0.001 * n, -0.8 + 0.001 * n) for n in range(60)]
    usual = usual_difference([*pairs, *low], TONE)
    assert judge_scores("x", 0.88, "y", 0.29, TONE, usual).consequence is NONE
    assert judge_scores("x", 0.29, "y", 0.95, TONE, usual).consequence is Consequence.OTHER_BAND


def test_two_that_lie_nearer_than_is_usual_are_no_dispute() -> None:
    """One stands half a scale above the other everywhere; on this item they nearly agree."""
    usual = usual_difference([(0.2 + 0.01 * n, -0.3 + 0.01 * n) for n in range(50)], TONE)
    assert judge_scores("x", 0.34, "y", 0.33, TONE, usual).consequence is NONE
    turned = judge_scores("x", -0.3, "y", 0.34, TONE, usual)
    assert turned.consequence is Consequence.OTHER_BAND


def test_a_score_beside_the_end_of_a_band_is_not_rounded_into_the_other() -> None:
    halves = Task("t", "1", AnswerKind.SCORE, disagree_at=0.1, bands=(0.5,))
    found = judge_scores("x", 1.0, "y", 0.49999, halves, usual_difference([], halves))
    assert found.sentence.startswith("x gives 1, y 0.49999: from 0.5 on against below 0.5")


def test_what_is_usual_needs_enough_items() -> None:
    few = usual_difference([(0.1, 0.2)] * 19, TONE)
    assert few.at(0.0) is None
    assert usual_difference([(0.1, 0.2)] * 20, TONE).at(0.0) == (pytest.approx(-0.1), 0.04)


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), max_size=60),
    st.floats(-1, 1),
    st.floats(-1, 1),
)
def test_scores_are_judged_alike_from_both_sides(pairs, a, b) -> None:
    usual = usual_difference(pairs, TONE)
    turned = UsualDifference(usual.places, -usual.differences, usual.length)
    one = judge_scores("x", a, "y", b, TONE, usual)
    other = judge_scores("y", b, "x", a, TONE, turned)
    assert (one.consequence, one.strength) == (other.consequence, other.strength)
    assert 0.0 <= one.strength <= 1.0


def test_bands_are_said_in_words() -> None:
    assert [in_words(band_of(score, TONE), TONE) for score in (-1.0, 0.0, 1.0)] == [
        "below -0.333",
        "between -0.333 and 0.333",
        "from 0.333 on",
    ]


def test_what_the_other_set_lacks_matters_where_it_stands_first() -> None:
    tail = judge_sets("x", ("tax", "fuel", "yacht"), "y", ("tax", "fuel", "school"))
    assert tail.consequence is NONE
    head = judge_sets("x", ("zoning", "variance", "fuel"), "y", ("fuel", "people", "time"))
    assert head.consequence is Consequence.MISSING_MEMBERS
    assert "x puts \u201czoning\u201d" in head.sentence


def test_a_phrase_that_shares_its_word_is_found() -> None:
    found = judge_sets("x", ("error handling", "retries"), "y", ("handling errors", "retry"))
    assert found.consequence is NONE


@pytest.mark.parametrize(
    ("first", "second", "consequence"),
    [
        (("error-handling",), ("error handling",), NONE),
        (("file_name",), ("file names",), NONE),
        (("机器学习",), ("学习",), NONE),
        (("state of the art",), ("end of the day",), Consequence.MISSING_MEMBERS),
        (("the archive",), ("the kitchen",), Consequence.MISSING_MEMBERS),
    ],
)
def test_members_share_a_word_that_tells_whatever_joins_their_words(
    first, second, consequence
) -> None:
    assert judge_sets("x", first, "y", second).consequence is consequence


@given(st.lists(st.text(max_size=8), max_size=6), st.lists(st.text(max_size=8), max_size=6))
def test_sets_are_judged_alike_from_both_sides(first, second) -> None:
    one, other = judge_sets("x", first, "y", second), judge_sets("y", second, "x", first)
    assert (one.consequence, one.strength) == (other.consequence, other.strength)
    assert 0.0 <= one.strength <= 1.0 + 1e-9
    assert judge_sets("x", first, "y", first).consequence is NONE
