"""Recorded services from files: folders in FrugalML's layout, and tables of LLM answers."""

import csv
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration_assets.evidence.recorded_answers import MISSING, Floats, Ints, RecordedAnswers
from orchestration_assets.schemas.errors import OrchestrationError

_GOLD = "Model0_TrueLabel.txt"
_CALLS_PER_PRICE = 10_000
_LLM_COLUMNS = ("item", "service", "prediction", "gold", "score", "cost_usd")
_MAX_LABELS = 40


class RecordedAnswersError(OrchestrationError):
    """A file of recorded answers cannot be used; the message names file, line and remedy."""


def find_frugalml_folders(folder: Path) -> list[Path]:
    """The folders in FrugalML's layout at or below ``folder``, by name.

    Raises RecordedError when there is none.
    """
    folders = sorted({path.parent for path in folder.rglob(_GOLD)}) if folder.is_dir() else []
    if not folders:
        raise RecordedAnswersError(
            f"{folder}: no folder with meta.csv and {_GOLD} in it. Recorded services in that "
            "layout are in the public repository lchen001/FrugalML, folders "
            "dataset/mlserviceperformance_*"
        )
    return folders


def load_frugalml(folder: Path) -> RecordedAnswers:
    """One folder in FrugalML's layout: line k of every file belongs to item k.

    ``meta.csv`` gives a service's id, name and price per 10,000 calls in USD. Labels are the
    integers that occur. Raises RecordedError for a file that is missing or does not fit.
    """
    ids, names, prices = _meta(folder / "meta.csv")
    gold = _numbers(folder / _GOLD)
    columns = [
        _numbers(folder / f"Model{service_id}_PredictedLabel.txt", len(gold)) for service_id in ids
    ]
    stated = [
        _numbers(folder / f"Model{service_id}_Confidence.txt", len(gold)) for service_id in ids
    ]
    values = np.unique(np.concatenate([gold, *columns]).astype(np.int64))
    values = values[values >= 0]
    confidences = np.stack(stated, axis=1)
    if (outside := (confidences < 0.0) | (confidences > 1.0 + 1e-6)).any():
        item, service = np.argwhere(outside)[0]
        path = folder / f"Model{ids[service]}_Confidence.txt"
        raise RecordedAnswersError(
            f"{path}: line {item + 1} is {confidences[item, service]:g}; confidences lie in 0..1"
        )
    shape = confidences.shape
    return RecordedAnswers(
        name=folder.name,
        services=tuple(names),
        labels=tuple(str(value) for value in values),
        items=tuple(str(line) for line in range(shape[0])),
        answers=np.stack([_codes(column, values) for column in columns], axis=1),
        confidences=np.minimum(confidences, 1.0),
        asked=np.ones(shape, dtype=np.bool_),
        gold=_codes(gold, values),
        costs=np.broadcast_to(np.array(prices) / _CALLS_PER_PRICE, shape).copy(),
        milliseconds=np.full(shape, np.nan),
    )


def _meta(path: Path) -> tuple[list[str], list[str], list[float]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row][1:]
        ids, names = [row[0].strip() for row in rows], [row[1].strip() for row in rows]
        prices = [float(row[2]) for row in rows]
    except (OSError, UnicodeDecodeError, IndexError, ValueError) as error:
        raise RecordedAnswersError(
            f"{path}: {error}; expected a header and lines of id, name, USD per 10,000 calls"
        ) from error
    if not rows:
        raise RecordedAnswersError(f"{path}: names no service")
    if not all(np.isfinite(price) and price >= 0.0 for price in prices):
        raise RecordedAnswersError(f"{path}: prices must be finite and not below 0")
    return ids, names, prices


def _numbers(path: Path, expected: int | None = None) -> Floats:
    try:
        numbers: Floats = np.array(path.read_text("utf-8").split(), dtype=np.float64)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise RecordedAnswersError(f"{path}: {error}; expected one number a line") from error
    if not np.isfinite(numbers).all():
        line = int(np.flatnonzero(~np.isfinite(numbers))[0]) + 1
        raise RecordedAnswersError(f"{path}: line {line} is not a finite number")
    if expected is not None and len(numbers) != expected:
        raise RecordedAnswersError(f"{path}: {len(numbers)} lines, {expected} in {_GOLD}")
    return numbers


def _codes(column: Floats, values: Ints) -> Ints:
    whole = column.astype(np.int64)
    return np.where(whole >= 0, np.searchsorted(values, whole), MISSING).astype(np.int64)


def load_llm(path: Path) -> RecordedAnswers:
    """A Parquet table of LLM answers: item, service, prediction, gold, score, cost_usd.

    An empty prediction is a failure: asked and paid, but no answer. Where gold and predictions
    are few and closed (such as letters), they are the labels. Otherwise answers are free text:
    two of them cannot be compared, and ``score`` says which are right. Only items that every
    service was asked about are kept. Raises RecordedError for a table that does not fit.
    """
    try:
        table = pq.read_table(path, columns=list(_LLM_COLUMNS))
    except (OSError, pa.ArrowException) as error:
        needed = ", ".join(_LLM_COLUMNS)
        raise RecordedAnswersError(f"{path}: {error}; expected the columns {needed}") from error
    columns = table.to_pydict()
    services = tuple(sorted(set(columns["service"])))
    by_item: dict[str, dict[str, int]] = {}
    for row, (item, service) in enumerate(zip(columns["item"], columns["service"], strict=True)):
        by_item.setdefault(str(item), {})[service] = row
    items = tuple(item for item, rows in by_item.items() if len(rows) == len(services))
    if not items:
        raise RecordedAnswersError(f"{path}: no item was asked of all of {', '.join(services)}")
    rows = np.array([[by_item[item][service] for service in services] for item in items])
    texts = [_folded(text) for text in columns["prediction"]]
    golds = [_folded(text) for text in columns["gold"]]
    scores = np.array(columns["score"], dtype=np.float64)
    closed = sorted({text for text in (*texts, *golds) if text})
    correct = None
    if len(closed) <= _MAX_LABELS:
        code = {label: number for number, label in enumerate(closed)} | {"": MISSING}
        answers = np.array([code[text] for text in texts], dtype=np.int64)[rows]
        gold = np.array([code[text] for text in golds], dtype=np.int64)[rows[:, 0]]
        labels = tuple(closed)
    else:
        given = np.array([bool(text) for text in texts])[rows]
        answers = np.where(given, 0, MISSING)
        gold = np.full(len(rows), MISSING)
        correct = np.where(given, np.clip(scores[rows], 0.0, 1.0), 0.0)
        labels = ("free text",)
    shape = answers.shape
    return RecordedAnswers(
        name=path.stem,
        services=services,
        labels=labels,
        items=items,
        answers=answers,
        confidences=np.full(shape, np.nan),
        asked=np.ones(shape, dtype=np.bool_),
        gold=gold,
        costs=np.array(columns["cost_usd"], dtype=np.float64)[rows],
        milliseconds=np.full(shape, np.nan),
        correct=correct,
    )


def _folded(text: str | None) -> str:
    return re.sub(r"\W+", " ", text or "").strip().casefold()
