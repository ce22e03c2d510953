"""Arguments of tools of servers: whatever a service writes fits the schema, or is told why not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.extensions.server_tool_arguments import fitting_arguments
from orchestration_assets.extensions.tools import ToolError
from orchestration_assets.schemas.tool_servers import ServerTool

pytest.importorskip("jsonschema")
TOOL = ServerTool(
    arguments={
        "type": "object",
        "properties": {"place": {"$ref": "#/$defs/place"}, "days": {"type": "integer"}},
        "required": ["place"],
        "$defs": {"place": {"type": "string", "maxLength": 5}},
    }
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
)


@given(
    st.text()
    | PLAIN.map(json.dumps)
    | st.fixed_dictionaries({"place": PLAIN}, optional={"days": PLAIN}).map(json.dumps)
)
def test_what_is_sent_fits_and_can_be_sent(written: str) -> None:
    try:
        arguments = fitting_arguments(TOOL, written)
    except ToolError as error:
        assert str(error).startswith("the arguments do not fit: ")
        return
    assert isinstance(arguments["place"], str)
    assert len(arguments["place"]) <= 5
    json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize(
    "written",
    ['{"place": "\\ud800"}', '{"place": "x", "n": NaN}', '{"place": "x", "n": 1e999}', "[" * 9_000],
)
def test_what_json_cannot_carry_is_refused(written: str) -> None:
    with pytest.raises(ToolError, match="no JSON"):
        fitting_arguments(TOOL, written)


def patterned(**more: object) -> ServerTool:
    return ServerTool(arguments={"type": "object", **more})


@pytest.mark.parametrize(
    ("tool", "fits", "does_not"),
    [
        (
            patterned(properties={"a": {"pattern": "^(a+)+$"}}),
            {"a": "a" * 99},
            {"a": "a" * 99 + "!"},
        ),
        (
            patterned(
                patternProperties={"^(a+)+$": {"type": "integer"}}, additionalProperties=False
            ),
            {"a" * 99 + "!": "x"},
            {"a" * 99: "x"},
        ),
        # of no use to RE2, and so the server's own matter; the rest is held to
        (
            patterned(properties={"a": {"pattern": "^(?=b)b$", "maxLength": 2}}),
            {"a": "c"},
            {"a": "ccc"},
        ),
        # a name of an argument, and no keyword
        (patterned(properties={"pattern": {"type": "string"}}), {"pattern": "("}, {"pattern": 1}),
    ],
)
def test_no_pattern_of_a_schema_takes_for_ever(
    tool: ServerTool, fits: dict[str, object], does_not: dict[str, object]
) -> None:
    assert fitting_arguments(tool, json.dumps(fits)) == fits
    with pytest.raises(ToolError, match="do not fit"):
        fitting_arguments(tool, json.dumps(does_not))
