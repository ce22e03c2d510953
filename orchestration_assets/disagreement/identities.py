"""The identity with which services will answer: what was learned of another is not in force."""

from collections.abc import Iterable

from pydantic import ValidationError

from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.services import TaughtConfig
from orchestration_assets.services.contract import Service
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.pool import build_services


def identities_now(policy: Policy, task: str, names: Iterable[str]) -> dict[str, str]:
    """Service -> the identity that it will answer the task with, of those that are installed."""
    asked = build_tasks(policy)[task]
    services = {name: _installed(policy, name) for name in names}
    return {name: service_identity(one, asked) for name, one in services.items() if one is not None}


def _installed(policy: Policy, name: str) -> Service | None:
    if name not in policy.services:
        return None
    try:
        config = policy.services[name]
        wanted = {config.by, name} if isinstance(config, TaughtConfig) else {name}
        return build_services({one: policy.services[one] for one in wanted})[name]
    except (KeyError, ValidationError):
        return None
