"""The JSON Schema of policy files for editors: what can be completed is named, described, shown.

It is that of the models, and what they leave to the checks after it: the names of embedded services
and their parameters, the features of conditions, examples, and the keys that concern a file.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from inspect import cleandoc, getdoc
from typing import Any, Final

from pydantic.errors import PydanticInvalidForJsonSchema

from orchestration_assets.extensions.features import added_feature, feature_plugins
from orchestration_assets.extensions.kinds import kind_plugins, own_kind
from orchestration_assets.plugins import PluginError, PluginListing
from orchestration_assets.policy.sources import PACKAGED_REFERENCE
from orchestration_assets.schemas.features import FEATURES
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.services.registry import embedded_class, embedded_names

SCHEMA_FILE: Final = "policy.schema.json"
EDITOR_LINE: Final = f"# yaml-language-server: $schema={SCHEMA_FILE}"
"""A comment at the top of a policy, by which editors find the schema beside it."""

_Schema = dict[str, Any]
_DEFS: Final = "$defs"
_PART: Final = "PartOf"
_CONDITIONS: Final = (("Rule", "when"), ("TaskConfig", "applies_to"))
_EXAMPLES: Final[Mapping[tuple[str, str], list[Any]]] = {
    ("Content", "include"): [["**/*.md", "**/*.txt"]],
    ("Content", "exclude"): [[".git", "node_modules", "drafts/**"]],
    ("Content", "sources"): [["incoming", "s3://bucket/path"]],
    ("Records", "files"): ["*.csv", "tickets/*.jsonl"],
    ("Records", "text"): ["body"],
    ("Records", "metadata"): [["label", "author"]],
    ("Execution", "budget_usd"): [5.0],
    ("Webhook", "url_env"): ["ALERTS_URL"],
    ("Alerts", "rules"): [
        [{"name": "errors", "signal": "error_rate", "above": 0.05, "batches": 3, "least": 20}]
    ],
    ("Alerts", "budgets"): [[{"name": "month", "usd": 300}]],
    ("AlertRule", "runbook"): ["Is the worker up? systemctl status orchestrate"],
    ("FeatureCache", "redis_url_env"): ["REDIS_URL"],
    ("EmbeddedConfig", "parameters"): [{"labels": {"billing": ["invoice", "refund"]}}],
    ("ChatConfig", "base_url"): ["https://api.example.com/v1"],
    ("ChatConfig", "base_url_env"): ["ORCHESTRATION_CHAT_URL"],
    ("ChatConfig", "api_key_env"): ["EXAMPLE_API_KEY"],
    ("ChatConfig", "header_env"): [{"api-key": "EXAMPLE_API_KEY"}],
    ("ChatConfig", "model"): ["small-model"],
    ("ChatConfig", "parameters"): [{"temperature": 0}],
    ("ChatConfig", "fallbacks"): [["second_service"]],
    ("EmbeddingsConfig", "base_url"): ["https://api.example.com/v1"],
    ("EmbeddingsConfig", "api_key_env"): ["EXAMPLE_API_KEY"],
    ("EmbeddingsConfig", "model"): ["embedding-model"],
    ("Prompt", "system"): ["{{ task.question }} Answer with one of: {{ labels | join(', ') }}."],
    ("Prompt", "user"): ["{{ content }}"],
    ("TaskConfig", "question"): ["What is this ticket about?"],
    ("TaskConfig", "labels"): [["billing", "delivery", "other"]],
    ("TaskConfig", "fields"): [{"number": "text", "total": "number", "due": "date"}],
    ("TaskConfig", "near_synonyms"): [[["text", "markdown"]]],
    ("TaskConfig", "bands"): [[-0.3, 0.3]],
    ("TaskConfig", "applies_to"): [{"word_count": {"ge": 20}}],
    ("TaskConfig", "after"): [["natural_language"]],
    ("Rule", "when"): [{"word_count": {"lt": 60}}, {"family": {"in": ["prose", "markup"]}}],
    ("Rule", "because"): ["few words are weak evidence, so both services are heard"],
    ("Directive", "paths"): [["legal/**"]],
    ("Validation", "rule"): ["total == sum(lines.amount) + vat"],
    ("Choice", "services"): [["first_service", "second_service"]],
    ("Choice", "stop_at"): [0.95],
    ("Choice", "after"): [{"judge": ["first_service", "second_service"]}],
    ("KnownItem", "text"): ["My invoice is wrong."],
    ("KnownItem", "expect"): ["billing"],
}


def editor_schema() -> _Schema:
    """The JSON Schema, draft 2020-12, of a policy file of the present version.

    A file with services and tasks that extends no other must be complete; any other file may be a
    part, as an extended file or an environment's one is.
    """
    schema = Policy.model_json_schema(by_alias=True)
    definitions: dict[str, _Schema] = schema.pop(_DEFS)
    _name_embedded(definitions)
    _name_plugged_in(definitions)
    for model, field in _CONDITIONS:
        condition = definitions[model]["properties"][field]
        definitions[f"{model}Test"] = condition["additionalProperties"]
        _name_features(condition, f"{model}Test", answers=model == "TaskConfig")
    for model in ("TaskConfig", "FieldConfig"):
        _allow_short_fields(definitions[model]["properties"]["fields"])
    for (model, field), examples in _EXAMPLES.items():
        definitions[model]["properties"][field]["examples"] = examples
    for node in (schema, *definitions.values()):
        _describe(node, definitions)
    parts = {f"{_PART}{name}": _part(deepcopy(node)) for name, node in definitions.items()}
    environment = _part(deepcopy(schema))
    del environment["properties"]["version"]
    file_keys = _file_keys()
    whole, part = deepcopy(schema), _part(deepcopy(schema))
    for one in (whole, part):
        one["properties"] = {**_first(one["properties"]), **file_keys, **one["properties"]}
    part["required"] = ["version"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Policy",
        "description": schema["description"],
        "type": "object",
        "if": {"required": ["services", "tasks"], "not": {"required": ["extends"]}},
        "then": {"$ref": f"#/{_DEFS}/Policy"},
        "else": {"$ref": f"#/{_DEFS}/{_PART}Policy"},
        _DEFS: {
            "Policy": whole,
            f"{_PART}Policy": part,
            "Environment": environment,
            **definitions,
            **parts,
        },
    }


def _first(properties: _Schema) -> _Schema:
    """The version, which editors offer first."""
    return {"version": properties["version"]}


def _file_keys() -> _Schema:
    """The keys that say how a file is put together, which the policy itself does not have."""
    name = {"type": "string", "minLength": 1}
    return {
        "extends": {
            "description": "files that this one is laid over, in their order: paths relative to "
            f"this file, or {PACKAGED_REFERENCE} for the packaged policy",
            "type": "array",
            "items": name,
            "examples": [["base.yaml"], [PACKAGED_REFERENCE]],
        },
        "variables": {
            "description": "environment variables that the !template values of this file may read; "
            "never those of secrets",
            "type": "array",
            "items": {**name, "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
            "examples": [["REGION"]],
        },
        "environments": {
            "description": "environment -> what is laid over the policy when it is chosen with "
            "--env or ORCHESTRATION_ENV",
            "type": "object",
            "patternProperties": {
                "^[a-z][a-z0-9_-]{0,59}$": {"$ref": f"#/{_DEFS}/Environment"},
            },
            "additionalProperties": False,
            "examples": [{"production": {"execution": {"budget_usd": 50}}}],
        },
    }


def _name_embedded(definitions: dict[str, _Schema]) -> None:
    """Says which embedded services there are, plug-ins among them, and what each lets one set.

    A plug-in that is broken, or does not tell its parameters, is named alone.
    """
    embedded = definitions["EmbeddedConfig"]
    sentences: dict[str, str] = {}
    cases = []
    for name in embedded_names():
        try:
            service = embedded_class(name)
            sentences[name] = _sentence(getdoc(service))
            parameters = service.Parameters.model_json_schema(
                by_alias=True, ref_template=f"#/{_DEFS}/{name}.{{model}}"
            )
        except (PluginError, PydanticInvalidForJsonSchema):
            sentences.setdefault(name, "")
            continue
        inner = parameters.pop(_DEFS, {})
        definitions |= {f"{name}.{model}": node for model, node in inner.items()}
        cases.append(
            {
                "if": {
                    "required": ["implementation"],
                    "properties": {"implementation": {"const": name}},
                },
                "then": {
                    "properties": {"parameters": parameters},
                    "required": ["parameters"] if parameters.get("required") else [],
                },
            }
        )
    named = embedded["properties"]["implementation"]
    named["enum"] = list(sentences)
    named["markdownEnumDescriptions"] = [*sentences.values()]
    embedded["allOf"] = cases


def _allow_short_fields(fields: _Schema) -> None:
    """The fields of a record: each may be its type alone; what is in force is shown as a list."""
    by_name = fields.pop("patternProperties")
    for pattern, field in by_name.items():
        by_name[pattern] = {"anyOf": [field, {"$ref": f"#/{_DEFS}/FieldType"}]}
    inner = {"type": fields.pop("type"), "patternProperties": by_name}
    inner["propertyNames"] = fields.pop("propertyNames")
    fields["anyOf"] = [inner, {"type": "array", "items": {"type": "object"}}]


def _name_features(condition: _Schema, test: str, *, answers: bool) -> None:
    """Names the features of a condition, each with its ``test``, instead of taking any key."""
    reference = f"#/{_DEFS}/{test}"
    meanings = {feature.name: feature.meaning for feature in FEATURES} | _added_meanings()
    condition["properties"] = {
        name: {"description": meaning, "$ref": reference} for name, meaning in meanings.items()
    }
    if answers:
        condition["patternProperties"] = {r"^answers\..": {"$ref": reference}}
    condition["additionalProperties"] = False


def _added_meanings() -> dict[str, str]:
    """Feature -> meaning, of the installed plug-ins that are usable."""
    return dict(_loaded(feature_plugins(), lambda name: added_feature(name).feature.meaning))


def _own_kinds() -> dict[str, str]:
    """Kind -> meaning, of the installed plug-ins that are usable."""
    return dict(_loaded(kind_plugins(), lambda name: own_kind(name).kind.meaning))


def _loaded(listed: PluginListing, meaning_of: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    for name in listed.usable:
        with suppress(PluginError):
            yield name, meaning_of(name)


def _name_plugged_in(definitions: dict[str, _Schema]) -> None:
    """Says which kinds and features plug-ins add: shown as examples, since a policy may be written
    where they are not installed."""
    for (model, field), names in {
        ("TaskConfig", "own_kind"): list(_own_kinds()),
        ("Features", "added"): [[name] for name in _added_meanings()],
    }.items():
        if names:
            definitions[model]["properties"][field]["examples"] = names


def _describe(node: _Schema, definitions: Mapping[str, _Schema]) -> None:
    """Describes keys that hold a model by what the model says of itself; docstrings as prose."""
    if "description" in node:
        node["description"] = _prose(node["description"])
    for field in node.get("properties", {}).values():
        if "description" in field:
            continue
        inner = next(_referenced(field), None)
        if inner is not None:
            field["description"] = _sentence(definitions[inner].get("description"))


def _referenced(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield str(node["$ref"]).rpartition("/")[2]
        for inner in node.values():
            yield from _referenced(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _referenced(inner)


def _part(node: _Schema) -> _Schema:
    """The same where nothing need be there yet, since another file may say it."""
    node.pop("required", None)
    node.pop("minProperties", None)
    for name, inner in node.items():
        if name == "$ref":
            model = str(inner).rpartition("/")[2]
            node[name] = f"#/{_DEFS}/{_PART}{model}"
        elif name in {"properties", "patternProperties"}:
            for field in inner.values():
                _part(field)
        elif name in {"additionalProperties", "items", "then"} and isinstance(inner, dict):
            _part(inner)
        elif name in {"anyOf", "oneOf", "allOf", "prefixItems"}:
            for option in inner:
                _part(option)
    return node


def _prose(text: str) -> str:
    return " ".join(cleandoc(text).replace("``", "`").split())


def _sentence(text: str | None) -> str:
    """The first sentence of a docstring."""
    return _prose((text or "").partition("\n\n")[0]).rstrip(".")
