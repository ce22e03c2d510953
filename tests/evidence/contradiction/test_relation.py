"""How two answers relate: on pairs in other words than the weights were fitted on."""

import json
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.evidence.contradiction.alignment import align
from orchestration_assets.evidence.contradiction.differences import DifferenceKind
from orchestration_assets.evidence.contradiction.features import FEATURES
from orchestration_assets.evidence.contradiction.lexicon import folded
from orchestration_assets.evidence.contradiction.readings import read_text
from orchestration_assets.evidence.contradiction.relation import (
    RelationKind,
    packaged_weights,
    probabilities,
    relation,
)

PAIRS = [
    json.loads(line)
    for line in (Path(__file__).parent / "pairs.jsonl").read_text("utf-8").splitlines()
]
_ALIKE = (RelationKind.PARAPHRASE, RelationKind.PART_WHOLE)


def _chances(*labels: str) -> list[float]:
    return [
        relation(pair["answer_a"], pair["answer_b"]).contradiction
        for pair in PAIRS
        if pair["label"] in labels
    ]


def test_contradictions_stand_above_paraphrases_and_parts() -> None:
    above, below = _chances(RelationKind.CONTRADICTION), _chances(*_ALIKE)
    wins = sum((a > b) + 0.5 * (a == b) for a in above for b in below)
    assert wins / (len(above) * len(below)) >= 0.92


@pytest.mark.parametrize("sub", ["name", "date", "amount", "unit", "negation"])
def test_plain_differences_are_recalled(sub) -> None:
    found = [
        relation(pair["answer_a"], pair["answer_b"]).kind is RelationKind.CONTRADICTION
        for pair in PAIRS
        if pair["sub"] == sub
    ]
    assert sum(found) >= 0.75 * len(found)


def test_what_is_called_a_contradiction_mostly_is_one() -> None:
    labels = [
        pair["label"]
        for pair in PAIRS
        if relation(pair["answer_a"], pair["answer_b"]).kind is RelationKind.CONTRADICTION
    ]
    assert labels.count(RelationKind.CONTRADICTION) >= 0.85 * len(labels)


@pytest.mark.parametrize(
    ("first", "second", "kind", "spans"),
    [
        (
            "The library opens at nine on Mondays.",
            "The library opens at nine on Tuesdays.",
            DifferenceKind.DATE,
            ("Mondays", "Tuesdays"),
        ),
        (
            "The pump moves 40 litres an hour.",
            "The pump moves 70 litres an hour.",
            DifferenceKind.AMOUNT,
            ("40 litres", "70 litres"),
        ),
        (
            "The plank is 12 inches long.",
            "The plank is 12 feet long.",
            DifferenceKind.UNIT,
            ("12 inches", "12 feet"),
        ),
        (
            "The grant was awarded to Ines Aldana.",
            "The grant was awarded to Per Lindholm.",
            DifferenceKind.NAME,
            ("Ines Aldana", "Per Lindholm"),
        ),
        (
            "The cable is waterproof.",
            "The cable is not waterproof.",
            DifferenceKind.NEGATION,
            ("waterproof", "not waterproof"),
        ),
        (
            "The river level rises by the hour.",
            "The river level falls by the hour.",
            DifferenceKind.POLARITY,
            ("rises", "falls"),
        ),
        (
            "The otter followed the heron.",
            "The heron followed the otter.",
            DifferenceKind.ROLE,
            ("otter followed the heron", "heron followed the otter"),
        ),
    ],
)
def test_the_differing_part_is_named_in_both_texts(first, second, kind, spans) -> None:
    seen = relation(first, second)
    assert seen.kind is RelationKind.CONTRADICTION
    assert seen.difference is not None
    assert seen.difference.kind is kind
    assert first[slice(*seen.difference.first)] == spans[0]
    assert second[slice(*seen.difference.second)] == spans[1]
    assert all(f"\u201c{span}\u201d" in seen.sentence for span in spans)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            "The council sold the mill to the brewery.",
            "The brewery bought the mill from the council.",
        ),
        ("The storm destroyed the pier.", "The pier was destroyed by the storm."),
        ("The pond is not shallow.", "The pond is deep."),
        ("Entry is possible.", "Entry is not impossible."),
        ("Der Hund jagt den Fuchs.", "Den Fuchs jagt der Hund."),
        ("Nobody except the crew may board.", "Only the crew may board."),
    ],
)
def test_a_turn_that_is_turned_back_contradicts_less_than_one_that_is_not(first, second) -> None:
    assert relation(first, second).contradiction < 0.5


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The council sold the mill to the brewery.", "The brewery sold the mill to the council."),
        ("The fleet was led by the admiral.", "The admiral was led by the fleet."),
        ("Der Hund jagt den Fuchs.", "Den Hund jagt der Fuchs."),
        ("yes", "No."),
        ("41", "14"),
        ("Bogot\u00e1", "Quito"),
    ],
)
def test_roles_replies_and_bare_values_can_contradict(first, second) -> None:
    assert relation(first, second).kind is RelationKind.CONTRADICTION


