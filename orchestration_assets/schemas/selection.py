"""Tables of learned selection: what was learned of each task, and what policies cost and yield."""

from dataclasses import dataclass
from typing import Annotated, Final

from orchestration_assets.schemas.records import Column, table_of

_Task = Annotated[str, Column("task that is learned")]


@dataclass(frozen=True, slots=True)
class SelectionModelRow:
    """One row a task whose steps may be learned: what came of the latest training."""

    task: _Task
    outcome: Annotated[
        str,
        Column("promoted, unchanged (already in force), kept (the gate held the old one) or none"),
    ]
    version: Annotated[str | None, Column("version that new batches pin")]
    trained: Annotated[str | None, Column("version that was trained now")]
    words: Annotated[str, Column("what was learned, or why nothing was, in words")]
    gold: Annotated[int, Column("items of the task with gold or a verdict", "items")]
    complete: Annotated[
        int,
        Column(
            "of them with a reading of every service as it is now, whatever the first ones said, "
            "and an outcome of known probability",
            "items",
        ),
    ]
    effective: Annotated[
        float, Column("items of an even sample that would tell as much (Kish)", "items")
    ]
    set_aside: Annotated[
        int, Column("readings of services that changed since: not learned from", "readings")
    ]
    held_out: Annotated[int, Column("of them held out for the gate", "items")]
    services: Annotated[tuple[str, ...], Column("services that the model may ask")]
    families: Annotated[tuple[str, ...], Column("families that its operating points follow")]
    best_single: Annotated[str | None, Column("service that is right most often by itself")]
    best_single_accuracy: Annotated[
        float | None, Column("its accuracy on held-out outcomes", "0..1")
    ]
    best_single_low: Annotated[float | None, Column("lower end of its 95 % interval", "0..1")]
    best_single_high: Annotated[float | None, Column("upper end of its 95 % interval", "0..1")]
    accuracy: Annotated[
        float | None, Column("accuracy of the most accurate point on held-out outcomes", "0..1")
    ]
    accuracy_low: Annotated[float | None, Column("lower end of its 95 % interval", "0..1")]
    accuracy_high: Annotated[float | None, Column("upper end of its 95 % interval", "0..1")]
    current: Annotated[str | None, Column("what decided before, against which the model was held")]
    current_accuracy: Annotated[float | None, Column("its accuracy on held-out outcomes", "0..1")]
    gain: Annotated[
        float | None, Column("accuracy less that of what decided before, item by item", "-1..1")
    ]
    gain_low: Annotated[float | None, Column("lower end of its 95 % interval", "-1..1")]
    gain_high: Annotated[float | None, Column("upper end of its 95 % interval", "-1..1")]
    usd: Annotated[float | None, Column("mean price of the most accurate point", "USD an item")]
    ms: Annotated[float | None, Column("mean time of its calls", "ms an item")]
    calibration_error: Annotated[
        float | None,
        Column("expected calibration error of the certainty on held-out outcomes, 15 bins", "0..1"),
    ]


@dataclass(frozen=True, slots=True)
class FrontierRow:
    """One row a policy and task: what it costs, and how often it is right on unseen outcomes."""

    task: _Task
    view: Annotated[
        str,
        Column(
            "frontier (cost against accuracy), labels (by how many items were learned from), "
            "service (without that one), rule (what a rule decided), region (one service on one "
            "kind of content)"
        ),
    ]
    policy: Annotated[str, Column("policy, service left out, rule, or service in a region")]
    place: Annotated[
        int, Column("point of the policy's curve, from cheap to dear; number of a region; else 0")
    ]
    items: Annotated[int, Column("items that it was measured on", "items")]
    labels: Annotated[int, Column("items that it was learned from", "items")]
    accuracy: Annotated[float, Column("share of right answers", "0..1")]
    accuracy_low: Annotated[float, Column("lower end of its 95 % interval", "0..1")]
    accuracy_high: Annotated[float, Column("upper end of its 95 % interval", "0..1")]
    effective: Annotated[
        float, Column("items of an even sample that would tell as much (Kish)", "items")
    ]
    usd: Annotated[float, Column("mean price", "USD an item")]
    ms: Annotated[float, Column("mean time of the calls", "ms an item")]
    calls: Annotated[float, Column("mean number of calls", "calls an item")]
    regret: Annotated[
        float | None,
        Column("accuracy that the best single service would have had more, on the same items"),
    ]
    change: Annotated[
        float | None,
        Column(
            "service: change of the accuracy without it; region: accuracy less that of the service "
            "to ask there; on the same items",
            "-1..1",
        ),
    ]
    change_low: Annotated[
        float | None, Column("lower end of the 95 % interval of the change or the regret", "-1..1")
    ]
    change_high: Annotated[
        float | None, Column("upper end of the 95 % interval of the change or the regret", "-1..1")
    ]
    words: Annotated[str, Column("the figure in words")]
    region: Annotated[str | None, Column("region: the content, by name")] = None
    condition: Annotated[
        str | None, Column("region: what holds of its items, exactly; empty for all content")
    ] = None
    best: Annotated[
        str | None,
        Column("region: the service to ask there, the cheapest of those that are best"),
    ] = None


SELECTION_MODEL: Final = table_of("selection_model", SelectionModelRow, ("task",))
SELECTION_FRONTIER: Final = table_of(
    "selection_frontier", FrontierRow, ("task", "view", "policy", "place", "labels")
)
