"""Searching agrees with the formula, whatever the segments."""

import math
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.knowledge.postings import build_postings
from orchestration_assets.knowledge.search import K1, B, PassageIndex, SearchedSegment
from orchestration_assets.text.passages import passage_terms

WORDS = st.sampled_from("lamp lamps river rivers stone boat sail 700 Straße 東京都".split())
TEXTS = st.lists(st.lists(WORDS, max_size=8).map(" ".join), min_size=1, max_size=12)


def index_of(texts: list[str], parts: int = 1, dead: frozenset[int] = frozenset()) -> PassageIndex:
    segments = []
    for part in range(parts):
        own = [number for number in range(len(texts)) if number % parts == part]
        live = np.array([number not in dead for number in own], dtype=bool)
        postings = build_postings(passage_terms(texts[number]) for number in own)
        segments.append(SearchedSegment(f"{part:02}", postings, live))
    return PassageIndex(segments)


def by_formula(texts: list[str], sought: str) -> dict[int, float]:
    """BM25 over the words alone, passage by passage; words of more than three tenths left out."""
    held = [Counter(passage_terms(text).words.tolist()) for text in texts]
    mean = max(1.0, sum(map(Counter.total, held)) / len(texts))
    terms = sorted(set(passage_terms(sought).words.tolist()))
    holders = {term: sum(term in one for one in held) for term in terms}
    rare = [term for term in terms if 0 < holders[term] <= 0.3 * len(texts)]
    scores: Counter[int] = Counter()
    for term in rare or [term for term in terms if holders[term]]:
        n = holders[term]
        weight = math.log(1 + (len(texts) - n + 0.5) / (n + 0.5))
        for number, one in enumerate(held):
            often = one[term]
            scores[number] += (
                weight * often * (K1 + 1) / (often + K1 * (1 - B + B * one.total() / mean))
            )
    best = max(scores.values(), default=0.0)
    return {number: score / best for number, score in scores.items() if best and score}


@given(TEXTS, st.lists(WORDS, max_size=5).map(" ".join))
def test_scores_are_those_of_the_formula(texts, sought) -> None:
    found = index_of(texts).search(sought, len(texts), (1.0, 0.0))
    expected = by_formula(texts, sought)
    assert {one.place.row: round(one.score, 6) for one in found} == {
        number: round(score, 6) for number, score in expected.items()
    }
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


@given(TEXTS, st.lists(WORDS, max_size=5).map(" ".join), st.integers(1, 4))
def test_segments_do_not_change_what_is_found(texts, sought, parts) -> None:
    whole = index_of(texts).search(sought, len(texts))
    cut = index_of(texts, parts).search(sought, len(texts))
    numbers = {int(one.place.segment) + parts * one.place.row: one.score for one in cut}
    assert numbers == {one.place.row: one.score for one in whole}


@given(TEXTS, st.lists(WORDS, max_size=5).map(" ".join), st.data())
def test_what_is_gone_counts_for_nothing(texts, sought, data) -> None:
    dead = data.draw(st.frozensets(st.integers(0, len(texts) - 1)))
    left = [number for number in range(len(texts)) if number not in dead]
    found = index_of(texts, dead=dead).search(sought, len(texts))
    alone = index_of([texts[number] for number in left]).search(sought, len(texts)) if left else []
    assert [(one.place.row, one.score) for one in found] == [
        (left[one.place.row], one.score) for one in alone
    ]


def test_other_forms_of_a_word_are_found_by_their_parts() -> None:
    texts = ["the harbour opens", "reservations of rooms", *(f"page {n} of it" for n in range(60))]
    (first, *_) = index_of(texts).search("how do I reserve a room?", 3)
    assert first.place.row == 1


def test_nothing_is_found_for_nothing() -> None:
    assert index_of(["a lamp"]).search("", 3) == []
    assert index_of([""]).search("lamp", 3) == []
    assert PassageIndex([]).search("lamp", 3) == []


def test_the_best_of_many_passages_are_those_of_the_formula() -> None:
    texts = [
        " ".join(["lamp"] * (number % 7) + ["river"] * (number % 11 == 0) + [f"page{number}"] * 3)
        for number in range(3_000)
    ]
    sought = "lamp river page1701"
    expected = {number: round(one, 6) for number, one in by_formula(texts, sought).items()}
    for at_most in (1, 5, 40):
        found = index_of(texts).search(sought, at_most, (1.0, 0.0))
        least = sorted(expected.values(), reverse=True)[at_most - 1]
        assert {one.place.row: round(one.score, 6) for one in found} == {
            number: one for number, one in expected.items() if one >= least
        }
