"""Training records of one task: outcomes as recorded answers."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.evidence.recorded_answers import (
    MISSING,
    Floats,
    RecordedAnswers,
    effective_count,
)
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.outcomes import OutcomeSource
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.known_items import KnownItems

if TYPE_CHECKING:
    import pandas as pd

OUTCOME_COLUMNS: Final = (
    "content_hash", "task", "service", "service_version", "status", "answer", "confidence",
    "score", "why", "said_by", "right", "weight", "stood",
)  # fmt: skip
SPENDING_COLUMNS: Final = ("batch", "service", "items", "usd")
CALL_COLUMNS: Final = ("service", "origin", "cost_usd", "elapsed_ms")
ANY_ANSWER: Final = "an answer"
"""The one label of tasks whose answers are no labels: that there is an answer at all."""
_CALLED = "called"
_MEANS: Final = ("cost_usd", "elapsed_ms")


@dataclass(frozen=True)
class TrainingRecords:
    """``recorded`` holds the complete items of a task: gold of known probability, or a judge's
    choice, and an outcome of every service as it is now, whatever the first ones said.

    ``gold`` counts all items of which people or the content say what is right, ``stale``
    outcomes of services that changed since, ``uneven`` the items that every service read only
    because the first ones were not sure.
    ``standing`` (n,) is how right the answer was that stood, from 0 to 1, where the recorded
    answers do not tell what else would have been decided; an item without one was not answered
    rightly; it is None where no item has one. Where right is what a judge chose (``by_judge``), it
    is about what that judge lets stand: its own choice, unless people say otherwise. ``basis`` says
    what the verdicts stand for.
    ``items`` (n) are what was known of them before any call; None where nothing is.
    """

    recorded: RecordedAnswers
    gold: int
    stale: int
    uneven: int = 0
    standing: Floats | None = None
    basis: str = ""
    items: KnownItems | None = None
    by_judge: bool = False


def training_records(
    task: str,
    kind: AnswerKind,
    services: Sequence[str],
    versions: Mapping[str, str],
    outcomes: pa.Table,
    prices: Mapping[str, Price],
    basis: str = "",
    asked_all: Collection[str] | None = None,
    enough: float = 0.0,
) -> TrainingRecords:
    """The recorded answers of one task, from its ``outcomes`` with :data:`OUTCOME_COLUMNS`.

    ``versions`` are the identities of the services now; ``prices`` are what a call to each takes.
    ``basis`` says in words what verdicts stand for. ``asked_all`` are the contents of which every
    service was asked whatever the first ones said; None: all. What people say counts, each verdict
    by its weight; while that tells less than an even sample of ``enough`` items, what a judge chose
    counts, where there is one, corrected by what they say.
    """
    rows: pd.DataFrame = outcomes.select(list(OUTCOME_COLUMNS)).to_pandas()
    rows = rows[(rows["task"] == task) & rows["service"].isin(list(services))]
    judged = rows["why"] == OutcomeSource.JUDGE.value
    n_gold = rows.loc[~judged, "content_hash"].nunique()
    fresh = rows["service_version"] == rows["service"].map(dict(versions))
    stale = int((~fresh).sum())
    people = rows[fresh & ~judged & rows["weight"].notna()]
    chosen, uneven = _complete(people, len(services), asked_all)
    weights = people.drop_duplicates("content_hash").set_index("content_hash")["weight"]
    stands_for: Floats | None = weights.loc[chosen].to_numpy(np.float64)
    by_judge = False
    judges = sorted(rows.loc[fresh & judged, "said_by"].unique())
    used = people
    stood = people.groupby("content_hash")["stood"].max()
    if judges and effective_count(weights.loc[chosen].to_numpy(np.float64)) < enough:
        by_judge = True
        used, basis = _corrected(rows[fresh & judged], people), _judged_basis(judges, n_gold)
        chosen, uneven = _complete(used, len(services), asked_all)
        stands_for = None
    used = used[used["content_hash"].isin(chosen)]
    recorded = _recorded(task, kind, services, chosen, used, prices, stands_for)
    stood_right = stood.reindex(chosen).to_numpy(np.float64)
    # by its own measure what a judge chose is right
    unknown = 1.0 if by_judge else 0.0
    nothing_stood = np.isnan(stood_right).all() and not by_judge
    standing = None if nothing_stood else np.nan_to_num(stood_right, nan=unknown)
    return TrainingRecords(recorded, n_gold, stale, uneven, standing, basis, by_judge=by_judge)


def _complete(
    rows: "pd.DataFrame", n_services: int, asked_all: Collection[str] | None
) -> tuple[list[str], int]:
    """The contents with an outcome of every service that count, and how many others there are."""
    counts = rows.groupby("content_hash")["service"].size()
    read_by_all = sorted(counts[counts == n_services].index)
    complete = [c for c in read_by_all if asked_all is None or c in asked_all]
    return complete, len(read_by_all) - len(complete)


def _corrected(judged: "pd.DataFrame", people: "pd.DataFrame") -> "pd.DataFrame":
    """The outcomes by the judge, with what people say of the same answers instead."""
    import pandas as pd

    keys = ["content_hash", "service"]
    both = pd.concat([judged, people[people["content_hash"].isin(judged["content_hash"])]])
    return both.drop_duplicates(keys, keep="last")


def _judged_basis(judges: Sequence[str], n_gold: int) -> str:
    who = ", ".join(judges)
    return f"right is what {who} chose of the answers: only {n_gold} items have gold or a verdict"


def _recorded(
    task: str,
    kind: AnswerKind,
    services: Sequence[str],
    contents: Sequence[str],
    rows: "pd.DataFrame",
    prices: Mapping[str, Price],
    stands_for: Floats | None,
) -> RecordedAnswers:
    shape = (len(contents), len(services))
    item = rows["content_hash"].map({name: n for n, name in enumerate(contents)}).to_numpy(int)
    service = rows["service"].map({name: k for k, name in enumerate(services)}).to_numpy(int)
    ok = ((rows["status"] == Status.OK.value) & rows["answer"].notna()).to_numpy(bool)
    answers = np.full(shape, MISSING)
    gold = np.full(len(contents), MISSING)
    correct: Floats | None = None
    if kind is AnswerKind.LABEL:
        given, right = rows["answer"].to_numpy(object), rows["right"].to_numpy(object)
        labels = tuple(sorted({*right, *given[ok]}))
        code = {name: number for number, name in enumerate(labels)}
        answers[item[ok], service[ok]] = [code[answer] for answer in given[ok]]
        gold[item] = [code[answer] for answer in right]
    else:
        labels = (ANY_ANSWER,)
        answers[item[ok], service[ok]] = 0
        correct = np.zeros(shape)
        correct[item, service] = rows["score"].to_numpy(np.float64)
    confidences = np.full(shape, np.nan)
    confidences[item[ok], service[ok]] = rows["confidence"].to_numpy(np.float64)[ok]
    return RecordedAnswers(
        name=task,
        services=tuple(services),
        labels=labels,
        items=tuple(contents),
        answers=answers,
        confidences=confidences,
        asked=np.ones(shape, dtype=np.bool_),
        gold=gold,
        costs=np.tile([prices[name].cost_usd for name in services], (len(contents), 1)),
        milliseconds=np.tile([prices[name].expected_ms for name in services], (len(contents), 1)),
        correct=correct,
        stands_for=stands_for,
    )


def mean_prices(calls: pa.Table, spending: pa.Table) -> dict[str, Price]:
    """Mean time and cost of the calls that were made, by service.

    The time is the call log's, the cost the spending ledger's, where it knows the service: calls
    of passes that were repeated or stopped count too.
    """
    made = calls.filter(pc.equal(calls["origin"], _CALLED))
    paid = paid_prices(spending)
    found = {}
    for name in sorted(pc.unique(made["service"]).to_pylist()):
        own = made.filter(pc.equal(made["service"], name))
        usd, ms = (math.fsum(own[column].to_pylist()) / own.num_rows for column in _MEANS)
        found[name] = Price(ms, paid.get(name, usd))
    return found


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
