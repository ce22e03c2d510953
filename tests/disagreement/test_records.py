"""Records: what stands of them by policy, by judges, by rules; how two of them differ."""

from dataclasses import replace

import pytest

from orchestration_assets.disagreement.measure import TaskReadings
from orchestration_assets.disagreement.record_weights import weigh_records
from orchestration_assets.disagreement.records import record_measure
from orchestration_assets.disagreement.resolution import ResolutionRules, resolve
from orchestration_assets.evidence.records.judged import judged_values
from orchestration_assets.evidence.standing import Roles
from orchestration_assets.schemas.answers import answer_of
from orchestration_assets.schemas.enums import AnswerKind, Consequence, ResolutionPolicy
from orchestration_assets.schemas.items import ValueRule
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY
from tests.disagreement.batches import PLAN
from tests.evidence.answers import TASKS, ok

TASK = TASKS[AnswerKind.RECORD]


def record(**values) -> RecordAnswer:
    return RecordAnswer(tuple(values.items()))


def line(item: str, amount: float) -> RecordAnswer:
    return record(item=item, amount=amount)


def named(*names: str) -> tuple[RecordAnswer, ...]:
    return tuple(record(**{ENTRY: name}) for name in names)


def test_each_value_is_settled_by_itself() -> None:
    heard = (
        ("x", ok(record(name="Ruth Okafor", total=3.0), 0.9)),
        ("y", ok(record(name="Okafor, Ruth", total=7.0, day="2026-05"), 0.6)),
    )
    row = resolve(PLAN, heard, TASK)
    fields = {one.path: one for one in row.fields or ()}
    assert answer_of(row) == record(name="Ruth Okafor", total=3.0, day="2026-05")
    # two forms of one name, spelled as the surer service writes it
    assert fields["name"].supporters == ("x", "y") and not fields["name"].dissenters
    assert [(one.service, one.value) for one in fields["total"].dissenters] == [("y", "7")]
    assert fields["day"].missing == ("x",) and row.dissenters == ("y",)
    assert row.error_risk is not None and row.error_risk > max(one.risk for one in fields.values())


def test_a_judges_record_stands_with_the_risk_that_the_others_leave() -> None:
    roles = Roles(frozenset({"judge"}), {"judge": ("x", "y")})
    heard = (
        ("x", ok(record(total=3.0))),
        ("y", ok(record(total=3.0))),
        ("judge", ok(record(total=7.0), 0.5)),
    )
    row = resolve(PLAN, heard, TASK, roles)
    assert answer_of(row) == record(total=7.0)
    assert row.error_risk is not None and row.error_risk > 0.9


@pytest.mark.parametrize("policy", [ResolutionPolicy.PRESERVE_ALL, ResolutionPolicy.FAIL])
def test_policies_see_any_field_that_differs(policy) -> None:
    heard = (("x", ok(record(total=3.0))), ("y", ok(record(total=3.0, paid=True))))
    row = resolve(PLAN, heard, TASK, rules=ResolutionRules({TASK.name: policy}))
    assert row.answer is None and "services disagree" in row.reason


def test_a_rule_may_let_no_answer_stand() -> None:
    rules = (ValueRule("total > sum(lines.amount)", "there is a tax", "fail"),)
    task = replace(TASK, value_rules=rules)
    row = resolve(PLAN, (("x", ok(record(total=3.0, lines=(line("pen", 5.0),)))),), task)
    assert (row.status, row.answer) == ("failed", None)
    assert row.violations == ("total > sum(lines.amount) (3 against 5): there is a tax",)
    assert row.reason == f"it violates {row.violations[0]}"
    row = resolve(PLAN, (("x", ok(record(total=9.0, lines=(line("pen", 5.0),)))),), task)
    assert (row.status, row.violations) == ("resolved", ())


def test_entries_are_compared_with_those_that_mean_the_same() -> None:
    a = record(lines=(line("blue pen", 2.0), line("ink", 3.0)), people=named("Ann Lee", "Bo"))
    b = record(
        lines=(line("ink", 3.0), line("blue pen", 9.0), line("desk", 1.0)), people=named("Bo")
    )
    measure = record_measure(TaskReadings(TASK, {}, {}))
    votes = ("x", ok(a)), ("y", ok(b))
    compared = measure.compare("item", *votes)
    assert compared is not None and compared.judgement.consequence is Consequence.OTHER_VALUE
    found = measure.differences("item", *votes)
    assert found.kind == "field_conflict"
    assert [
        (one.path, one.value_a, one.value_b, one.contradicts) for one in found.fields or ()
    ] == [
        ("lines[0].amount", "2", "9", True),
        ("lines[2]", None, "item: desk; amount: 1", False),
        ("people[0]", "Ann Lee", None, False),
    ]
    assert found.only == (("people[0]",), ("lines[2]",))


