"""A whole profile: complete, in range, repeatable, and cut rather than late."""

import sys
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.profiling.deadline import HARD_LIMIT_MS, Deadline, Stage
from orchestration_assets.profiling.profiler import TEXT_CHARS, Profile, profile
from orchestration_assets.schemas.enums import FeatureFamily
from orchestration_assets.schemas.features import FEATURE_NAMES, FEATURES, feature_columns
from orchestration_assets.schemas.records import arrow_field
from tests.profiling.samples import standard_library

PATHS = ["a.txt", "a", "a.md", "a.html", "a.json", "a.csv", "a.py", "a.js", "a.sh", "a.rs", "a.c"]
MARKS = (
    st.sampled_from(["\n", "# ", "```\n", "<p>", "<!doctype html>", "{{", "](", "'''", "/*", "\t"])
    | st.sampled_from(["\ud800", "\0", "\u0301", "\u6f22", "e\u0301", "if a:\n  ", "{", "(", "- "])
    | st.text(st.characters(codec=None), max_size=8)
)
TEXTS = st.lists(MARKS, max_size=60).map("".join)


def still() -> float:
    """A clock that stands, so that no deadline passes."""
    return 0.0


def ticking(step_ms: float) -> Callable[[], float]:
    """A clock that moves ``step_ms`` milliseconds on at every look."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += step_ms / 1000
        return now

    return clock


def profiled(path: str, text: str) -> Profile:
    return profile(path, text, size_bytes=len(text), clock=still)


def assert_sound(found: Profile) -> None:
    """Every feature is there, of its type and within its range."""
    assert tuple(found.features) == FEATURE_NAMES
    assert 0 <= found.coverage <= 1
    for feature in FEATURES:
        value = found.features[feature.name]
        if value is None:
            assert feature.nullable, feature.name
            continue
        assert type(value) is feature.type, feature.name
        if isinstance(value, int | float):
            assert feature.lower is None or value >= feature.lower, feature.name
            assert feature.upper is None or value <= feature.upper, feature.name


@given(path=st.sampled_from(PATHS), text=TEXTS)
@settings(deadline=None, max_examples=400)
def test_any_text_has_a_complete_and_repeatable_profile(path: str, text: str) -> None:
    found = profiled(path, text)
    assert_sound(found)
    assert found.features_missing == ()
    assert found.features == profiled(path, text).features


@given(path=st.text(st.characters(codec=None), max_size=40))
def test_any_path_has_a_profile(path: str) -> None:
    assert_sound(profiled(path, "some text\n"))


@pytest.mark.parametrize(
    ("path", "text"),
    {
        "minified": ("a.js", "!function(){if(a&&b){return a?b:0}}();" * 130_000),
        "json, deep": ("a.json", "[" * 100_000 + "]" * 100_000),
        "json, deep, unnamed": ("a", "[" * 100_000),
        "code, deep": ("a.py", "(" * 100_000),
        "headings": ("a.md", "# h\n" * 1_000_000),
        "tags, deep": ("a.html", "<div>" * 200_000),
        "yaml, deep": ("a.yaml", "- " * 100_000),
        "fences": ("a.md", "```py\n~~~\n" * 100_000),
        "angles": ("a.sh", "</`" * 100_000),
        "generics": ("a.java", "a<\n" * 100_000),
        "notebook": ("a.ipynb", '{"cells":[{"cell_type":"code","source":["' * 10_000),
        "wide": ("a.txt", "\u6f22 \U0001f600 " * 500_000),
        "keys": ("a.env", "password = '" * 100_000),
        "surrogates": ("a.html", "<p>\ud800" * 50_000),
        "nuls": ("a.py", "\0" * 200_000),
        "marks": ("a.txt", "e" + "\u0301" * 500_000),
        "no word": ("a.txt", "? " * 200_000),
        "empty": ("a.txt", ""),
        "a newline": ("a.py", "\n"),
    }.values(),
)
def test_hostile_texts_are_profiled(path: str, text: str) -> None:
    assert_sound(profile(path, text, size_bytes=len(text)))


def test_a_real_corpus_is_profiled() -> None:
    for path, text in standard_library(100):
        assert_sound(profiled(path, text))


def test_coverage_is_the_share_that_was_read_and_counts_are_scaled_to_the_whole() -> None:
    line = "one two three four\n"
    text = line * 4 * (TEXT_CHARS // len(line))
    found = profiled("a.txt", text)
    assert 0.95 * TEXT_CHARS / len(text) < found.coverage <= TEXT_CHARS / len(text)
    assert found.features["line_count"] == text.count("\n")
    assert found.features["word_count"] == pytest.approx(4 * text.count("\n"), rel=0.01)
    assert profiled("a.txt", line).coverage == 1


def test_code_in_fences_is_counted_in_its_own_grammar() -> None:
    text = (
        "# Title\n\nSome words.\n\n```python\ndef f(a):\n    return a or 1\n```\n\n"
        "```{.js}\nfunction g() { for (;;) {} }\n```\n\n```unheard-of\n((((\n```\n"
    )
    found = profiled("a.md", text).features
    assert found["function_count"] == found["cyclomatic_max"] == 2
    assert found["parse_error_share"] == 0
    assert found["code_fence_count"] == 3
    assert profiled("a.md", "# Title\n\nSome words.\n").features["function_count"] is None


def test_what_data_and_markup_with_a_grammar_consist_of() -> None:
    for path, text, entries, depth in (
        ("a.json", '{"a": {"b": [1]}}', 2, 3),
        ("a.yml", "a:\n  b: 1\n", 2, 2),
        ("a.css", "a { b: c }\n", 1, 1),
        ("a.html", "<p><b>a</b></p>", 2, 2),
        ("a.md", "# h\n\n- a\n", 3, 1),
    ):
        found = profiled(path, text).features
        assert (found["entry_count"], found["depth_max"]) == (entries, depth), path
        assert found["function_count"] is None


def test_the_clock_says_when_it_cut_and_work_that_ran_wild_is_no_matter_of_clocks() -> None:
    assert profile("a.py", "x = 1\n", size_bytes=1, clock=ticking(HARD_LIMIT_MS)).cut_by_clock
    wild = profiled("a.js", "|!" * 3000)
    assert "function_count" in wild.features_missing
    assert not wild.cut_by_clock


def test_a_slow_clock_cuts_features_and_names_them() -> None:
    found = profile("a.py", "def f():\n    return 1\n", size_bytes=1, clock=ticking(HARD_LIMIT_MS))
    basic = {feature.name for feature in FEATURES if feature.family is FeatureFamily.BASIC}
    assert set(found.features_missing) == set(FEATURE_NAMES) - basic
    assert all(found.features[name] is None for name in found.features_missing)
    assert found.features["word_count"] == 4
    assert found.preprocess_ms == pytest.approx(HARD_LIMIT_MS)


@given(step_ms=st.floats(0.01, 60))
def test_a_cut_changes_no_other_feature(step_ms: float) -> None:
    text = 'import os\n\n\ndef f(a):\n    """Say it."""\n    return a if a else os\n'
    whole = profiled("a.py", text).features
    found = profile("a.py", text, size_bytes=len(text), clock=ticking(step_ms))
    assert_sound(found)
    for name in FEATURE_NAMES:
        expected = None if name in found.features_missing else whole[name]
        assert found.features[name] == expected, name


def test_a_score_is_cut_with_what_it_reads() -> None:
    # The clock leaps past the end of the complexity stage while code is parsed.
    looks = iter([0.0] * 11 + [0.046] * 100)
    text = "x = 1\n" * 200
    found = profile("a.py", text, size_bytes=len(text), clock=lambda: next(looks))
    assert "cyclomatic_mean" in found.features_missing
    assert "complexity_score" in found.features_missing
    assert found.features["ambiguity_score"] is not None


def test_feature_columns_become_arrow_fields() -> None:
    fields = [arrow_field(*column) for column in feature_columns()]
    assert [field.name for field in fields] == list(FEATURE_NAMES)
    by_name = {field.name: field for field in fields}
    assert by_name["byte_count"].type == pa.int64()
    assert not by_name["byte_count"].nullable
    assert by_name["readability"].type == pa.float64()
    assert by_name["readability"].nullable
    assert all(field.metadata[b"meaning"] for field in fields)


def test_what_one_stage_leaves_over_the_next_may_take() -> None:
    now = [0.0]
    deadline = Deadline(lambda: now[0] / 1000)
    with deadline.stage(Stage.PREPROCESS):
        now[0] = 4.0
    with deadline.stage(Stage.FEATURES):
        now[0] = 34.9
        assert not deadline.passed()
    with deadline.stage(Stage.COMPLEXITY):
        now[0] = 39.9
        assert not deadline.passed(0.5)
        now[0] = 40.0
        assert deadline.passed(0.5)
        assert not deadline.passed()
        now[0] = 45.1
        assert deadline.passed()
    assert deadline.ran_out
    now[0] = 60.0
    with deadline.stage(Stage.AGGREGATION):
        assert deadline.passed()


def test_the_clock_is_read_only_where_the_cheaper_one_leaves_doubt() -> None:
    now_ms, bound_ms, looks = [0.0], [0.0], [0]

    def clock() -> float:
        looks[0] += 1
        return now_ms[0] / 1000

    deadline = Deadline(clock, lambda: bound_ms[0] / 1000)
    with deadline.stage(Stage.PREPROCESS):
        before = looks[0]
        bound_ms[0] = 4.9
        assert not deadline.passed()
        assert looks[0] == before
        # other work had the processor for most of that time
        bound_ms[0], now_ms[0] = 5.1, 1.0
        assert not deadline.passed()
        bound_ms[0], now_ms[0] = 9.0, 4.9
        assert not deadline.passed()
        assert looks[0] == before + 1
        bound_ms[0], now_ms[0] = 9.2, 5.0
        assert deadline.passed()


@pytest.mark.parametrize("path", ["a.html", "a.md", "a.txt", "a.py", "a.ipynb"])
@pytest.mark.parametrize("mark", [" ", "\n", "<div>", "<ul><li>", "\ud800", "É. ", "\u6f22", "(\n"])
def test_a_step_does_the_same_work_however_long_the_text(path: str, mark: str) -> None:
    """Counted in the interpreter's own steps, which no clock changes."""

    def steps(text: str) -> int:
        count = 0

        def step(*_: object) -> None:
            nonlocal count
            count += 1

        profiled(path, text)
        sys.setprofile(step)
        try:
            profiled(path, text)
        finally:
            sys.setprofile(None)
        return count

    assert steps(mark * 200_000) <= 1.5 * steps(mark * 100_000) + 500
