"""What is found in columns for many questions at once is what is found question by question."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.disagreement.batch import label_weights
from orchestration_assets.disagreement.kinds.search import KindSearch, dispute_kinds
from orchestration_assets.disagreement.label_weights import learned_weights
from orchestration_assets.disagreement.pairs import disagreements
from orchestration_assets.disagreement.readings import (
    group_alike,
    group_answers,
    independent,
    readings_of,
)
from orchestration_assets.disagreement.resolution import (
    ResolutionRules,
    resolve_alike,
    resolve_plans,
)
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.enums import (
    AnswerKind,
    DisputeKind,
    Manner,
    ResolutionPolicy,
    Status,
)
from orchestration_assets.schemas.items import Alternative, Reading
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import DISAGREEMENTS, PROCESSING_PLANS, RESOLUTIONS
from tests.disagreement.batches import interpretation, interpretations, plan, task

TASKS = {
    "label": replace(task(AnswerKind.LABEL), name="label", labels=("a", "b", "c")),
    "open": replace(task(AnswerKind.LABEL), name="open"),
    "set": replace(task(AnswerKind.SET, 0.5), name="set"),
    "text": replace(task(AnswerKind.TEXT, 0.6), name="text"),
    "score": replace(task(AnswerKind.SCORE, 0.3), name="score"),
    "vector": replace(task(AnswerKind.VECTOR, 0.3), name="vector"),
}
ANSWERS = {
    AnswerKind.LABEL: ("a", "b"),
    AnswerKind.SET: (("a", "b"), ("c",)),
    AnswerKind.TEXT: ("the tax was raised by 5 %", "the tax was not raised"),
    AnswerKind.SCORE: (0.0, -0.0, 0.9),
    AnswerKind.VECTOR: ((0.0, 1.0), (1.0, 0.5)),
}
SERVICES = ("w", "x", "y", "z")
_SURE = st.sampled_from([None, 0.0, 0.4, 0.9])
_WORDS = st.none() | st.sampled_from(["because", "for another reason"])


@st.composite
def reading(draw, kind: AnswerKind) -> Reading:
    status = draw(st.sampled_from([Status.OK, Status.OK, Status.OK, *Status]))
    answer, others = None, ()
    if status in (Status.OK, Status.FALLBACK):
        answer = draw(st.sampled_from(ANSWERS[kind]))
        if kind is AnswerKind.LABEL:
            others = draw(st.sampled_from([(), (Alternative("c", 0.05),)]))
    return Reading(status, answer, draw(_SURE), others, draw(_WORDS), draw(_WORDS))


@st.composite
def question(draw, item: str, name: str):
    """The rows of one question: who was asked, what each was shown, and what decides."""
    asked = draw(st.permutations(SERVICES))[: draw(st.integers(0, len(SERVICES)))]
    rows = []
    for step, service in enumerate(asked):
        shown = draw(st.sampled_from([(), (), tuple(asked[:step])]))
        parts = {
            "saw": shown,
            "decides": draw(st.sampled_from([True, True, False])),
            "final": draw(st.sampled_from([True, True, True, False])),
        }
        said = draw(reading(TASKS[name].kind))
        rows.append(interpretation(service, said, item_id=item, task=name, step=step, **parts))
    return rows


@st.composite
def batch(draw):
    """Plans and interpretations in which questions are often answered alike."""
    patterns = [
        (name, draw(question("i", name)))
        for name in draw(st.lists(st.sampled_from(sorted(TASKS)), min_size=1, max_size=6))
    ]
    plans, rows = [], []
    for number in range(draw(st.integers(1, 12))):
        name, like = draw(st.sampled_from(patterns))
        item = f"i{number:02d}"
        plans.append(plan(item, content_hash=f"h{number}", task=name, kind=TASKS[name].kind))
        for one in like:
            # what an answer rests on differs, also where the answers are alike
            evidence = draw(_WORDS) if one.status == Status.OK else one.evidence
            rows.append(replace(one, item_id=item, evidence=evidence))
    cut = draw(st.integers(0, len(rows)))
    tables = [interpretations(*rows[cut:]), interpretations(*rows[:cut])]
    return rows_to_arrow(PROCESSING_PLANS, plans), tables


def without_evidence(votes):
    return tuple((name, replace(said, evidence=None)) for name, said in votes)


@given(batch())
def test_questions_answered_alike_share_what_they_are_read_as(made) -> None:
    _, tables = made
    readings, roles = group_answers(tables)
    alike, shared_roles = group_alike(tables)
    assert list(alike) == list(readings)
    assert alike == {key: without_evidence(votes) for key, votes in readings.items()}
    assert shared_roles == roles
    for key, votes in alike.items():
        same = [other for other in alike if alike[other] == votes and roles[other] == roles[key]]
        assert {id(alike[other]) for other in same} == {id(votes)}
        assert {id(shared_roles[other]) for other in same} == {id(shared_roles[key])}
    some = list(readings)[::2]
    assert readings_of(some, tables) == {key: readings[key] for key in some}


@given(batch(), st.sampled_from(ResolutionPolicy), st.booleans())
@settings(deadline=None)
def test_resolutions_are_those_of_each_question_by_itself(made, policy, learn) -> None:
    plans, tables = made
    manners = {"w": Manner.LITERAL, "x": Manner.SEMANTIC}
    rules = ResolutionRules(dict.fromkeys(TASKS, policy), dict.fromkeys(TASKS, manners))
    settings_of = load_policy(None).policy
    few = settings_of.disagreement.model_copy(update={"learn_from_items": 1 if learn else 10_000})
    learning = settings_of.model_copy(update={"disagreement": few})

    def resolved(group, resolve):
        readings, roles = group(tables)
        unaided = independent(readings, roles)
        weights = label_weights(unaided, TASKS, {}, learning, lambda name: None)
        known = weights.by_question | learned_weights((), unaided, {})
        return resolve(readings, TASKS, roles, rules, known, weights.basis)

    expected = resolved(
        group_answers,
        lambda *given: rows_to_arrow(
            RESOLUTIONS, resolve_plans(PROCESSING_PLANS.rows(plans), *given)
        ),
    )
    assert resolved(group_alike, lambda *given: resolve_alike(plans, *given)).equals(expected)


@given(batch())
@settings(deadline=None)
def test_disagreements_and_kinds_are_those_of_each_question_by_itself(made) -> None:
    plans, tables = made
    asked = list(PROCESSING_PLANS.rows(plans))
    readings, roles = group_answers(tables)
    alike, shared_roles = group_alike(tables)
    expected = disagreements(asked, readings, TASKS, None, {}, roles)
    found = disagreements(
        asked, alike, TASKS, None, {}, shared_roles, lambda keys: readings_of(keys, tables)
    )
    assert rows_to_arrow(DISAGREEMENTS, found).equals(rows_to_arrow(DISAGREEMENTS, expected))
    search = KindSearch(tuple(DisputeKind), (), lambda item: None)
    by_itself = [row for one in asked for row in dispute_kinds([one], readings, TASKS, search, {})]
    assert list(dispute_kinds(asked, alike, TASKS, search, {})) == by_itself
