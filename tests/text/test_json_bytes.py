"""JSON by compiled code says what the standard module says, whatever there is to say."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.text.json_bytes import json_bytes, json_value

# halves of surrogate pairs and integers of any size among them
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


def shown(value: Any) -> str:
    """Tells 1 from 1.0 and True, -0.0 from 0.0, and knows NaN."""
    return repr(value)


@given(VALUES)
def test_what_is_written_reads_as_it_was(value) -> None:
    written = json_bytes(value)
    assert shown(json.loads(written)) == shown(json_value(written)) == shown(value)
    # the lines of a ledger and the events of a stream end where the value does
    assert b"\n" not in written


@given(VALUES.map(json.dumps), st.integers(0, 400), st.text(max_size=3))
def test_damaged_texts_are_read_or_refused_as_by_the_standard_module(text, at, damage) -> None:
    damaged = f"{text[:at]}{damage}{text[at + 1 :]}"
    for form in (damaged, damaged.encode("utf-8", "surrogatepass"), damaged.encode("utf-16")):
        assert outcome(json_value, form) == outcome(json.loads, form)


def outcome(read: Any, text: str | bytes) -> str:
    try:
        return shown(read(text))
    except ValueError:
        return "refused"


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        json_bytes([object()])
    assert math.isnan(json_value(json_bytes(math.nan)))
    with pytest.raises((ValueError, RecursionError)):
        json_value(b"[" * 100_000)
