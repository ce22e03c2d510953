"""How right answers are, and who says so."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.content.verdicts import DECLARED_BY
from orchestration_assets.evidence.verdict_weights import VerdictWeights
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.outcomes import OUTCOMES, OutcomeSource
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.verdicts import GoldRow
from orchestration_assets.selection.outcomes import (
    OutcomeEvidence,
    RecordedReading,
    StandingAnswer,
    closeness,
    judges_of,
    policy_outcomes,
)
from orchestration_assets.table_assets import duplicate_keys
from tests.rows import row

ASK = {"model": "parallel", "services": ["one", "two"]}
NAMES = ("one", "two", "judge")
KINDS = {"label": "l", "text": "t", "set": "s", "score": "n"}


def policy(**more) -> Policy:
    tasks = {
        name: {"question": "?", "kind": kind, "default": {**ASK, **more}}
        for kind, name in KINDS.items()
    }
    tasks["n"]["scale"] = [0, 10]
    services = {name: {"implementation": "grammar"} for name in NAMES}
    return Policy.model_validate({"version": 2, "services": services, "tasks": tasks})


def reading(service: str, answer=None, task: str = "l", **changes) -> RecordedReading:
    columns = {"answer": answer}
    if isinstance(answer, tuple):
        columns = {"answer": "; ".join(answer), "answer_set": answer}
    elif isinstance(answer, float):
        columns = {"answer": f"{answer:g}", "answer_score": answer}
    base = {"batch": "b1", "item_id": "i", "content_hash": "c", "service_version": "1"}
    status = Status.OK if answer is not None else Status.ABSTAINED
    columns |= {"final": True, "service": service, "task": task, "status": status}
    return row(RecordedReading, **(base | columns | changes))


def gold(answer, task: str = "l", **changes) -> GoldRow:
    columns = {"answer": answer, "kind": {n: AnswerKind(k) for k, n in KINDS.items()}[task]}
    if isinstance(answer, tuple):
        columns |= {"answer": "; ".join(answer), "answer_set": answer}
    elif isinstance(answer, float):
        columns |= {"answer": f"{answer:g}", "answer_score": answer}
    base = {"item_id": "i", "content_hash": "c", "task": task, "who": "kim"}
    return row(GoldRow, **(base | columns | changes))


def outcomes(readings, labels=(), standing=(), weights=None, rules=None):
    weights = {name: VerdictWeights({"c": 1.0}) for name in "ltsn"} if weights is None else weights
    evidence = OutcomeEvidence(lambda: iter(readings), standing, labels, weights)
    return policy_outcomes(policy() if rules is None else rules, evidence)


@pytest.mark.parametrize(
    ("task", "right", "answer", "score"),
    [
        ("l", "python", "python", 1.0),
        ("l", "python", "shell", 0.0),
        ("s", ("cat", "dog"), ("dogs", "Cat"), 1.0),
        ("s", ("cat",), ("dog",), 0.0),
        ("n", 8.0, 6.0, 0.8),
        ("t", "The river is 120 km long.", "The river is 120 km long.", 1.0),
    ],
)
def test_an_answer_is_as_right_as_it_is_near_to_the_right_one(task, right, answer, score) -> None:
    (found,) = outcomes([reading("one", answer, task)], [gold(right, task)])
    assert found.score == pytest.approx(score)
    assert (found.why, found.said_by) == (OutcomeSource.VERDICT, "kim")


def test_of_two_texts_the_one_that_says_the_same_is_more_right() -> None:
    right = "The river is 120 km long and flows into the sea."
    readings = [
        reading("one", "It flows into the sea; the river is 120 km long.", "t"),
        reading("two", "The river is 90 km long and ends in a lake.", "t"),
    ]
    first, second = outcomes(readings, [gold(right, "t")])
    assert 0.0 < second.score < first.score <= 1.0


def test_a_record_is_as_right_as_the_share_of_its_judged_values() -> None:
    fields = {
        "total": "number",
        "day": "date",
        "lines": {"type": "list", "fields": {"item": "text"}},
    }
    rules = Policy.model_validate(
        {
            "version": 2,
            "services": {name: {"implementation": "labelled_values"} for name in NAMES},
            "tasks": {"r": {"question": "?", "kind": "record", "fields": fields, "default": ASK}},
        }
    )

    def told(service, text):
        return reading(service, text, "r", answer_record=text)

    verdict = row(
        GoldRow,
        item_id="i",
        content_hash="c",
        task="r",
        who="kim",
        kind=AnswerKind.RECORD,
        answer="x",
        answer_record='{"fields":{"total":3,"lines":[{"item":"pen"}]},"absent":["day"]}',
    )
    readings = [
        told("one", '{"fields":{"total":3,"lines":[{"item":"pen"}]}}'),
        told("two", '{"fields":{"total":4,"day":"2026","lines":[{"item":"pen"},{"item":"ink"}]}}'),
    ]
    weights = {"r": VerdictWeights({"c": 2.0})}
    found = {one.service: one for one in outcomes(readings, [verdict], (), weights, rules)}
    assert (found["one"].score, found["one"].weight) == (1.0, 2.0)
    # right: the pen and its name; wrong: total, day and an ink that is not there
    assert found["two"].score == pytest.approx(2 / 5)
    elsewhere = replace(verdict, answer_record='{"fields":{"vat":3}}')
    assert not outcomes(readings, [elsewhere], (), weights, rules)


def test_what_the_content_declares_is_gold_and_unknown_chances_are_no_weight() -> None:
    (found,) = outcomes([reading("one", "x")], [gold("x", who=DECLARED_BY)], weights={})
    assert (found.why, found.weight) == (OutcomeSource.GOLD, None)


def test_no_answer_is_wrong_and_a_service_that_was_not_asked_has_no_outcome() -> None:
    readings = [
        reading("one"),
        reading("two", status=Status.DEFERRED),
        reading("judge", status=Status.OVER_BUDGET),
    ]
    (found,) = outcomes(readings, [gold("x")])
    assert (found.service, found.score, found.answer) == ("one", 0.0, None)


def test_gold_about_another_content_or_of_another_kind_says_nothing() -> None:
    elsewhere = gold("x", content_hash="before")
    other_kind = replace(gold("x"), kind=AnswerKind.TEXT)
    assert outcomes([reading("one", "x")], [elsewhere, other_kind]) == []


def test_gold_that_names_no_content_is_about_what_its_item_held() -> None:
    readings = [reading("one", "x"), reading("two", "y", item_id="copy")]
    found = outcomes(readings, [gold("x", content_hash=None)])
    assert [one.score for one in found] == [1.0, 0.0]


def test_an_answer_in_knowledge_of_others_is_no_outcome_of_the_service_by_itself() -> None:
    readings = [reading("one", "x", saw=("two",)), reading("two", "x", saw=("two",))]
    assert [one.service for one in outcomes(readings, [gold("x")])] == ["two"]


def test_a_judge_scores_the_readings_that_it_was_shown_and_no_others() -> None:
    rules = policy(judge={"service": "judge", "when": "always"})
    readings = [
        reading("one", "The river is 120 km long.", "t"),
        reading("two", "Nobody knows.", "t"),
        reading("three", "Nobody knows.", "t"),
        reading("judge", "The river is 120 km long.", "t", saw=("one", "two")),
    ]
    first, second = outcomes(readings, rules=rules)
    assert (first.service, first.score, first.why) == ("one", 1.0, OutcomeSource.JUDGE)
    assert (second.service, second.said_by, second.weight) == ("two", "judge", 1.0)
    assert second.score < 0.5
    # whoever saw other answers without being a judge of the task judges nobody
    assert outcomes(readings) == []


_JUDGINGS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(["one", "two", "three"]), min_size=1), st.sampled_from("xyz")
    ),
    min_size=1,
    max_size=5,
)


@given(_JUDGINGS)
def test_outcomes_of_a_content_come_from_one_judgement_of_answers_shown_side_by_side(
    judgings,
) -> None:
    """In each batch every service answers, and the judge is shown the answers of some."""
    rules, readings = policy(judge={"service": "judge", "when": "always"}), []
    for n, (seen, chosen) in enumerate(judgings):
        readings += [reading(name, f"{name}{n}", batch=f"b{n}") for name in ("one", "two", "three")]
        readings.append(reading("judge", chosen, batch=f"b{n}", saw=tuple(sorted(seen))))
    found = outcomes(readings, rules=rules)
    (batch,) = {row.batch for row in found}
    seen, chosen = judgings[int(batch[1:])]
    assert {row.service for row in found} == seen
    assert {row.right for row in found} == {chosen}
    assert len(seen) == max(len(others) for others, _ in judgings)
    later = judgings[int(batch[1:]) + 1 :]
    assert all(len(others) < len(seen) for others, _ in later)


def test_people_and_a_judge_may_both_have_said_something() -> None:
    rules = policy(judge={"service": "judge", "when": "always"})
    readings = [reading("one", "x"), reading("judge", "y", saw=("one",))]
    rows = outcomes(readings, [gold("x")], rules=rules)
    found = {one.why: one.score for one in rows}
    assert duplicate_keys(rows_to_arrow(OUTCOMES, rows), OUTCOMES.key) == 0
    assert found == {OutcomeSource.VERDICT: 1.0, OutcomeSource.JUDGE: 0.0}


def test_explored_items_are_judged_by_the_judge_of_the_default() -> None:
    rules = policy(judge={"service": "judge", "when": "disagree"}).model_dump(by_alias=True)
    rules["tasks"]["t"]["learned"] = {"services": ["one", "two"]}
    learnt = Policy.model_validate(rules).tasks["t"]
    explored = learnt.choices["explore"].judge
    assert explored is not None and (explored.service, explored.when) == ("judge", "always")
    assert judges_of(learnt) == {"judge"}
    rules["tasks"]["t"]["learned"] = {"services": ["one", "judge"]}
    assert Policy.model_validate(rules).tasks["t"].choices["explore"].judge is None


def test_what_stood_is_held_against_the_same_answer() -> None:
    held = {"batch": "b1", "item_id": "i", "content_hash": "c"}
    stood = row(StandingAnswer, task="n", answer="4", answer_score=4.0, **held)
    (found,) = outcomes([reading("one", 8.0, "n")], [gold(9.0, "n")], [stood])
    assert (found.score, found.stood) == (pytest.approx(0.9), pytest.approx(0.5))


def test_the_latest_reading_of_each_version_counts() -> None:
    readings = [
        reading("one", "old", service_version="0"),
        reading("one", "y"),
        reading("one", "x", batch="b2"),
    ]
    found = outcomes(readings, [gold("x")])
    assert [(one.service_version, one.answer) for one in found] == [("0", "old"), ("1", "x")]


_LABELS = st.sampled_from(["x", "y", "z"])


@given(st.lists(st.tuples(_LABELS, _LABELS), max_size=8), st.randoms())
def test_outcomes_do_not_depend_on_the_order_of_gold_and_fit_their_table(pairs, shuffle) -> None:
    weights = {"l": VerdictWeights({f"c{n}": 1.0 for n in range(len(pairs))})}
    readings = [
        reading("one", answer, item_id=f"i{n}", content_hash=f"c{n}")
        for n, (answer, _) in enumerate(pairs)
    ]
    labels = [
        gold(right, item_id=f"i{n}", content_hash=f"c{n}") for n, (_, right) in enumerate(pairs)
    ]
    found = outcomes(readings, labels, weights=weights)
    shuffle.shuffle(labels)
    assert outcomes(readings, labels, weights=weights) == found
    assert [one.score for one in found] == [float(a == b) for a, b in pairs]
    assert rows_to_arrow(OUTCOMES, found).num_rows == len(pairs)


@given(st.floats(0, 10), st.floats(0, 10))
def test_closeness_of_scores_lies_in_0_to_1_and_is_1_for_equal_ones(first, second) -> None:
    task = build_tasks(policy())["n"]
    assert 0.0 <= closeness(first, second, task) <= 1.0
    assert closeness(first, first, task) == 1.0
