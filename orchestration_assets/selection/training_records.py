"""Training records of one task: stored readings and gold as recorded answers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.evidence.recorded_answers import MISSING, Bools, RecordedAnswers
from orchestration_assets.evidence.verdict_weights import VerdictWeights
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import Status
from orchestration_assets.selection.forecast import Price

READING_COLUMNS = (
    "item_id", "content_hash", "task", "service", "service_version", "final", "saw", "status",
    "answer", "confidence",
)  # fmt: skip
GOLD_COLUMNS = ("item_id", "content_hash", "task", "answer")
SPENDING_COLUMNS = ("batch", "service", "items", "usd")
CALL_COLUMNS = ("service", "origin", "cost_usd", "elapsed_ms")
_CALLED = "called"


@dataclass(frozen=True)
class TrainingRecords:
    """``recorded`` holds the complete items of a task: gold of known probability, and a reading of
    every service as it is now, whatever the first ones said.

    ``gold`` counts all items with gold, ``stale`` readings of services that changed since,
    ``uneven`` the items that every service read only because the first ones were not sure.
    ``standing`` (n,) is whether the answer that stood was right, where the recorded answers do
    not tell what else would have been decided; None where nothing stood. ``basis`` says what
    the verdicts stand for.
    """

    recorded: RecordedAnswers
    gold: int
    stale: int
    uneven: int = 0
    standing: Bools | None = None
    basis: str = ""


def training_records(
    task: str,
    services: Sequence[str],
    versions: Mapping[str, str],
    readings: pa.Table,
    gold: pa.Table,
    prices: Mapping[str, Price],
    weights: VerdictWeights | None = None,
    asked_all: Collection[str] | None = None,
    standing: Mapping[str, str] | None = None,
) -> TrainingRecords:
    """The recorded answers of one task.

    Of several readings of one content by one service the last in ``readings`` counts, and none
    that was given in knowledge of another service's. Gold is about a content where it says so;
    else about whatever the item held. ``versions`` are the identities of the services now;
    ``prices`` are what a call to each service takes. ``weights`` say what each verdict stands for;
    None: each for itself alone. ``asked_all`` are the contents of which every service was asked
    whatever the first ones said; None: all. ``standing`` are the answers that stood, by content.
    """
    labels = _gold_by_content(task, readings, gold)
    n_gold = len(labels)
    if weights is not None:
        labels = weights.counted(labels)
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
    read_by_all = sorted(counts[counts == len(services)].index)
    complete = [c for c in read_by_all if asked_all is None or c in asked_all]
    recorded = _recorded(task, services, complete, rows, labels, prices)
    if weights is not None:
        recorded = replace(recorded, stands_for=weights.of(complete))
    stood = None
    if standing and all(content in standing for content in complete):
        stood = np.array([standing[c] == labels[c] for c in complete], dtype=np.bool_)
    return TrainingRecords(
        recorded,
        n_gold,
        stale,
        len(read_by_all) - len(complete),
        stood,
        weights.basis if weights is not None else "",
    )


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


def mean_prices(calls: pa.Table, spending: pa.Table) -> dict[str, Price]:
    """Mean time and cost of the calls that were made, by service.

    The time is the call log's, the cost the spending ledger's, where it knows the service: calls
    of passes that were repeated or stopped count too.
    """
    rows = _rows(calls, CALL_COLUMNS)
    made = rows[rows["origin"] == _CALLED].groupby("service")[["cost_usd", "elapsed_ms"]].mean()
    paid = paid_prices(spending)
    return {
        str(name): Price(float(ms), paid.get(str(name), float(usd)))
        for name, usd, ms in made.itertuples()
    }


def paid_prices(spending: pa.Table) -> dict[str, float]:
    """Mean cost of a question by service, in US dollars, over all attempts in the ledger."""
    rows = spending.select(["service", "usd"]).append_column(
        "questions", pc.list_value_length(spending["items"])
    )
    sums = rows.group_by("service").aggregate([("usd", "sum"), ("questions", "sum")])
    return {
        service: usd / questions
        for service, usd, questions in values(sums, "service", "usd_sum", "questions_sum")
        if questions
    }


def observed_prices(
    calls: pa.Table, spending: pa.Table, declared: Mapping[str, Price]
) -> dict[str, Price]:
    """The declared prices, replaced by mean observed ones where calls were made."""
    made = mean_prices(calls, spending)
    return {name: made.get(name, price) for name, price in declared.items()}
