"""The four processing models: how many questions each was chosen for, and its clock."""

from dataclasses import dataclass
from typing import Final

import pandas as pd
import pyarrow as pa

from orchestration_assets.reporting.counts import frame, share
from orchestration_assets.schemas.enums import ProcessingModel

_QUESTION = ["item_id", "task"]
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
    chosen = frame(plans, *_QUESTION, "model", "calls_max")
    asked = frame(interpretations, *_QUESTION).merge(chosen, on=_QUESTION)["model"].value_counts()
    log = frame(calls, *_QUESTION, "origin", "started_at", "elapsed_ms")
    log = log[log["origin"] == "called"].merge(chosen, on=_QUESTION)
    figures = []
    for model in ProcessingModel:
        own = chosen[chosen["model"] == model.value]
        called = log[log["model"] == model.value]
        if len(own):
            figures.append(
                ModelFigures(
                    model=model.value,
                    in_words=IN_WORDS[model],
                    questions=len(own),
                    of=len(chosen),
                    readings=int(asked.get(model.value, 0)),
                    readings_max=int(own["calls_max"].sum()),
                    called=len(called),
                    work_ms=float(called["elapsed_ms"].sum()),
                    wall_ms=_wall(called),
                )
            )
    return tuple(figures)


def _wall(calls: pd.DataFrame) -> float:
    if calls.empty:
        return 0.0
    ends = calls["started_at"] + pd.to_timedelta(calls["elapsed_ms"], unit="ms")
    return float((ends.max() - calls["started_at"].min()) / pd.Timedelta(milliseconds=1))
