"""Disputes are grouped by cause, and what explains a cause rests on enough items."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.reporting.dispute_causes import (
    DisputedPair,
    TaskFeatures,
    causes,
    worth_reading,
)
from orchestration_assets.schemas.enums import DisagreementKind

LABEL, TEXT = DisagreementKind.LABEL_CONFLICT, DisagreementKind.TEXT_DIVERGENCE


def pair(
    item: str, a: str, b: str, severity: float = 0.5, task: str = "type", **rest
) -> DisputedPair:
    given = {"kind": LABEL, "service_a": "extension", "service_b": "grammar"} | rest
    return DisputedPair(
        item,
        f"{item}.md",
        task,
        given.pop("kind"),
        given.pop("service_a"),
        a,
        given.pop("service_b"),
        b,
        severity,
        f"{a} or {b}",
        **given,
    )


def features(**counts: int) -> dict[str, dict[str, str]]:
    """Items ``md0``, ``md1`` and so on by extension."""
    return {
        f"{extension}{n}": {"extension": extension, "family": "markup"}
        for extension, count in counts.items()
        for n in range(count)
    }


def found_in(pairs, known):
    tasks = {task: TaskFeatures(known, known) for task in {one.task for one in pairs}}
    return causes(pairs, tasks), tasks


def test_what_the_content_has_in_common_is_counted_over_all_questions_of_the_task() -> None:
    known = features(md=40, py=100)
    pairs = [pair(f"md{n}", "markdown", "rst") for n in range(31)]
    pairs.append(pair("py0", "markdown", "rst"))
    ((cause,), _) = found_in(pairs, known)
    assert cause.sentence == "extension says markdown, grammar says rst"
    why = cause.explanation
    assert why is not None
    assert (why.feature, why.value, why.disputed, why.asked) == ("extension", "md", 31, 40)
    assert (why.elsewhere, why.asked_elsewhere) == (1, 100)


def test_a_share_of_a_few_items_or_of_all_content_explains_nothing() -> None:
    few = features(md=12, py=100)
    ((cause,), _) = found_in([pair(f"md{n}", "markdown", "rst") for n in range(12)], few)
    assert cause.explanation is None
    alike = features(md=100)
    ((cause,), _) = found_in([pair(f"md{n}", "markdown", "rst") for n in range(50)], alike)
    assert cause.explanation is None
    rare = features(md=400, py=4000)
    ((cause,), _) = found_in([pair(f"md{n}", "markdown", "rst") for n in range(12)], rare)
    assert cause.explanation is None, "a cause of 3 in 100 is not at home there"


def test_items_of_which_a_feature_is_not_known_are_on_neither_side() -> None:
    """As the language of short messages: there may be more of them than of all other values."""
    known = features(md=40, py=20) | {f"short{n}": {"family": "markup"} for n in range(60)}
    items = [*(f"md{n}" for n in range(36)), *(f"short{n}" for n in range(30)), "py0"]
    ((cause,), _) = found_in([pair(item, "markdown", "rst") for item in items], known)
    why = cause.explanation
    assert why is not None
    assert (why.value, why.elsewhere, why.asked_elsewhere) == ("md", 1, 20)


def test_one_answer_against_several_about_the_same_content_is_one_cause() -> None:
    known = features(f90=60, py=400)
    others = ["ruby", "lua", "text"]
    pairs = [pair(f"f90{n}", "fortran", others[n % 3]) for n in range(45)]
    (whole,), _ = found_in(pairs, known)
    assert whole.sentence == "extension says fortran, grammar says lua 15, ruby 15, text 15"
    spread = [pair(f"py{n * 7}", "fortran", others[n % 3]) for n in range(9)]
    apart, _ = found_in(spread, features(py=400, f90=60))
    assert len(apart) == 3, "without anything in common each pair of answers is a cause"


def test_a_wide_cause_leads_and_its_questions_are_in_no_other() -> None:
    known = features(md=100, py=100)
    wide = [pair(f"md{n}", "markdown", "rst", 0.6) for n in range(30)]
    echo = [
        pair(f"md{n}", "rst", "markdown", 0.6, service_a="grammar", service_b="z")
        for n in range(30)
    ]
    single = [pair("py1", "python", "c", 0.7)]
    title = [pair("py2", "Released in June 2019", "Released in July 2019", 0.4, "title", kind=TEXT)]
    found, tasks = found_in(wide + echo + single + title, known)
    first, rest = worth_reading(found, tasks, 10)
    assert first[0].cause.sentence.startswith("extension says markdown")
    questions = [one.question for choice in first for one in choice.cause.pairs]
    assert len(questions) == len(set(questions)) == 32
    assert rest == ()
    assert {choice.cause.task for choice in first[:2]} <= {"type", "title"}
    assert any("a date" in choice.cause.sentence for choice in first)


def test_sets_scores_and_vectors_are_grouped_by_direction() -> None:
    known = features(md=3)
    sets = [
        pair("md0", "x", "y", kind=DisagreementKind.SET_MISMATCH, only_a=("x",)),
        pair("md1", "x", "y", kind=DisagreementKind.SET_MISMATCH, only_b=("y",)),
    ]
    scores = [
        pair("md0", "0.9", "0.1", task="score", kind=DisagreementKind.SCORE_GAP),
        pair("md1", "-0.9", "0.1", task="score", kind=DisagreementKind.SCORE_GAP),
    ]
    vectors = [
        pair(
            f"md{n}",
            "vector of 8",
            "vector of 4",
            task="near",
            kind=DisagreementKind.NEIGHBOURHOOD_SHIFT,
        )
        for n in range(2)
    ]
    found, _ = found_in(sets + scores + vectors, known)
    assert Counter(one.task for one in found) == {"type": 2, "score": 2, "near": 1}
    assert "extension scores higher than grammar" in {one.sentence for one in found}


_pairs = st.lists(
    st.builds(
        pair,
        st.sampled_from([f"md{n}" for n in range(12)]),
        st.sampled_from("abc"),
        st.sampled_from("def"),
        st.floats(0.01, 1),
        st.sampled_from(["type", "tone"]),
    ),
    max_size=40,
    unique_by=lambda one: one.question,
)


@settings(max_examples=60, deadline=None)
@given(_pairs, st.integers(0, 12))
def test_every_question_is_in_one_cause_and_no_more_are_shown_than_asked_for(pairs, limit) -> None:
    known = features(md=12)
    found, tasks = found_in(pairs, known)
    first, rest = worth_reading(found, tasks, limit)
    shown = [one for choice in first for one in choice.representatives]
    assert len(shown) <= limit
    assert len(shown) == len({one.question for one in shown})
    every = [one.question for c in (*(x.cause for x in first), *rest) for one in c.pairs]
    assert sorted(every) == sorted(one.question for one in pairs)
    assert worth_reading(causes(pairs[::-1], tasks), tasks, limit) == (first, rest)
