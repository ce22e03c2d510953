"""Hashes in numpy against the compiled ones of scikit-learn."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.utils import murmurhash3_32

from orchestration_assets.features import vectors
from orchestration_assets.features.vectors import DIMENSIONS, hashed_words
from orchestration_assets.text.murmur_hashes import murmur_hashes
from orchestration_assets.text.word_memory import WordMemory

_LENGTHS = [
    n
    for width in (0, 4, 16, 64, 256, 600, 1_024, 4_096, 16_384, 20_000)
    for n in (width - 1, width, width + 1)
]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
@example(["a" * n for n in _LENGTHS if n >= 0])
@example(["é€𝄞" * n for n in range(8)])
def test_every_word_has_the_hash_of_the_compiled_function(words) -> None:
    expected = [murmurhash3_32(word, seed=0) for word in words]
    assert murmur_hashes(words).tolist() == expected
    assert murmur_hashes(words).dtype == np.int32


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), max_size=9))
@example(["one two two", "", "?!", "Eins ZWEI eins"])
def test_vectors_are_those_of_hashing_counts(texts) -> None:
    if not texts:
        return
    counts = HashingVectorizer(
        n_features=DIMENSIONS, token_pattern=r"\w+", norm=None, alternate_sign=True
    )
    sums = counts.transform(texts).toarray()
    dampened = np.sign(sums) * np.log1p(np.abs(sums))
    lengths = np.linalg.norm(dampened, axis=1, keepdims=True)
    expected = (dampened / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    assert np.array_equal(hashed_words(texts), expected)


def test_vectors_do_not_depend_on_what_came_before(monkeypatch) -> None:
    texts = [" ".join(f"word{n}x{m}" for m in range(20)) for n in range(30)]
    expected = [hashed_words([text]) for text in texts]
    monkeypatch.setattr(vectors, "_PLACES", WordMemory(50, vectors._signed_places))
    assert np.array_equal(hashed_words(texts), np.concatenate(expected))
    assert all(np.array_equal(hashed_words([t]), e) for t, e in zip(texts, expected, strict=True))


def test_a_long_word_takes_no_memory_for_the_others() -> None:
    words = [f"{n:0600d}" for n in range(1_000)] + ["x" * 60_000]
    size = sum(map(len, words))
    tracemalloc.start()
    murmur_hashes(words)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * size


def test_only_short_words_are_remembered_and_only_so_many() -> None:
    computed = []
    memory = WordMemory(4, lambda words: computed.extend(words) or [len(word) for word in words])
    long = "x" * 200
    for words in (["a", "bb"], ["a", long], ["bb", "a", long], ["c", "d", "e"], ["e"], ["a"]):
        known = memory.of(words)
        assert [known[word] for word in words] == [len(word) for word in words]
    # the last but two are one too many for what was there
    assert computed == ["a", "bb", long, long, "c", "d", "e", "a"]


def test_threads_that_forget_words_do_not_disturb_each_other(monkeypatch) -> None:
    texts = ["one two two", "three four"]
    expected = [hashed_words([text]) for text in texts]
    monkeypatch.setattr(vectors, "_PLACES", WordMemory(2, vectors._signed_places))

    def while_another_thread_hashes(words):
        if "one" in words:
            with ThreadPoolExecutor(1) as other:
                assert np.array_equal(other.submit(hashed_words, texts[1:]).result(), expected[1])
        return murmur_hashes(words)

    place = "orchestration_assets.features.vectors.murmur_hashes"
    monkeypatch.setattr(place, while_another_thread_hashes)
    hashed_words(["two"])
    assert np.array_equal(hashed_words(texts[:1]), expected[0])
