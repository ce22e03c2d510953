"""The estimate counts what its docstring says, in any script."""

import re

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.text.token_estimates import token_estimate

WORDS = re.compile(r"[A-Za-z]+")
FIGURES = re.compile(r"[0-9]+")
SIGNS = re.compile(r"[^\sA-Za-z0-9\u0080-\U0010ffff]+")
TEXTS = st.text(
    st.sampled_from("aZ09 .,\n_-\u00e9\u6f22\U0001f600\x1f\x00") | st.characters(codec=None),
    max_size=80,
)


def lengths(pattern: re.Pattern[str], text: str) -> list[int]:
    return [len(one) for one in pattern.findall(text)]


@given(TEXTS)
def test_runs_are_counted_as_patterns_would_find_them(text: str) -> None:
    words = sum(1 + n // 9 for n in lengths(WORDS, text))
    figures = sum(1 + n // 4 for n in lengths(FIGURES, text))
    signs = sum((n + 1) // 2 for n in lengths(SIGNS, text))
    beyond = sum(len(one.encode("utf-8", "surrogatepass")) for one in text if ord(one) > 127)
    assert token_estimate(text) == words + figures + signs + (beyond + 2) // 3


def test_an_ideograph_is_a_token_though_no_space_stands_around_it() -> None:
    assert token_estimate("\u6f22\u5b57" * 50) == 100
