"""The services that a policy names, ready to be asked."""

from collections.abc import Mapping

from orchestration_assets.schemas.policy import ServiceConfig
from resources.ai_services.contract import Service
from resources.ai_services.embedded import load_embedded


def build_services(configs: Mapping[str, ServiceConfig]) -> dict[str, Service]:
    """Service name -> service. Raises KeyError for an implementation that does not exist."""
    return {
        name: load_embedded(config.implementation, config.parameters)
        for name, config in configs.items()
    }
