"""What becomes of an answer that violates a rule: who is asked then, how often, and what stands."""

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.processing.answer_cache import AnswerCache, CarriedAnswers
from orchestration_assets.processing.event_loop import BatchLimits, BatchWork, process_plans
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel, Status
from orchestration_assets.schemas.items import OBJECTION, Question, Reading, Task, ValueRule
from orchestration_assets.schemas.tables import PlanRow
from tests.processing.services import Scripted, by_name, choice, item, ok
from tests.rows import row

AGAIN = frozenset({OBJECTION})


def carried_out(rules, way, services, labels=("a", "b", "c")):
    """Actions with their services, and the final readings by service, of one question."""
    task = Task("t", "1", AnswerKind.LABEL, labels, question="Which?", value_rules=tuple(rules))
    work = BatchWork({("t", "default"): way}, {"t": task}, by_name(*services))
    plan = row(
        PlanRow,
        model=ProcessingModel(way.model),
        **{"batch": "b1", "task": "t", "option": "default", "services": way.services},
        **{"item_id": "i1", "content_hash": "hash-i1"},
    )
    done = process_plans([plan], work, AnswerCache(CarriedAnswers({})), item, BatchLimits(1))
    readings = done.interpretations[ProcessingModel(way.model)]
    steps = [(one.action, one.services) for one in done.decisions]
    return steps, {one.service: one for one in readings if one.decides}, readings


def says(*answers: str):
    """Says one answer after the other, each time that it is told what is wrong with the last."""

    def say(question: Question) -> Reading:
        last = question.objection.answer if question.objection else None
        place = 0 if last is None else min(answers.index(last) + 1, len(answers) - 1)
        return ok(answers[place])

    return say


@given(
    wanted=st.integers(0, 4),
    attempts=st.integers(1, 5),
    model=st.sampled_from(["sequential", "parallel", "hybrid"]),
)
@settings(max_examples=40, deadline=None)
def test_a_service_looks_again_until_the_rule_holds_or_its_attempts_are_over(
    wanted, attempts, model
) -> None:
    answers = [f"a{n}" for n in range(6)]
    one = Scripted("one", says(*answers), reads=AGAIN)
    rule = ValueRule(f"answer in {answers[wanted:]}", attempts=attempts)
    steps, decides, readings = carried_out([rule], choice(model, "one"), [one], ())
    looks = min(wanted, attempts)
    assert [action for action, _ in steps].count("repair") == looks == len(one.asked) - 1
    assert decides["one"].answer == answers[looks]
    assert [one.round for one in readings] == list(range(looks + 1))
    assert ("review", ()) in steps if wanted > attempts else ("review", ()) not in steps


def test_a_service_that_cannot_look_again_is_not_asked_again() -> None:
    one = Scripted("one", ok("a"))
    steps, decides, _ = carried_out([ValueRule("answer == 'b'")], choice("parallel", "one"), [one])
    assert len(one.asked) == 1 and decides["one"].answer == "a"
    assert steps[-1] == ("review", ())


def test_without_a_name_the_judge_is_asked_and_then_what_the_plan_admits() -> None:
    services = [
        Scripted("one", ok("a")),
        Scripted("two", ok("c")),
        Scripted("judge", ok("a")),
    ]
    way = choice(
        "sequential",
        *("one", "two"),
        stop_at=0.5,
        judge={"service": "judge", "when": "disagree"},
    )
    rule = ValueRule("answer == 'c'", otherwise="escalate")
    steps, decides, _ = carried_out([rule], way, services)
    assert [named for action, named in steps if action == "escalate"] == [("judge",), ("two",)]
    assert list(decides) == ["two"] and decides["two"].answer == "c"
    # the judge saw what it judged, who was asked next saw nothing
    assert [name for name, _ in services[2].asked[0].earlier] == ["one"]
    assert services[1].asked[0].earlier == ()


def test_an_escalation_that_gives_no_answer_leaves_the_one_before() -> None:
    services = [Scripted("one", ok("a")), Scripted("two", RuntimeError("away"))]
    rule = ValueRule("answer == 'c'", otherwise="escalate", escalate_to="two")
    steps, decides, _ = carried_out([rule], choice("parallel", "one"), services)
    assert [action for action, _ in steps][-2:] == ["escalate", "review"]
    assert list(decides) == ["one"]


def test_who_gave_an_answer_is_told_why_a_service_objects() -> None:
    def check(question: Question) -> Reading:
        ((of, shown),) = question.earlier
        assert (of, question.task.checks) == ("t", "t")
        return Reading(Status.OK, "yes" if shown.answer == "b" else "no", evidence="it says b")

    one = Scripted("one", says("a", "b"), reads=AGAIN)
    rule = ValueRule("Is it so?", asks="checker")
    services = [one, Scripted("checker", check)]
    steps, decides, readings = carried_out([rule], choice("parallel", "one"), services)
    actions = [action for action, _ in steps]
    assert actions == ["ask", "stop", "object", "repair", "confirm"]
    assert decides["one"].answer == "b" and set(decides) == {"one"}
    words = one.asked[1].objection.words
    assert words == "checker says no to “Is it so?”: it says b"
    assert [r.answer for r in readings if r.service == "checker"] == ["no", "yes"]


def test_nobody_is_asked_about_an_answer_that_a_rule_refuses() -> None:
    checker = Scripted("checker", ok("yes"))
    rules = [
        ValueRule("Is it so?", asks="checker"),
        ValueRule("answer == 'b'", otherwise="fail"),
    ]
    one = Scripted("one", ok("a"))
    steps, _, _ = carried_out(rules, choice("parallel", "one"), [one, checker])
    assert steps[-1] == ("refuse", ()) and checker.asked == []
