"""Whether people may see the content of a batch: ``report.content: none`` hides it."""

from collections.abc import Iterable
from typing import Final

from orchestration_assets.policy.pinned_policy import PinnedPolicyError, read_pinned_policy
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import PROCESSING_PLANS, RESOLUTIONS
from resources.home import Home
from resources.table_store import TableMissingError

NOT_SHOWN: Final = "not shown: report.content is none in the policy"


def hides_content(policies: Iterable[Policy]) -> bool:
    """Whether one of the policies lets nobody see anything of content, nor what quotes it."""
    return any(policy.report.content == "none" for policy in policies)


def hidden_in(home: Home, batch: str) -> bool:
    """Whether the policy that a batch was asked under hides content, or cannot be read any more, or
    nothing readable says which it was; no policy hides what was never planned."""
    try:
        plans = home.tables.read(PROCESSING_PLANS.name, batch, ["policy_hash"])
        asked_by = read_pinned_policy(home.policies, plans)
    except TableMissingError:
        # plans that were damaged are removed where an item is forgotten
        return home.tables.exists(RESOLUTIONS.name, batch)
    except (DamagedFileError, PinnedPolicyError):
        return True
    return asked_by is not None and hides_content([asked_by])
