from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from orchestration_assets.reporting.item_states import UnlistedItemError, replay
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.states import IllegalTransitionError
from tests.reporting.batches import BATCH, synthetic_batch


@pytest.fixture(scope="module")
def batch() -> dict[str, pa.Table]:
    return synthetic_batch(300)


def states_of(tables: dict[str, pa.Table], **changed: pa.Table) -> pa.Table:
    tables = tables | changed
    return replay(
        BATCH,
        tables["content_manifest"],
        tables["content_profiles"],
        tables["processing_plans"],
        {"parallel_interpretations": tables["interpretations"]},
        tables["resolutions"],
    )


def replaced(table: pa.Table, column: str, item: str, value: str) -> pa.Table:
    """The table with another value in the rows of one item."""
    changed = pc.if_else(pc.equal(table["item_id"], item), value, table[column])
    return table.set_column(
        table.schema.get_field_index(column), table.schema.field(column), changed
    )


def history(states: pa.Table, item: str) -> list[str]:
    return states.filter(pc.equal(states["item_id"], item))["to_state"].to_pylist()


def test_every_listed_item_ends_once_and_its_steps_are_joined(batch) -> None:
    states = states_of(batch).to_pylist()
    ends = Counter(row["item_id"] for row in states if row["final"])
    assert ends == Counter(batch["content_manifest"]["item_id"].to_pylist())
    before = {}
    for row in states:
        assert row["from_state"] == before.get(row["item_id"])
        before[row["item_id"]] = row["to_state"]
        assert row["why"] and row["asset"]


def test_outcomes_of_the_intake_end_the_item_with_their_reason(batch) -> None:
    states = states_of(batch)
    manifest = batch["content_manifest"].to_pylist()
    ends = {row["item_id"]: row for row in states.to_pylist() if row["final"]}
    for row in manifest:
        if row["outcome"] != EntryOutcome.ACCEPTED:
            end = ends[row["item_id"]]
            assert (end["to_state"], end["asset"]) == (row["outcome"], "content_manifest")
            assert row["reason"] is None or end["why"].startswith(row["reason"])


def _with_answers(batch: dict[str, pa.Table]) -> str:
    return (
        batch["resolutions"]
        .filter(pc.equal(batch["resolutions"]["status"], "resolved"))["item_id"][0]
        .as_py()
    )


@pytest.mark.parametrize(
    ("status", "end"),
    [
        ("resolved", "resolved"),
        ("abstained", "review"),
        ("deferred", "deferred"),
        ("failed", "failed"),
    ],
)
def test_an_item_ends_as_its_tasks_do(batch, status, end) -> None:
    item = _with_answers(batch)
    resolutions = replaced(batch["resolutions"], "status", item, status)
    states = states_of(batch, resolutions=resolutions)
    assert history(states, item) == ["discovered", "profiled", "planned", "processing", end]


def test_one_failed_task_decides_over_all_that_are_answered(batch) -> None:
    item = _with_answers(batch)
    rows = batch["resolutions"].to_pylist()
    mine = [row for row in rows if row["item_id"] == item]
    assert len(mine) > 1
    mine[0] |= {"status": "failed", "reason": "it broke"}
    mine[1] |= {"status": "abstained"}
    states = states_of(batch, resolutions=pa.Table.from_pylist(rows, batch["resolutions"].schema))
    (end,) = [row for row in states.to_pylist() if row["item_id"] == item and row["final"]]
    assert (end["to_state"], end["why"]) == ("failed", f"{mine[0]['task']}: it broke")


def test_an_answer_withheld_for_breaking_the_rules_is_quarantine(batch) -> None:
    item = _with_answers(batch)
    states = states_of(
        batch,
        resolutions=replaced(batch["resolutions"], "status", item, "failed"),
        interpretations=replaced(batch["interpretations"], "status", item, "rejected_output"),
    )
    assert history(states, item)[-1] == "quarantined"


def test_an_item_that_no_task_applies_to_is_done_once_profiled(batch) -> None:
    item = _with_answers(batch)
    without = {
        name: batch[name].filter(pc.not_equal(batch[name]["item_id"], item))
        for name in ("processing_plans", "interpretations", "resolutions")
    }
    assert history(states_of(batch, **without), item) == ["discovered", "profiled", "resolved"]


def test_results_of_a_rejected_item_are_an_illegal_step(batch) -> None:
    item = _with_answers(batch)
    manifest = replaced(batch["content_manifest"], "outcome", item, "rejected")
    with pytest.raises(IllegalTransitionError, match=f"{item} cannot go from rejected to profiled"):
        states_of(batch, content_manifest=manifest)


def test_a_resolution_without_any_reading_is_an_illegal_step(batch) -> None:
    item = _with_answers(batch)
    readings = batch["interpretations"]
    lost = readings.filter(pc.not_equal(readings["item_id"], item))
    with pytest.raises(IllegalTransitionError, match="from planned to resolved"):
        states_of(batch, interpretations=lost)


def test_an_item_that_was_never_listed_is_named_with_its_table(batch) -> None:
    item = _with_answers(batch)
    manifest = batch["content_manifest"]
    short = manifest.filter(pc.not_equal(manifest["item_id"], item))
    with pytest.raises(UnlistedItemError, match=f"content_profiles has the item {item}"):
        states_of(batch, content_manifest=short)


def test_the_log_does_not_depend_on_the_order_of_the_tables_rows(batch) -> None:
    turned = {
        name: table.take(list(range(table.num_rows - 1, -1, -1)))
        for name, table in batch.items()
        if name != "content_manifest"
    }
    assert states_of(batch, **turned).equals(states_of(batch))
