"""Recorded outcomes with their texts: ``DIR/<set>/data.parquet``, one row an item and service."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration_assets.evidence.item_inputs import ItemInputs
from orchestration_assets.evidence.item_terms import item_terms
from orchestration_assets.evidence.recorded_answer_files import RecordedAnswersError
from orchestration_assets.evidence.recorded_answers import MISSING, Ints, RecordedAnswers
from orchestration_assets.features.terms import packed_terms
from orchestration_assets.features.vectors import hashed_words
from orchestration_assets.profiling.profiler import profile
from orchestration_assets.schemas.features import FEATURES
from orchestration_assets.schemas.tables import CONTENT_PROFILES

_COLUMNS = ("item", "task", "text", "service", "prediction", "score", "cost_usd", "gold")
_MOST_LABELS = 40


@dataclass(frozen=True)
class RecordedTexts:
    """``recorded`` outcomes of ``n`` items, with their ``texts`` and ``tasks`` (n,).

    A selector is not given ``tasks``: they are what a person knows about an item's origin.
    """

    recorded: RecordedAnswers
    texts: tuple[str, ...]
    tasks: tuple[str, ...]


def find_recorded_texts(folder: Path) -> list[Path]:
    """The ``data.parquet`` files below ``folder``, by the names of their folders.

    Raises RecordedAnswersError when there is none.
    """
    files = sorted(folder.rglob("data.parquet")) if folder.is_dir() else []
    if not files:
        raise RecordedAnswersError(
            f"{folder}: no file data.parquet with the columns {', '.join(_COLUMNS)} below it"
        )
    return files


def load_recorded_texts(path: Path) -> RecordedTexts:
    """One set; items that some priced service lacks are left out, and services without prices.

    An empty prediction is a failure: paid, scored 0. Where predictions are few and closed (such as
    letters), they are the labels; else only ``score`` tells which answers are right. Raises
    RecordedAnswersError for a table that does not fit.
    """
    try:
        rows = pq.read_table(path, columns=list(_COLUMNS)).to_pandas()
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise RecordedAnswersError(
            f"{path}: {error}; expected the columns {', '.join(_COLUMNS)}"
        ) from error
    priced = rows.groupby("service")["cost_usd"].apply(lambda cost: bool(cost.notna().any()))
    services = tuple(sorted(priced[priced].index))
    rows = rows[rows["service"].isin(services) & rows["score"].notna() & rows["cost_usd"].notna()]
    rows = rows.drop_duplicates(["item", "service"], keep="last")
    counts = rows.groupby("item", sort=False)["service"].size()
    items = tuple(counts[counts == len(services)].index) if services else ()
    if not items:
        raise RecordedAnswersError(f"{path}: no item has a score and a cost of every service")
    wide = rows[rows["item"].isin(items)].pivot(index="item", columns="service").loc[list(items)]
    scores = wide["score"][list(services)].to_numpy(np.float64)
    if scores.min() < 0.0 or scores.max() > 1.0:
        raise RecordedAnswersError(f"{path}: score must lie in 0..1")
    first = rows.drop_duplicates("item").set_index("item").loc[list(items)]
    answers, gold, labels = _labels(wide["prediction"][list(services)], first["gold"])
    right = (answers == gold[:, None]) & (answers != MISSING)
    return RecordedTexts(
        RecordedAnswers(
            name=path.parent.name,
            services=services,
            labels=labels,
            items=tuple(str(item) for item in items),
            answers=answers,
            confidences=np.full(scores.shape, np.nan),
            asked=np.ones(scores.shape, dtype=np.bool_),
            gold=gold,
            costs=wide["cost_usd"][list(services)].to_numpy(np.float64),
            milliseconds=np.full(scores.shape, np.nan),
            correct=None if (right == scores).all() else scores,
        ),
        tuple(first["text"]),
        tuple(first["task"]),
    )


def _labels(predictions: pd.DataFrame, golds: pd.Series) -> tuple[Ints, Ints, tuple[str, ...]]:
    """Codes of the answers (n, K) and of gold (n,), and the labels.

    Answers that are no labels are all ``MISSING``: two of them cannot be compared.
    """
    given = predictions.to_numpy(object)
    known = ~pd.isna(given) & (given != "")
    labels = sorted({*given[known].tolist(), *golds.dropna().tolist()})
    if not known.any() or len(labels) > _MOST_LABELS:
        return np.full(given.shape, MISSING), np.full(len(golds), MISSING), ("free text",)
    code = {label: number for number, label in enumerate(labels)}
    answers = np.full(given.shape, MISSING)
    answers[known] = [code[answer] for answer in given[known]]
    gold = np.array([code.get(label, MISSING) for label in golds], dtype=np.int64)
    return answers, gold, tuple(labels)


def item_inputs(texts: Sequence[str]) -> ItemInputs:
    """What the assets compute of the texts, as files of plain text, before any call."""
    fields = [CONTENT_PROFILES.schema.field(feature.name) for feature in FEATURES]
    rows = [profile("item.txt", text, size_bytes=len(text.encode())).features for text in texts]
    return ItemInputs(
        pa.Table.from_pylist(rows, schema=pa.schema(fields)),
        hashed_words(texts),
        terms=item_terms([packed_terms(text) for text in texts]),
    )
