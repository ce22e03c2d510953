"""Who is asked what and in which order, how far people agree, and what verdicts taught."""

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from orchestration_assets.explorer.asked_questions import (
    AskedQuestions,
    asked_questions,
    queue_part,
)
from orchestration_assets.explorer.lessons import latest_verdicts, lessons
from orchestration_assets.explorer.people_agreement import (
    SaidVerdict,
    agreement_by_task,
    krippendorff_alpha,
    latest_by_person,
)
from orchestration_assets.explorer.review_desk import place_among
from orchestration_assets.explorer.review_order import is_asked_twice
from orchestration_assets.schemas.disagreement import REVIEW_QUEUE, QueuedReading, ReviewRow
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.records import rows_to_arrow
from tests.rows import row


def _question(batch: str, place: int, value: float, content: str, **more: object) -> ReviewRow:
    given_ = {"content_hash": content, "item_id": content, "task": "t", "round": 1, **more}
    return row(ReviewRow, batch=batch, place=place, value=value, **given_)


def _asked(*queues: list[ReviewRow]) -> AskedQuestions:
    """The questions of queues, the newest batch last."""
    return asked_questions(
        [
            queue_part(rows[0].batch, rows_to_arrow(REVIEW_QUEUE, rows))
            for rows in reversed(queues)
            if rows
        ]
    )


def _by_heads(queues: list[list[ReviewRow]]) -> list[tuple[str, str]]:
    """What is asked, written plainly: always the question at the head of a queue that is worth
    most."""
    left = [[one for one in queue if one.probability is None] for queue in queues]
    found: dict[tuple[str, str], None] = {}
    while any(left):
        best = min(
            (queue for queue in left if queue), key=lambda queue: (-queue[0].value, queue[0].batch)
        )
        one = best.pop(0)
        found.setdefault((one.content_hash, one.task))
    return list(found)


queues = st.lists(
    st.lists(
        st.tuples(st.integers(0, 30), st.floats(0, 1), st.sampled_from((None, 0.0, 1.0))),
        max_size=8,
        unique_by=lambda one: one[0],
    ),
    max_size=4,
)


@given(queues)
def test_each_batch_keeps_its_order_and_nothing_is_asked_twice(
    drawn: list[list[tuple[int, float, float | None]]],
) -> None:
    made = [
        [
            _question(f"b{number}", place, value, str(content), probability=probability)
            for place, (content, value, probability) in enumerate(queue, 1)
        ]
        for number, queue in enumerate(drawn)
    ]
    asked = _asked(*made)
    assert [one.key for one in asked.open] == _by_heads(made)
    rows = {(one.batch, one.place): one for queue in made for one in queue}
    for one in asked.open:
        row_ = rows[one.batch, one.at + 1]
        assert one.key == (row_.content_hash, row_.task)
        assert asked.named(one.name) == one
    newest = {(one.content_hash, one.task): queue[0].batch for queue in made for one in queue}
    for key, batch in newest.items():
        found = asked.about(key)
        assert found is not None
        assert (found.key, found.batch) == (key, batch)
    assert asked.about(("none", "t")) is None
    assert asked.named("0" * 16) is None


def test_of_several_batches_the_one_with_the_most_valuable_next_question_comes_first() -> None:
    first = [_question("a", 1, 0.3, "1"), _question("a", 2, 0.9, "2")]
    second = [_question("b", 1, 0.5, "3"), _question("b", 2, 0.1, "4")]
    assert [one.key[0] for one in _asked(first, second).open] == ["3", "1", "2", "4"]


def test_what_one_person_judged_another_is_asked_only_of_a_share() -> None:
    asked = _asked([_question("a", place, 0.5, str(place)) for place in range(1, 101)])
    judged = {one.key: frozenset({"Ada"}) for one in asked.open}
    assert list(asked.open_for("Ada", judged)) == []
    again = list(asked.open_for("Bob", judged))
    assert again == [one for one in asked.open if is_asked_twice(one.key)]
    assert 8 <= len(again) <= 35
    both = {one.key: frozenset({"Ada", "Bob"}) for one in asked.open}
    assert list(asked.open_for("Cyd", both)) == []


def test_a_question_before_somebody_else_is_left_to_them() -> None:
    asked = _asked([_question("a", place, 0.5, str(place)) for place in range(1, 40)])
    twice = next(one.key for one in asked.open if one.twice)
    once = next(one.key for one in asked.open if not one.twice)

    def left_out(*people: str) -> set[object]:
        left = list(asked.open_for("Bob", {}, dict.fromkeys((once, twice), people)))
        return {one.key for one in asked.open if one not in left}

    assert left_out("Ada") == {once}
    assert left_out("Ada", "Cyd") == {once, twice}
    judged = {twice: frozenset({"Ada"})}
    assert twice in {one.key for one in asked.open_for("Bob", judged, {twice: {"Ada"}})}
    assert twice not in {one.key for one in asked.open_for("Bob", judged, {twice: {"Cyd"}})}


def test_what_was_passed_over_comes_last() -> None:
    asked = _asked([_question("a", place, 0.5, str(place)) for place in range(1, 5)])
    passed = frozenset({asked.open[0].name, asked.open[2].name, "f" * 16})
    left = asked.open_for("Ada", {}, {}, passed)
    assert [one.key[0] for one in left] == ["2", "4", "1", "3"]


def test_a_question_takes_few_bytes() -> None:
    rows = [_question("a", place, 0.5, f"{place:064x}") for place in range(1, 2001)]
    asked = _asked(rows)
    # the hashes of all are those of the parts
    columns = [getattr(asked, one.name) for one in fields(asked) if one.name != "hashes"]
    columns += [getattr(part, one.name) for part in asked.parts for one in fields(part)]
    assert sum(getattr(one, "nbytes", 0) for one in columns) < 150 * len(rows)


def test_places_among_open_questions() -> None:
    asked = _asked([_question("a", place, 0.5, str(place)) for place in range(1, 4)])
    names = [one.name for one in asked.open]
    middle = place_among(asked.open, names[1])
    assert (middle.place, middle.before, middle.behind) == (2, names[0], names[2])
    assert place_among(asked.open, names[2]).behind == ""
    assert place_among(asked.open, "0" * 16).behind == names[0]
    assert place_among(_asked().open, names[0]).behind == ""


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
    def asked(content: str, answer: str) -> ReviewRow:
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
    rows = {(one.content_hash, one.task): one for one in every}
    found = lessons(latest_verdicts(said, "Ada", rows.__contains__), rows)
    assert (found.verdicts, found.stood, found.right, found.found_errors) == (2, 2, 1, 1)
    assert found.expected_errors == 0.5
    assert [(one.service, one.right, one.given) for one in found.services] == [
        ("r", 1, 2),
        ("s", 1, 2),
    ]
