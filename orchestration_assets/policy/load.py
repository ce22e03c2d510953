"""From a YAML file to a valid, hashed policy, or to all of its errors at once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from orchestration_assets.policy.files import UnreadableError, read_text
from orchestration_assets.policy.plain_values import is_free, value_problems
from orchestration_assets.policy.problems import PolicyError, Problem, dotted, found, nearest
from orchestration_assets.policy.validate import semantic_problems
from orchestration_assets.policy.yaml_text import YamlError, read_yaml
from orchestration_assets.schemas.policy import Policy

PACKAGED = "packaged default"


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A valid policy, the hash that pins it, and where it came from."""

    policy: Policy
    hash: str
    source: str


def load_policy(path: str | Path | None = None) -> LoadedPolicy:
    """The policy of a file, or the packaged default, which needs no network.

    Raises PolicyError, which lists every problem with path, value and nearest valid name.
    """
    if path is None:
        text = (files("orchestration_assets.policy") / "default.yaml").read_text("utf-8")
        return parse_policy(text, PACKAGED)
    source = str(path).encode("utf-8", "backslashreplace").decode()
    try:
        text = read_text(path)
    except UnreadableError as error:
        raise PolicyError(source, [Problem("", "", str(error))]) from error
    return parse_policy(text, source)


def parse_policy(text: str, source: str) -> LoadedPolicy:
    """The policy that YAML text describes. Raises PolicyError."""
    try:
        document = read_yaml(text)
    except YamlError as error:
        raise PolicyError(source, [error.problem]) from error
    raw, problems = document.value, list(document.problems)
    if not isinstance(raw, dict):
        problems.append(Problem("", found(raw), "must be a mapping of sections"))
        raise PolicyError(source, problems)
    try:
        policy = Policy.model_validate(raw)
    except ValidationError as error:
        known = {problem.path for problem in problems}
        problems += [one for one in _schema_problems(error, raw) if one.path not in known]
    else:
        problems += value_problems(policy)
        problems += semantic_problems(policy)
    if problems:
        raise PolicyError(source, _with_lines(problems, text))
    return LoadedPolicy(policy, policy_hash(policy), source)


def _with_lines(problems: Sequence[Problem], text: str) -> list[Problem]:
    """The problems with the line of what each is about, or of the nearest thing around it."""
    lines = read_yaml(text, lines=True).lines
    by_path = {dotted(path): line for path, line in lines.items()}
    return [replace(one, line=one.line or _line_of(one.path, by_path)) for one in problems]


def _line_of(path: str, by_path: Mapping[str, int]) -> int | None:
    while path and path not in by_path:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return by_path.get(path) if path else None


def policy_hash(policy: Policy) -> str:
    """64 bits of blake2b over the canonical policy, hex: layout and comments do not count."""
    return canonical_hash(policy.canonical())


def canonical_hash(policy: Mapping[str, Any]) -> str:
    """The same of a canonical policy that was kept: fields that came later do not count."""
    canonical = json.dumps(policy, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=8).hexdigest()


def _schema_problems(error: ValidationError, raw: Any) -> Iterator[Problem]:
    schema = _json_schema()
    seen: set[tuple[str, str]] = set()
    for number, detail in enumerate(error.errors(include_url=False, include_context=True)):
        # pydantic inserts the member of a union that it tried; it is not in the file
        location = _within(raw, detail["loc"], names_a_gap=detail["type"] == "missing")
        path = dotted(location)
        message = detail["msg"].removeprefix("Value error, ")
        if len(location) < len(detail["loc"]) and detail["loc"][-1] in _SCALARS:
            message = "must be text, a number, true or false"
        # looking for near names takes time, and nobody reads that many
        near = nearest if number < _MOST_HINTS else _no_hint
        if detail["type"] == "extra_forbidden":
            names = _names_at(schema, location[:-1])
            known = f"; known here: {', '.join(names)}" if names else ""
            problem = Problem(path, "", f"unknown key{known}", near(location[-1], names))
        elif detail["type"] == "missing":
            problem = Problem(path, "", "is required and missing")
        else:
            options = _enumeration(detail)
            given = _given_type(detail)
            shown = "" if is_free(location) else found(given, options)
            hint = _QUOTE if detail["type"] == "string_type" and _is_scalar(given) else ""
            problem = Problem(path, shown, message + hint, near(given, options))
        if (problem.path, problem.message) not in seen:
            seen.add((problem.path, problem.message))
            yield problem


@cache
def _json_schema() -> dict[str, Any]:
    return Policy.model_json_schema(by_alias=True)


_SCALARS: Final = ("bool", "int", "float", "str")
_MOST_HINTS: Final = 100
_QUOTE: Final = ": quote it"


def _no_hint(name: object, valid: Sequence[str]) -> str | None:
    return None


def _is_scalar(given: object) -> bool:
    return isinstance(given, bool | int | float)


def _given_type(detail: Any) -> Any:
    """What stands in the file: of a service without a known type, its type."""
    given = detail["input"]
    if detail["type"] == "service_type" and isinstance(given, dict):
        return given.get("type")
    return given


def _enumeration(detail: Any) -> list[str]:
    if detail["type"] == "service_type":
        return ["embedded", "openai_chat", "openai_embeddings"]
    expected = str(detail.get("ctx", {}).get("expected", ""))
    return [part.strip(" '") for part in expected.replace(" or ", ",").split(",") if part.strip()]


def _within(
    raw: Any, location: Sequence[int | str], *, names_a_gap: bool = False
) -> list[int | str]:
    """The part of a pydantic location that names places in the file.

    ``names_a_gap``: the last step names what is missing there.
    """
    found: list[int | str] = []
    here = raw
    for position, step in enumerate(location):
        last = names_a_gap and position == len(location) - 1
        if isinstance(here, dict) and (step in here or last):
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        else:
            continue
        found.append(step)
    return found


def _names_at(schema: dict[str, Any], location: Sequence[int | str]) -> list[str]:
    """The keys that the JSON Schema admits at a location."""
    here = [schema]
    for step in location:
        below: list[dict[str, Any]] = []
        for node in here:
            for part in _variants(schema, node):
                if isinstance(step, int):
                    below.append(part.get("items", {}))
                elif step in part.get("properties", {}):
                    below.append(part["properties"][step])
                elif isinstance(values := part.get("additionalProperties"), dict):
                    below.append(values)
                else:
                    below += part.get("patternProperties", {}).values()
        here = below
    parts = [part for node in here for part in _variants(schema, node)]
    return list(dict.fromkeys(name for part in parts for name in part.get("properties", {})))


def _variants(schema: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in node:
        return _variants(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    if members := node.get("anyOf") or node.get("oneOf"):
        return [part for member in members for part in _variants(schema, member)]
    return [node]
