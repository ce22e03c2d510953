"""Regions of content: what is planted is found and said, and chance is not."""

from dataclasses import asdict, replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answers import Bools, Floats, RecordedAnswers
from orchestration_assets.evidence.weighted_estimates import Estimate
from orchestration_assets.schemas.feature_words import FEATURE_WORDS, GRAMMAR_NAMES, LANGUAGE_NAMES
from orchestration_assets.schemas.features import FEATURE_NAMES, FEATURES
from orchestration_assets.selection.region_conditions import (
    NumberRange,
    ValueSet,
    all_hold,
    condition_of,
    merged,
    opposite,
    rounded_between,
)
from orchestration_assets.selection.region_names import (
    exact_condition,
    region_name,
    region_sentence,
    summary,
)
from orchestration_assets.selection.region_rows import region_rows, regions_of
from orchestration_assets.selection.regions import (
    FEWEST,
    ContentRegion,
    ContentRegions,
    find_regions,
    p_value,
)
from orchestration_assets.services.language.natural_languages import NATURAL_LANGUAGES
from orchestration_assets.text.grammars import LANGUAGES
from tests.selection.planted_content import planted_answers, planted_profiles, scored

N = 300
NOBODY = np.zeros(N, dtype=np.bool_)
# kinds of texts, which of three services is right on which, the features that tell, and names
PLANTED = {
    "code and prose": (
        ("code", "en"),
        lambda kinds, pieces: (kinds[:, 0], kinds[:, 1], NOBODY),
        {"family"},
        {"code", "prose"},
    ),
    "Chinese and English": (
        ("zh", "en"),
        lambda kinds, pieces: (kinds[:, 0], kinds[:, 1], NOBODY),
        {"prose_language"},
        {"Chinese text", "English text"},
    ),
    "long and short": (
        ("en", "de", "code"),
        lambda kinds, pieces: (pieces > 6, pieces <= 6, NOBODY),
        {"word_count"},
        {"short text"},
    ),
    "short German prose": (
        ("en", "de"),
        lambda kinds, pieces: (~(kinds[:, 1] & (pieces <= 8)), kinds[:, 1] & (pieces <= 8), NOBODY),
        {"word_count", "prose_language"},
        {"short German text"},
    ),
    "three kinds": (
        ("en", "code", "zh"),
        lambda kinds, pieces: (kinds[:, 0], kinds[:, 1], kinds[:, 2]),
        {"family", "prose_language"},
        {"Chinese"},
    ),
}


def planted(name: str, seed: int) -> tuple[pa.Table, Floats, set[str], set[str]]:
    """Profiles, chances (n, 3) of being right, the features that tell, and names of regions."""
    kinds, rights, features, names = PLANTED[name]
    profiles, of, pieces = planted_profiles(kinds, N, seed)
    right = np.stack(rights(of, pieces), axis=1)
    return profiles, np.where(right, 0.92, 0.35), features, names


def inputs(profiles: pa.Table) -> ItemInputs:
    return ItemInputs(profiles, np.zeros((profiles.num_rows, 512), np.float32))


def found_in(recorded: RecordedAnswers, profiles: pa.Table) -> ContentRegions:
    regions = regions_of(recorded, inputs(profiles))
    assert regions is not None
    return regions


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", PLANTED)
def test_content_that_decides_is_found_from_300_outcomes_and_named(name: str, seed: int) -> None:
    profiles, chances, features, names = planted(name, seed)
    found = found_in(planted_answers(chances, seed + 100), profiles)
    assert set(found.features) <= features
    assert set(found.features) & features
    said = [region_name(region.conditions) for region in found.regions]
    assert all(any(name in one for one in said) for name in names), said
    asked = np.array([region.service for region in found.regions])[found.places(profiles)]
    gained = chances[np.arange(N), asked].mean() - chances.mean(axis=0).max()
    assert gained >= 0.75 * (chances.max(axis=1).mean() - chances.mean(axis=0).max())


