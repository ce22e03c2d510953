"""The four processing models: how many questions each was chosen for, and its clock."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import numbers, question_places, share
from orchestration_assets.schemas.enums import ProcessingModel

_NS_PER_MS: Final = 1_000_000
Words = np.ndarray[Any, np.dtype[np.object_]]
IN_WORDS: Final = {
    ProcessingModel.SEQUENTIAL: "one service after another, until the answer is sure enough",
    ProcessingModel.PARALLEL: "every service at once, none knowing of the others",
    ProcessingModel.ITERATIVE: "in rounds that read more, or see what others say, until it settles",
    ProcessingModel.HYBRID: "in waves: some services wait for others, or a router decides",
}


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """One processing model. ``readings_max`` is what its plans would have asked at most.

    ``wall_ms`` runs from the first start of a call to the last end, ``work_ms`` is the sum of
    all calls: their quotient says how many calls ran at once. What the cache served is no call.
    """

    model: str
    in_words: str
    questions: int
    of: int
    readings: int
    readings_max: int
    called: int
    work_ms: float
    wall_ms: float

    @property
    def at_once(self) -> float:
        """Calls that ran at the same time, in the mean."""
        return share(self.work_ms, self.wall_ms)


def model_figures(
    plans: pa.Table, interpretations: pa.Table, calls: pa.Table
) -> tuple[ModelFigures, ...]:
    """Every model that was chosen, in the order of the vocabulary."""
    chosen = _words(plans["model"])
    asked = _models_of(interpretations, plans)
    calls = calls.filter(pc.equal(calls["origin"], "called"))
    called = _models_of(calls, plans)
    figures = []
    for model in ProcessingModel:
        own = chosen == model.value
        if not own.any():
            continue
        log = calls.filter(pa.array(called == model.value))
        figures.append(
            ModelFigures(
                model=model.value,
                in_words=IN_WORDS[model],
                questions=int(own.sum()),
                of=len(chosen),
                readings=int((asked == model.value).sum()),
                readings_max=int(plans["calls_max"].to_numpy()[own].sum()),
                called=log.num_rows,
                work_ms=float(numbers(log["elapsed_ms"]).sum()),
                wall_ms=_wall(log),
            )
        )
    return tuple(figures)


def _models_of(table: pa.Table, plans: pa.Table) -> Words:
    """The model that was chosen for the question of each row, None without a plan."""
    places = question_places(table, plans)
    planned = pa.array(places, mask=places < 0)
    return _words(plans["model"].take(planned))


def _words(column: pa.ChunkedArray) -> Words:
    return np.array(column.to_pylist(), dtype=object)


def _wall(calls: pa.Table) -> float:
    if not calls.num_rows:
        return 0.0
    # whole nanoseconds, as floats hold no such time since 1970
    starts = calls["started_at"].cast(pa.timestamp("ns")).cast(pa.int64()).to_numpy()
    lengths = np.rint(numbers(calls["elapsed_ms"]) * _NS_PER_MS).astype(np.int64)
    return float(((starts + lengths).max() - starts.min()) / _NS_PER_MS)
