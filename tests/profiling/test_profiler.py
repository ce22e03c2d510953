"""A whole profile: complete, in range, repeatable, and cut rather than late."""

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.profiling.deadline import HARD_LIMIT_MS
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
@settings(deadline=None)
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


def test_a_slow_clock_cuts_features_and_names_them() -> None:
    found = profile("a.py", "def f():\n    return 1\n", size_bytes=1, clock=ticking(HARD_LIMIT_MS))
    basic = {feature.name for feature in FEATURES if feature.family is FeatureFamily.BASIC}
    assert set(found.features_missing) == set(FEATURE_NAMES) - basic
    assert all(found.features[name] is None for name in found.features_missing)
    assert found.features["word_count"] == 4
    assert found.preprocess_ms == pytest.approx(HARD_LIMIT_MS)


@given(step_ms=st.floats(0.01, 60))
@settings(deadline=None)
def test_a_cut_changes_no_other_feature(step_ms: float) -> None:
    text = 'import os\n\n\ndef f(a):\n    """Say it."""\n    return a if a else os\n'
    whole = profiled("a.py", text).features
    found = profile("a.py", text, size_bytes=len(text), clock=ticking(step_ms))
    assert_sound(found)
    for name in FEATURE_NAMES:
        expected = None if name in found.features_missing else whole[name]
        assert found.features[name] == expected, name


def test_a_score_is_cut_with_what_it_reads() -> None:
    # The clock leaps past the budget of the complexity stage while code is parsed.
    looks = iter([0.0] * 13 + [0.02] * 100)
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
