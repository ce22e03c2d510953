"""Words counted over the bytes of a text are those that patterns find one by one."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.words import WORD, syllable_count, words_in

PIECES = st.lists(
    st.sampled_from(
        ["'", "' ", "''", "e", "ae", "the", "Ate", "X", "12", "t4e", "y", " ", ".", "_"]
    )
    | st.sampled_from(["pdf", "make", "don't", "they're", "O'Neil", "one's", "\n", "queue"])
    | st.characters(max_codepoint=127),
    max_size=40,
).map("".join)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's snake_case, x2 and 3.5", ["it's", "snake", "case", "x2", "and", "3", "5"]),
        ("\u6f22\u5b57\u3068 kana", ["\u6f22", "\u5b57", "\u3068", "kana"]),
        ("caf\u00e9 cafe\u0301", ["caf\u00e9", "cafe\u0301"]),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", ["\u0939\u093f\u0928\u094d\u0926\u0940"]),
        ("\u2014 \u2026 !", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_in(text).lower == words


def test_ascii_and_unicode_words_agree() -> None:
    text = "Don't stop: a_b c3 4d, it's 'quoted' text's end"
    assert words_in(text + " \u00e9").lower == [*words_in(text).lower, "\u00e9"]


@given(text=PIECES)
def test_bytes_and_patterns_find_the_same(text: str) -> None:
    found = words_in(text)
    words = WORD.findall(text)
    lower = [word.lower() for word in words]
    assert found.lower == lower
    assert found.counts == Counter(lower)
    assert found.chars == sum(map(len, words))
    assert found.long == sum(len(word) >= 7 for word in words)
    assert found.names == sum(word[0].isupper() and word[1:2].isalnum() for word in words)


@given(text=PIECES)
def test_syllables_are_groups_of_vowels_without_silent_e_and_at_least_one_a_word(text: str) -> None:
    def syllables(word: str) -> int:
        silent = re.findall(r"[aeiouy][^aeiouy\W\d]+e\b", word)
        return max(len(re.findall("[aeiouy]+", word)) - len(silent), 1)

    expected = sum(map(syllables, words_in(text).lower))
    assert syllable_count(words_in(text)) == expected
    # one word in another alphabet more, which is read by pattern
    assert syllable_count(words_in(text + " caf\u00e9 or more words")) == expected + 5
