"""Gold: what people say is right, from their verdict files and from columns of the content."""

import time
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from typing import Final

import pyarrow.compute as pc

from orchestration_assets.content.gold_columns import keep_declared
from orchestration_assets.content.item_lookup import finder
from orchestration_assets.content.standing_records import standing_finder
from orchestration_assets.content.verdict_folder import (
    ACCEPTED,
    accepted_verdicts,
    take,
)
from orchestration_assets.content.verdicts import VerdictContext, merge, understand
from orchestration_assets.policy.asked_tasks import asked_tasks
from orchestration_assets.policy.load import LoadedPolicy
from orchestration_assets.policy.pinned_policy import pin_policy
from orchestration_assets.schemas.records import TableResult, rows_to_arrow
from orchestration_assets.schemas.verdicts import GOLD_LABELS, VERDICTS
from resources.home import Home

_MOST_NAMED: Final = 20
"""Rejected files that are named among the figures; all of them are among the warnings."""


def update_gold(home: Home, loaded: LoadedPolicy) -> TableResult:
    """Takes in the files and columns that are new, and merges every verdict ever accepted."""
    pin_policy(home.policies, loaded, home.files)
    rules = VerdictContext(asked_tasks(home, loaded.policy), loaded.hash, datetime.now(UTC))
    find, standing = finder(home.tables), standing_finder(home.tables)
    taken = take(
        home.verdicts,
        time.time,
        loaded.policy.feedback.settle_s,
        lambda name, data: understand(name, data, rules, find, standing),
    )
    declared = keep_declared(home.tables, home.verdicts / ACCEPTED, rules)
    verdicts = accepted_verdicts(home.verdicts)
    gold = rows_to_arrow(GOLD_LABELS, merge(VERDICTS.rows(verdicts)))
    figures = {
        "verdicts": verdicts.num_rows,
        "declared": len(declared.verdicts),
        "declared_unusable": declared.unusable,
        "files_accepted": len(taken.accepted),
        "files_known": len(taken.known),
        "files_rejected": len(taken.rejected),
        **{f"rejected: {name}": why for name, why in islice(taken.rejected.items(), _MOST_NAMED)},
        "files_unsettled": taken.unsettled,
        "lines_not_judged": taken.not_judged,
        "disputed": pc.sum(pc.greater(pc.list_value_length(gold["dissenters"]), 0)).as_py() or 0,
        "policy_hash": loaded.hash,
        **{f"gold: {task}": n for task, n in sorted(Counter(gold["task"].to_pylist()).items())},
    }
    rejected = [
        f"verdict file {name} was moved aside: {why}" for name, why in taken.rejected.items()
    ]
    settle = loaded.policy.feedback.settle_s
    young = [
        f"verdict files that changed less than {settle:g} s ago and wait: {taken.unsettled}; "
        "run this again"
    ] * bool(taken.unsettled)
    unusable = [f"declared gold that is no answer: {example}" for example in declared.examples]
    return TableResult(gold, figures, [*rejected, *young, *unusable])
