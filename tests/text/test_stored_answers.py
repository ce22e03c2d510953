"""What is not kept of answers: marks stand for it, the same for the same, and the rest stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Alternative, Reading, Task
from orchestration_assets.schemas.policy import Choice, TaskConfig
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import FieldType, RecordField
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redaction import mark
from orchestration_assets.text.replies.stored_answers import taken_out, without_secrets

KEYS = ("ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "AKIA" + "Q3EGRIVYNT7DW2KX")
MAIL = "ada@example.org"
PHONE = "+44 20 7946 0958"


def ok(answer: object, **more: object) -> Reading:
    return Reading(Status.OK, answer=answer, **more)  # type: ignore[arg-type]


@given(st.sampled_from(KEYS), st.sampled_from(KEYS), st.sampled_from(("Use {} now.", "key: {}")))
def test_readings_agree_afterwards_exactly_where_they_did_before(
    one: str, other: str, form: str
) -> None:
    task = Task("t", "1", AnswerKind.TEXT)
    first, second = (without_secrets(ok(form.format(key)), task) for key in (one, other))
    assert (first == second) == (one == other)
    assert one not in str(first) and "SECRET-" in str(first)
    assert without_secrets(first, task) is first
    assert taken_out(str(first.answer)) == {"secret": 1}


def test_addresses_that_are_asked_for_stay_and_go_where_the_task_says_so() -> None:
    task = Task("t", "1", AnswerKind.SET)
    found = ok((MAIL, KEYS[0], PHONE), evidence=f"It says {KEYS[0]}.")
    kept = without_secrets(found, task)
    assert kept.answer == (MAIL, mark(KEYS[0], [SensitiveKind.SECRET]), PHONE)
    assert KEYS[0] not in str(kept)
    strict = Task("t", "1", AnswerKind.SET, redact_answers=tuple(SensitiveKind))
    assert MAIL not in str(without_secrets(found, strict))
    assert PHONE not in str(without_secrets(found, strict))
    # a task that looks for secrets has them
    assert without_secrets(found, Task("t", "1", AnswerKind.SET, redact_answers=())) is found


def test_of_records_texts_are_looked_at_and_labels_dates_and_numbers_stay() -> None:
    fields = (
        RecordField("note", FieldType.TEXT),
        RecordField("at", FieldType.DATE),
        RecordField("lines", FieldType.LIST, fields=(RecordField("said", FieldType.TEXT),)),
    )
    task = Task("t", "1", AnswerKind.RECORD, fields=fields, redact_answers=tuple(SensitiveKind))
    line = RecordAnswer((("said", f"mail {MAIL}"),))
    record = RecordAnswer(
        (("note", KEYS[0]), ("at", "2026-11-30"), ("lines", (line,))),
        quotes=(("note", f"the key {KEYS[0]}"),),
    )
    kept = without_secrets(ok(record), task).answer
    assert isinstance(kept, RecordAnswer)
    assert MAIL not in str(kept) and KEYS[0] not in str(kept)
    assert kept.get("at") == "2026-11-30"
    labels = Task("t", "1", AnswerKind.LABEL, (KEYS[0], "b"))
    reading = ok(KEYS[0], alternatives=(Alternative(KEYS[0], 0.2), Alternative(KEYS[1], 0.1)))
    kept_label = without_secrets(reading, labels)
    assert kept_label.answer == KEYS[0]
    assert [one.answer == KEYS[0] for one in kept_label.alternatives] == [True, False]
    assert KEYS[1] not in str(kept_label)


@pytest.mark.parametrize("listed", [None, [], ["email"], ["secret", "email"], ["keep_secret"]])
def test_secrets_go_whatever_a_policy_lists_but_for_the_word_that_keeps_them(listed) -> None:
    config = TaskConfig(
        question="?",
        kind="set",
        redact_answers=listed,
        default=Choice(model="parallel", services=["s"]),
    )
    task = Task("t", "1", AnswerKind.SET, redact_answers=config.taken_out)
    kept = str(without_secrets(ok((MAIL, KEYS[0])), task))
    assert (KEYS[0] in kept) == (listed == ["keep_secret"])
    assert (MAIL in kept) == ("email" not in (listed or ()))


def test_secrets_cannot_be_kept_and_taken_out() -> None:
    with pytest.raises(ValueError, match="contradict each other: leave out one"):
        TaskConfig(
            question="?",
            kind="set",
            redact_answers=["secret", "keep_secret"],
            default=Choice(model="parallel", services=["s"]),
        )
