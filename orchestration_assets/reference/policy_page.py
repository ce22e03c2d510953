"""The reference of the policy file, made from its models and those of embedded services."""

import json
from collections.abc import Iterator, Mapping
from inspect import getdoc
from typing import Any, Final

from orchestration_assets.reference.markdown import anchor, heading, page, prose, table
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.services.registry import EMBEDDED, embedded_class

_Schema = Mapping[str, Any]
_INTRODUCTION: Final = """\
Written by `python -m orchestration_assets.reference policy > docs/policy.md`; a test compares it.

The policy is one YAML file. Each section below is one mapping of it, named by where it stands:
`NAME` is a name that you choose, `[]` an element of a list. Keys without a default must be given;
unknown keys are refused. `orchestrate policy check FILE` reports all problems of a file,
`orchestrate policy show` prints the policy in force with every default filled in.
"""
_BOUNDS: Final = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "not empty",
    "minItems": "{} or more",
    "maxItems": "{} at most",
    "minProperties": "{} or more",
}
_MIB: Final = 1024 * 1024
_TYPES: Final = {"string": "text", "array": "list", "object": "mapping"}
_NAMES: Final = {
    r"^[a-z][a-z0-9_]*$": "name",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "name",
    r"^ORCHESTRATION_[A-Z0-9_]+$": "variable name",
}


def policy_page() -> str:
    """Every key of the policy with type, range, default and meaning; then the embedded services."""
    schema = Policy.model_json_schema(by_alias=True)
    places = _places(schema)
    return page(
        heading(1, "The policy file"),
        _INTRODUCTION.rstrip(),
        *(_section(schema, title, name, places) for name, title in places.items()),
        heading(2, "Embedded services"),
        "`implementation` of a service with `type: embedded`. `Reads` is what an answer depends on "
        "beside the content, `Time` the usual time of one call.",
        table(("Implementation", "Answers", "Reads", "Time", "What it does"), _embedded()),
    )


def _places(schema: _Schema) -> dict[str, str]:
    """Model -> the nearest place where it stands, grouped by the top key."""
    places = {"": "Top level"}
    waiting = [("", "")]
    for name, place in waiting:
        for key, field in _model(schema, name)["properties"].items():
            for inner, suffix in _models_of(field):
                if inner in places or "properties" not in _model(schema, inner):
                    continue
                places[inner] = f"{place}.{key}{suffix}".lstrip(".")
                waiting.append((inner, places[inner]))
    top = list(schema["properties"])
    return dict(sorted(places.items(), key=lambda pair: _order(top, pair[1])))


def _order(top: list[str], place: str) -> int:
    first = place.partition(".")[0].partition("[")[0]
    return top.index(first) if first in top else -1


def _model(schema: _Schema, name: str) -> _Schema:
    model: _Schema = schema["$defs"][name] if name else schema
    return model


def _models_of(field: _Schema, suffix: str = "") -> Iterator[tuple[str, str]]:
    """The models that a value may be, and what stands between its key and theirs."""
    if "$ref" in field:
        yield field["$ref"].rpartition("/")[2], suffix
    for option in (*field.get("anyOf", ()), *field.get("oneOf", ())):
        yield from _models_of(option, suffix)
    if "items" in field:
        yield from _models_of(field["items"], f"{suffix}[]")
    for values in _values_of(field):
        yield from _models_of(values, f"{suffix}.NAME")


def _values_of(field: _Schema) -> Iterator[_Schema]:
    yield from field.get("patternProperties", {}).values()
    if isinstance(field.get("additionalProperties"), Mapping):
        yield field["additionalProperties"]


def _section(schema: _Schema, place: str, name: str, places: Mapping[str, str]) -> str:
    model = _model(schema, name)
    required = model.get("required", ())
    rows = [
        (
            f"`{key}`",
            _type(schema, field, places),
            "required" if key in required else _default(field),
            _meaning(schema, field),
        )
        for key, field in model["properties"].items()
    ]
    others = sorted(_all_places(schema, name, places) - {place})
    return page(
        heading(2, _title(place, model)),
        prose(model.get("description", "")),
        f"Also at {', '.join(f'`{other}`' for other in others)}." if others else "",
        table(("Key", "Type and range", "Default", "Meaning"), rows),
    ).rstrip()


def _all_places(schema: _Schema, name: str, places: Mapping[str, str]) -> set[str]:
    """Every place where a model stands, one step below the places of others."""
    return {
        f"{place}.{key}{suffix}"
        for outer, place in places.items()
        for key, field in _model(schema, outer)["properties"].items()
        for inner, suffix in _models_of(field)
        if inner == name and outer
    }


def _title(place: str, model: _Schema) -> str:
    """The place; services of several types stand at the same one and are told apart."""
    kind = model["properties"].get("type", {}).get("const")
    return f"{place}, type {kind}" if kind else place


def _type(schema: _Schema, field: _Schema, places: Mapping[str, str]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        model = _model(schema, name)
        if name not in places:
            return _one_of(model["enum"])
        title = _title(places[name], model)
        return f"[{title}](#{anchor(title)})"
    if options := [*field.get("anyOf", ()), *field.get("oneOf", ())]:
        return " or ".join(dict.fromkeys(_type(schema, option, places) for option in options))
    if "enum" in field or "const" in field:
        return _one_of(field.get("enum") or [field["const"]])
    plain = str(field["type"])
    kind = _NAMES.get(field.get("pattern", ""), _TYPES.get(plain, plain))
    if "prefixItems" in field:
        return f"{kind} of {len(field['prefixItems'])} numbers"
    inside = [field["items"]] if "items" in field else list(_values_of(field))
    of = " or ".join(dict.fromkeys(_type(schema, option, places) for option in inside))
    bounds = [words.format(_number(field[key])) for key, words in _BOUNDS.items() if key in field]
    return ", ".join([f"{kind} of {of}" if of else kind, *bounds])


def _number(value: float) -> str:
    """A number in the shortest way; whole MiB as such."""
    if value and value % _MIB == 0:
        return f"{value // _MIB} MiB"
    return f"{int(value)}" if value == int(value) else f"{value}"


def _one_of(values: list[Any]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _default(field: _Schema) -> str:
    """The default as YAML; that of a section is the defaults of its keys."""
    if "default" not in field:
        return "empty"
    value = field["default"]
    if isinstance(value, Mapping):
        return "see there"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value)
    return f"`{json.dumps(value)}`".replace('"', "") if value != "" else "empty"


def _meaning(schema: _Schema, field: _Schema) -> str:
    """What the field says of itself, else the first sentence of the model that it holds."""
    if "description" in field:
        return prose(field["description"])
    inner = next((name for name, _ in _models_of(field)), None)
    described = _model(schema, inner).get("description", "") if inner else ""
    return prose(described).partition("\n")[0].rstrip(".")


def _embedded() -> Iterator[tuple[str, ...]]:
    for name in EMBEDDED:
        service = embedded_class(name)
        sentence = prose(getdoc(service) or "").partition("\n")[0]
        parameters = service.Parameters
        if parameters.model_fields:
            sentence = f"{sentence} Parameters: {prose(getdoc(parameters) or '')}"
        kinds = ", ".join(sorted(service.kinds))
        reads = ", ".join(sorted(service.reads))
        yield f"`{name}`", kinds, reads, f"{service.expected_ms:g} ms", sentence
