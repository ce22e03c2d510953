import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.features.neighbours import nearest_earlier
from orchestration_assets.features.vectors import DIMENSIONS, hashed_words


def _unit(rng, rows: int):
    # few distinct directions, so that ties occur
    vectors = rng.integers(-1, 2, (rows, 4)).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(0, 30), st.integers(0, 5))
def test_the_nearest_are_those_that_comparing_every_pair_finds(seed, here, there, most) -> None:
    rng = np.random.default_rng(seed)
    vectors, earlier = _unit(rng, here), _unit(rng, there)
    names = [f"i{n}" for n in range(here)]
    earlier_names = [f"i{n % 15}" for n in range(there)]
    found = nearest_earlier(vectors, names, earlier, earlier_names, most)
    for row, name in enumerate(names):
        cosines = np.round(earlier @ vectors[row], 5)
        allowed = [
            (-float(cosine), n)
            for n, cosine in enumerate(cosines)
            if earlier_names[n] != name and cosine > 0
        ]
        expected = [(n, -cosine) for cosine, n in sorted(allowed)[:most]]
        assert [n for n, _ in found[row]] == [n for n, _ in expected]


def test_hashed_vectors_have_length_one_and_tell_texts_apart() -> None:
    texts = ["the cat sat on the mat", "the cat sat on a mat", "select name from users", "", "?!"]
    vectors = hashed_words(texts)
    assert vectors.shape == (5, DIMENSIONS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0, 0])
    assert vectors[0] @ vectors[1] > 0.7 > 0.3 > vectors[0] @ vectors[2]
    assert np.array_equal(vectors, hashed_words(texts))
    assert hashed_words([]).shape == (0, DIMENSIONS)


def test_words_embedded_by_the_optional_extra_have_length_one() -> None:
    import pytest

    pytest.importorskip("wordllama", reason="needs the extra 'semantic'")
    from orchestration_assets.features.vectors import embedded_words

    vectors = embedded_words(["a cheap house", "an inexpensive home", "compile the kernel", ""])
    assert np.allclose(np.linalg.norm(vectors[:3], axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
