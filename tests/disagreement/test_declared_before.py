"""Questions whose answers the content declared under an earlier policy."""

from datetime import UTC, datetime

from orchestration_assets.content.verdicts import VerdictContext, merge, verdict_row
from orchestration_assets.disagreement.batch_tables import AnsweredBatch, queue_questions
from orchestration_assets.disagreement.review_files import is_open
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import INTERPRETATIONS
from orchestration_assets.schemas.verdicts import GOLD_LABELS
from resources.home import Home
from tests.conftest import Finished


def answered(home: Home, batch: str) -> AnsweredBatch:
    names = ("content_manifest", "content_profiles", "processing_plans")
    after = ("resolutions", "disagreements", "dispute_kinds")
    first, then = ([home.tables.read(name, batch) for name in part] for part in (names, after))
    readings = [home.tables.read(table.name, batch) for table in INTERPRETATIONS.values()]
    return AnsweredBatch(home, batch, *first, readings, *then)


def test_people_are_asked_what_only_an_earlier_policy_found_declared(copied: Finished) -> None:
    home = Home(copied.home)
    batch = answered(home, copied.batch)
    asked = {(row.content_hash, row.task) for row in queue_questions(batch) if is_open(row)}
    row = next(
        one
        for one in queue_questions(batch)
        if one.kind is AnswerKind.LABEL and one.answer is not None
    )
    assert batch.policy is not None and batch.policy.tasks[row.task].gold is None
    now = datetime(2026, 1, 1, tzinfo=UTC)
    said = verdict_row(
        "column right",
        1,
        row.item_id,
        row.path,
        row.content_hash,
        row.task,
        row.answer or "",
        now,
        VerdictContext(batch.policy.tasks, "earlier", now),
    )
    home.tables.write(GOLD_LABELS, rows_to_arrow(GOLD_LABELS, merge([said])))
    still = {(one.content_hash, one.task) for one in queue_questions(batch) if is_open(one)}
    assert (row.content_hash, row.task) in asked == still
