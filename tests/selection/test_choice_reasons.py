"""Reasons come from the model and the data, and say where there is none."""

import json

import numpy as np
import pytest

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.recorded_answers import Floats
from orchestration_assets.selection.choice_reasons import (
    ChoiceReasons,
    learn_reasons,
    plain_reasons,
    reasons,
    reasons_of,
)
from orchestration_assets.selection.region_conditions import categories, numbers
from orchestration_assets.selection.region_names import value_words
from orchestration_assets.selection.region_rows import regions_of
from tests.selection.planted_content import planted_answers, planted_profiles

N = 300
PROFILES, KINDS, PIECES = planted_profiles(("en", "de"), N, 0)
ITEMS = ItemInputs(PROFILES, np.zeros((N, 512), np.float32))
RECORDED = planted_answers(np.where(KINDS, 0.9, 0.4), 1, (0.001, 0.003))


class LanguageModel:
    """Expects the second service to be better on German, the more so the longer a text is."""

    def expected_scores(self, items: ItemInputs) -> Floats:
        german = np.array([kind == "de" for kind in categories(items.profiles, "prose_language")])
        long = numbers(items.profiles, "word_count") > 100
        second = 0.5 + np.where(german, 0.2, -0.2) + np.where(long, 0.1, 0.0)
        return np.stack([np.full(len(items), 0.5), second], axis=1)


class IndifferentModel:
    """Expects the same of all items."""

    def expected_scores(self, items: ItemInputs) -> Floats:
        return np.tile([0.6, 0.5], (len(items), 1))


def learned(model) -> ChoiceReasons:
    found = regions_of(RECORDED, ITEMS)
    assert found is not None
    return learn_reasons(model, ITEMS, found)


def said(known: ChoiceReasons) -> list[str]:
    expected = LanguageModel().expected_scores(ITEMS)
    chosen = expected.argmax(axis=1)
    return reasons(known, ITEMS, expected, chosen, 1 - chosen)


def test_a_reason_names_the_features_that_moved_the_model_and_items_like_it() -> None:
    known = learned(LanguageModel())
    sentences = said(known)
    languages = categories(PROFILES, "prose_language")
    words = numbers(PROFILES, "word_count")
    german = next(n for n in range(N) if languages[n] == "de" and words[n] > 200)
    english = next(n for n in range(N) if languages[n] == "en" and words[n] < 30)
    assert sentences[german].startswith("German text: s1 is right ")
    assert "such items, s0 is right" in sentences[german]
    assert "for 0.002 USD less; the model counts German (+.1" in sentences[german]
    assert f"{words[german]:.0f} words (+.0" in sentences[german]
    assert sentences[german].endswith("for s1")
    assert "the model counts English (+.2" in sentences[english]
    assert sentences[english].endswith("for s0")


def test_features_that_the_model_does_not_use_are_no_reason() -> None:
    """What goes with the language in these texts is of other topics, and moved nothing."""
    others = ("capital", "names", "letters", "reading", "digits", "punctuation")
    assert not [one for one in said(learned(LanguageModel())) if any(o in one for o in others)]
    known = learned(IndifferentModel())
    assert known.effects == ()
    expected = IndifferentModel().expected_scores(ITEMS)
    sentences = reasons(known, ITEMS, expected, np.zeros(N, int), np.ones(N, int))
    nothing = "; the model sees nothing in the item that speaks for either"
    assert all(one.endswith(nothing) for one in sentences)


def test_what_no_single_feature_says_is_said_of_the_item_as_a_whole() -> None:
    known = learned(IndifferentModel())
    expected = np.tile([0.6, 0.5], (N, 1))
    expected[0] = [0.7, 0.5]
    expected[1] = [0.55, 0.5]
    sentences = reasons(known, ITEMS, expected, np.zeros(N, int), np.ones(N, int))
    assert sentences[0].endswith("; the model counts its words and features together for s0 (.10)")
    assert sentences[1].endswith("together against s0 (.05)")
    assert sentences[2].endswith("; the model sees nothing in the item that speaks for either")


def test_where_regions_do_not_differ_the_overall_figures_are_the_reason() -> None:
    even = planted_answers(np.tile([0.9, 0.5], (N, 1)), 2)
    found = regions_of(even, ITEMS)
    assert found is not None and not found.differ
    known = learn_reasons(IndifferentModel(), ITEMS, found)
    expected = IndifferentModel().expected_scores(ITEMS)
    (sentence,) = {*reasons(known, ITEMS, expected, np.zeros(N, int), np.ones(N, int))}
    right = [round(100 * one.mean) for one in found.overall.scores]
    assert sentence == (
        f"all content: s0 is right {right[0]} % of 150 items, s1 is right {right[1]} %; "
        "the model sees nothing in the item that speaks for either"
    )


def test_reasons_are_the_same_each_by_itself_and_from_a_file() -> None:
    known = learned(LanguageModel())
    restored = reasons_of(json.loads(json.dumps(plain_reasons(known))))
    assert restored.regions == known.regions
    assert said(restored) == said(known) == said(learned(LanguageModel()))
    sentences = said(known)
    expected = LanguageModel().expected_scores(ITEMS)
    chosen = expected.argmax(axis=1)
    for n in range(0, N, 37):
        item = ITEMS.take(slice(n, n + 1))
        alone = reasons(known, item, expected[[n]], chosen[[n]], 1 - chosen[[n]])
        assert alone == [sentences[n]]


def test_a_single_service_has_the_figures_of_its_region() -> None:
    known = learned(LanguageModel())
    zeros, expected = np.zeros(N, int), LanguageModel().expected_scores(ITEMS)
    sentences = reasons(known, ITEMS, expected, zeros, zeros)
    assert {one.split(";")[0].split(" is right")[0] for one in sentences} == {
        "German text: s0",
        "English text: s0",
    }


@pytest.mark.parametrize(
    ("feature", "value", "words"),
    [
        ("word_count", 34, "34 words"),
        ("line_count", 1, "1 line"),
        ("class_count", 1, "1 class"),
        ("entry_count", 1, "1 entry"),
        ("depth_max", 1, "1 level of nesting"),
        ("prose_language", "de", "German"),
        ("prose_language", None, "no known language"),
        ("family", "code", "code"),
        ("extension", "", "files without an extension"),
        ("digit_share", 0.0512, "5.1 % digits"),
        ("readability", None, "a reading ease unknown"),
        ("has_shebang", True, "a first line with #!"),
        ("has_shebang", False, "no first line with #!"),
    ],
)
def test_values_are_said_in_words(feature: str, value: object, words: str) -> None:
    assert value_words(feature, value) == words
