"""Features of text: what they count, and that diversity does not depend on length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.text import (
    character_shares,
    lexical_diversity,
    line_count,
    line_features,
    prose_features,
    readability,
    secret_count,
    token_estimate,
    word_densities,
    words_of,
)
from tests.profiling.samples import words_like_a_text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's snake_case, x2 and 3.5", ["It's", "snake", "case", "x2", "and", "3", "5"]),
        ("\u6f22\u5b57\u3068 kana", ["\u6f22", "\u5b57", "\u3068", "kana"]),
        ("caf\u00e9 cafe\u0301", ["caf\u00e9", "cafe\u0301"]),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", ["\u0939\u093f\u0928\u094d\u0926\u0940"]),
        ("\u2014 \u2026 !", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_ascii_and_unicode_words_agree() -> None:
    text = "Don't stop: a_b c3 4d, it's 'quoted' text's end"
    assert words_of(text + " \u00e9") == [*words_of(text), "\u00e9"]


def test_lines_and_tokens() -> None:
    assert [line_count(text) for text in ("", "a", "a\n", "a\nb", "\n\n")] == [0, 1, 1, 2, 2]
    assert token_estimate("internationalisation 12345 == x") == 3 + 2 + 1 + 1


def test_character_shares_count_every_script() -> None:
    shares = character_shares("Aa1. \u00c9\u0663\u3002\u3000\u6f22")
    assert shares == {
        "digit_share": 0.2,
        "upper_share": 0.2,
        "punctuation_share": 0.2,
        "whitespace_share": 0.2,
        "non_ascii_share": 0.5,
    }


def test_line_features() -> None:
    assert line_features("abcd\n\n    ab\n") == {
        "max_line_chars": 6,
        "mean_line_chars": 5.0,
        "blank_line_share": pytest.approx(1 / 3),
        "indent_depth": 2.0,
    }


def test_names_at_the_start_of_a_sentence_are_no_entities() -> None:
    prose = "Yesterday Anna met Bob. They talked. I think I'm late."
    words = words_of(prose)
    assert prose_features(prose, words)["entity_density"] == pytest.approx(200 / len(words))


def test_sentences() -> None:
    prose = 'One two. "Three four!" Five 3.5 six?\n\nA title\n\n...'
    found = prose_features(prose, words_of(prose))
    assert found["sentence_count"] == 4
    japanese = "\u4eca\u65e5\u306f\u3002\u660e\u65e5\u306f\u3002"
    assert prose_features(japanese, words_of(japanese))["sentence_count"] == 2


def test_densities_are_per_100_words() -> None:
    prose = 'It may be so, "perhaps". Why?' + " word" * 14
    found = prose_features(prose, words_of(prose))
    assert found["prose_word_count"] == 20
    assert found["hedge_density"] == 10
    assert found["pronoun_density"] == 5
    assert found["quote_density"] == 10
    assert found["question_density"] == 5
    assert word_densities("see https://a.b/1 and 2,000.5", 10) == {
        "url_density": 10.0,
        "number_density": 20.0,
    }


def test_without_prose_there_is_nothing_to_say() -> None:
    found = prose_features("", [])
    assert found["prose_word_count"] == found["sentence_count"] == 0
    assert found["readability"] is found["lexical_diversity"] is found["entity_density"] is None


def test_readability_orders_easy_before_hard_and_keeps_to_latin() -> None:
    easy = words_of("the cat sat on the mat and the dog ran to the red barn so we all went out") * 2
    hard = words_of("institutional considerations necessitate comprehensive organisation") * 5
    assert (readability(easy, 4) or 0) > 80 > 0 > (readability(hard, 1) or 0)
    assert readability(["\u043f\u0440\u0438\u0432\u0435\u0442"] * 30, 2) is None
    assert readability(easy[:5], 1) is None


@pytest.mark.parametrize("seed", range(3))
def test_lexical_diversity_does_not_depend_on_length(seed: int) -> None:
    words = words_like_a_text(1600, seed)
    parts = {size: [words[at : at + size] for at in range(0, 1600, size)] for size in (100, 400)}
    whole = lexical_diversity(words)
    assert whole is not None
    for size, pieces in parts.items():
        values = [lexical_diversity(piece) or 0.0 for piece in pieces]
        assert sum(values) / len(values) == pytest.approx(whole, rel=0.25), size


def test_lexical_diversity_orders_texts() -> None:
    dull, plain = ["a", "b"] * 100, words_like_a_text(200, 1)
    distinct = [str(number) for number in range(200)]
    values = [lexical_diversity(words) or 0.0 for words in (dull, plain, distinct)]
    assert values == sorted(values)
    assert values[0] < 6
    assert values[2] == 200
    assert lexical_diversity(["a"] * 19) is None


@given(st.lists(st.sampled_from("abcdefgh"), min_size=20, max_size=200))
def test_lexical_diversity_reads_the_same_both_ways(words: list[str]) -> None:
    assert lexical_diversity(words) == pytest.approx(lexical_diversity(words[::-1]))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("AKIA" + "ABCD2345" * 2, 1),
        ("ghp_" + "a1" * 18, 1),
        ("-----BEGIN RSA PRIVATE KEY-----", 1),
        ('Password = "hunter2hunter"', 1),
        ("password: please choose one", 0),
        ('token = "placeholder"', 0),
        ("a risk-free desk-bound task-oriented sk-etch", 0),
    ],
)
def test_secrets(text: str, count: int) -> None:
    assert secret_count(f"x\n{text}\n") == count
