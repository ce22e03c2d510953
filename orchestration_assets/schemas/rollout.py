"""A roll-out: what a policy may ask of being tried, and the tables of what came of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final

from pydantic import Field, model_validator

from orchestration_assets.schemas.records import Column, table_of
from orchestration_assets.schemas.services import Strict

_Share = Annotated[float, Field(gt=0.0, le=1.0)]
MOST_SHARE: Final = 0.5
"""Beyond it there are fewer items to compare with than are compared."""


class Rollout(Strict):
    """How this policy is tried against the one in force before it takes its place."""

    share: Annotated[float, Field(gt=0.0, le=MOST_SHARE)] = Field(
        default=0.05,
        description="share of the items that it answers first, and of the budget it may spend",
    )
    steps: tuple[_Share, ...] = Field(
        default=(),
        description="shares that follow one another, rising to 1, which puts it in force; by "
        "default the share, 0.25 and 1",
    )
    passes: Annotated[int, Field(ge=1, le=100)] = Field(
        default=2, description="times in a row that it must pass before the next step"
    )
    least_items: Annotated[int, Field(ge=1)] = Field(
        default=50, description="new items of its own that each pass rests on at least"
    )
    look_every: Annotated[int, Field(ge=1)] = Field(
        default=10, description="items of its own after which it is looked at within a batch"
    )
    shadow: bool = Field(
        default=False,
        description="both policies are asked about its share of the items, and the answer of the "
        "one in force stands",
    )
    most_errors: Annotated[float, Field(ge=0.0, le=0.5)] = Field(
        default=0.01,
        description="rolled back when a larger share of its answers fails, in excess of the "
        "policy in force",
    )
    most_latency: Annotated[float, Field(ge=0.0, le=1000.0)] = Field(
        default=0.1,
        description="rolled back when its calls take longer than those of the policy in force by "
        "more than this part of them",
    )
    false_alarm: Annotated[float, Field(gt=0.0, le=0.5)] = Field(
        default=0.05,
        description="probability that it is rolled back though it is within both limits, over all "
        "looks together",
    )
    planned_items: Annotated[int, Field(ge=100, le=1_000_000)] = Field(
        default=2_000,
        description="items of its own within which most of false_alarm is spent: about as many as "
        "it will be asked about until it is put in force",
    )
    patience_s: Annotated[float, Field(ge=0.0, le=3600.0)] = Field(
        default=5.0,
        description="its questions wait no longer than this for an unavailable service; then the "
        "policy in force answers",
    )

    @model_validator(mode="after")
    def _steps_rise_to_all(self) -> "Rollout":
        if not self.steps:
            return self
        if self.steps[0] != self.share:
            raise ValueError(f"steps must begin with the share, {self.share:g}")
        if self.steps[-1] != 1.0 or any(a >= b for a, b in pairwise(self.steps)):
            raise ValueError("steps must rise, and end with 1")
        if any(step > MOST_SHARE for step in self.steps[:-1]):
            raise ValueError(f"steps before the last must not lie above {MOST_SHARE:g}")
        return self

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of each step."""
        later = (one for one in (0.25, 1.0) if one > self.share)
        return self.steps or (self.share, *later)


class Cohort(StrEnum):
    """Whose answer an item gets while a policy is tried.

    ``control``: that of the policy in force; ``canary``: that of the policy on trial; ``shadow``:
    that of the policy in force, the one on trial is asked beside it; ``returned``: that of the
    policy in force, after the one on trial was asked or was to be.
    """

    CONTROL = "control"
    CANARY = "canary"
    SHADOW = "shadow"
    RETURNED = "returned"


class RolloutMetric(StrEnum):
    """What two cohorts are compared by.

    ``errors``: share of the answers that failed. ``latency``: time of the calls for an item.
    ``cost``: price of the calls for an item. ``abstentions``: share of the questions that nobody
    knew an answer to. ``differences``: share of the answers that disagree with those of the policy
    in force, where both answered. ``wrong``: share of the answers that gold or verdicts contradict.
    """

    ERRORS = "errors"
    LATENCY = "latency"
    COST = "cost"
    ABSTENTIONS = "abstentions"
    DIFFERENCES = "differences"
    WRONG = "wrong"


