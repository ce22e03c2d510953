"""Answers as JSON holds them, and the errors of files of other tools."""

import json
from collections.abc import Mapping
from typing import Any, Final

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.record_answers import RecordAnswer, plain_fields

ABOUT: Final = ("item", "task", "content_hash", "asked_in")
"""What a question carries through another tool, and comes back with its verdict."""


class ForeignFileError(OrchestrationError):
    """A file of another tool that holds no verdicts of ours; the message has place and remedy."""


def plain_answer(answer: Answer) -> Any:
    """An answer as text, number, list of texts, or object of fields."""
    if isinstance(answer, RecordAnswer):
        return plain_fields(answer)
    return list(answer) if isinstance(answer, tuple) else answer


def as_one_text(answer: Answer) -> str:
    """An answer as one text that a verdict may be: members joined by ``;``, a record as JSON."""
    plain = plain_answer(answer)
    if isinstance(plain, dict):
        return json.dumps(plain, ensure_ascii=False)
    return "; ".join(map(str, plain)) if isinstance(plain, list) else str(plain)


def about(given: Any, place: str) -> dict[str, str]:
    """Item, task, content and sheet of a question that comes back. Raises ForeignFileError."""
    if not isinstance(given, Mapping):
        raise ForeignFileError(f"{place}: is no object; import a file that was exported from here")
    found = {}
    for name in ABOUT:
        value = given.get(name)
        if not isinstance(value, str) or not value:
            raise ForeignFileError(
                f"{place}: has no {name}; import what came of `orchestrate verdicts export`"
            )
        found[name] = value
    return found


def records_in(file: str, text: str) -> list[Any]:
    """The list that a JSON file holds. Raises ForeignFileError."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ForeignFileError(f"{file}: is no valid JSON ({error}); export it as JSON") from error
    if not isinstance(given, list):
        raise ForeignFileError(f"{file}: is no list of records; export all of them as JSON")
    return given
