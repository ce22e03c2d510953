from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.record_fields import FieldType, RecordField
from orchestration_assets.text.replies.answers import schema_for
from orchestration_assets.text.replies.record_schema import (
    fields_in_words,
    record_request,
    record_schema,
)
from tests.evidence.records_drawn import FIELDS


def objects(schema):
    """Every object within a schema."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for inner in schema.values():
            yield from objects(inner)


def test_every_object_is_one_that_strict_structured_output_takes() -> None:
    """All members required, none besides, and each with a type."""
    for quotes in (False, True):
        task = Task("t", "1", AnswerKind.RECORD, fields=FIELDS, quotes=quotes)
        schema = schema_for(task)
        assert ("quotes" in schema["properties"]) is quotes
        found = list(objects(schema))
        assert len(found) == 3 + quotes
        for one in found:
            assert one["required"] == list(one["properties"])
            assert one["additionalProperties"] is False
            assert all("type" in member for member in one["properties"].values())


def test_what_the_content_does_not_say_may_be_null_whatever_its_type() -> None:
    members = record_schema(FIELDS)["properties"]
    assert all("null" in member["type"] for member in members.values())
    assert members["kind"]["enum"] == ["invoice", "letter", None]
    assert members["people"]["items"] == {"type": "string"}
    assert "yyyy-mm-dd" in members["day"]["description"]


def test_fields_in_words_say_type_need_labels_unit_and_what_is_within() -> None:
    fields = (
        RecordField("total", FieldType.NUMBER, required=True, description="to pay", unit="EUR"),
        *FIELDS[3:],
    )
    assert fields_in_words(fields).splitlines() == [
        "- total (number, required): to pay; in EUR",
        "- kind (label, one of: invoice, letter)",
        "- paid (boolean)",
        "- lines (list of objects)",
        "  - item (text)",
        "  - amount (number)",
        "  - day (date): as yyyy-mm-dd, yyyy-mm or yyyy",
        "- people (list of texts)",
    ]


def test_quotes_are_asked_for_only_where_they_are_wanted() -> None:
    assert '"quotes"' in record_request(FIELDS, quotes=True)
    assert '"quotes"' not in record_request(FIELDS, quotes=False)