class RolloutVerdict(StrEnum):
    """What a look at a metric has shown.

    ``worse``: it is beyond its limit. ``within``: it is not. ``too_few``: too few items to tell.
    ``watched``: it has no limit.
    """

    WORSE = "worse"
    WITHIN = "within"
    TOO_FEW = "too_few"
    WATCHED = "watched"


class RolloutAction(StrEnum):
    """What follows from a look at a roll-out."""

    GO_ON = "go_on"
    PASSED = "passed"
    STEP_UP = "step_up"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True)
class RolloutAnswerRow:
    """One row an item and task that the policy on trial was asked about, or was to be.

    Kept also of what does not stand: answers of a shadow, and those that were undone.
    """

    batch: Annotated[str, Column("batch (= partition) that the row belongs to")]
    item_id: Annotated[str, Column("item: blake2b-64 of its address, hex")]
    content_hash: Annotated[str, Column("blake2b-128 of the item's bytes, hex")]
    path: Annotated[str, Column("path relative to the source, for people")]
    task: Annotated[str, Column("task that was asked")]
    rollout: Annotated[str, Column("roll-out: hash of both policies")]
    cohort: Annotated[Cohort, Column("whose answer the item got in the end", "", True)]
    policy_hash: Annotated[str, Column("hash of the policy on trial")]
    stands: Annotated[bool, Column("whether its answer is the item's", "", True)]
    asked: Annotated[bool, Column("whether any of its services was asked", "", True)]
    answer: Annotated[str | None, Column("its answer as text; null: none", "", True)]
    in_force: Annotated[
        str | None, Column("the answer of the policy in force, where it is known", "", True)
    ]
    differs: Annotated[
        bool | None, Column("whether the two disagree; null: one of them is not known", "", True)
    ]
    failed: Annotated[bool, Column("whether a service failed, and nobody answered", "", True)]
    elapsed_ms: Annotated[float, Column("time of its calls", "ms", True)]
    cost_usd: Annotated[float, Column("what its calls cost", "USD", True)]
    reason: Annotated[str, Column("why its answer stands or not, in words", "", True)]
    answer_keys: Annotated[
        tuple[str, ...], Column("under which the answers of its services are kept", "", True)
    ]


@dataclass(frozen=True, slots=True)
class RolloutDecisionRow:
    """One row a look at a roll-out and metric: what both cohorts show, and what follows.

    Figures are those of the roll-out up to this look, earlier batches included.
    """

    batch: Annotated[str, Column("batch (= partition) in which it was looked at")]
    look: Annotated[int, Column("number of the look within the batch, from 0; the last is its end")]
    metric: Annotated[RolloutMetric, Column("what was compared")]
    rollout: Annotated[str, Column("roll-out: hash of both policies")]
    in_force_hash: Annotated[str, Column("hash of the policy in force")]
    policy_hash: Annotated[str, Column("hash of the policy on trial")]
    share: Annotated[float, Column("share of the items that it was to answer", "0..1")]
    control_items: Annotated[int, Column("items of the policy in force", "items", True)]
    canary_items: Annotated[int, Column("items of the policy on trial", "items", True)]
    estimate: Annotated[
        float | None,
        Column("canary less control; latency, cost: canary over control", "", True),
    ]
    low: Annotated[float | None, Column("it is above this; null: nothing is ruled out", "", True)]
    high: Annotated[float | None, Column("it is below this; null: nothing is ruled out", "", True)]
    limit: Annotated[float | None, Column("beyond which it is rolled back; null: watched")]
    verdict: Annotated[RolloutVerdict, Column("what that shows", "", True)]
    action: Annotated[RolloutAction, Column("what follows from the look", "", True)]
    undone: Annotated[int, Column("items whose answers were undone by it", "items", True)]
    reason: Annotated[str, Column("the decision in words", "", True)]
    decided_at: Annotated[datetime, Column("when it was looked at", "UTC", True)]


ROLLOUT_ANSWERS: Final = table_of("rollout_answers", RolloutAnswerRow, ("batch", "item_id", "task"))
ROLLOUT_DECISIONS: Final = table_of(
    "rollout_decisions", RolloutDecisionRow, ("batch", "look", "metric")
)
