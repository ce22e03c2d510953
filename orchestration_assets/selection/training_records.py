"""Training records of one task: stored readings and gold as recorded answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration_assets.evidence.recorded_answers import MISSING, RecordedAnswers
from orchestration_assets.schemas.enums import Status
from orchestration_assets.selection.forecast import Price

READING_COLUMNS = (
    "item_id", "content_hash", "task", "service", "service_version", "final", "saw", "status",
    "answer", "confidence",
)  # fmt: skip
GOLD_COLUMNS = ("item_id", "content_hash", "task", "answer")
CALL_COLUMNS = ("service", "origin", "cost_usd", "elapsed_ms")
_CALLED = "called"


@dataclass(frozen=True)
class TrainingRecords:
    """``recorded`` holds the complete items of a task: gold, and a reading of every service as it
    is now. ``gold`` counts all items with gold, ``stale`` readings of another service version."""

    recorded: RecordedAnswers
    gold: int
    stale: int


def training_records(
    task: str,
    services: Sequence[str],
    versions: Mapping[str, str],
    readings: pa.Table,
    gold: pa.Table,
    prices: Mapping[str, Price],
) -> TrainingRecords:
    """The recorded answers of one task.

    Of several readings of one content by one service the last in ``readings`` counts; none that
    was given in knowledge of another service's. Gold is
    about a content where it says so; else about whatever the item held. ``prices`` are what a
    call to each service takes.
    """
    labels = _gold_by_content(task, readings, gold)
    rows = _rows(readings, READING_COLUMNS)
    rows = rows[(rows["task"] == task) & rows["final"] & rows["service"].isin(list(services))]
    # what a service answers in knowledge of others is not what it would answer by itself
    pairs = zip(rows["saw"], rows["service"], strict=True)
    rows = rows[np.array([set(saw) <= {name} for saw, name in pairs], dtype=bool)]
    fresh = rows["service_version"] == rows["service"].map(dict(versions))
    stale = int((~fresh).sum())
    rows = rows[fresh & rows["content_hash"].isin(list(labels))]
    rows = rows.drop_duplicates(["content_hash", "service"], keep="last")
    counts = rows.groupby("content_hash")["service"].size()
    complete = sorted(counts[counts == len(services)].index)
    recorded = _recorded(task, services, complete, rows, labels, prices)
    return TrainingRecords(recorded, len(labels), stale)


def _rows(table: pa.Table, columns: Sequence[str]) -> pd.DataFrame:
    frame: pd.DataFrame = table.select(list(columns)).to_pandas()
    return frame


def _gold_by_content(task: str, readings: pa.Table, gold: pa.Table) -> dict[str, str]:
    rows = _rows(gold, GOLD_COLUMNS)
    rows = rows[rows["task"] == task]
    contents = _rows(readings, ("item_id", "content_hash")).drop_duplicates()
    merged = rows.merge(contents, on="item_id", suffixes=("_said", ""))
    applies = merged["content_hash_said"].isna() | (
        merged["content_hash_said"] == merged["content_hash"]
    )
    chosen = merged[applies].sort_values(["content_hash", "item_id"])
    return dict(zip(chosen["content_hash"], chosen["answer"], strict=True))


def _recorded(
    task: str,
    services: Sequence[str],
    contents: Sequence[str],
    rows: pd.DataFrame,
    labels: Mapping[str, str],
    prices: Mapping[str, Price],
) -> RecordedAnswers:
    shape = (len(contents), len(services))
    rows = rows[rows["content_hash"].isin(list(contents))]
    item = rows["content_hash"].map({name: n for n, name in enumerate(contents)}).to_numpy(int)
    service = rows["service"].map({name: k for k, name in enumerate(services)}).to_numpy(int)
    ok = (rows["status"] == Status.OK.value).to_numpy(bool)
    given = rows["answer"].to_numpy(object)
    names = sorted({*(labels[content] for content in contents), *given[ok]})
    code = {name: number for number, name in enumerate(names)}
    answers = np.full(shape, MISSING)
    answers[item[ok], service[ok]] = [code[answer] for answer in given[ok]]
    confidences = np.full(shape, np.nan)
    stated = rows["confidence"].to_numpy(np.float64)
    confidences[item[ok], service[ok]] = stated[ok]
    return RecordedAnswers(
        name=task,
        services=tuple(services),
        labels=tuple(names),
        items=tuple(contents),
        answers=answers,
        confidences=confidences,
        asked=np.ones(shape, dtype=np.bool_),
        gold=np.array([code[labels[content]] for content in contents], dtype=np.int64),
        costs=np.tile([prices[name].cost_usd for name in services], (len(contents), 1)),
        milliseconds=np.tile([prices[name].expected_ms for name in services], (len(contents), 1)),
    )


def mean_prices(calls: pa.Table) -> dict[str, Price]:
    """Mean time and cost of the calls that were made, by service."""
    rows = _rows(calls, CALL_COLUMNS)
    made = rows[rows["origin"] == _CALLED].groupby("service")[["cost_usd", "elapsed_ms"]].mean()
    return {str(name): Price(float(ms), float(usd)) for name, usd, ms in made.itertuples()}


def observed_prices(calls: pa.Table, declared: Mapping[str, Price]) -> dict[str, Price]:
    """The declared prices, replaced by mean observed ones where calls were made."""
    made = mean_prices(calls)
    return {name: made.get(name, price) for name, price in declared.items()}
