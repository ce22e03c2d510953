"""From a YAML file to a valid, hashed policy, or to all of its errors at once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from orchestration_assets.policy.problems import PolicyError, Problem, dotted, nearest, shorten
from orchestration_assets.policy.validate import semantic_problems
from orchestration_assets.schemas.policy import Policy

PACKAGED = "packaged default"
# fields that people fill with the secret instead of the name of its variable
_NEVER_SHOWN = ("url_variable", "headers", "header_env")


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A valid policy, the hash that pins it, and where it came from."""

    policy: Policy
    hash: str
    source: str


class _Loader(yaml.CSafeLoader):
    """Safe YAML in which a key given twice is an error, not a silent replacement."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is not text: quote it", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def load_policy(path: str | Path | None = None) -> LoadedPolicy:
    """The policy of a file, or the packaged default, which needs no network.

    Raises PolicyError, which lists every problem with path, value and nearest valid name.
    """
    if path is None:
        text = (files("orchestration_assets.policy") / "default.yaml").read_text("utf-8")
        return parse_policy(text, PACKAGED)
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(str(path), [Problem("", "", f"cannot be read: {error}")]) from error
    return parse_policy(text, str(path))


def parse_policy(text: str, source: str) -> LoadedPolicy:
    """The policy that YAML text describes. Raises PolicyError."""
    try:
        raw = yaml.load(text, _Loader)  # noqa: S506 -- a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error)
        raise PolicyError(source, [Problem(where, "", f"not valid YAML: {reason}")]) from error
    if not isinstance(raw, dict):
        raise PolicyError(source, [Problem("", shorten(raw), "must be a mapping of sections")])
    try:
        policy = Policy.model_validate(raw)
    except ValidationError as error:
        raise PolicyError(source, list(_schema_problems(error, raw))) from error
    if problems := list(semantic_problems(policy)):
        raise PolicyError(source, problems)
    return LoadedPolicy(policy, policy_hash(policy), source)


def policy_hash(policy: Policy) -> str:
    """64 bits of blake2b over the canonical policy, hex: layout and comments do not count."""
    return canonical_hash(policy.canonical())


def canonical_hash(policy: Mapping[str, Any]) -> str:
    """The same of a canonical policy that was kept: fields that came later do not count."""
    canonical = json.dumps(policy, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=8).hexdigest()


def _schema_problems(error: ValidationError, raw: Any) -> Iterator[Problem]:
    schema = Policy.model_json_schema(by_alias=True)
    seen: set[tuple[str, str]] = set()
    for detail in error.errors(include_url=False):
        # pydantic inserts the member of a union that it tried; it is not in the file
        location = _within(raw, detail["loc"])
        path = dotted(location)
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            names = _names_at(schema, location[:-1])
            known = f"; known here: {', '.join(names)}" if names else ""
            problem = Problem(path, "", f"unknown key{known}", nearest(location[-1], names))
        elif detail["type"] == "missing":
            problem = Problem(path, "", "is required and missing")
        else:
            options = [str(option) for option in _enumeration(detail)]
            shown = "" if path.endswith(_NEVER_SHOWN) else shorten(detail["input"])
            problem = Problem(path, shown, message, nearest(detail["input"], options))
        if (problem.path, problem.message) not in seen:
            seen.add((problem.path, problem.message))
            yield problem


def _enumeration(detail: Any) -> list[str]:
    expected = str(detail.get("ctx", {}).get("expected", ""))
    return [part.strip(" '") for part in expected.replace(" or ", ",").split(",") if part.strip()]


def _within(raw: Any, location: Sequence[int | str]) -> list[int | str]:
    """The part of a pydantic location that names places in the file."""
    found: list[int | str] = []
    here = raw
    for position, step in enumerate(location):
        last = position == len(location) - 1
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
