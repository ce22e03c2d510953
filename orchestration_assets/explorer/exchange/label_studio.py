"""Label Studio: tasks with predictions to import there, and its JSON export back.

Formats: https://labelstud.io/guide/task_format (annotated tasks) and
https://labelstud.io/guide/predictions (pre-annotations). One labelling configuration serves every
kind of answer: choices that come with the task, a number, and a text of one's own.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from orchestration_assets.explorer.exchange.answer_values import (
    ForeignFileError,
    about,
    as_one_text,
    plain_answer,
    records_in,
)
from orchestration_assets.explorer.exchange.open_questions import OpenQuestion, ServiceAnswer
from orchestration_assets.explorer.verdict_log import GivenVerdict
from orchestration_assets.schemas.enums import AnswerKind

CONFIG: Final = """\
<View>
  <Header value="$question"/>
  <Header size="6" value="$allowed"/>
  <Text name="content" value="$content"/>
  <Text name="passages" value="$passages"/>
  <Choices name="label" toName="content" choice="multiple" value="$choices"/>
  <Number name="score" toName="content"/>
  <TextArea name="own" toName="content" maxSubmissions="1" editable="true"/>
</View>
"""
"""The labelling configuration that the exported tasks are made for."""


def label_studio_task(question: OpenQuestion) -> dict[str, Any]:
    """A question as a task: what services said are its predictions."""
    row = question.row
    choices = row.choices if row.kind in (AnswerKind.LABEL, AnswerKind.SET) else ()
    return {
        "data": {
            "content": question.content,
            "passages": "\n".join(question.passages),
            "question": row.question or row.task,
            "allowed": row.allowed,
            "choices": [{"value": choice} for choice in choices],
            "path": row.path,
            "item": row.item_id,
            "task": row.task,
            "content_hash": row.content_hash,
            "asked_in": question.asked_in,
        },
        "predictions": [_prediction(one, set(choices)) for one in question.answers],
    }


def _prediction(given: ServiceAnswer, choices: set[str]) -> dict[str, Any]:
    plain = plain_answer(given.answer)
    chosen = plain if isinstance(plain, list) else [plain]
    result: dict[str, Any] = {"id": "answer", "to_name": "content"}
    if isinstance(plain, float):
        result |= {"from_name": "score", "type": "number", "value": {"number": plain}}
    elif chosen and all(isinstance(one, str) and one in choices for one in chosen):
        result |= {"from_name": "label", "type": "choices", "value": {"choices": chosen}}
    else:
        text = as_one_text(given.answer)
        result |= {"from_name": "own", "type": "textarea", "value": {"text": [text]}}
    prediction = {"model_version": given.service, "result": [result]}
    return prediction if given.confidence is None else prediction | {"score": given.confidence}


def from_label_studio(file: str, text: str, people: Mapping[str, str]) -> Iterator[GivenVerdict]:
    """The verdicts of a JSON export; skipped (cancelled) annotations are left out.

    ``people`` maps their ids or mail addresses there to the names that verdicts are signed with.
    Raises ForeignFileError.
    """
    for number, task in enumerate(records_in(file, text), 1):
        place = f"{file}, task {number}"
        if not isinstance(task, Mapping):
            raise ForeignFileError(f"{place}: is no object; export as JSON, not as JSON-MIN")
        known = about(task.get("data"), place)
        annotations = task.get("annotations", [])
        if not isinstance(annotations, list):
            raise ForeignFileError(f"{place}, annotations: is no list; export as JSON")
        for annotation in annotations:
            if not isinstance(annotation, Mapping):
                raise ForeignFileError(f"{place}, annotations: one is no object; export as JSON")
            value = None if annotation.get("was_cancelled") else _value(annotation, place)
            if value is not None:
                yield GivenVerdict(
                    verdict=value,
                    who=_person(annotation.get("completed_by"), people),
                    when=_moment(annotation, place),
                    **known,
                )


def _value(annotation: Mapping[str, Any], place: str) -> Any:
    """What an annotation says: a text of one's own before a choice; None when it says nothing."""
    said: dict[str, Any] = {}
    results = annotation.get("result", [])
    for result in results if isinstance(results, list) else ():
        value = result.get("value") if isinstance(result, Mapping) else None
        if not isinstance(value, Mapping):
            raise ForeignFileError(f"{place}, result: has no value; export as JSON")
        for name in ("text", "choices", "number"):
            if name in value:
                said.setdefault(name, value[name])
    own = said.get("text")
    texts = [own] if isinstance(own, str) else own if isinstance(own, list) else []
    written = "\n".join(str(one) for one in texts).strip()
    if written:
        return written
    choices = said.get("choices")
    if isinstance(choices, list) and choices:
        return choices[0] if len(choices) == 1 else choices
    return said.get("number")


def _person(given: Any, people: Mapping[str, str]) -> str:
    """Who completed an annotation: named, else by mail address, else by number."""
    both = isinstance(given, Mapping)
    names = (given.get("email"), given.get("id")) if both else (given,)
    known = [str(one) for one in names if one not in (None, "")]
    for one in known:
        if one in people:
            return people[one]
    if not known:
        return "somebody in Label Studio"
    return known[0] if "@" in known[0] else f"Label Studio user {known[0]}"


def _moment(annotation: Mapping[str, Any], place: str) -> str:
    given = annotation.get("updated_at") or annotation.get("created_at")
    try:
        return datetime.fromisoformat(str(given)).isoformat()
    except ValueError as error:
        raise ForeignFileError(
            f"{place}, updated_at: is no time such as 2026-03-09T21:52:49Z; export as JSON"
        ) from error
