"""Blocks in which documents describe themselves are read as they are written, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.text.front_matter import front_matter, read_json, read_toml, read_yaml
from tests.fuzzing import fuzz


def test_scalars_stay_as_they_are_written() -> None:
    text = (
        "---\nversion: 1.10\nday: 2026-03-05\nno: no\nlist: [1, {a: 'b'}]\nempty:\nnull: ~\n---\nx"
    )
    assert front_matter(text) == {
        "version": "1.10",
        "day": "2026-03-05",
        "no": "no",
        "list": ["1", {"a": "b"}],
        "empty": None,
    }
    assert front_matter("+++\nversion = 1.10\nday = 2026-03-05\n[a]\nb = [1, true]\n+++\n") == {
        "version": "1.10",
        "day": "2026-03-05",
        "a": {"b": ["1", True]},
    }
    assert read_json('{"version": 1.10, "n": 3}') == {"version": "1.10", "n": "3"}


def test_an_alias_stands_for_a_single_value_and_cannot_grow() -> None:
    assert read_yaml("a: &x Ann\nb: *x\n") == {"a": "Ann", "b": "Ann"}
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
    )
    read = read_yaml(bomb)
    assert read is not None and read["u"] == [None, None]


@pytest.mark.parametrize(
    "text",
    [
        "---\n" + "[" * 5000 + "\n---\n",
        "---\n" + "- " * 200 + "a\n---\n",
        "---\na: b\n",
        "---\n- a\n---\n",
        "---\na: b: c\n---\n",
        "---\n%YAML 1.1\na: b\n---\n",
        "---\na: " + "b" * 20_000 + "\n---\n",
        "+++\na = \n+++\n",
        "+++\na = " + "[" * 5000 + "\n+++\n",
        "--- a",
        "",
    ],
    ids=range(11),
)
def test_what_is_no_block_or_beyond_the_bounds_is_none(text) -> None:
    assert front_matter(text) is None


def test_json_that_nests_too_deeply_is_none() -> None:
    assert read_json('{"a":' * 100_000) is None
    assert read_json("[1]") is None
    assert read_toml("a = 1\na = 2\n") is None


@fuzz
@given(st.text(st.sampled_from("---\n+= :[]{},&*!|>%'\"#?ab1.~\t\ud800"), max_size=200))
def test_whatever_stands_there_it_is_a_mapping_or_none(text) -> None:
    for read in (front_matter, read_json, read_toml, read_yaml):
        found = read(text)
        assert found is None or all(isinstance(key, str) for key in found)
    front_matter(f"---\n{text}\n---\n")
