"""Terms of an item: what they tell apart, what they do not see, and how many there are."""

import unicodedata
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.features.terms import (
    COUNT_BITS,
    MAX_TERMS,
    packed_terms,
    packed_terms_of,
)

QUESTION = "Which of the following, if any, is the largest number: 12, 345 or 67?"


def counts_of(text: str) -> dict[int, int]:
    return {term >> COUNT_BITS: term & ((1 << COUNT_BITS) - 1) for term in packed_terms(text)}


@given(st.text(max_size=200))
def test_terms_are_ascending_32_bits_and_each_occurs(text: str) -> None:
    terms = packed_terms(text)

    assert terms == sorted(set(terms))
    assert all(0 <= term < 1 << 32 for term in terms)
    assert all(count >= 1 for count in counts_of(text).values())


@given(st.text(max_size=200))
def test_white_space_and_compatibility_forms_do_not_matter(text: str) -> None:
    spaced = "  ".join(text.split(" ")) + " \n"

    assert packed_terms(spaced) == packed_terms(text)
    assert packed_terms(unicodedata.normalize("NFKC", text)) == packed_terms(text)


@given(st.text(st.characters(max_codepoint=127), max_size=200))
def test_a_text_in_ascii_has_the_terms_that_it_has_beside_other_signs(text: str) -> None:
    # a light mark beyond ASCII changes no term, and takes the other way
    assert packed_terms(f"{text} \u2026") == packed_terms(text)


@given(st.lists(st.text(max_size=60), max_size=70))
def test_texts_at_once_have_the_terms_that_each_has_alone(texts: list[str]) -> None:
    found = [terms.tolist() for terms in packed_terms_of(texts)]

    assert found == [packed_terms(text) for text in texts]


@given(st.text("ab", min_size=1, max_size=70), st.text("c\u00e9", min_size=1, max_size=70))
def test_a_pair_is_hashed_as_the_text_of_both_however_long_they_are(
    first: str, second: str
) -> None:
    pair = crc32(f"{first} {second}".encode()) & ((1 << 24) - 1)

    assert pair in counts_of(f"{first}\n{second}")


def test_case_and_light_punctuation_do_not_matter() -> None:
    for written in (
        QUESTION.upper(),
        QUESTION.replace(",", "").rstrip("?"),
        QUESTION.replace(", if any,", " \u2013 if any \u2013"),
        unicodedata.normalize("NFD", QUESTION),
    ):
        assert packed_terms(written) == packed_terms(QUESTION)


def test_order_numbers_and_signs_matter() -> None:
    assert packed_terms("dog bites man") != packed_terms("man bites dog")
    assert packed_terms("pay 12 now") == packed_terms("pay 34 now")
    assert packed_terms("pay 12 now") != packed_terms("pay 1200 now")
    assert packed_terms("a = b") != packed_terms("a b")


def test_characters_are_words_where_no_spaces_are_written() -> None:
    shared = counts_of("我们喜欢河边的房子").keys() & counts_of("他们喜欢山上的房子").keys()

    assert len(shared) >= 6


def test_long_items_keep_their_most_frequent_terms() -> None:
    rare = " ".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(600))
    (cat,) = counts_of("cat dog").keys() & counts_of("bird cat").keys()

    terms = counts_of(f"{rare} {'cat ' * 300}")

    assert len(terms) == MAX_TERMS
    assert terms[cat] == (1 << COUNT_BITS) - 1
