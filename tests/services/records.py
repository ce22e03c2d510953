"""Questions for records, and what stands in the answers, as the tests of these services ask."""

from collections.abc import Mapping
from typing import Any

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.record_answers import RecordAnswer, plain_fields
from orchestration_assets.schemas.record_config import FieldConfig, fields_of
from orchestration_assets.services.registry import load_embedded
from orchestration_assets.text.grounding import grounded


def task(fields: Mapping[str, Any], *, quotes: bool = True) -> Task:
    """A task of these fields, written as in a policy."""
    configs = {
        name: FieldConfig.model_validate({"type": one} if isinstance(one, str) else one)
        for name, one in fields.items()
    }
    return Task("facts", "1", AnswerKind.RECORD, fields=fields_of(configs), quotes=quotes)


def read(
    service: str,
    text: str,
    fields: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    **profile: str,
) -> Reading:
    """The reading, with the quotes that do not stand in the text marked."""
    asked = Question(task(fields), Item("item", "hash", "withheld", text, profile))
    return grounded(load_embedded(service, parameters).answer(asked), text)


def values(reading: Reading) -> dict[str, Any]:
    """The values by field, as JSON holds them; none of an abstention. Every quote must stand."""
    if reading.answer is None:
        return {}
    assert isinstance(reading.answer, RecordAnswer)
    assert reading.answer.ungrounded == ()
    return plain_fields(reading.answer)
