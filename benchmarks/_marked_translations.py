"""Translations with the errors that professional translators marked: ``DIR/<set>/data.parquet``,
one row a segment and system, with the marks in ``errors_json``."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

COLUMNS: Final = ("item", "task", "service", "prediction", "score", "errors_json", "raters", "doc")
_PAIR: Final = re.compile(r"([a-z]{2})-?([a-z]{2})$")
_GRAVE: Final = frozenset({"major", "critical"})
_HUMAN: Final = re.compile(r"ref.{0,2}", re.IGNORECASE)


class MarkedTranslationsError(ValueError):
    """A folder without marked translations, or with a table that does not fit."""


@dataclass(frozen=True)
class Translation:
    """``major``: whether at least half of the raters marked a major error. ``marked`` and
    ``marked_major``: (characters,) what lies in a marked span."""

    text: str
    major: bool
    score: float
    marked: NDArray[np.bool_]
    marked_major: NDArray[np.bool_]


@dataclass(frozen=True)
class Segment:
    """What all ``systems`` made of one sentence, in the order of their names."""

    item: str
    document: str
    systems: tuple[str, ...]
    translations: tuple[Translation, ...]


def load_marked_translations(folder: Path, *, references: bool) -> dict[str, list[Segment]]:
    """Language pair (``zh-en``) -> segments, from all tables below the folder that have marks.

    Human ``references`` are left out unless asked for: a comparison with them is no disagreement of
    systems. Sets of one pair are put together. Raises MarkedTranslationsError.
    """
    found: dict[str, list[Segment]] = {}
    for path in sorted(folder.rglob("data.parquet")):
        try:
            names = pq.read_schema(path).names
            rows = pq.read_table(path).to_pandas() if set(COLUMNS) <= set(names) else None
        except (OSError, pa.ArrowException) as error:
            raise MarkedTranslationsError(f"{path}: {error}") from error
        if rows is None:
            continue
        if not references:
            rows = rows[~rows["service"].map(lambda name: bool(_HUMAN.fullmatch(name)))]
        for task, of_task in rows.groupby("task", sort=True):
            found.setdefault(_pair(str(task)), []).extend(_segments(of_task))
    if not found:
        raise MarkedTranslationsError(
            f"{folder}: no data.parquet with the columns {', '.join(COLUMNS)} below it; the marks "
            "are those of github.com/google/wmt-mqm-human-evaluation"
        )
    return found


def _pair(task: str) -> str:
    named = _PAIR.search(task)
    return f"{named[1]}-{named[2]}" if named else task


def _segments(rows: pd.DataFrame) -> list[Segment]:
    """Segments that at least two systems translated."""
    rows = rows[rows["prediction"].notna()].sort_values(["item", "service"], kind="stable")
    rows = rows.drop_duplicates(["item", "service"], keep="last")
    return [
        Segment(
            str(item),
            str(of_item["doc"].iloc[0]),
            tuple(of_item["service"]),
            tuple(
                _translation(text, score, errors, raters)
                for text, score, errors, raters in zip(
                    *(of_item[name] for name in ("prediction", "score", "errors_json", "raters")),
                    strict=True,
                )
            ),
        )
        for item, of_item in rows.groupby("item", sort=True)
        if len(of_item) > 1
    ]


def _translation(text: str, score: float, errors_json: str | None, raters: int) -> Translation:
    errors = json.loads(errors_json or "[]")
    grave = [error for error in errors if str(error["severity"]).lower() in _GRAVE]
    spotted = len({error.get("rater") for error in grave})
    return Translation(
        text,
        2 * spotted >= max(int(raters), 1) and bool(grave),
        float(score),
        _marks(text, [error.get("span") for error in errors]),
        _marks(text, [error.get("span") for error in grave]),
    )


def _marks(text: str, spans: Sequence[str | None]) -> NDArray[np.bool_]:
    """A span that stands in the text more than once is taken where it stands first: the place is
    not recorded."""
    marked = np.zeros(len(text), dtype=np.bool_)
    for span in spans:
        start = text.find(span) if span else -1
        if span and start >= 0:
            marked[start : start + len(span)] = True
    return marked