@pytest.mark.parametrize(
    ("levels", "harder"), [((0.8, 0.7, 0.6), False), ((0.6, 0.6, 0.6), True), ((0.5, 0.5), True)]
)
def test_chance_is_seldom_taken_for_content(levels: tuple[float, ...], harder: bool) -> None:
    """Services that are right more or less often, or on content that is hard for all of them."""
    profiles, kinds, pieces = planted_profiles(("en", "code", "zh"), N, 0)
    ease = np.where(kinds[:, 0], 1.5, np.where(pieces > 6, 1.0, 0.4)) if harder else np.ones(N)
    chances = ease[:, None] * np.array(levels)
    held = [found_in(planted_answers(chances, seed), profiles).held for seed in range(60)]
    # at 5 % each, more than 8 of 60 come by chance once in 200 times
    assert sum(one > 0 for one in held) <= 8


def test_where_content_does_not_tell_it_says_so() -> None:
    profiles, _, _ = planted_profiles(("en", "code"), N, 0)
    recorded = planted_answers(np.tile([0.9, 0.5], (N, 1)), 2)
    found = found_in(recorded, profiles)
    assert found.regions == (found.overall,) and not found.differ
    assert "does not tell the services apart" in summary(found)
    (best, other) = region_rows("mood", recorded, inputs(profiles))
    assert (best.policy, best.best, best.region, best.condition) == ("s0", "s0", "all content", "")
    assert "does not tell the services apart" in best.words
    assert other.change is not None and other.change < 0.0


def test_a_dear_service_that_adds_nothing_is_not_the_one_to_ask() -> None:
    """On prose the cheap one is as good: a region, though the dear one is never worse."""
    profiles, kinds, _ = planted_profiles(("code", "en"), N, 1)
    rng = np.random.default_rng(0)
    dear = rng.random(N) < 0.95
    scores = np.stack([dear & (kinds[:, 1] | (rng.random(N) < 0.4)), dear], axis=1) * 1.0
    found = found_in(scored(scores, (0.0001, 0.004)), profiles)
    sentences = [region_sentence(found, region) for region in found.regions]
    prose = next(one for one in sentences if one.startswith("prose: "))
    assert prose.endswith("asking s1 too adds nothing for 0.004 USD")
    assert prose.startswith("prose: s0 is right 9")
    code = next(one for one in sentences if one.startswith("code: "))
    assert code.startswith("code: s1 is right") and "0.0039 USD less" in code


def test_rows_are_one_a_region_and_service_with_all_content_first() -> None:
    profiles, chances, _, _ = planted("short German prose", 0)
    recorded = planted_answers(chances, 100, (0.001, 0.001, 0.001))
    rows = list(region_rows("mood", recorded, inputs(profiles)))
    places = sorted({row.place for row in rows})
    assert places == list(range(len(places))) and len(rows) == 3 * len(places)
    assert len({(row.task, row.view, row.policy, row.place, row.labels) for row in rows}) == len(
        rows
    )
    assert {row.view for row in rows} == {"region"}
    whole = [row for row in rows if row.place == 0]
    assert {row.items for row in whole} == {150} and {row.labels for row in whole} == {150}
    assert sum(row.items for row in rows if row.place and row.policy == "s0") == 150
    for row in rows:
        assert row.accuracy_low <= row.accuracy <= row.accuracy_high
        assert (row.change is None) == (row.policy == row.best) == bool(row.words)
    assert any("short German text: s1 is right" in row.words for row in rows)


def test_graded_scores_are_not_said_to_be_right() -> None:
    profiles, chances, _, _ = planted("code and prose", 0)
    graded = np.round(0.8 * chances + 0.1 * np.random.default_rng(1).random(chances.shape), 2)
    found = found_in(scored(graded), profiles)
    assert {one.feature for region in found.regions for one in region.conditions} == {"family"}
    assert all(" scores .7" in region_sentence(found, region) for region in found.regions)


def test_too_few_items_or_one_service_make_no_regions() -> None:
    profiles, chances, _, _ = planted("code and prose", 0)
    recorded = planted_answers(chances, 1)
    few = slice(0, 2 * FEWEST - 1)
    assert regions_of(recorded.take(few), inputs(profiles).take(few)) is None
    assert list(region_rows("mood", recorded.only([0]), inputs(profiles))) == []
    with pytest.raises(ValueError, match="planted: 300 recorded items, 39 profiles"):
        find_regions(recorded, profiles.slice(0, 39), recorded, profiles)


