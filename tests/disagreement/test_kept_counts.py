"""Counts over all batches read again what changed, and are those of reading everything."""

import random
import shutil

import pytest

from orchestration_assets.disagreement import label_history
from orchestration_assets.disagreement.label_history import answered_versions, label_readings
from orchestration_assets.disagreement.scorecards import SPENDING_COLUMNS, scorecards, tally
from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    CALL_LOG,
    PARALLEL_INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
    SEQUENTIAL_INTERPRETATIONS,
    CallRow,
    PlanRow,
    ResolutionRow,
)
from resources.home import Home
from resources.table_store import TableStore
from tests.disagreement.batches import interpretation
from tests.evidence.answers import ok
from tests.rows import row

TABLES = (
    PARALLEL_INTERPRETATIONS,
    SEQUENTIAL_INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
    CALL_LOG,
)


def store_batch(home: Home, batch: str, rng: random.Random, items: int = 6) -> list[str]:
    """A batch of two tasks, and the contents of its items."""
    plans, rows, resolved, calls = [], [], [], []
    for n in range(items):
        content = f"{batch}{n}"
        for name in ("t", "u"):
            asked = {"batch": batch, "item_id": content, "task": name}
            of = {**asked, "content_hash": content}
            way = {"option": rng.choice("mn"), "stop_at": rng.choice([None, 0.9])}
            way["services"] = ("x", "y") if name == "t" or n % 2 else ("x",)
            plans.append(row(PlanRow, kind=AnswerKind.LABEL, **of, **way))
            for service in ("x", "y"):
                said = rng.choice([ok("a", 0.7), ok("b", 0.9), Reading(Status.ABSTAINED)])
                version = rng.choice(["1", "2"])
                rows.append(interpretation(service, said, service_version=version, **of))
                calls.append(
                    row(CallRow, service=service, origin="called", elapsed_ms=rng.random(), **asked)
                )
            sides = rng.sample(["x", "y"], 2)
            resolved.append(
                row(ResolutionRow, supporters=(sides[0],), dissenters=(sides[1],), **of)
            )
    made = (rows, [], plans, resolved, calls)
    for table, of_table in zip(TABLES, made, strict=True):
        home.tables.write(table, rows_to_arrow(table, of_table), batch)
    return [f"{batch}{n}" for n in range(items)]


def counted(home: Home, judged=()):
    spent = home.spending.rows(SPENDING_COLUMNS)
    return (
        tally(home.tables, spent),
        label_readings(home.tables, judged),
        answered_versions(home.tables),
    )


def test_counts_are_those_of_reading_everything_whatever_changed(tmp_path, monkeypatch) -> None:
    # older batches are left out from few readings on, as from many
    monkeypatch.setattr(label_history, "_MAX_READINGS", 15)
    home, rng = Home(tmp_path / "home"), random.Random(5)
    contents: list[str] = []
    for change in range(24):
        batch = f"b{rng.randrange(8)}"
        what = rng.choice(["made", "made", "table", "damaged", "kept", "gone"])
        tables = [table.name for table in TABLES if home.tables.exists(table.name, batch)]
        if what == "made" or not tables:
            contents += store_batch(home, batch, rng)
        elif what == "gone":
            for name in tables:
                home.tables.forget(name, batch)
        elif what == "damaged":
            home.tables.path(rng.choice(tables), batch).write_bytes(b"PAR1 but no table")
        elif what == "kept" and home.tables.derived.exists():
            kept = rng.choice(sorted(home.tables.derived.rglob("*.json")))
            kept.write_bytes(rng.choice([b"", b"{}", b"[1]", b'{"versions": 1}']))
        else:
            other = f"b{rng.randrange(8)}"
            store_batch(home, other, rng, items=3)
        judged = rng.sample(contents, min(len(contents), 3 * (change % 3)))
        fresh = Home(tmp_path / f"fresh{change}")
        shutil.copytree(tmp_path / "home", fresh.folder, ignore=shutil.ignore_patterns("derived"))
        assert counted(home, judged) == counted(fresh, judged)
        # and once more from what is kept by now
        done, readings, _ = again = counted(home, judged)
        assert again == counted(fresh, judged)
        gold = {task: dict.fromkeys(judged, "a") for task in "tu"}
        fewer = label_readings(home.tables, judged, to_compare=True)
        assert list(scorecards(done, fewer, gold)) == list(scorecards(done, readings, gold))


def test_batches_are_not_read_for_a_task_that_one_service_answers(tmp_path, monkeypatch) -> None:
    home = Home(tmp_path)
    for batch in ("b1", "b2"):
        of = {"batch": batch, "item_id": batch, "content_hash": batch, "task": "t"}
        plans = [row(PlanRow, kind=AnswerKind.LABEL, services=("x",), **of)]
        rows = [interpretation("x", ok("a", 0.7), **of)]
        made = (rows, [], plans, [], [])
        for table, of_table in zip(TABLES, made, strict=True):
            home.tables.write(table, rows_to_arrow(table, of_table), batch)
    assert label_readings(home.tables)["t"].votes.keys() == {"b1", "b2"}
    monkeypatch.setattr(TableStore, "read", None)
    assert label_readings(home.tables, to_compare=True)["t"].votes == {}
    monkeypatch.undo()
    assert label_readings(home.tables, ["b1"], to_compare=True)["t"].votes.keys() == {"b1"}


def test_only_the_batch_that_changed_is_read_again(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(label_history, "_MAX_READINGS", 12)
    home, rng = Home(tmp_path), random.Random(7)
    for n in range(12):
        store_batch(home, f"b{n:02d}", rng)
    counted(home)
    read = set()
    usual = TableStore.read

    def noting(store, table, batch=None, columns=None):
        read.add(batch)
        return usual(store, table, batch, columns)

    monkeypatch.setattr(TableStore, "read", noting)
    store_batch(home, "b03", rng)
    counted(home)
    # the newest ones, for the readings themselves
    assert "b03" in read and read <= {"b03", "b09", "b10", "b11"}
    read.clear()
    counted(home, ["b050"])
    assert "b05" in read


def test_a_home_that_cannot_be_written_is_counted_all_the_same(tmp_path) -> None:
    home, rng = Home(tmp_path), random.Random(9)
    store_batch(home, "b1", rng)
    home.tables.derived.write_text("a file in the place of the folder")
    first = counted(home)
    shutil.rmtree(tmp_path / "nothing", ignore_errors=True)
    home.tables.derived.unlink()
    assert counted(home) == first


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_version_changes_with_its_table(tmp_path, table) -> None:
    home, rng = Home(tmp_path), random.Random(11)
    assert home.tables.version(table.name, "b1") is None
    store_batch(home, "b1", rng)
    before = home.tables.version(table.name, "b1")
    assert home.tables.version(table.name, "b1") == before
    store_batch(home, "b1", rng)
    assert home.tables.version(table.name, "b1") != before
