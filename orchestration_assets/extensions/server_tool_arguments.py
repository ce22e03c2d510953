"""Arguments of tools that servers offer, held to the JSON Schema as it was accepted."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.extensions.tools import ToolError
from orchestration_assets.schemas.tool_servers import ServerTool

_LONGEST_REASON: Final = 300


def schema_problem(tool: ServerTool) -> str:
    """What keeps the schema from being one that arguments can be held to; empty where nothing."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    schema = tool.arguments
    if any(not one.startswith("#") for one in _references(schema)):
        return "refers to a schema elsewhere, and nothing is fetched"
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except (SchemaError, re.error, RecursionError) as error:
        said = error.message if isinstance(error, SchemaError) else str(error)
        return f"is no JSON Schema: {said}"[:_LONGEST_REASON]
    return ""


def fitting_arguments(tool: ServerTool, written: str) -> dict[str, Any]:
    """The arguments of a call. Raises ToolError for what does not fit.

    References in the schema resolve within it. Patterns are matched in linear time; what needs
    more is left to the server.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from jsonschema.validators import extend, validator_for
    from referencing import Registry

    try:
        arguments = json.loads(written or "{}", parse_constant=_no_number)
        # half a character can be escaped in JSON, and not be sent
        json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise ToolError("the arguments do not fit: they are no JSON") from error
    if not isinstance(arguments, dict):
        raise ToolError("the arguments do not fit: they are no object")
    plain = validator_for(tool.arguments, default=Draft202012Validator)
    made = extend(plain, _own_keywords(tool.arguments))
    problem = best_match(made(tool.arguments, registry=Registry()).iter_errors(arguments))
    if problem is not None:
        where = ".".join(map(str, problem.absolute_path)) or "they"
        raise ToolError(f"the arguments do not fit: {where}: {problem.message}"[:_LONGEST_REASON])
    return arguments


def _own_keywords(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords that match patterns. Python's own matcher may never end, and nothing else of
    the process goes on meanwhile: a service that was told so by a text could stop the run."""
    own: dict[str, Any] = {"pattern": _pattern, "patternProperties": _pattern_properties}
    if "patternProperties" in json.dumps(schema):
        # both look at these patterns by themselves
        own |= {"additionalProperties": _left_open, "unevaluatedProperties": _left_open}
    return own


def _pattern(_: Any, pattern: str, value: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if isinstance(value, str) and _matches(pattern, value) is False:
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], value: Any, schema: Any
) -> Iterator[Any]:
    for pattern, inner in patterns.items():
        for name, held in value.items() if isinstance(value, dict) else ():
            if _matches(pattern, name):
                yield from validator.descend(held, inner, path=name, schema_path=pattern)


def _left_open(*_: Any) -> Iterator[Any]:
    yield from ()


def _matches(pattern: str, text: str) -> bool | None:
    """Whether the pattern is found in the text; None for one that RE2 does not know."""
    try:
        return bool(pc.match_substring_regex(pa.scalar(text), pattern).as_py())
    except pa.ArrowInvalid:
        return None


def _no_number(name: str) -> float:
    raise ValueError(f"JSON has no {name}")


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for name, inner in schema.items():
            if name in ("$ref", "$dynamicRef") and isinstance(inner, str):
                yield inner
            yield from _references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _references(inner)
