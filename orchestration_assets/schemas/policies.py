"""The table of what was activated: each policy that became the active one, and how that came."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from orchestration_assets.schemas.records import Column, table_of


@dataclass(frozen=True, slots=True)
class ActivationRow:
    """One activation."""

    version: Annotated[int, Column("number of the activation, from 1; the highest is active")]
    policy_hash: Annotated[str, Column("hash of the policy, as in processing_plans")]
    source: Annotated[str, Column("file that it came from")]
    activated_at: Annotated[datetime, Column("when", "UTC", True)]
    who: Annotated[str, Column("login name, or what --by or ORCHESTRATION_USER said", "", True)]
    why: Annotated[str, Column("reason that was given, empty without one")]
    restores: Annotated[
        int | None, Column("earlier version whose policy it brings back; null where it is none")
    ]
    changes: Annotated[
        tuple[str, ...], Column("what changed against the version before, a line for each thing")
    ]
    asked_again: Annotated[
        tuple[str, ...], Column("tasks of which kept answers do not count any more")
    ]


ACTIVE_POLICY_TABLE: Final = table_of("active_policy", ActivationRow, ("version",))
"""One row an activation, in their order."""
