"""Counting by class finds what the patterns find, in any script."""

import re

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.characters import Characters
from orchestration_assets.profiling.words import words_in
from orchestration_assets.text.token_estimates import token_estimate

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
TEXTS = st.text(
    st.sampled_from("aZ9 '.,\n\t_-\u2019\u00e9\u0301\u6f22\u3042\u0663\u00b2\u00a0\u1680#")
    | st.characters(codec=None),
    max_size=60,
)


@given(text=TEXTS)
def test_counts_equal_those_of_the_patterns(text: str) -> None:
    found = Characters.from_text(text)
    assert found.word_count() == len(words_in(text).lower)
    assert found.token_count() == token_estimate(text)
    assert found.number_count() == len(NUMBER.findall(text))


def test_shares_count_every_script() -> None:
    assert Characters.from_text("Aa1. \u00c9\u0663\u3002\u3000\u6f22").shares() == {
        "digit_share": 0.2,
        "upper_share": 0.2,
        "punctuation_share": 0.2,
        "whitespace_share": 0.2,
        "non_ascii_share": 0.5,
    }


def test_densities_are_per_100_words() -> None:
    text = "see https://a.b/1 and 2,000.5"
    assert Characters.from_text(text).densities(10, 1) == {
        "url_density": 10.0,
        "number_density": 20.0,
    }
    assert Characters.from_text("").densities(0, 0) == {"url_density": None, "number_density": None}


def test_where_long_runs_begin() -> None:
    text = "078-05-1120 x 4111111111111111 12 34 123 456"
    assert [text[at:].split(maxsplit=1)[0] for at in Characters.from_text(text).long_numbers()] == [
        "078-05-1120",
        "4111111111111111",
        "123",
    ]
    assert Characters.from_text("a_b-c d").long_tokens(5) == [0]
    assert Characters.from_text("").long_numbers() == Characters.from_text("").long_tokens(1) == []


def test_lone_surrogates_and_characters_beyond_the_basic_plane() -> None:
    found = Characters.from_text("\ud800 \U0001f600 \U00020000\U00020001 \U0001d7ce")
    assert found.word_count() == 3
    assert found.number_count() == 1
