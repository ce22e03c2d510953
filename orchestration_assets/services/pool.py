"""Builds the services that a policy names."""

from collections.abc import Mapping

from orchestration_assets.schemas.services import ChatConfig, EmbeddedConfig, ServiceConfig
from orchestration_assets.services.contract import Service
from orchestration_assets.services.registry import load_embedded


def build_services(configs: Mapping[str, ServiceConfig]) -> dict[str, Service]:
    """Service name -> service. Raises KeyError for an implementation that does not exist."""
    return {name: _build(name, config) for name, config in configs.items()}


def _build(name: str, config: ServiceConfig) -> Service:
    if isinstance(config, EmbeddedConfig):
        return load_embedded(config.implementation, config.parameters)
    if isinstance(config, ChatConfig):
        from resources.ai_services.http.chat import ChatService

        return ChatService(name, config)
    from resources.ai_services.http.embeddings import EmbeddingsService

    return EmbeddingsService(name, config)
