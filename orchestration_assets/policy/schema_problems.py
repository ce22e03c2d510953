"""What pydantic says of a policy, as problems that name places in the file and quote no secret."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, groupby
from typing import Any, Final

from pydantic import ValidationError

from orchestration_assets.policy.plain_values import is_free_text
from orchestration_assets.policy.problems import (
    MAX_PROBLEMS,
    Problem,
    closest_name,
    describe_value,
    dotted_path,
)
from orchestration_assets.policy.source_text import ENVIRONMENTS, OF_THE_FILE
from orchestration_assets.schemas.policy import Policy


def schema_problems(error: ValidationError, raw: Any) -> Iterator[Problem]:
    """The problems of a policy whose values are ``raw``, in the words of this project.

    Those beyond MAX_PROBLEMS are left out: see ``left_out``.
    """
    schema = _json_schema()
    seen: set[tuple[str, str]] = set()
    details: list[Any] = [*error.errors(include_url=False, include_context=True)[:MAX_PROBLEMS]]
    for number, detail in enumerate(_united(details, raw)):
        # pydantic inserts the member of a union that it tried; it is not in the file
        location = _file_location(raw, detail["loc"], last_is_missing=detail["type"] == "missing")
        path = dotted_path(location)
        message = detail["msg"].removeprefix("Value error, ")
        if len(location) < len(detail["loc"]) and detail["loc"][-1] in _SCALARS:
            message = "must be text, a number, true or false"
        # looking for near names takes time, and nobody reads that many
        closest = closest_name if number < _MOST_HINTS else _no_closest_name
        if detail["type"] == "extra_forbidden":
            names = _known_keys(schema, location[:-1])
            known = f"; known here: {', '.join(names)}" if names else ""
            problem = Problem(path, "", f"unknown key{known}", closest(location[-1], names))
        elif detail["type"] == "missing":
            problem = Problem(path, "", "is required and missing")
        else:
            options = _enumeration(detail)
            given = _given_type(detail)
            described = "" if is_free_text(location) else describe_value(given, options)
            hint = _QUOTE if detail["type"] == "string_type" and _is_scalar(given) else ""
            problem = Problem(path, described, message + hint, closest(given, options))
        if (problem.path, problem.message) not in seen:
            seen.add((problem.path, problem.message))
            yield problem


def left_out(error: ValidationError) -> int:
    """How many problems ``schema_problems`` leaves out."""
    return max(error.error_count() - MAX_PROBLEMS, 0)


@cache
def _json_schema() -> dict[str, Any]:
    return Policy.model_json_schema(by_alias=True)


_OF_FILES: Final = (*OF_THE_FILE, ENVIRONMENTS)
_SCALARS: Final = ("bool", "int", "float", "str")
_MOST_HINTS: Final = 100
_QUOTE: Final = ": quote it"


_WORDS: Final = frozenset({"enum", "literal_error"})


def _united(details: Iterable[Any], raw: Any) -> Iterator[Any]:
    """The errors; those that say of one place what each member of a union admits are one."""
    for (_, is_word), some in groupby(details, lambda one: _place_of_word(one, raw)):
        listed = list(some)
        if is_word and len(listed) > 1:
            words = list(dict.fromkeys(chain.from_iterable(map(_enumeration, listed))))
            told = [f"{word!r}" for word in words]
            expected = f"{', '.join(told[:-1])} or {told[-1]}"
            yield {**listed[0], "ctx": {"expected": expected}, "msg": f"Input should be {expected}"}
        else:
            yield from listed


def _place_of_word(detail: Any, raw: Any) -> tuple[Sequence[int | str], bool]:
    is_word = detail["type"] in _WORDS
    return _file_location(raw, detail["loc"]) if is_word else detail["loc"], is_word


def _no_closest_name(name: object, valid: Sequence[str]) -> str | None:
    return None


def _is_scalar(given: object) -> bool:
    return isinstance(given, bool | int | float)


def _given_type(detail: Any) -> Any:
    """The value in the file; of a service without a known type, its type."""
    given = detail["input"]
    if detail["type"] == "service_type" and isinstance(given, dict):
        return given.get("type")
    return given


def _enumeration(detail: Any) -> list[str]:
    if detail["type"] == "service_type":
        return ["embedded", "taught", "openai_chat", "openai_embeddings"]
    expected = str(detail.get("ctx", {}).get("expected", ""))
    return [part.strip(" '") for part in expected.replace(" or ", ",").split(",") if part.strip()]


def _file_location(
    raw: Any, location: Sequence[int | str], *, last_is_missing: bool = False
) -> list[int | str]:
    """The part of a pydantic location that names places in the file.

    ``last_is_missing``: the last step names what is missing there.
    """
    path: list[int | str] = []
    value = raw
    for position, step in enumerate(location):
        last = last_is_missing and position == len(location) - 1
        if isinstance(value, dict) and (step in value or last):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            continue
        path.append(step)
    return path


def _known_keys(schema: dict[str, Any], location: Sequence[int | str]) -> list[str]:
    """The keys that the JSON Schema admits at a location."""
    nodes = [schema]
    for step in location:
        children: list[dict[str, Any]] = []
        for node in nodes:
            for part in _variants(schema, node):
                if isinstance(step, int):
                    children.append(part.get("items", {}))
                elif step in part.get("properties", {}):
                    children.append(part["properties"][step])
                elif isinstance(values := part.get("additionalProperties"), dict):
                    children.append(values)
                else:
                    children += part.get("patternProperties", {}).values()
        nodes = children
    parts = [part for node in nodes for part in _variants(schema, node)]
    names = [name for part in parts for name in part.get("properties", {})]
    # what concerns files is merged before the policy is looked at
    return list(dict.fromkeys([*names, *(() if location else _OF_FILES)]))


def _variants(schema: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in node:
        return _variants(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    if members := node.get("anyOf") or node.get("oneOf"):
        return [part for member in members for part in _variants(schema, member)]
    return [node]
