"""The accuracy that a replay states: of items that what was learned has not been trained on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.command.replay import render
from orchestration_assets.disagreement.replay import (
    PathOutcome,
    ReplayedQuestion,
    ReplayFigures,
    WeighedGold,
    figures,
)
from orchestration_assets.selection.learned_model import (
    LearnedModel,
    content_keys,
    pack_model,
    unpack_model,
)
from tests.selection.test_active_selector import trained_selector

RIGHT, WRONG = (PathOutcome(answer, 1, 0.0, 1.0) for answer in ("right", "wrong"))


def _question(item: int, right: bool, learned: bool, in_sample: bool) -> ReplayedQuestion:
    answer = RIGHT if right else WRONG
    return ReplayedQuestion(f"i{item}", "t", WRONG, answer, learned=learned, in_sample=in_sample)


def _figures(questions: list[ReplayedQuestion]) -> ReplayFigures:
    gold = {(one.item_id, "t"): WeighedGold("right", 1.0) for one in questions}
    (found,) = figures(questions, gold)
    return found


@given(
    st.lists(st.booleans(), min_size=1, max_size=30),
    st.lists(st.booleans(), min_size=2, max_size=30),
    st.lists(st.booleans(), max_size=30),
)
def test_what_a_model_was_trained_on_does_not_count_and_the_rest_of_its_items_stands_for_it(
    trained_on, unseen, by_rules
) -> None:
    parts = [(trained_on, True, True), (unseen, True, False), (by_rules, False, False)]
    rows = [(right, *kind) for rights, *kind in parts for right in rights]
    found = _figures([_question(n, *row) for n, row in enumerate(rows)])
    assert found.in_sample == len(trained_on)
    assert found.gold == len(unseen) + len(by_rules)
    learned = len(trained_on) + len(unseen)
    expected = (learned * np.mean(unseen) + sum(by_rules)) / (learned + len(by_rules))
    assert found.accuracy is not None
    assert found.accuracy.after == pytest.approx(expected)


def test_where_every_item_was_trained_on_the_accuracy_is_not_answerable() -> None:
    found = _figures([_question(n, True, True, True) for n in range(9)])
    assert (found.accuracy, found.gold, found.in_sample) == (None, 0, 9)
    assert "what was learned was trained on all 9 items with gold that it decides" in render(found)


def test_the_words_say_how_many_items_were_left_out() -> None:
    found = _figures([_question(n, n % 3 == 0, True, n < 6) for n in range(20)])
    words = render(found)
    assert "on 14 with gold" in words
    assert "6 more with gold are left out: what was learned was trained on them" in words


@given(st.sets(st.text(max_size=20)), st.sets(st.text(max_size=20)))
def test_a_stored_model_knows_the_contents_that_it_was_trained_on(seen, others) -> None:
    model = LearnedModel(trained_selector(), trained_on=content_keys(seen))
    again = unpack_model(*pack_model(model))
    assert all(again.was_trained_on(content) for content in seen)
    assert not any(again.was_trained_on(content) for content in others - seen)


def test_a_model_that_does_not_say_what_it_was_trained_on_may_have_seen_everything() -> None:
    assert unpack_model(*pack_model(LearnedModel(trained_selector()))).was_trained_on("content")
