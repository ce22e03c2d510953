"""Thresholds of vectors through the graph: calibrated, pinned, used, and invalidated."""

import json

import numpy as np
import pytest

from orchestration_assets.disagreement.checks import vector_thresholds_valid
from orchestration_assets.services.embedding.word_hashing import WordHashing
from resources.home_resource import HomeResource, PolicyFileResource

POLICY = """
version: 2
content:
  records:
    - {files: "*.jsonl", text: body, id: id}
services:
  word_hashing: {implementation: word_hashing}
  ngram_hashing: {implementation: ngram_hashing}
tasks:
  place:
    question: Where does it lie?
    kind: vector
    disagree_at: 0.5
    default: {model: parallel, services: [word_hashing, ngram_hashing]}
"""
ITEMS = 420


def body(rng: np.random.Generator) -> str:
    topic = int(rng.integers(20))
    letters = "bcdfghklmnprstvw"
    named = [f"{letters[topic % 16]}o{letters[n]}a{letters[topic // 2]}e" for n in range(12)]
    words = [*rng.choice(named, 14), *(f"word{n}" for n in rng.integers(4_000, size=6))]
    return " ".join(map(str, words))


@pytest.fixture
def processed(project, tmp_path):
    rng = np.random.default_rng(4)
    source = tmp_path / "source"
    source.mkdir()
    rows = [json.dumps({"id": str(n), "body": body(rng)}) for n in range(ITEMS)]
    (source / "a.jsonl").write_text("\n".join(rows) + "\n")
    project.write_policy(POLICY)
    (batch,) = project.take_in(source)
    project.succeeds("process_batch", batch)
    return project, batch


def calibrate(project):
    result = project.succeeds("calibrate", None)
    checks = {
        (one.asset_key.to_user_string(), one.check_name): one
        for one in result.get_asset_check_evaluations()
    }
    return project.tables.read("vector_thresholds").to_pylist(), checks


def bases(project, batch) -> set[str]:
    return set(project.tables.read("disagreements", batch)["basis"].to_pylist())


def metadata(result, asset: str) -> dict[str, object]:
    (event,) = (
        event
        for event in result.all_events
        if event.is_step_materialization and event.asset_key.to_user_string() == asset
    )
    return {key: value.value for key, value in event.materialization.metadata.items()}


def test_thresholds_are_pinned_used_and_given_up_when_a_model_changes(
    processed, monkeypatch
) -> None:
    project, batch = processed
    assert bases(project, batch) == {"disagree_at 0.5"}
    assert set(project.tables.read("processing_plans", batch)["thresholds"].to_pylist()) == {None}
    before = project.tables.read("disagreements", batch).num_rows

    rows, checks = calibrate(project)
    (version,) = {row["version"] for row in rows if row["version"]}
    assert all(check.passed for check in checks.values())
    assert ("vector_thresholds", "valid") in checks

    again = project.succeeds("reprocess", batch)
    assert metadata(again, "processing_plans")["thresholds/place"] == version
    assert metadata(again, "disagreements")["thresholds: place"] == version
    plans = project.tables.read("processing_plans", batch)
    assert set(plans["thresholds"].to_pylist()) == {version}
    assert all(basis.startswith(f"thresholds {version}: 95%") for basis in bases(project, batch))
    found = project.tables.read("disagreements", batch)
    assert min(found["unusual"].to_pylist()) >= 0.945
    kept = project.tables.path("disagreements", batch).read_bytes()
    project.succeeds("reprocess", batch)
    assert project.tables.path("disagreements", batch).read_bytes() == kept
    assert {row["version"] for row in calibrate(project)[0] if row["version"]} == {version}
    project.succeeds("corpus_reports", None)
    assert version in (project.home / "reports" / "services.html").read_text()

    was = WordHashing().version
    monkeypatch.setattr(WordHashing, "version", "2")
    changed = project.succeeds("reprocess", batch)
    (basis,) = bases(project, batch)
    assert basis.startswith(f"disagree_at 0.5: thresholds {version} are not valid, word_hashing")
    assert f"not valid: word_hashing changed code or model ({was} -> 2)" in str(
        metadata(changed, "disagreements")["thresholds: place"]
    )
    assert project.tables.read("disagreements", batch).num_rows == before
    resources = {"home": HomeResource(path=str(project.home))}
    checked = vector_thresholds_valid(
        **resources, policy_file=PolicyFileResource(path=str(project.policy))
    )
    assert not checked.passed
    changed_words = f"word_hashing changed code or model ({was} -> 2)"
    assert f"place: ngram_hashing and word_hashing: {changed_words}" in checked.description
    assert "start the job calibrate" in checked.description

    rows, checks = calibrate(project)
    assert checks["vector_thresholds", "valid"].passed
    (fresh,) = {row["version"] for row in rows if row["version"]}
    assert fresh != version
