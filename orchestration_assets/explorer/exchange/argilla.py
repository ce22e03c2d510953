"""Argilla: records with suggestions to import there, and its JSON records back.

The format is the one of ``dataset.records.to_json`` and ``from_json`` of the Argilla 2 client:
``fields``, ``metadata``, ``suggestions`` and ``responses`` by the names of fields and questions.
The data set needs the text fields ``content``, ``question`` and ``answers``, and one text question
``verdict``.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from orchestration_assets.explorer.exchange.answer_values import (
    ForeignFileError,
    about,
    as_one_text,
    records_in,
)
from orchestration_assets.explorer.exchange.open_questions import OpenQuestion
from orchestration_assets.explorer.verdict_log import GivenVerdict

QUESTION: Final = "verdict"


def argilla_record(question: OpenQuestion) -> dict[str, Any]:
    """A question as a record; what the surest service said is the suggestion."""
    row = question.row
    surest = max(question.answers, key=lambda one: one.confidence or 0.0, default=None)
    suggestion = (
        {}
        if surest is None
        else {
            QUESTION: {
                "value": as_one_text(surest.answer),
                "score": surest.confidence,
                "agent": surest.service,
            }
        }
    )
    said = "\n".join(f"{one.service}: {as_one_text(one.answer)}" for one in question.answers)
    return {
        "id": f"{row.item_id}/{row.task}/{row.round}",
        "fields": {
            "content": question.content,
            # fields are declared once for a data set: passages belong to what is asked
            "question": "\n".join((row.question or row.task, row.allowed, *question.passages)),
            "answers": said or "no service answered",
        },
        "metadata": {
            "item": row.item_id,
            "task": row.task,
            "content_hash": row.content_hash,
            "asked_in": question.asked_in,
            "path": row.path,
        },
        "suggestions": suggestion,
        "responses": {},
        "vectors": {},
    }


def from_argilla(
    file: str, text: str, people: Mapping[str, str], now: str
) -> Iterator[GivenVerdict]:
    """The verdicts of exported records, as of ``now`` (ISO 8601): the format has no times.

    ``people`` maps the ids of users there to the names that verdicts are signed with. Raises
    ForeignFileError.
    """
    for number, record in enumerate(records_in(file, text), 1):
        place = f"{file}, record {number}"
        if not isinstance(record, Mapping):
            raise ForeignFileError(f"{place}: is no object; export with records.to_json")
        responses = record.get("responses") or {}
        answers = responses.get(QUESTION, []) if isinstance(responses, Mapping) else None
        if not isinstance(answers, list):
            raise ForeignFileError(f"{place}, responses: is no list of answers to {QUESTION!r}")
        if not answers:
            continue
        known = about(record.get("metadata"), place)
        for answer in answers:
            if not isinstance(answer, Mapping) or "value" not in answer:
                raise ForeignFileError(f"{place}, responses: an answer has no value")
            user = str(answer.get("user_id") or "")
            who = people.get(user) or (f"Argilla user {user}" if user else "somebody in Argilla")
            if answer["value"] not in (None, "", []):
                yield GivenVerdict(verdict=answer["value"], who=who, when=now, **known)
