"""Loading a policy: from a YAML file to a valid, hashed policy, or to all of its errors at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from orchestration_assets.policy.files import UnreadableError, read_text
from orchestration_assets.policy.hashes import policy_hash
from orchestration_assets.policy.kept_policies import (
    KeptPolicyError,
    first_use,
    is_kept_policy,
    read_kept_policy,
)
from orchestration_assets.policy.plain_values import is_free_text, value_problems
from orchestration_assets.policy.problems import (
    PolicyError,
    Problem,
    closest_name,
    describe_value,
    dotted_path,
)
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
    text: str | None = None
    """What the file says, with its comments; None where the policy was kept in canonical form."""
    kept_as: str | None = None
    """The hash under which it was kept, if it was: settings that came into the format since are
    not in that."""


def load_policy(path: str | Path | None = None) -> LoadedPolicy:
    """The policy of a file or one that a home keeps, or the packaged default, which needs no
    network.

    Raises PolicyError, which lists every problem with path, value and nearest valid name.
    """
    if path is None:
        text = (files("orchestration_assets.policy") / "default.yaml").read_text("utf-8")
        return parse_policy(text, PACKAGED)
    if is_kept_policy(path):
        return _load_kept(Path(path))
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
        problems.append(Problem("", describe_value(raw), "must be a mapping of sections"))
        raise PolicyError(source, problems)
    try:
        policy = Policy.model_validate(raw)
    except ValidationError as error:
        known = {problem.path for problem in problems}
        problems += [
            problem for problem in _schema_problems(error, raw) if problem.path not in known
        ]
    else:
        problems += value_problems(policy)
        problems += semantic_problems(policy)
    if problems:
        raise PolicyError(source, _with_lines(problems, text))
    return LoadedPolicy(policy, policy_hash(policy), source, text)


def _load_kept(path: Path) -> LoadedPolicy:
    """A policy that was valid when it was kept: what is installed may have changed since."""
    first = first_use(path.parent, path.stem)
    source = f"{first.source} (kept)" if first else f"{path.name} (kept)"
    try:
        policy = read_kept_policy(path)
    except KeptPolicyError as error:
        raise PolicyError(source, [Problem("", "", f"{error}; {_ACTIVATE}")]) from error
    problems = [*value_problems(policy), *semantic_problems(policy)]
    if problems:
        raise PolicyError(source, problems)
    return LoadedPolicy(policy, policy_hash(policy), source, kept_as=path.stem)


_ACTIVATE: Final = "activate a policy with `orchestrate policy activate FILE`, or give --policy"


def _with_lines(problems: Sequence[Problem], text: str) -> list[Problem]:
    """The problems with their lines: of the value itself, or of the nearest one around it."""
    lines = read_yaml(text, lines=True).lines
    by_path = {dotted_path(path): line for path, line in lines.items()}
    return [
        replace(problem, line=problem.line or _line_of(problem.path, by_path))
        for problem in problems
    ]


def _line_of(path: str, by_path: Mapping[str, int]) -> int | None:
    while path and path not in by_path:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return by_path.get(path) if path else None


def _schema_problems(error: ValidationError, raw: Any) -> Iterator[Problem]:
    schema = _json_schema()
    seen: set[tuple[str, str]] = set()
    for number, detail in enumerate(error.errors(include_url=False, include_context=True)):
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


@cache
def _json_schema() -> dict[str, Any]:
    return Policy.model_json_schema(by_alias=True)


_SCALARS: Final = ("bool", "int", "float", "str")
_MOST_HINTS: Final = 100
_QUOTE: Final = ": quote it"


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
    return list(dict.fromkeys(name for part in parts for name in part.get("properties", {})))


def _variants(schema: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in node:
        return _variants(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    if members := node.get("anyOf") or node.get("oneOf"):
        return [part for member in members for part in _variants(schema, member)]
    return [node]
