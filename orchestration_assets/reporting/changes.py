"""What a batch changed against what was reported before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from orchestration_assets.reporting.counts import CappedCounts
from orchestration_assets.reporting.disputed import QuestionKey
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.tables import ReportRow

_ANSWERS: Final = 20


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was reported before.

    ``row``: of the same batch when it was processed before, else of the batch of the same source
    before it; ``again`` says which. ``answers``: by question about an item of this batch, the
    answer that stood last in an earlier batch, None where none did.
    """

    row: ReportRow
    again: bool
    answers: Mapping[QuestionKey, str | None]


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """A question that was answered before, and is now answered otherwise."""

    path: str
    task: str
    before: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class ReportChanges:
    """The batch against what was reported before.

    ``again``: that was the same batch. ``new``: items that no earlier batch has an answer about,
    ``changed``: those that one has, about other content at the same address.
    """

    before: ReportRow
    again: bool
    new: int
    changed: int
    answers: CappedCounts[AnswerChange]


def changes(
    manifest: pa.Table, resolutions: pa.Table, earlier: Earlier | None
) -> ReportChanges | None:
    """What changed; None where nothing was reported before."""
    if earlier is None:
        return None
    known = {item for item, _ in earlier.answers}
    accepted = {
        item
        for item, outcome in values(manifest, "item_id", "outcome")
        if outcome == EntryOutcome.ACCEPTED
    }
    otherwise = [
        AnswerChange(path, task, earlier.answers[item, task], answer)
        for item, task, path, answer in values(resolutions, "item_id", "task", "path", "answer")
        if (item, task) in earlier.answers and earlier.answers[item, task] != answer
    ]
    otherwise.sort(key=lambda one: (one.path, one.task))
    return ReportChanges(
        before=earlier.row,
        again=earlier.again,
        new=len(accepted - known),
        changed=len(accepted & known),
        answers=CappedCounts(tuple(otherwise[:_ANSWERS]), len(otherwise)),
    )
