"""The kinds on the labelled set, and what each rule says of single cases."""

import pytest

from benchmarks.dispute_kinds import SET, main, measured
from orchestration_assets.disagreement.kinds.entity_conflicts import entity_conflict
from orchestration_assets.disagreement.kinds.figurative import figurative
from orchestration_assets.disagreement.kinds.outlier_services import outlier
from orchestration_assets.disagreement.kinds.rule_precision import MEASURED
from orchestration_assets.disagreement.kinds.search import KindSearch, dispute_kinds
from orchestration_assets.disagreement.kinds.type_conflicts import (
    AnswerType,
    answer_types,
    type_conflict,
)
from orchestration_assets.schemas.enums import AnswerKind, DisputeKind
from orchestration_assets.schemas.policy import Disagreement
from tests.disagreement.batches import plan, task
from tests.evidence.answers import ok


@pytest.mark.parametrize("kind", [kind for kind in DisputeKind if MEASURED[kind] is not None])
def test_a_measured_kind_is_on_exactly_when_it_is_precise_enough(kind) -> None:
    figures = measured(SET, kind)
    assert figures["positives"] >= 100
    assert figures["passes"] == (kind in Disagreement().kinds), figures
    shown = MEASURED[kind]
    for name in ("recall", "precision", "lower_bound"):
        assert getattr(shown, name) == pytest.approx(figures[name], abs=0.005)


def test_an_outlier_is_named_and_camps_are_not() -> None:
    found = outlier([[0, 0, 1, 0], [0, 0, 1, 0], [1, 1, 0, 1], [0, 0, 1, 0]])
    assert found is not None
    assert found.outlier_position == 2
    assert outlier([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]]) is None
    assert outlier([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) is None
    assert outlier([[0, 1], [1, 0]]) is None


@pytest.mark.parametrize(
    ("answer", "sort"),
    [
        ("14 March 2021", AnswerType.TIME),
        ("yes", AnswerType.YES_NO),
        ("3.5 million dollars", AnswerType.AMOUNT),
        ("https://example.org/a", AnswerType.ADDRESS),
        ("def f(x): return x", AnswerType.CODE),
        ("because it rained", AnswerType.REASON),
    ],
)
def test_the_form_of_an_answer_tells_its_type(answer, sort) -> None:
    assert answer_types(answer) == {sort}


@pytest.mark.parametrize(
    "words", ["NNPS NNP NEXTTAG VBP", "A" * 40, "O'Neil McCARTHY", "In The At"]
)
def test_a_long_answer_in_capitals_is_decided_at_once(words) -> None:
    """A word that could be divided in as many ways as it has letters would never be."""
    answer = f"{words} " * 6
    assert answer_types(answer.strip()) == {AnswerType.NAME}
    assert answer_types(f"{answer}so"[-290:]) == frozenset()


_REPEATED = [
    f"{piece * 300}"[:299] + "?"
    for piece in ("A", "Ab", "the ", "a, ", "a;", "at about ", "at half past ", "every other ")
]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x" * 5000,
        "((((",
        "\\",
        "\x00",
        "9" * 400,
        "A" * 299,
        ", ".join("abcdefgh" * 9) + ".",
        *_REPEATED,
    ],
)
def test_no_rule_stumbles_over_odd_input(text) -> None:
    type_conflict(text, "yes")
    entity_conflict(text, text)
    figurative(text)


@pytest.mark.parametrize(
    "kind", [DisputeKind.OPPOSED_TONE, DisputeKind.TYPE_CONFLICT, DisputeKind.OUTLIER_SERVICE]
)
def test_figures_on_the_cases_that_a_rule_was_written_against_are_not_shown(kind, capsys) -> None:
    assert MEASURED[kind] is None
    assert main([]) == 0
    assert kind.value not in capsys.readouterr().out


def test_praise_beside_a_mishap_may_be_meant_otherwise_unless_they_are_weighed() -> None:
    found = figurative("Wonderful, the boiler failed again.")
    assert found is not None
    assert "'Wonderful'" in found.evidence and "'failed'" in found.evidence
    assert figurative("A wonderful hotel, but the boiler failed.") is None
    assert figurative("They wrote 'wonderful, it failed' on the wall.") is None


def test_words_say_what_was_seen() -> None:
    found = entity_conflict("The prize went to Amara Okafor.", "The prize went to Lena Fischer.")
    assert found is not None
    assert "Amara Okafor" in found.evidence and "Lena Fischer" in found.evidence


def test_questions_that_several_answered_are_looked_through_and_content_only_for_scores() -> None:
    asked = []
    search = KindSearch(
        (DisputeKind.FIGURATIVE, DisputeKind.OUTLIER_SERVICE),
        (),
        lambda item: asked.append(item) or "Great, the backup is lost.",
    )
    heard = (("x", ok(0.1)), ("y", ok(0.1)), ("z", ok(0.9)))
    score = task(AnswerKind.SCORE, disagree_at=0.5)
    rows = [plan("i1"), plan("i2")]
    readings = {("i1", "t"): heard, ("i2", "t"): heard[:1]}
    found = list(dispute_kinds(rows, readings, {"t": score}, search))
    assert [(row.item_id, row.kind) for row in found] == [
        ("i1", DisputeKind.FIGURATIVE),
        ("i1", DisputeKind.OUTLIER_SERVICE),
    ]
    assert found[0].services == ("x", "y", "z")
    assert found[1].services == ("z",)
    assert asked == ["i1"]


def test_a_near_synonym_of_what_the_others_say_is_no_outlier() -> None:
    search = KindSearch((DisputeKind.OUTLIER_SERVICE,), (), lambda item: None)
    labels = task(AnswerKind.LABEL, near_synonyms=(("letter", "note"),))
    readings = {
        ("i1", "t"): (("x", ok("letter")), ("y", ok("letter")), ("z", ok("note"))),
        ("i2", "t"): (("x", ok("letter")), ("y", ok("note")), ("z", ok("bill"))),
    }
    found = list(dispute_kinds([plan("i1"), plan("i2")], readings, {"t": labels}, search))
    assert [(row.item_id, row.services) for row in found] == [("i2", ("z",))]
