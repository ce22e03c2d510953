"""Builds the services that a policy names."""

from collections.abc import Mapping

from orchestration_assets.schemas.services import (
    ChatConfig,
    EmbeddedConfig,
    RemoteConfig,
    ServiceConfig,
    TaughtConfig,
)
from orchestration_assets.services.contract import Service
from orchestration_assets.services.registry import load_embedded
from orchestration_assets.services.taught.taught_service import TaughtService, TaughtState


def build_services(
    configs: Mapping[str, ServiceConfig], states: Mapping[str, TaughtState] | None = None
) -> dict[str, Service]:
    """Service name -> service; ``states`` are what taught ones know, nothing by default.

    Raises KeyError for an implementation or a teacher that does not exist.
    """
    services = {
        name: _build(name, config)
        for name, config in configs.items()
        if not isinstance(config, TaughtConfig)
    }
    taught: dict[str, Service] = {
        name: TaughtService(name, config, services[config.by], (states or {}).get(name))
        for name, config in configs.items()
        if isinstance(config, TaughtConfig)
    }
    return {name: taught[name] if name in taught else services[name] for name in configs}


def _build(name: str, config: EmbeddedConfig | RemoteConfig) -> Service:
    if isinstance(config, EmbeddedConfig):
        return load_embedded(config.implementation, config.parameters)
    if isinstance(config, ChatConfig):
        from resources.ai_services.http.chat import ChatService

        return ChatService(name, config)
    from resources.ai_services.http.embeddings import EmbeddingsService

    return EmbeddingsService(name, config)
