import pytest

from orchestration_assets.disagreement.task_questions import allowed_answers
from orchestration_assets.schemas.enums import AnswerKind
from tests.disagreement.batches import task
from tests.evidence.answers import TASKS


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (task(AnswerKind.LABEL, labels=("a", "b")), "one of: a, b"),
        (task(AnswerKind.LABEL), "any label"),
        (task(AnswerKind.SET, labels=("a", "b")), "some of: a, b"),
        (task(AnswerKind.SET), "a list of words or phrases"),
        (task(AnswerKind.SCORE, scale=(-1.0, 1.0)), "a number from -1 to 1"),
        (task(AnswerKind.TEXT), "one text"),
        (
            TASKS[AnswerKind.RECORD],
            f"values of: {', '.join(one.name for one in TASKS[AnswerKind.RECORD].fields)}; single "
            "entries as lines[0].item, a missing one lines[+]",
        ),
        (task(AnswerKind.VECTOR), "a vector; nobody can judge it"),
    ],
)
def test_a_task_says_which_answers_it_admits(asked, words) -> None:
    assert allowed_answers(asked) == words
