"""The fields of a record task: what a policy may say of them, and what an error tells."""

import pytest

from orchestration_assets.policy.load import PolicyError, parse_policy
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.record_fields import PLAIN_ENTRY, FieldType, RecordField

_POLICY = """
version: 2
services:
  m: {type: openai_chat, base_url: "http://127.0.0.1:1/v1", model: m, prompt: {user: "{{content}}"}}
tasks:
  invoice:
    question: What does it say?
    kind: KIND
    DECLARED
    default: {model: sequential, services: [m]}
"""


def declared(what: str, kind: str = "record"):
    text = _POLICY.replace("KIND", kind).replace("DECLARED", what)
    return build_tasks(parse_policy(text, "policy.yaml").policy)["invoice"].fields


def problem(what: str, kind: str = "record") -> str:
    with pytest.raises(PolicyError) as caught:
        declared(what, kind)
    return str(caught.value)


def test_fields_are_declared_one_by_one_or_by_their_type_alone() -> None:
    found = declared(
        "fields: {number: text, total: {type: number, unit: EUR, tolerance: 0.005, required: true},"
        " lines: {type: list, fields: {item: text, amount: number}}, people: list}"
    )
    assert found == (
        RecordField("number", FieldType.TEXT),
        RecordField("total", FieldType.NUMBER, required=True, unit="EUR", tolerance=0.005),
        RecordField(
            "lines",
            FieldType.LIST,
            fields=(RecordField("item", FieldType.TEXT), RecordField("amount", FieldType.NUMBER)),
        ),
        RecordField("people", FieldType.LIST, fields=PLAIN_ENTRY, plain=True),
    )


def test_a_json_schema_declares_the_same_fields() -> None:
    schema = """json_schema:
      type: object
      required: [total]
      properties:
        total: {type: number, unit: EUR, tolerance: 0.005}
        day: {type: [string, "null"], format: date, description: when}
        kind: {type: string, enum: [invoice, letter, null]}
        paid: {type: boolean}
        pages: {type: integer}
        people: {type: array, items: {type: string}}
        lines:
          type: array
          items: {type: object, properties: {item: {type: string}}, required: [item]}
    """
    fields = """fields:
      total: {type: number, unit: EUR, tolerance: 0.005, required: true}
      day: {type: date, description: when}
      kind: {type: label, labels: [invoice, letter]}
      paid: boolean
      pages: number
      people: list
      lines: {type: list, fields: {item: {type: text, required: true}}}
    """
    assert declared(schema) == declared(fields)


@pytest.mark.parametrize(
    ("what", "place", "remedy"),
    [
        ("quotes: true", "tasks.invoice", "give fields or json_schema"),
        ("fields: {}", "tasks.invoice", "give fields or json_schema"),
        (
            "fields: {a: text}\n    json_schema: {properties: {a: {type: string}}}",
            "tasks.invoice",
            "give fields or json_schema",
        ),
        ("fields: {a: money}", "tasks.invoice.fields.a", "number"),
        ("fields: {a: {type: text, unit: EUR}}", "tasks.invoice.fields.a", "unit belongs to"),
        ("fields: {a: {type: number, labels: [b]}}", "tasks.invoice.fields.a", "the type label"),
        ("fields: {a: {type: number, tolerance: -1}}", "fields.a.tolerance", "0"),
        ("fields: {a b: text}", "tasks.invoice.fields", "[A-Za-z_]"),
        (
            "fields: {a: {type: list, fields: {b: {type: list, fields: {c: {type: list, fields: "
            "{d: list}}}}}}}",
            "tasks.invoice.fields.a",
            "3 deep at most",
        ),
        ("json_schema: {type: array}", "json_schema", "must be of type object"),
        (
            "json_schema: {properties: {a: {type: string, pattern: x}}}",
            "json_schema.properties.a.pattern",
            "known here: ",
        ),
        (
            "json_schema: {properties: {a: {type: string, format: email}}}",
            "json_schema.properties.a.format",
            "can be date",
        ),
        (
            "json_schema: {properties: {a: {anyOf: []}}}",
            "json_schema.properties.a.anyOf",
            "known here: ",
        ),
        (
            "json_schema: {properties: {a: {type: [string, number]}}}",
            "json_schema.properties.a.type",
            "string, number, integer, boolean or array",
        ),
        (
            "json_schema: {properties: {a: {type: array, items: {type: number}}}}",
            "json_schema.properties.a.items",
            "of type string, or an object",
        ),
        (
            "json_schema: {properties: {a: {type: string, enum: [1, 2]}}}",
            "json_schema.properties.a.enum",
            "must list texts",
        ),
        (
            "json_schema: {properties: {a: {enum: 3}}}",
            "json_schema.properties.a.enum",
            "list texts",
        ),
        (
            "json_schema: {properties: {a: {enum: xy}}}",
            "json_schema.properties.a.enum",
            "list texts",
        ),
        (
            "json_schema: {properties: {a: {enum: []}}}",
            "json_schema.properties.a.enum",
            "list texts",
        ),
        ("json_schema: {properties: {a: {enum: [b, b]}}}", "tasks.invoice", "labels must differ"),
        ("json_schema: {properties: {a: {type: [[b]]}}}", "properties.a.type", "or array"),
        ("json_schema: {properties: {a: {type: {b: 1}}}}", "properties.a.type", "or array"),
        (
            "json_schema: {properties: {a: {type: array, items: {type: string, enum: [b]}}}}",
            "json_schema.properties.a.items.enum",
            "is not kept by records",
        ),
        ("fields: {net_total: number, netTotal: number}", "tasks.invoice.fields", "by case or _"),
        ("fields: {_: text}", "tasks.invoice.fields", "needs a letter"),
        (
            "fields: {a: text, b: {type: list, fields: {c: number}}}\n"
            "    validate: [{rule: b.c > 0}]",
            "tasks.invoice.validate[0].rule",
            "b.c has several values",
        ),
        (
            "fields: {a: text}\n    validate: [{rule: \"matches(a, '((b+))+')\"}]",
            "tasks.invoice.validate[0].rule",
            "may never end",
        ),
        (
            "json_schema: {properties: {a: {type: string}}, required: [b]}",
            "json_schema.required",
            "names of properties",
        ),
    ],
)
def test_an_error_names_the_place_and_what_would_do(what, place, remedy) -> None:
    told = problem(what)
    assert place in told
    assert remedy in told


@pytest.mark.parametrize("what", ["fields: {a: text}", "quotes: true"])
def test_only_a_record_has_fields(what) -> None:
    assert "only a task of kind record has fields" in problem(what, kind="text")
