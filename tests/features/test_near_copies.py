"""Groups of near-copies: direct similarity, any order of the rows, earlier content first."""

import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.features.near_copies import NearCopy, near_copies
from orchestration_assets.features.sketches import (
    MAX_CHARS,
    MIN_RUNS,
    jaccard_estimates,
    minhash,
    sketch_matrix,
    word_runs,
)

NOTHING = sketch_matrix([])


def document(seed: int, words: int = 300) -> list[str]:
    rng = random.Random(seed)
    return [f"w{rng.randrange(5000)}" for _ in range(words)]


def edited(words: list[str], edits: int, seed: int) -> list[str]:
    rng, changed = random.Random(seed), list(words)
    for n in range(edits):
        changed[rng.randrange(len(changed))] = f"new{seed}x{n}"
    return changed


def matrix(*documents: list[str]):
    return sketch_matrix([minhash(" ".join(words)) for words in documents])


def grouped(documents: dict[str, list[str]], order=None, at: float = 0.7) -> dict[str, str]:
    names = list(order or documents)
    copies = near_copies(
        names, names, matrix(*(documents[name] for name in names)), [], NOTHING, at
    )
    return {name: names[copy.row] for name, copy in zip(names, copies, strict=True)}


@pytest.mark.parametrize("edits", [0, 3, 10, 40, 150])
def test_the_sketch_estimates_the_share_of_common_word_runs(edits) -> None:
    one = document(1, 600)
    other = edited(one, edits, 2)
    a, b = (set(word_runs(" ".join(words))) for words in (one, other))
    true = len(a & b) / len(a | b)
    sketches = matrix(one, other)
    assert jaccard_estimates(sketches[0], sketches[1:])[0] == pytest.approx(true, abs=0.14)


def test_copies_are_found_and_other_texts_are_not() -> None:
    one, other = document(1), document(2)
    found = grouped({"a": one, "b": edited(one, 4, 9), "c": other, "d": edited(other, 4, 8)})
    assert found == {"a": "a", "b": "a", "c": "c", "d": "c"}


@given(st.permutations([f"{n:02d}" for n in range(12)]))
def test_the_groups_do_not_depend_on_the_order_of_the_rows(order) -> None:
    documents = {f"{n:02d}": edited(document(n % 3), n, n) for n in range(12)}
    assert grouped(documents, order) == grouped(documents)


def test_a_chain_of_small_edits_does_not_link_its_ends() -> None:
    documents, words = {}, document(5)
    for n in range(30):
        documents[f"{n:02d}"] = words
        words = edited(words, 6, n)
    found = grouped(documents)
    assert len(set(found.values())) > 3
    for name, representative in found.items():
        pair = matrix(documents[name], documents[representative])
        assert jaccard_estimates(pair[0], pair[1:])[0] >= 0.7
        assert found[representative] == representative


def test_an_earlier_representative_comes_first_and_says_so() -> None:
    one, other = document(1), document(2)
    copies = near_copies(
        ["h1", "h2", "h3"],
        ["a", "b", "c"],
        matrix(edited(one, 2, 1), edited(one, 2, 1), other),
        ["early"],
        matrix(edited(one, 2, 1)),
        0.8,
    )
    assert copies == [NearCopy(True, 0, 1.0), NearCopy(True, 0, 1.0), NearCopy(False, 2, 1.0)]


def test_an_item_is_no_copy_of_what_it_was_before() -> None:
    one = document(1)
    copies = near_copies(["h"], ["same"], matrix(one), ["same"], matrix(one), 0.8)
    assert copies == [NearCopy(False, 0, 1.0)]


def test_a_text_too_short_to_tell_has_no_sketch() -> None:
    assert minhash("a b c d") is None
    assert minhash(" ".join(f"w{n}" for n in range(MIN_RUNS + 2))) is not None


def test_a_long_text_is_read_throughout_and_bounded() -> None:
    words = document(3, 60_000)
    text = " ".join(words)
    assert len(text) > 2 * MAX_CHARS
    runs = word_runs(text)
    assert len(runs) <= MAX_CHARS // 3
    assert any(words[-3] in run for run in runs)


def test_a_thousand_copies_and_nothing_else_are_one_group() -> None:
    sketches = np.repeat(matrix(document(1)), 1000, axis=0)
    names = [f"{n:04d}" for n in range(1000)]
    copies = near_copies(names, names, sketches, [], NOTHING, 0.8)
    assert {copy.row for copy in copies} == {0}


@given(st.text(st.characters(max_codepoint=127), max_size=120), st.sampled_from([1, 100]))
def test_runs_of_a_text_in_ascii_are_those_that_a_pattern_finds(part: str, times: int) -> None:
    text = part * times
    tokens = re.findall(r"\w+|[^\w\s]+", text)
    runs = zip(tokens, tokens[1:], tokens[2:], strict=False)

    assert word_runs(text) == sorted({" ".join(run) for run in runs})


def test_a_text_that_repeats_few_runs_has_no_sketch_however_long_it_is() -> None:
    assert minhash("one two three " * 200) is None
    assert minhash("one two three " * 200 + " ".join("abcdefgh")) is not None
