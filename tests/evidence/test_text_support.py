"""What the other texts say bears a text out, whatever the language."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.text_support import TextSupport, text_supports

words = st.sampled_from(
    ["the", "The", "invoice", "was", "paid", "not", "1,000", "", "é", "会議", "."]
)
texts = st.lists(
    st.one_of(st.lists(words).map(" ".join), st.text(max_size=30)), min_size=2, max_size=6
)

PAID = "The invoice was paid in March."


def unsupported(text: str, *others: str) -> list[str]:
    found = text_supports([text, *others])[0]
    return [text[start:end] for start, end in found.unsupported]


def plain_surprise(own: set, others: list[set]) -> float:
    """As the formula has it, one part after the other."""
    found = 0.0
    for part in own.union(*others):
        q = (sum(part in other for other in others) + 1) / (len(others) + 2)
        found -= math.log(q if part in own else 1 - q)
    return found


def test_the_surprise_is_that_of_the_formula():
    given_texts = ["a b c", "a b d", "b c"]
    steps = [set(pairwise(["", *text.split(), ""])) for text in given_texts]
    runs = [
        {f" {text} "[at : at + 6] for at in range(max(1, len(text) - 3))} for text in given_texts
    ]
    for place, found in enumerate(text_supports(given_texts)):
        by_steps, by_runs = (
            plain_surprise(sets[place], [one for at, one in enumerate(sets) if at != place])
            for sets in (steps, runs)
        )
        assert math.isclose(found.surprise, by_steps + by_runs / 6)


def test_alike_texts_bear_each_other_out_in_full():
    for found in text_supports([PAID, PAID.upper(), f"  {PAID}"]):
        assert found.support == 1.0
        assert found.unsupported == ()


def test_what_stands_alone_surprises_most():
    found = text_supports([PAID, PAID, "The invoice was never paid in March.", PAID])
    assert max(found, key=lambda one: one.surprise) is found[2]
    assert min(found, key=lambda one: one.support) is found[2]


def test_a_text_that_leaves_out_what_all_others_say_surprises():
    whole, part = text_supports([PAID, PAID, PAID, "The invoice was paid."])[::3]
    assert part.surprise > whole.surprise
    assert part.unsupported == ()


def test_of_two_texts_the_longer_surprises_more_at_equal_agreement():
    said, other = "paid in March", "due in April"
    twice = text_supports([f"{said} and {said}, then", f"{other} and {other}, then"])
    assert twice[0].surprise > text_supports([said, other])[0].surprise


@pytest.mark.parametrize(
    ("text", "others", "places"),
    [
        ("The sum was never paid", ["The sum was paid", "The sum was paid"], ["never"]),
        # the majority has it, whatever one says
        ("a b c", ["a b c", "a x c", "a b c"], []),
        ("a x y c", ["a b c", "a b c"], ["x y"]),
        # words in another order are new steps
        ("b a", ["a b"], ["b a"]),
        ("会議は三月だ", ["会議は四月だ", "会議は四月だ"], ["三"]),
        ("ประชุมสามวัน", ["ประชุมสี่วัน", "ประชุมสี่วัน"], ["สาม"]),
        ("वह हिन्दी बोलता है", ["वह उर्दू बोलता है", "वह उर्दू बोलता है"], ["हिन्दी"]),
        ("isn't it", ["is it", "is it"], ["isn't"]),
        ("Der Vertrag endet", ["der VERTRAG endet"], []),
        ("ﬁne print", ["fine print"], []),
        ("anything", ["", ""], ["anything"]),
        ("", ["anything"], []),
        ("?!", ["...", ""], []),
    ],
)
def test_words_that_fewer_than_half_write_there_are_unsupported(text, others, places):
    assert unsupported(text, *others) == places


@given(texts)
def test_figures_are_within_their_ranges_and_of_no_order(given_texts):
    found = text_supports(given_texts)
    for text, one in zip(given_texts, found, strict=True):
        assert 0.0 <= one.support <= 1.0
        assert one.surprise > 0.0
        ends = [0, *(place for span in one.unsupported for place in span), len(text)]
        assert ends == sorted(ends)
    assert sorted(map(figures, text_supports(given_texts[::-1]))) == sorted(map(figures, found))


def figures(one: TextSupport) -> tuple[float, float, tuple[tuple[int, int], ...]]:
    return one.support, one.surprise, one.unsupported


def test_one_text_alone_is_borne_out_by_nothing():
    with pytest.raises(ValueError, match="at least two"):
        text_supports([PAID])
