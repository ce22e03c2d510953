"""Verdicts about fields of records, as people write them."""

import pytest

from orchestration_assets.content.record_verdicts import RecordVerdictError, read_record_verdict
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import FieldType, RecordField

FIELDS = (RecordField("total", FieldType.NUMBER), RecordField("answer", FieldType.TEXT))


@pytest.mark.parametrize("written", ["total: 3\nanswer = none", '{"total": 3, "answer": null}'])
def test_fields_have_a_value_or_none(written: str) -> None:
    said = read_record_verdict(written, FIELDS)
    assert said == RecordAnswer((("total", 3.0),), absent=("answer",))


@pytest.mark.parametrize(
    "written", ['{"total":' * 100_000, '{"total": NaN}', "total: 1; 2", "{}", "", "totl: 3"]
)
def test_what_judges_no_field_is_refused_in_words(written: str) -> None:
    with pytest.raises(RecordVerdictError):
        read_record_verdict(written, FIELDS)
