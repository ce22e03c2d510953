"""The hash that names a policy."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from orchestration_assets.schemas.policy import Policy


def policy_hash(policy: Policy) -> str:
    """64 bits of blake2b over the canonical policy, hex: layout and comments do not count."""
    return canonical_hash(policy.canonical())


def canonical_hash(policy: Mapping[str, Any]) -> str:
    """The hash of a canonical policy as it was stored: fields added since are not in it."""
    canonical = json.dumps(policy, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=8).hexdigest()