def test_a_larger_difference_is_more_severe() -> None:
    sizes = [
        relation("It holds 100 cups.", f"It holds {n} cups.").severity for n in (110, 300, 900)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_case_and_spacing_make_no_difference() -> None:
    seen = relation("The  Second Draft", "the second draft")
    assert (seen.kind, seen.contradiction) == (RelationKind.PARAPHRASE, 0.0)


_WORDS = st.lists(
    st.sampled_from(
        "the a not no never 3 40 May 2019 Anna Lyon rises falls because left right all half only "
        "km kg per week p.m. buys sells by was MDC der den "
        "\u00bd \u0e01 \u4e2d\u6587 \u0627\u0644".split()
    )
).map(" ".join)


@given(st.text() | _WORDS, st.text() | _WORDS)
def test_any_two_texts_have_a_relation_that_does_not_hang_on_their_order(first, second) -> None:
    seen, turned = relation(first, second), relation(second, first)
    assert 0.0 <= seen.severity <= seen.contradiction <= 1.0
    assert (seen.kind, seen.contradiction, seen.severity) == (
        turned.kind,
        turned.contradiction,
        turned.severity,
    )
    if seen.difference is not None and turned.difference is not None:
        assert seen.difference.first == turned.difference.second
        assert 0 <= seen.difference.first[0] <= seen.difference.first[1] <= len(first)
        assert 0 <= seen.difference.second[0] <= seen.difference.second[1] <= len(second)
    assert "\n" not in seen.sentence


@given(st.text() | _WORDS)
def test_a_text_does_not_contradict_itself(text) -> None:
    assert relation(text, text).contradiction == 0.0


@pytest.mark.parametrize(
    "text", ["", " ", "9" * 5_000, "((((", "\x00", "A" * 9_000, "\ud800", "1e999"]
)
def test_odd_texts_are_taken(text) -> None:
    relation(text, "The answer is 4 km.")
    relation(text, text[::-1])


def test_long_texts_are_compared_within_their_beginning() -> None:
    text = " ".join(string.ascii_lowercase) * 2_000
    assert relation(text, text + " not").difference is None


def test_of_many_numbers_the_first_are_compared() -> None:
    first, second = (" ".join(map(str, range(start, start + 900))) for start in (1, 5_000))
    aligned = align(read_text(first), read_text(second))
    assert 0 < len(aligned.equal) + len(aligned.unequal) + len(aligned.odd_first) <= 60


def test_probabilities_add_up_to_one() -> None:
    chances = probabilities([0.5] * len(FEATURES), packaged_weights())
    assert set(chances) == set(RelationKind)
    assert sum(chances.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(("first", "second"), [("ガス", "カス"), ("ข้าว", "ขาว"), ("बड़ा", "बडा")])
def test_marks_that_make_another_letter_are_kept(first, second) -> None:
    assert folded(first) != folded(second)


@pytest.mark.parametrize(("first", "second"), [("Müller", "muller"), ("Ёлка", "елка"), ("é", "E")])
def test_accents_are_not(first, second) -> None:
    assert folded(first) == folded(second)