def test_items_that_stand_for_many_count_for_many() -> None:
    """Half of the code was hardly sampled: its few verdicts stand for most of it."""
    profiles, kinds, _ = planted_profiles(("code", "en"), N, 2)
    chances = np.where(kinds, 0.9, 0.4)
    recorded = planted_answers(chances, 5)
    weighed = replace(recorded, stands_for=np.where(kinds[:, 0], 3.0, 1.0))
    found = found_in(weighed, profiles)
    assert {region_name(region.conditions) for region in found.regions} == {"code", "prose"}
    share = np.average(recorded.scores[:, 0], weights=recorded.weights)
    assert abs(found.overall.scores[0].mean - share) > 0.05


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(40, N))
def test_regions_part_all_items_whatever_the_answers(seed: int, services: int, n: int) -> None:
    profiles, kinds, pieces = planted_profiles(("en", "de", "code"), N, 3)
    rng = np.random.default_rng(seed)
    chances = (
        rng.random((3, services))[kinds.argmax(axis=1)] * np.where(pieces > 9, 1.0, 0.7)[:, None]
    )
    recorded, kept = planted_answers(chances, seed).take(slice(0, n)), profiles.slice(0, n)
    found = found_in(recorded, kept)
    assert found == found_in(recorded, kept)
    inside = np.stack([all_hold(region.conditions, kept) for region in found.regions])
    np.testing.assert_array_equal(inside.sum(axis=0), 1)
    np.testing.assert_array_equal(inside.argmax(axis=0), found.places(kept))
    assert sum(region.items for region in found.regions) == found.measured_on
    assert found.differ == (len({region.service for region in found.regions}) > 1)
    names = [region_name(region.conditions) for region in found.regions]
    assert len(set(names)) == len(names)
    for region in found.regions:
        assert region.items >= (FEWEST if region.conditions else 1)
        assert len({one.feature for one in region.conditions}) == len(region.conditions)
        assert all(one.low <= one.mean <= one.high for one in (*region.scores, *region.leads))
        check_sentence(found, region)


def check_sentence(found: ContentRegions, region: ContentRegion) -> None:
    """What is said of the two services does not contradict what was measured of all of them."""
    sentence = region_sentence(found, region)
    name, other = found.services[region.service], found.services[region.next_service]
    best, following = (region.scores[k].mean for k in (region.service, region.next_service))
    if "next best" in sentence:
        rest = [one.mean for k, one in enumerate(region.scores) if k != region.service]
        assert max(rest) == following <= best
    dearer = region.prices[region.next_service] > region.prices[region.service]
    lead = region.leads[region.next_service]
    assert ("better on these items" in sentence) == (lead.high < 0.0 and not dearer)
    assert ("too close to tell" in sentence) == (lead.low <= 0.0 <= lead.high and not dearer)
    assert sentence.index(f"{name} ") < sentence.rindex(f"{other} ")


@given(
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=4),
    st.lists(st.sampled_from([0.001, 0.002, 0.04]), min_size=4, max_size=4),
    st.permutations(range(4)),
    st.floats(0.0, 0.4),
    st.booleans(),
)
def test_words_about_a_region_never_contradict_what_was_measured(
    means, prices, order, width, graded
) -> None:
    n = len(means)
    service, following = [k for k in order if k < n][:2]

    def around(mean: float) -> Estimate:
        return Estimate(mean, mean - width, mean + width, 50, 50.0)

    leads = tuple(around(means[service] - mean) for mean in means)
    scores = tuple(around(mean) for mean in means)
    region = ContentRegion((), service, following, 50, scores, leads, tuple(prices[:n]))
    names = tuple(f"s{k}" for k in range(n))
    check_sentence(ContentRegions(names, region, (region,), 50, 50, 1, graded), region)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1_000), st.integers(20, 100))
def test_a_difference_by_chance_has_any_p_value_alike(seed: int, part: int) -> None:
    """Also where answers differ more on one side: at the level .1 it errs about as often."""
    rng = np.random.default_rng(seed)
    inside = np.arange(160) < part
    errors = 0
    for _ in range(20):
        rows = rng.normal(size=(160, 3)) * np.where(inside, 2.0, 0.5)[:, None]
        errors += p_value(rows - rows.mean(axis=0), inside, 99) <= 0.1
    # binomial: more than 9 of 20 come once in 10,000 times
    assert errors <= 9


