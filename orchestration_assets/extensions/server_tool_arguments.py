"""Arguments of tools that servers offer, held to the JSON Schema as it was accepted."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

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

    References in the schema resolve within it.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry

    try:
        arguments = json.loads(written or "{}", parse_constant=_no_number)
        # half a character can be escaped in JSON, and not be sent
        json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise ToolError("the arguments do not fit: they are no JSON") from error
    if not isinstance(arguments, dict):
        raise ToolError("the arguments do not fit: they are no object")
    made = validator_for(tool.arguments, default=Draft202012Validator)
    problem = best_match(made(tool.arguments, registry=Registry()).iter_errors(arguments))
    if problem is not None:
        where = ".".join(map(str, problem.absolute_path)) or "they"
        raise ToolError(f"the arguments do not fit: {where}: {problem.message}"[:_LONGEST_REASON])
    return arguments


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
