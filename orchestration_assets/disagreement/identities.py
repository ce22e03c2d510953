"""Which code, model and parameters answered: what a calibration holds for."""

from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from orchestration_assets.schemas.policy import Policy
from orchestration_assets.selection.active_selector import service_identity
from orchestration_assets.services.contract import Service
from orchestration_assets.services.pool import build_services


def identities(policy: Policy | None, versions: Mapping[str, str]) -> dict[str, str]:
    """Service -> its identity, of those that answered under ``policy`` in these ``versions``.

    A service that this installation does not have, or not with such parameters, has none: what is
    known of it cannot be put to use here.
    """
    found = {}
    for name, version in versions.items():
        service = _installed(policy, name)
        if service is not None:
            found[name] = service_identity(service, version)
    return found


def identities_now(policy: Policy, names: Iterable[str]) -> dict[str, str]:
    """Service -> the identity that it will answer with, of those that are installed."""
    services = {name: _installed(policy, name) for name in names}
    return {name: service_identity(one) for name, one in services.items() if one is not None}


def _installed(policy: Policy | None, name: str) -> Service | None:
    if policy is None or name not in policy.services:
        return None
    try:
        return build_services({name: policy.services[name]})[name]
    except (KeyError, ValidationError):
        return None
