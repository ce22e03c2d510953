"""Passages cover what a document says, and stay within their size."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.text.passages import passage_spans, passage_terms
from orchestration_assets.text.token_estimates import token_estimate

LINES = st.lists(
    st.sampled_from(
        ["# One", "## Two", "", "A sentence. Another one!", "word " * 40, "東京。" * 9]
    ),
    max_size=30,
)


@given(LINES.map("\n".join), st.integers(32, 120))
def test_passages_hold_everything_that_is_written(text, tokens) -> None:
    spans = passage_spans(text, tokens)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert "".join("".join(text[one.start : one.end].split()) for one in spans) == "".join(
        text.split()
    )
    assert all(token_estimate(text[one.start : one.end]) <= tokens + 1 for one in spans)


def test_small_sections_are_one_passage_and_large_ones_several() -> None:
    small = "# A\n\nShort.\n\n# B\n\nAlso short.\n"
    assert [one.heading for one in passage_spans(small, 200)] == ["A"]
    large = "# A\n\n" + "This is a sentence of it. " * 60 + "\n\n# B\n\nShort.\n"
    headings = [one.heading for one in passage_spans(large, 100)]
    assert headings[-1] == "B"
    assert set(headings[:-1]) == {"A"}
    assert len(headings) > 3


def test_terms_fold_case_and_pair_ideographs() -> None:
    assert passage_terms("Lamp LAMP lamp").words.tolist() == [passage_terms("lamp").words[0]] * 3
    assert len(passage_terms("東京都庁舎前").words) == 5
    assert not len(passage_terms(" -- ").words)