PROFILES = pa.table(
    {
        "word_count": [1, 5, None, 20, 300, 20],
        "prose_language": ["en", "de", None, "en", "fr", "zh"],
        "has_shebang": [True, False, None, True, False, False],
    }
)
_ends = st.none() | st.integers(0, 310).map(float)
CONDITIONS = st.one_of(
    st.builds(NumberRange, st.just("word_count"), _ends, _ends, st.booleans()),
    st.builds(
        ValueSet,
        st.just("prose_language"),
        st.lists(st.sampled_from([None, "en", "de", "fr"]), max_size=3, unique=True).map(tuple),
        st.booleans(),
    ),
    st.builds(ValueSet, st.just("has_shebang"), st.just(("true",)), st.booleans()),
)


def _held(condition: NumberRange | ValueSet) -> Bools:
    return condition.holds(PROFILES)


@given(st.lists(CONDITIONS, max_size=5))
def test_merged_conditions_hold_of_the_same_items(conditions: list[NumberRange | ValueSet]) -> None:
    together = merged(conditions)
    np.testing.assert_array_equal(all_hold(together, PROFILES), all_hold(conditions, PROFILES))
    assert len({one.feature for one in together}) == len(together)


@given(CONDITIONS)
def test_a_condition_and_its_opposite_part_all_items(condition: NumberRange | ValueSet) -> None:
    if isinstance(condition, NumberRange):
        condition = NumberRange("word_count", condition.over or 3.0)
    other = opposite(condition, PROFILES)
    np.testing.assert_array_equal(_held(condition), ~_held(other))
    assert condition_of(asdict(other)) == other
    assert exact_condition([condition]) != exact_condition([other])


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_a_rounded_number_lies_between(low: float, width: float) -> None:
    assert low <= rounded_between(low, low + width) <= low + width


@pytest.mark.parametrize(
    ("low", "high", "rounded"),
    [
        (187, 214, 200),
        (37, 44, 40),
        (0.043, 0.052, 0.05),
        (-0.1, 0.2, 0),
        (61, 62, 62),
        (96, 140, 100),
    ],
)
def test_thresholds_are_numbers_that_people_would_choose(
    low: float, high: float, rounded: float
) -> None:
    assert rounded_between(low, high) == rounded


SHORT, GERMAN = NumberRange("word_count", None, 40.0, True), ValueSet("prose_language", ("de",))


@pytest.mark.parametrize(
    ("conditions", "name"),
    [
        ((SHORT, GERMAN, ValueSet("family", ("prose",))), "short German prose"),
        ((ValueSet("family", ("code",)), NumberRange("line_count", 200.0)), "code over 200 lines"),
        ((ValueSet("prose_language", ("zh",)),), "Chinese text"),
        ((ValueSet("family", ("code",)), GERMAN), "code commented in German"),
        ((ValueSet("family", ("prose",), False, ("code",)),), "code"),
        ((ValueSet("family", ("prose",), False),), "content other than prose"),
        ((ValueSet("language_guess", ("python",)), SHORT), "short Python code"),
        ((ValueSet("extension", ("", "md")),), "files without an extension or .md files"),
        ((ValueSet("prose_language", ("en", None)),), "text in English or no known language"),
        ((NumberRange("word_count", 20.0, 1000.0),), "text of 20 to 1,000 words"),
        ((NumberRange("heading_count", 0.0),), "text with some headings"),
        ((NumberRange("heading_count", None, 0.0, True),), "text with no headings"),
        ((NumberRange("digit_share", 0.05),), "text with over 5 % digits"),
        ((ValueSet("has_shebang", ("true",), False),), "text without a first line with #!"),
        ((), "all content"),
    ],
)
def test_regions_are_named_in_plain_english(conditions, name: str) -> None:
    assert region_name(conditions) == name


def test_every_feature_grammar_and_language_has_words() -> None:
    assert set(FEATURE_WORDS) == set(FEATURE_NAMES)
    assert set(GRAMMAR_NAMES) == set(LANGUAGES)
    assert set(LANGUAGE_NAMES) >= set(NATURAL_LANGUAGES)
    for feature in FEATURES:
        condition = (
            NumberRange(feature.name, 3.0)
            if feature.type in (int, float)
            else ValueSet(feature.name, ("true",))
        )
        assert "{" not in region_name([condition]) and region_name([condition]) != "text"
