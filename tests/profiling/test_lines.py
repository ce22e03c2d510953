"""Lines are measured at once as they would be one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.lines import line_features

TEXTS = st.lists(
    st.sampled_from(["\n", "\t", " ", "\r\n", "\x1c", "\u00a0", "a", "some words", "\u6f22"])
    | st.characters(codec=None),
    max_size=40,
).map("".join)


@given(text=TEXTS)
def test_lines_equal_those_of_a_split(text: str) -> None:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    inked = [line for line in lines if line.strip()]
    indents = [(4 if line[0] == "\t" else 1) * (len(line) - len(line.lstrip())) for line in inked]
    long = [line.strip() for line in lines if len(line.strip()) >= 8]
    assert line_features(text) == {
        "max_line_chars": max(map(len, lines), default=0),
        "mean_line_chars": pytest.approx(sum(map(len, inked)) / max(len(inked), 1)),
        "blank_line_share": pytest.approx(1 - len(inked) / len(lines) if lines else 0),
        "indent_depth": pytest.approx(sum(indents) / max(len(indents), 1)),
        "duplicate_line_share": pytest.approx(1 - len(set(long)) / len(long) if long else 0),
    }
