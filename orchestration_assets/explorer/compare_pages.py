"""The page of what differs between two batches of the home."""

from typing import Final

from orchestration_assets.explorer.site import NoSuchPageError, Visit
from orchestration_assets.reporting.batch_delta import batch_delta, delta_rows
from orchestration_assets.reporting.question_outcomes import recorded_outcomes
from orchestration_assets.reporting.question_rows import Movement

_SHOWN: Final = 200
_OTHERS: Final = 100


def compare_page(visit: Visit) -> str:
    """Two batches side by side, with the questions that moved. Raises NoSuchPageError."""
    before, after = (_known(visit, visit.names[name]) for name in ("batch", "other"))
    tables = visit.site.home.tables
    delta = batch_delta(
        (f"batch {before}", recorded_outcomes(tables, before)),
        (f"batch {after}", recorded_outcomes(tables, after)),
    )
    moved = [one for one in delta.questions if one.movement is not Movement.SAME]
    rows = zip(moved[:_SHOWN], delta_rows(delta), strict=False)
    return visit.page(
        "compare.html",
        delta=delta,
        batches=(before, after),
        moved=len(moved),
        rows=[(one.known.item_id, row) for one, row in rows],
    )


def choose_page(visit: Visit) -> str:
    """The batches that one can be compared with. Raises NoSuchPageError."""
    batch = _known(visit, visit.names["batch"])
    others = [one.batch for one in visit.site.index.batches if one.batch != batch]
    return visit.page("compare_choose.html", batch=batch, others=others[:_OTHERS])


def _known(visit: Visit, name: str) -> str:
    held = visit.site.index.batch(name)
    if held is None:
        raise NoSuchPageError("no batch of this home has that name")
    return held.batch
