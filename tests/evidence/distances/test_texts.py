import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.distances.texts import exclusive_terms, text_distance

SAID = "The board approved the budget of 1,000 euros on 5 May."


def test_wording_counts_by_how_much_of_it_changed() -> None:
    reordered = "On 5 May the board approved the budget of 1000 euros."
    partly = "The board discussed the budget of 1,000 euros and a new building."
    other = "A committee in Paris rejected every plan for the harbour."
    distances = [text_distance(SAID, text) for text in (reordered, partly, other)]
    assert distances == sorted(distances)
    assert distances[0] < 0.2
    assert distances[2] > 0.9


@pytest.mark.parametrize(
    ("claim", "word"),
    [
        (SAID.replace("1,000", "2,000"), SAID.replace("euros", "pounds")),
        (SAID.replace("approved", "has not approved"), SAID.replace("approved", "has approved")),
    ],
)
def test_a_changed_claim_is_farther_than_a_changed_word(claim, word) -> None:
    assert text_distance(SAID, claim) > text_distance(SAID, word)


@pytest.mark.parametrize(
    ("first", "second", "only"),
    [
        ("It costs 1,000 euros", "It costs 1000 euro", ((), ())),
        ("We met on 5 May", "We met on 6 May", (("5",), ("6",))),
        ("It was not approved", "It was approved", (("not approved",), ())),
        ("It wasn't approved", "It was never approved", ((), ())),
        ("The visit of Ada pleased", "The visit pleased", (("Ada",), ())),
        ("big Ada", "old Bo", (("Ada", "big"), ("Bo", "old"))),
        ("Der Hund ist nicht krank", "Der Hund ist krank", (("nicht krank",), ())),
        ("The dogs", "A dog", ((), ())),
        ("小猫喝水", "小猫吃鱼", (("猫喝", "喝水"), ("猫吃", "吃鱼"))),
    ],
)
def test_what_only_one_side_says(first, second, only) -> None:
    assert exclusive_terms(first, second) == only


def test_a_word_that_begins_a_sentence_is_no_name() -> None:
    assert exclusive_terms("Yes. Rivers rise", "yes, 3 lakes") == (
        ("Rivers", "rise"),
        ("3", "lakes"),
    )


@pytest.mark.parametrize(("first", "second", "far"), [("!!!", "???", 1.0), ("the ", "THE", 0.0)])
def test_texts_without_content_words_are_compared_as_they_are(first, second, far) -> None:
    assert text_distance(first, second) == far


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_is_said_by_one_side_only_when_both_say_it(first, second) -> None:
    only_first, only_second = exclusive_terms(first, second)
    assert exclusive_terms(second, first) == (only_second, only_first)
    assert exclusive_terms(first, first) == ((), ())
    assert not set(only_first) & set(only_second)
