"""Features of text: what they count, and that diversity does not depend on length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.text import (
    Values,
    lexical_diversity,
    line_count,
    prose_features,
    prose_language,
    readability,
    repeated_trigram_share,
)
from orchestration_assets.profiling.words import words_in
from tests.profiling.samples import words_like_a_text


def test_line_counts() -> None:
    assert [line_count(text) for text in ("", "a", "a\n", "a\nb", "\n\n")] == [0, 1, 1, 2, 2]


def test_names_at_the_start_of_a_sentence_are_no_entities() -> None:
    prose = "Yesterday Anna met Bob. They talked. I think I'm late."
    words = words_in(prose).lower
    assert prose_features(prose)["entity_density"] == pytest.approx(200 / len(words))


def test_sentences() -> None:
    prose = 'One two. "Three four!" Five 3.5 six?\n\nA title\n\n...'
    found = prose_features(prose)
    assert found["sentence_count"] == 4
    japanese = "\u4eca\u65e5\u306f\u3002\u660e\u65e5\u306f\u3002"
    assert prose_features(japanese)["sentence_count"] == 2


def test_densities_are_per_100_words() -> None:
    prose = 'It may be so, "perhaps". Why?' + " word" * 14
    found = prose_features(prose)
    assert found["prose_word_count"] == 20
    assert found["hedge_density"] == 10
    assert found["pronoun_density"] == 5
    assert found["quote_density"] == 10
    assert found["question_density"] == 5


def test_without_prose_there_is_nothing_to_say() -> None:
    found = prose_features("")
    assert found["prose_word_count"] == found["sentence_count"] == 0
    assert found["readability"] is found["lexical_diversity"] is found["entity_density"] is None


def test_readability_orders_easy_before_hard_and_keeps_to_latin() -> None:
    easy = "the cat sat on the mat and the dog ran to the red barn so we all went out " * 2
    hard = "institutional considerations necessitate comprehensive organisation " * 5
    assert (readability(words_in(easy), 4) or 0) > 80 > 0 > (readability(words_in(hard), 1) or 0)
    assert readability(words_in("\u043f\u0440\u0438\u0432\u0435\u0442 " * 30), 2) is None
    assert readability(words_in(easy[:20]), 1) is None


@pytest.mark.parametrize(
    ("prose", "language"),
    [
        ("This is the guide that explains how to use it with what you have.", "en"),
        ("Voici le guide qui explique comment utiliser le programme avec les fichiers.", "fr"),
        ("Esta es la gu\u00eda que explica c\u00f3mo usar el programa con los archivos.", "es"),
        ("\u8fd9\u662f\u4e00\u4e2a\u6307\u5357\u3002", "zh"),
        ("\u3053\u308c\u306f\u6848\u5185\u3067\u3059\u3002", "ja"),
        ("\ud55c\uad6d\uc5b4\uc785\ub2c8\ub2e4", "ko"),
        ("x1 x2 x3", None),
        ("", None),
    ],
)
def test_language_of_prose(prose: str, language: str | None) -> None:
    assert prose_language(words_in(prose).counts, prose) == language


def test_tone_and_function_words() -> None:
    def found(prose: str) -> Values:
        return prose_features(prose)

    good, bad = found("It was a wonderful and happy day."), found("It was a horrible, sad day.")
    assert float(good["sentiment"] or 0) > 0.4 > -0.4 > float(bad["sentiment"] or 0)
    assert good["sentiment_density"] == pytest.approx(200 / 7)
    assert found("x y z")["sentiment"] is None
    assert float(good["function_word_share"] or 0) == 3 / 7
    assert found("x y z")["function_word_share"] is None


def test_repetition_is_seen_and_does_not_grow_with_length() -> None:
    words = words_like_a_text(600, 3)
    assert repeated_trigram_share(["a", "b", "c"] * 100) == pytest.approx(295 / 298)
    assert repeated_trigram_share(words) == repeated_trigram_share(words[:300])
    assert repeated_trigram_share(["a"] * 19) is None


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
