"""The fields of a record task as a policy declares them: one by one, or as a JSON Schema."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from orchestration_assets.schemas.record_fields import (
    PLAIN_ENTRY,
    FieldType,
    RecordField,
)
from orchestration_assets.schemas.services import Strict

FieldName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=60)]
_MOST_DEPTH: Final = 3


class FieldConfig(Strict):
    """One field of a record."""

    type: FieldType
    required: bool = Field(
        default=False, description="an answer without it is refused, and asked for again"
    )
    description: str = Field(default="", description="what it holds, for services and people")
    labels: tuple[str, ...] = Field(default=(), description="label: the closed set, if any")
    unit: str = Field(default="", description="number: the unit that answers are given in")
    tolerance: Annotated[float, Field(ge=0.0)] = Field(
        default=0.0, description="number: values that lie no farther apart are the same"
    )
    fields: "Fields" = Field(
        default_factory=dict,
        description="list: the fields of an entry; without them entries are plain texts",
    )

    @model_validator(mode="after")
    def _fits_type(self) -> "FieldConfig":
        belongs = {
            "labels": FieldType.LABEL,
            "unit": FieldType.NUMBER,
            "tolerance": FieldType.NUMBER,
            "fields": FieldType.LIST,
        }
        for name, kind in belongs.items():
            if getattr(self, name) and self.type is not kind:
                raise ValueError(f"{name} belongs to the type {kind}, not to {self.type}")
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("labels must differ from each other")
        if _depth(self) > _MOST_DEPTH:
            raise ValueError(f"lists may stand in lists {_MOST_DEPTH} deep at most")
        return self

    def as_field(self, name: str) -> RecordField:
        """The field as services and measures see it."""
        plain = self.type is FieldType.LIST and not self.fields
        return RecordField(
            name,
            self.type,
            self.required,
            self.description,
            self.labels,
            self.unit,
            self.tolerance,
            PLAIN_ENTRY if plain else fields_of(self.fields),
            plain,
        )


def _typed(given: Any) -> Any:
    """A bare type stands for a field of this type."""
    return {"type": given} if isinstance(given, str) else given


FieldOrType = Annotated[FieldConfig, BeforeValidator(_typed)]
"""A field, or its type alone where there is nothing else to say."""


def _by_name(given: Any) -> Any:
    """Fields as a mapping; a list of them with their names is what is pinned."""
    if not isinstance(given, list) or not all(
        isinstance(one, dict) and "name" in one for one in given
    ):
        return given
    named = [str(one["name"]) for one in given]
    if len(set(named)) < len(named):
        raise ValueError("each field needs a name of its own")
    return {
        name: {key: value for key, value in one.items() if key != "name"}
        for name, one in zip(named, given, strict=True)
    }


def _told_apart(fields: dict[str, FieldConfig]) -> dict[str, FieldConfig]:
    """Answers are read without the case and separators of their names."""
    read: dict[str, str] = {}
    for name in fields:
        plain = name.replace("_", "").casefold()
        if not plain:
            raise ValueError(f"{name} needs a letter or digit")
        if plain in read:
            raise ValueError(
                f"{read[plain]} and {name} are told apart by case or _ alone: rename one of them"
            )
        read[plain] = name
    return fields


def _in_order(fields: Mapping[str, FieldConfig]) -> list[dict[str, Any]]:
    return [{"name": name, **field.model_dump(mode="json")} for name, field in fields.items()]


Fields = Annotated[
    dict[FieldName, FieldOrType],
    BeforeValidator(_by_name),
    AfterValidator(_told_apart),
    PlainSerializer(_in_order),
]
"""Fields by name. Their order is that of the record: a list keeps it where keys are sorted."""
FieldConfig.model_rebuild()


def _depth(config: FieldConfig) -> int:
    inside = [_depth(one) for one in config.fields.values()]
    return (config.type is FieldType.LIST) + max(inside, default=0)


def fields_of(configs: Mapping[str, FieldConfig]) -> tuple[RecordField, ...]:
    """The fields that a policy declares, in its order."""
    return tuple(config.as_field(name) for name, config in configs.items())


_SIMPLE: Final = {"number": "number", "integer": "number", "boolean": "boolean", "string": "text"}
_READ: Final = frozenset(
    "type properties required items enum format description title $schema $id additionalProperties "
    "unit tolerance".split()
)


def fields_in_schema(schema: Mapping[str, Any], path: str = "json_schema") -> dict[str, Any]:
    """The fields that a JSON Schema of an object describes, as a policy would declare them.

    Read are ``properties`` of type string (of ``format: date``, or with an ``enum``), number,
    integer, boolean, and arrays of strings or of objects; ``required``, ``description``, and two
    keys beyond the standard, ``unit`` and ``tolerance``. Raises ValueError, which names the place,
    for whatever else constrains an answer: it would not be kept.
    """
    _known_keys(schema, path)
    properties = schema.get("properties")
    if schema.get("type", "object") != "object" or not isinstance(properties, Mapping):
        raise ValueError(f"{path} must be of type object, with properties")
    required = schema.get("required", ())
    if not isinstance(required, list | tuple) or not set(map(str, required)) <= set(properties):
        raise ValueError(f"{path}.required must list names of properties")
    return {
        name: {**_field(one, f"{path}.properties.{name}"), "required": name in required}
        for name, one in properties.items()
    }


def _field(schema: Any, path: str) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        raise ValueError(f"{path} must be a mapping")
    _known_keys(schema, path)
    kept = {key: schema[key] for key in ("description", "unit", "tolerance") if key in schema}
    kinds = schema.get("type")
    # a value that may be null is one that may be missing
    named = [one for one in kinds if one != "null"] if isinstance(kinds, list | tuple) else [kinds]
    kind = named[0] if len(named) == 1 and isinstance(named[0], str) else None
    if "enum" in schema:
        given = schema["enum"]
        labels = [one for one in given if one is not None] if isinstance(given, list) else []
        if not labels or not all(isinstance(label, str) for label in labels):
            raise ValueError(f"{path}.enum must list texts")
        return {**kept, "type": "label", "labels": labels}
    if kind == "string" and "format" in schema:
        if schema["format"] != "date":
            raise ValueError(f"{path}.format can be date, nothing else")
        return {**kept, "type": "date"}
    if kind in _SIMPLE:
        return {**kept, "type": _SIMPLE[kind]}
    if kind == "array":
        return {**kept, "type": "list", **_entries(schema.get("items"), f"{path}.items")}
    raise ValueError(f"{path}.type must be string, number, integer, boolean or array")


def _entries(items: Any, path: str) -> dict[str, Any]:
    if isinstance(items, Mapping) and items.get("type") == "object":
        return {"fields": fields_in_schema(items, path)}
    if isinstance(items, Mapping) and items.get("type") == "string":
        if kept := sorted(set(items) & {"enum", "format"}):
            raise ValueError(f"{path}.{kept[0]} is not kept by records: entries are any texts")
        _known_keys(items, path)
        return {}
    raise ValueError(f"{path} must be of type string, or an object with properties")


def _known_keys(schema: Mapping[str, Any], path: str) -> None:
    if unknown := sorted(map(str, set(schema) - _READ)):
        known = ", ".join(sorted(_READ))
        raise ValueError(f"{path}.{unknown[0]} is not kept by records; known here: {known}")