def test_the_same_record_in_another_order_is_no_row() -> None:
    a = record(lines=(line("pen", 2.0), line("ink", 3.0)), people=named("Ann", "Bo"))
    b = record(lines=(line("ink", 3.0), line("pen", 2.0)), people=named("Bo", "Ann"))
    compared = record_measure(TaskReadings(TASK, {}, {})).compare("i", ("x", ok(a)), ("y", ok(b)))
    assert compared is not None and not compared.disagree and compared.distance == 0.0


def test_services_that_agree_with_the_others_are_believed_against_two_that_err_alike() -> None:
    def said(right: bool, number: int) -> RecordAnswer:
        return record(total=float(number if right else 1000 + number))

    readings = {}
    for number in range(600):
        # two that take the same wrong value, often enough by themselves to be known for it
        good, fair, poor = number % 25 != 0, number % 5 != 1, number % 3 != 1
        readings[f"i{number}", TASK.name] = tuple(
            (name, ok(said(right, number), None))
            for name, right in (("good", good), ("fair", fair), ("poor", poor))
        )
    weights = weigh_records(TASK, readings, learn_from=500)
    assert weights.basis.startswith("how 3 services agree on 1 fields over 600 items")
    row = resolve(PLAN, readings["i1", TASK.name], TASK, records=weights)
    assert row.answer == "total: 1" and row.supporters == ("good",)
    few = weigh_records(TASK, readings, learn_from=700)
    assert not few.models and "700 with three answers would teach" in few.basis


def test_a_verdict_judges_the_fields_that_it_names() -> None:
    said = record(total=3.0, day="2026", lines=(line("pen", 2.0), line("ink", 4.0)))
    verdict = RecordAnswer(
        (("total", 3.2), ("lines", (line("ink", 3.0), line("pen", 2.0), line("desk", 1.0)))),
        absent=("name", "day"),
    )
    assert judged_values(said, verdict, TASK.fields) == {
        ("name", True): 1,
        ("total", True): 1,  # within the tolerance
        ("day", False): 1,
        ("lines[]", True): 2,
        ("lines[]", False): 1,
        ("lines[].item", True): 2,
        ("lines[].amount", True): 1,
        ("lines[].amount", False): 1,
    }


def test_who_seldom_gives_a_field_disputes_nothing_by_its_silence() -> None:
    whole, part = record(total=3.0, name="Ann"), record(total=3.0)
    for named, disputed in ((1, False), (9, True)):
        votes = {
            f"i{number}": (("x", ok(whole)), ("y", ok(whole if number < named else part)))
            for number in range(10)
        }
        measure = record_measure(TaskReadings(TASK, votes, {}))
        compared = measure.compare("i9", *votes["i9"])
        assert compared is not None and compared.disagree
        assert (compared.judgement.consequence is Consequence.MISSING_VALUE) is disputed


def test_differences_are_named_by_the_places_of_the_record_that_stands() -> None:
    pen, ink, desk = line("blue pen", 2.0), line("red ink", 3.0), line("oak desk", 9.0)
    votes = (
        ("x", ok(record(lines=(desk, pen, ink)))),
        ("y", ok(record(lines=(line("red ink", 4.0), pen)))),
        ("z", ok(record(lines=(pen, ink)))),
    )
    standing = record(lines=(pen, ink))
    batch = TaskReadings(TASK, {"i": votes}, {"i": "i"}, {"i": standing})
    measure = record_measure(batch)
    found = measure.differences("i", votes[0], votes[1])
    assert [(one.path, one.value_a, one.value_b) for one in found.fields or ()] == [
        ("lines[1].amount", "3", "4"),
        # what does not stand is counted after what does
        ("lines[2]", "item: oak desk; amount: 9", None),
    ]
    swapped = measure.differences("i", votes[1], votes[0])
    assert [one.path for one in swapped.fields or ()] == [one.path for one in found.fields or ()]


def test_silence_of_a_service_that_never_gives_a_field_makes_a_value_no_less_probable() -> None:
    def heard(number: int):
        total = record(total=float(number))
        return (
            ("gives", ok(record(total=float(number), name=f"Ann {number}"), 0.9)),
            ("total", ok(total, 0.9)),
            ("also total", ok(total, 0.9)),
        )

    many = {(f"i{number}", TASK.name): heard(number) for number in range(12)}
    one = {("i0", TASK.name): heard(0)}
    of_many, of_one = (
        {
            field.path: field.risk
            for field in resolve(
                PLAN, heard(0), TASK, records=weigh_records(TASK, readings, 200)
            ).fields
            or ()
        }
        for readings in (many, one)
    )
    # one item does not show what a service usually leaves out
    assert of_many["name"] < 0.15 < of_one["name"]
    assert of_many["total"] == of_one["total"]
