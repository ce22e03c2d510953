"""The states of an item, and the only steps that lead from one to another."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.records import Column, table_of


class ItemState(StrEnum):
    """Where an item stands between its listing and an answer."""

    DISCOVERED = "discovered"
    PROFILED = "profiled"
    PLANNED = "planned"
    PROCESSING = "processing"
    # an answer stands and nothing broke, or no task applies to it
    RESOLVED = "resolved"
    # a person must look: every service declined every task
    REVIEW = "review"
    # no answer yet: a service was unavailable, and a later run asks again
    DEFERRED = "deferred"
    # no answer because something broke
    FAILED = "failed"
    # no answer because what a service said broke the rules for answers
    QUARANTINED = "quarantined"
    # what the intake decides, without any processing
    UNCHANGED = "unchanged"
    MOVED = "moved"
    DUPLICATE = "duplicate"
    GONE = "gone"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    # a record file: its records are items of their own
    UNPACKED = "unpacked"
    # its content was removed on request
    FORGOTTEN = "forgotten"


_S = ItemState

INTAKE_STATES: Final[Mapping[EntryOutcome, ItemState]] = {
    outcome: ItemState(outcome.value)
    for outcome in EntryOutcome
    if outcome is not EntryOutcome.ACCEPTED
}
"""The state that each outcome of the intake leads to; accepted items stay discovered."""

TRANSITIONS: Final[Mapping[ItemState | None, frozenset[ItemState]]] = {
    None: frozenset({_S.DISCOVERED}),
    _S.DISCOVERED: frozenset({_S.PROFILED, _S.FAILED, *INTAKE_STATES.values()}),
    _S.PROFILED: frozenset({_S.PLANNED, _S.RESOLVED}),
    _S.PLANNED: frozenset({_S.PROCESSING}),
    _S.PROCESSING: frozenset({_S.RESOLVED, _S.REVIEW, _S.DEFERRED, _S.FAILED, _S.QUARANTINED}),
}
"""State -> states that may follow; None is before the listing. States that are missing are final.

A batch that is processed again starts over from ``discovered``: its audit log is replaced. So is
that of a batch with deferred items, which the next run takes up.
"""

FINAL_STATES: Final = frozenset(ItemState) - TRANSITIONS.keys()


class IllegalTransitionError(OrchestrationError):
    """An item was about to take a step that no state machine allows; nothing was written."""

    def __init__(self, item_id: str, before: ItemState | None, after: ItemState) -> None:
        self.item_id, self.before, self.after = item_id, before, after
        allowed = ", ".join(sorted(TRANSITIONS.get(before, ()))) or "nothing: it is final"
        super().__init__(
            f"item {item_id} cannot go from {before or 'nowhere'} to {after} (allowed: {allowed}); "
            "the batch's tables contradict each other: materialize them again from content_profiles"
        )


def step(item_id: str, before: ItemState | None, after: ItemState) -> ItemState:
    """The state after one legal step. Raises IllegalTransitionError for any other."""
    if after not in TRANSITIONS.get(before, frozenset()):
        raise IllegalTransitionError(item_id, before, after)
    return after


@dataclass(frozen=True, slots=True)
class StateRow:
    """One row a transition: which state an item left, which it took, why, and who decided."""

    batch: Annotated[str, Column("batch (= partition) that the row belongs to")]
    item_id: Annotated[str, Column("item: blake2b-64 of its address, hex")]
    path: Annotated[str, Column("path relative to the source, for people")]
    step: Annotated[int, Column("order of the transition within the item, from 0")]
    from_state: Annotated[ItemState | None, Column("state that was left; null before the listing")]
    to_state: Annotated[ItemState, Column("state that was taken")]
    final: Annotated[bool, Column("true for the state that the item ends in")]
    why: Annotated[str, Column("the reason in words")]
    asset: Annotated[str, Column("asset (or assets) whose rows decided it")]


ITEM_STATES: Final = table_of("item_states", StateRow, ("batch", "item_id", "step"))
