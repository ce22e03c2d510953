"""The JSON Schema of a policy, with what each embedded service lets one set."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from pydantic.errors import PydanticInvalidForJsonSchema

from orchestration_assets.plugins import PluginError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.services.registry import embedded_class, embedded_names

_EMBEDDED: Final = "EmbeddedConfig"


def policy_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the policy file, parameters of packaged services and of
    the installed plug-ins included. What a plug-in does not tell is left out."""
    parameters = {name: _parameters(name) for name in embedded_names()}
    return with_parameters(
        Policy.model_json_schema(by_alias=True),
        {name: own for name, own in parameters.items() if own is not None},
    )


def _parameters(implementation: str) -> dict[str, Any] | None:
    """The schema of what a service lets one set; None where its plug-in is broken."""
    try:
        return embedded_class(implementation).Parameters.model_json_schema(
            by_alias=True, ref_template=f"#/$defs/{implementation}.{{model}}"
        )
    except (PluginError, PydanticInvalidForJsonSchema):
        return None


def with_parameters(
    schema: Mapping[str, Any], parameters: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """``schema`` with that of the parameters by implementation: where a service names one, its
    parameters are described and held to them."""
    whole = deepcopy(dict(schema))
    definitions: dict[str, Any] = whole["$defs"]
    service = definitions[_EMBEDDED]
    service["properties"]["implementation"]["examples"] = list(parameters)
    service["allOf"] = [
        _condition(implementation, definitions, dict(own))
        for implementation, own in parameters.items()
    ]
    return whole


def _condition(
    implementation: str, definitions: dict[str, Any], own: dict[str, Any]
) -> dict[str, Any]:
    """What holds where a service names the implementation; ``definitions`` gets its models."""
    for name, inner in own.pop("$defs", {}).items():
        definitions[f"{implementation}.{name}"] = inner
    definitions[f"{implementation}.parameters"] = own
    then: dict[str, Any] = {
        "properties": {"parameters": {"$ref": f"#/$defs/{implementation}.parameters"}}
    }
    if own.get("required"):
        then["required"] = ["parameters"]
    named = {"properties": {"implementation": {"const": implementation}}}
    return {"if": named | {"required": ["implementation"]}, "then": then}
