"""One item that breaks a step in a way that nobody foresaw: it fails, and the rest is done."""

import orchestration_assets.disagreement.kinds.search as kinds_module
import orchestration_assets.disagreement.pairs as pairs_module
import orchestration_assets.disagreement.resolution as resolution_module
import orchestration_assets.features.batch as features_module
import orchestration_assets.profiling.batch as profiling_module
import orchestration_assets.selection.plan as plan_module
from orchestration_assets.schemas.tables import ResolutionRow
from tests.rows import row


def breaking(real, is_poison):
    def broken(*arguments, **named):
        if is_poison(*arguments):
            raise ZeroDivisionError("what nobody foresaw")
        return real(*arguments, **named)

    return broken


BROKEN = {
    "profiled": (profiling_module, "profile", lambda name, *_: "profiled" in name),
    "sketched": (features_module, "minhashes", lambda texts: any("sketched" in t for t in texts)),
    "hashed": (features_module, "hashed_words", lambda texts: any("hashed" in t for t in texts)),
    "planned": (plan_module, "_first_decision", lambda s, task, config, row: "planned" in row.path),
    "resolved": (resolution_module, "resolve", lambda plan, *_: "resolved" in plan.path),
    "compared": (pairs_module, "_compared", lambda row, *_: "compared" in row.path),
}
WHERE = {
    "profiled": "content_profiles",
    "sketched": "content_vectors",
    "hashed": "content_vectors",
    "planned": "processing_plans",
    "resolved": "resolutions",
}


def test_each_fails_alone_and_the_rest_is_done(project, tmp_path, monkeypatch) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in (*BROKEN, *(f"note{number}" for number in range(6))):
        words = f"The {name} note says that the good meeting of the group was sadly moved.\n"
        (source / f"{name}.txt").write_text(words * 5)
    for module, function, is_poison in BROKEN.values():
        monkeypatch.setattr(module, function, breaking(getattr(module, function), is_poison))
    (batch,) = project.take_in(source)
    project.succeeds("process_batch", batch)
    rows = {
        table: project.tables.read(table, batch).to_pylist()
        for table in {*WHERE.values(), "item_states"}
    }
    for name, table in WHERE.items():
        said = {row["reason"] for row in rows[table] if row["path"] == f"{name}.txt"}
        assert any("what nobody foresaw" in reason for reason in said if reason), name
        others = {row["reason"] for row in rows[table] if row["path"].startswith("note")}
        assert not any("what nobody foresaw" in reason for reason in others if reason)
    ends = {row["path"]: row["to_state"] for row in rows["item_states"] if row["final"]}
    assert set(ends) == {path.name for path in source.iterdir()}
    assert ends.pop("profiled.txt") == ends.pop("resolved.txt") == "failed"
    assert set(ends.values()) <= {"resolved", "review"}


def test_kinds_that_cannot_be_looked_for_are_said(monkeypatch) -> None:
    from orchestration_assets.schemas.enums import AnswerKind, DisputeKind, Status
    from orchestration_assets.schemas.items import Reading, Task

    def broken(votes, task):
        raise ZeroDivisionError("what nobody foresaw")

    monkeypatch.setattr(kinds_module, "_outlier", broken)
    task = Task("t", "1", AnswerKind.LABEL, ("a", "b"))
    key = ("i", "t")
    asked = row(ResolutionRow, batch="b", item_id="i", content_hash="h", path="p", task="t")
    votes = tuple((name, Reading(Status.OK, name, 0.9)) for name in ("a", "b"))
    search = kinds_module.KindSearch((DisputeKind.OUTLIER_SERVICE,), (), lambda item: None)
    said: dict[str, str] = {}
    rows = kinds_module.dispute_kinds([asked], {key: votes}, {"t": task}, search, said)
    assert list(rows) == []
    assert "what nobody foresaw" in next(iter(said.values()))
