"""What the GenAI conventions of OpenTelemetry say of a service: operation, provider, model, server.

Names as in the semantic conventions 1.37 to 1.41 (status: development),
https://opentelemetry.io/docs/specs/semconv/gen-ai/.
"""

import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from orchestration_assets.schemas.services import ChatConfig, HttpConfig
from orchestration_assets.tracing.spans import Attribute, Attributes

_PROVIDERS: Final = {
    "anthropic.com": "anthropic",
    "amazonaws.com": "aws.bedrock",
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "cohere.com": "cohere",
    "cohere.ai": "cohere",
    "deepseek.com": "deepseek",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "groq.com": "groq",
    "mistral.ai": "mistral_ai",
    "perplexity.ai": "perplexity",
    "x.ai": "x_ai",
}
_PORTS: Final = {"http": 80, "https": 443}
_NUMBERS: Final = ("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty")


def endpoint_attributes(
    config: HttpConfig, environment: Mapping[str, str] = os.environ
) -> Attributes:
    """The attributes that every operation at a service has, in spans and measurements."""
    chat = isinstance(config, ChatConfig)
    host, port = _server(config, environment)
    found: dict[str, Attribute] = {
        "gen_ai.operation.name": "chat" if chat else "embeddings",
        "gen_ai.provider.name": _provider(host),
        "gen_ai.request.model": config.model,
    }
    if host:
        found["server.address"] = host
        if port:
            found["server.port"] = port
    return found


def request_attributes(config: HttpConfig) -> Attributes:
    """The attributes of a request in spans: what the policy sets for every request."""
    given: Mapping[str, object] = config.parameters
    found: dict[str, Attribute] = {}
    for name in _NUMBERS:
        value = given.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[f"gen_ai.request.{name}"] = float(value)
    if isinstance(seed := given.get("seed"), int):
        found["gen_ai.request.seed"] = seed
    if isinstance(config, ChatConfig):
        found["gen_ai.output.type"] = "json" if config.structured else "text"
        if config.max_output_name is not None:
            found["gen_ai.request.max_tokens"] = config.output_tokens
        if config.stream:
            found["gen_ai.request.stream"] = True
    return found


def _server(config: HttpConfig, environment: Mapping[str, str]) -> tuple[str, int | None]:
    """Host and port alone: a path, a user or a query may hold a secret."""
    address = config.base_url
    if address is None and config.base_url_env is not None:
        address = environment.get(config.base_url_env)
    try:
        parts = urlsplit(str(address or ""))
        return parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", None


def _provider(host: str) -> str:
    """The provider by its host; else the protocol that is spoken, as the conventions advise."""
    for domain, provider in _PROVIDERS.items():
        if host == domain or host.endswith(f".{domain}"):
            return provider
    return "openai"
