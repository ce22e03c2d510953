"""Who is asked what and in which order, how far people agree, and what verdicts taught."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from orchestration_assets.explorer.lessons import lessons
from orchestration_assets.explorer.people_agreement import (
    SaidVerdict,
    agreement_by_task,
    krippendorff_alpha,
    latest_by_person,
)
from orchestration_assets.explorer.review_desk import place_among
from orchestration_assets.explorer.review_order import (
    DeskQuestion,
    desk_question,
    in_asking_order,
    is_asked_twice,
    open_for,
)
from orchestration_assets.schemas.disagreement import QueuedReading, ReviewRow
from orchestration_assets.schemas.enums import AnswerKind
from tests.rows import row


def _question(batch: str, place: int, value: float, content: str, **more: object) -> DeskQuestion:
    given_ = {"content_hash": content, "item_id": content, "task": "t", **more}
    return desk_question(row(ReviewRow, batch=batch, place=place, value=value, **given_))


queues = st.lists(
    st.lists(
        st.tuples(st.integers(0, 30), st.floats(0, 1), st.sampled_from((None, 0.0, 1.0))),
        max_size=8,
        unique_by=lambda one: one[0],
    ),
    max_size=4,
)


@given(queues)
def test_each_batch_keeps_its_order_and_nothing_is_asked_twice(drawn: list[object]) -> None:
    made = [
        [
            _question(f"b{number}", place, value, str(content), probability=probability)
            for place, (content, value, probability) in enumerate(queue, 1)
        ]
        for number, queue in enumerate(drawn)  # type: ignore[arg-type]
    ]
    ordered = in_asking_order(made)
    assert len({one.key for one in ordered}) == len(ordered)
    assert {one.key for one in ordered} == {
        one.key for queue in made for one in queue if one.row.probability is None
    }
    for batch in {one.row.batch for one in ordered}:
        places = [one.row.place for one in ordered if one.row.batch == batch]
        assert places == sorted(places)


def test_of_several_batches_the_one_with_the_most_valuable_next_question_comes_first() -> None:
    first = [_question("a", 1, 0.3, "1"), _question("a", 2, 0.9, "2")]
    second = [_question("b", 1, 0.5, "3"), _question("b", 2, 0.1, "4")]
    assert [one.row.item_id for one in in_asking_order([first, second])] == ["3", "1", "2", "4"]


def test_what_one_person_judged_another_is_asked_only_of_a_share() -> None:
    asked = [_question("a", place, 0.5, str(place)) for place in range(1, 101)]
    judged = {one.key: frozenset({"Ada"}) for one in asked}
    assert open_for("Ada", asked, judged) == []
    again = open_for("Bob", asked, judged)
    assert again == [one for one in asked if is_asked_twice(one.key)]
    assert 8 <= len(again) <= 35
    both = {one.key: frozenset({"Ada", "Bob"}) for one in asked}
    assert open_for("Cyd", asked, both) == []


def test_a_question_before_somebody_else_is_left_to_them() -> None:
    asked = [_question("a", place, 0.5, str(place)) for place in range(1, 40)]
    twice = next(one.key for one in asked if one.twice)
    once = next(one.key for one in asked if not one.twice)

    def left_out(*people: str) -> set[object]:
        left = open_for("Bob", asked, {}, dict.fromkeys((once, twice), people))
        return {one.key for one in asked if one not in left}

    assert left_out("Ada") == {once}
    assert left_out("Ada", "Cyd") == {once, twice}
    judged = {twice: frozenset({"Ada"})}
    assert twice in {one.key for one in open_for("Bob", asked, judged, {twice: {"Ada"}})}
    assert twice not in {one.key for one in open_for("Bob", asked, judged, {twice: {"Cyd"}})}


def test_places_among_open_questions() -> None:
    asked = [_question("a", place, 0.5, str(place)) for place in range(1, 4)]
    names = [one.name for one in asked]
    middle = place_among(asked, names[1])
    assert (middle.place, middle.before, middle.behind) == (2, names[0], names[2])
    assert place_among(asked, names[2]).behind == ""
    assert place_among(asked, "0" * 16).behind == names[0]
    assert place_among([], names[0]).behind == ""


def test_alpha_is_that_of_the_published_example() -> None:
    """Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section C: 0.743."""
    units = ["1 1 1", "2 2 3 2", "3 3 3 3", "3 3 3 3", "2 2 2 2", "1 2 3 4"]
    units += ["4 4 4 4", "1 1 2 1", "2 2 2 2", "5 5 5", "1 1"]
    assert krippendorff_alpha([unit.split() for unit in units]) == approx(0.743, abs=0.0005)
    assert krippendorff_alpha([["a", "a"], ["a", "a"]]) is None
    assert krippendorff_alpha([["a", "b"], ["b", "a"]]) == approx(-0.5)


def _said(content: str, who: str, said: str, when: str = "2026-01-01") -> SaidVerdict:
    return SaidVerdict(content, "t", who, said, when)


def test_people_are_compared_by_what_they_said_last() -> None:
    said = [
        _said("1", "Ada", "x", "2026-01-01"),
        _said("1", "Ada", "y", "2026-01-02"),
        _said("1", "Bob", "y"),
        _said("2", "Ada", "x"),
        _said("2", "Bob", "y"),
        _said("3", "Ada", "x"),
    ]
    (found,) = agreement_by_task(latest_by_person(said))
    assert (found.questions, found.pairs, found.equal, found.share) == (2, 2, 1, 0.5)
    assert found.low < 0.5 < found.high


def test_lessons_count_the_latest_verdicts_on_labels() -> None:
    def asked(content: str, answer: str) -> DeskQuestion:
        readings = (QueuedReading("r", "x", 0.9, None), QueuedReading("s", "y", 0.9, None))
        return _question(
            *("a", 1, 0.5, content),
            kind=AnswerKind.LABEL,
            answer=answer,
            error_risk=0.25,
            choices=("x", "y"),
            readings=(*readings, QueuedReading("mute", "over budget", None, None)),
        )

    every = [asked("1", "x"), asked("2", "x")]
    said = [_said("1", "Ada", "x"), _said("2", "Ada", "y"), _said("2", "Bob", "x")]
    found = lessons(said, "Ada", {one.key: one for one in every})
    assert (found.verdicts, found.stood, found.right, found.found_errors) == (2, 2, 1, 1)
    assert found.expected_errors == 0.5
    assert [(one.service, one.right, one.given) for one in found.services] == [
        ("r", 1, 2),
        ("s", 1, 2),
    ]
