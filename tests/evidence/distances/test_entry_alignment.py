import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.distances.entry_alignment import (
    LEAST_SIMILARITY,
    aligned,
    matched,
    similarities,
)
from tests.evidence.records_drawn import LINE, entry, records

entries = st.lists(records(LINE), max_size=6)
# entries that nothing but themselves is like
distinct = st.lists(st.integers(0, 10_000), unique=True, max_size=8).map(
    lambda numbers: [
        entry(f"thing {number} {number * 7919 % 10_007}", float(number)) for number in numbers
    ]
)


def contents(first, second, fields=LINE):
    return sorted((repr(first[a]), repr(second[b])) for a, b in aligned(first, second, fields))


@given(entries, entries)
def test_each_entry_has_one_partner_at_most_and_only_one_that_is_like_it(first, second) -> None:
    pairs = aligned(first, second, LINE)
    assert pairs == sorted(pairs)
    for side in (0, 1):
        places = [pair[side] for pair in pairs]
        assert len(set(places)) == len(places)
    similar = similarities(first, second, LINE)
    assert all(similar[a, b] >= LEAST_SIMILARITY for a, b in pairs)


@given(entries, entries)
def test_similarities_are_symmetric_and_bounded(first, second) -> None:
    there, back = similarities(first, second, LINE), similarities(second, first, LINE)
    assert there == pytest.approx(back.T, abs=1e-6)
    assert ((there >= 0.0) & (there <= 1.0 + 1e-6)).all()


@given(distinct, st.randoms(use_true_random=False))
def test_the_order_of_either_list_changes_no_pair(first, chance: random.Random) -> None:
    second = list(first)
    shuffled = list(first)
    chance.shuffle(second)
    chance.shuffle(shuffled)
    assert contents(first, second) == contents(shuffled, second)
    assert contents(first, second) == [(one, one) for one in sorted(map(repr, first))]


@given(distinct, st.sets(st.integers(0, 7)), st.randoms(use_true_random=False))
def test_missing_entries_leave_the_others_paired(first, dropped, chance) -> None:
    second = [one for place, one in enumerate(first) if place not in dropped]
    chance.shuffle(second)
    assert contents(first, second) == [(one, one) for one in sorted(map(repr, second))]
    assert contents(second, first) == [(one, one) for one in sorted(map(repr, second))]


@given(distinct, st.data())
def test_an_extra_entry_stays_alone(first, data) -> None:
    extra = entry("\u03a9 unlike all others", -1.0, "1999-01-01")
    place = data.draw(st.integers(0, len(first)))
    second = [*first[:place], extra, *first[place:]]
    assert contents(first, second) == [(one, one) for one in sorted(map(repr, first))]


@given(distinct, st.data())
def test_an_entry_with_one_field_changed_is_still_the_same_thing(first, data) -> None:
    if not first:
        return
    place = data.draw(st.integers(0, len(first) - 1))
    item = first[place].get("item")
    second = list(first)
    second[place] = entry(item, -77.0)
    pairs = aligned(first, second[::-1], LINE)
    assert (place, len(first) - 1 - place) in pairs
    assert len(pairs) == len(first)


@given(distinct, distinct)
def test_the_same_pairs_whichever_list_comes_first(first, second) -> None:
    there, back = contents(first, second), contents(second, first)
    assert there == sorted((a, b) for b, a in back)


@given(st.permutations(range(5)), st.integers(0, 5), st.sets(st.integers(0, 4)))
def test_entries_with_one_counterpart_each_get_it(order, columns, unlike) -> None:
    worth = np.array([0.9 if row not in unlike else 0.2 for row in range(5)])
    similarity = (np.eye(5)[list(order)] * worth[:, None])[:, :columns]

    expected = [(row, at) for row, at in enumerate(order) if at < columns and row not in unlike]
    assert matched(similarity) == expected


def test_equal_entries_are_paired_in_their_order() -> None:
    first = [entry("pen", 2.0)] * 3
    assert aligned(first, first, LINE) == [(0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize("lists", [([], []), ([entry("pen")], []), ([], [entry("pen")])])
def test_an_empty_list_has_no_pairs(lists) -> None:
    assert aligned(*lists, LINE) == []


def test_what_tells_entries_apart_weighs_more_than_what_they_share() -> None:
    """The same day on all lines says nothing; the item does."""
    first = [entry("oak shelf", 1.0, "2026-01-01"), entry("desk lamp", 2.0, "2026-01-01")]
    second = [entry("desk lamp", 9.0, "2026-01-01"), entry("oak shelf", 8.0, "2026-01-01")]
    assert aligned(first, second, LINE) == [(0, 1), (1, 0)]
