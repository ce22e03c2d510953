"""Taught services in a whole batch: lessons first, then answers, audits, drift, another teacher."""

from pathlib import Path
from random import Random

import pytest
import yaml

from orchestration_assets.policy.load import load_policy
from orchestration_assets.processing.embedded_chunks import EmbeddedBatch
from orchestration_assets.processing.taught_audits import audits_of, record_audits
from orchestration_assets.processing.taught_models import knowing_all, store_taught
from orchestration_assets.services.pool import build_services
from orchestration_assets.services.taught.taught_service import (
    AUDIT,
    LESSON,
    SINCE_SUSPENDED,
    TaughtService,
)
from orchestration_assets.services.taught.teaching import suspend
from resources.home import Home
from tests.graph.conftest import project_in

TOPICS = {
    "storage": ["archive", "backup", "disk", "record", "vault", "shelf", "copy", "restore"],
    "travel": ["train", "hotel", "flight", "ticket", "luggage", "border", "journey", "harbour"],
}
FILLER = "the a of for we on this old new about again every small while near some".split()


def policy(**taught) -> str:
    topics = dict(TOPICS)
    services = {
        "words": {"implementation": "word_labels", "parameters": {"labels": topics}},
        "pupil": {"type": "taught", "by": "words", "task": "topic", "lessons": 100, **taught},
    }
    task = {
        "question": "What is it about?",
        "labels": list(topics),
        "default": {"model": "sequential", "services": ["pupil", "words"], "stop_at": 0.8},
    }
    return yaml.safe_dump({"version": 2, "services": services, "tasks": {"topic": task}})


def write_texts(folder: Path, count: int, seed: int = 1) -> None:
    folder.mkdir(exist_ok=True)
    random = Random(seed)
    for n in range(count):
        words = TOPICS["storage" if random.random() < 0.5 else "travel"]
        text = random.choices(words, k=12) + random.choices(FILLER, k=12)
        random.shuffle(text)
        (folder / f"{seed}-{n:04d}.txt").write_text(" ".join(text) + f" {n}\n")


def readings(project, batch) -> dict[str, list[dict]]:
    rows = project.tables.read("sequential_interpretations", batch).to_pylist()
    return {name: [row for row in rows if row["service"] == name] for name in ("pupil", "words")}


@pytest.fixture(scope="module")
def taught_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("taught")
    write_texts(folder / "texts", 900)
    with project_in(folder) as project:
        project.write_policy(policy(at_most=0.02))
        (batch,) = project.take_in(folder / "texts")
        project.succeeds("process_batch", batch)
        yield project, batch


@pytest.fixture
def taught(taught_once, project):
    made, batch = taught_once
    return made.copied_to(project), batch


def test_the_first_items_teach_and_the_others_are_answered_without_the_teacher(taught) -> None:
    project, batch = taught
    found = readings(project, batch)
    lessons = [row for row in found["pupil"] if (row["reason"] or "").startswith(LESSON)]
    answered = {row["item_id"]: row for row in found["pupil"] if row["status"] == "ok"}
    audited = [row for row in found["pupil"] if row["reason"] == AUDIT]
    assert len(lessons) >= 100
    assert len(answered) > 400
    assert audited
    assert not answered.keys() & {row["item_id"] for row in found["words"]}
    row = next(iter(answered.values()))
    assert row["evidence"].startswith("taught by words: ")
    resolved = project.tables.read("resolutions", batch).to_pylist()
    assert len(resolved) == 900
    texts = {
        row["item_id"]: Path(row["path"]).name
        for row in project.tables.read("content_manifest", batch).to_pylist()
    }
    assert set(texts) >= set(answered)


def learn(project) -> dict:
    result = project.succeeds("learn_selection", None)
    assert all(evaluation.passed for evaluation in result.get_asset_check_evaluations())
    (row,) = project.tables.read("taught_services").to_pylist()
    return row


def test_the_table_says_what_is_promised_on_what_and_what_audits_say(taught) -> None:
    project, batch = taught
    row = learn(project)
    found = readings(project, batch)
    audited = sum(one["reason"] == AUDIT for one in found["pupil"])
    assert row["outcome"] in ("promoted", "unchanged")
    assert row["lessons"] >= 100
    assert row["loss_bound"] <= row["promised"] == 0.02
    assert row["coverage"] > 0.5
    assert row["words"].startswith("answers ")
    assert audited > 0
    assert not row["suspended"]


def test_the_next_batch_needs_no_lessons(taught, tmp_path) -> None:
    project, _ = taught
    write_texts(tmp_path / "more", 200, seed=2)
    (batch,) = project.take_in(tmp_path / "more")
    project.succeeds("process_batch", batch)
    found = readings(project, batch)
    assert not [row for row in found["pupil"] if (row["reason"] or "").startswith(LESSON)]
    assert sum(row["status"] == "ok" for row in found["pupil"]) > 100


def test_a_changed_teacher_teaches_again(taught, tmp_path) -> None:
    project, _ = taught
    other = yaml.safe_load(project.policy.read_text())
    other["services"]["words"]["parameters"]["labels"]["travel"].append("voyage")
    project.write_policy(yaml.safe_dump(other))
    write_texts(tmp_path / "more", 60, seed=3)
    (batch,) = project.take_in(tmp_path / "more")
    project.succeeds("process_batch", batch)
    found = readings(project, batch)
    assert all(row["reason"].startswith(LESSON) for row in found["pupil"])
    assert len(found["words"]) == 60


def test_audits_that_differ_suspend_it_and_its_teacher_answers(taught, tmp_path) -> None:
    project, _ = taught
    home, policy_in_force = Home(project.home), load_policy(project.policy).policy
    services = knowing_all(build_services(policy_in_force.services), policy_in_force, home.models)
    pupil = services["pupil"]
    assert isinstance(pupil, TaughtService)
    assert pupil.state.taught is not None
    audits = dict.fromkeys((n / 20 for n in range(20)), True)
    result = record_audits(home.models, "20990101", pupil, pupil.state.taught, audits)
    assert result.suspended
    suspended = suspend(pupil.state.taught, result, pupil.config, "20990101")
    store_taught(home.models, pupil, suspended)
    write_texts(tmp_path / "more", 60, seed=4)
    (batch,) = project.take_in(tmp_path / "more")
    project.succeeds("process_batch", batch)
    found = readings(project, batch)
    assert all(row["status"] == "abstained" for row in found["pupil"])
    # so that they are known as later than what its audits showed
    assert all(row["reason"].startswith(SINCE_SUSPENDED) for row in found["pupil"])
    assert len(found["words"]) == 60
    row = learn(project)
    assert (row["outcome"], row["suspended"]) == ("suspended", True)
    assert "it differs from words in 20 of " in row["words"]


def test_a_batch_does_without_audits_that_were_damaged(taught, tmp_path) -> None:
    project, _ = taught
    registry = Home(project.home).models
    version = registry.current("taught.pupil")
    before = audits_of(registry, "pupil", version)
    (stored,) = (project.home / "models" / "taught_audits.pupil").glob("*/arrays-*.npz")
    stored.write_bytes(b"damaged")
    assert len(before) > 0 and audits_of(registry, "pupil", version) == []
    write_texts(tmp_path / "more", 200, seed=6)
    (batch,) = project.take_in(tmp_path / "more")
    project.succeeds("process_batch", batch)
    found = readings(project, batch)
    assert sum(row["status"] == "ok" for row in found["pupil"]) > 100
    audited = sum(row["reason"] == AUDIT for row in found["pupil"])
    assert len(audits_of(registry, "pupil", version)) == audited
    assert learn(project)["outcome"] in ("promoted", "unchanged")


def test_near_copies_that_share_answers_leave_what_was_taught_as_it_is(project, tmp_path) -> None:
    raw = yaml.safe_load(policy(at_most=0.05))
    project.write_policy(yaml.safe_dump(raw | {"features": {"share_answers": True}}))
    folder = tmp_path / "texts"
    write_texts(folder, 300)
    text = " ".join(f"train{n * n % 977} and part{n}" for n in range(300))
    for n in range(4):
        (folder / f"copy{n}.txt").write_text(f"{text} copy number {n}\n")
    (batch,) = project.take_in(folder)
    result = project.succeeds("process_batch", batch)
    found = readings(project, batch)
    assert sum(row["shared_from"] is not None for row in found["pupil"]) == 3
    messages = [entry.user_message for entry in project.instance.all_logs(result.run_id)]
    (words,) = [one for one in messages if one.startswith("pupil, taught: ")]
    assert words.startswith("pupil, taught: answers ")


def test_parts_between_audits_go_through_the_tables_of_the_batch_once(
    project, tmp_path, monkeypatch
) -> None:
    raw = yaml.safe_load(policy(at_most=0.05, audit_share=0.25))
    only_words = {"model": "sequential", "services": ["words"]}
    raw["tasks"]["theme"] = raw["tasks"]["topic"] | {"default": only_words}
    raw["tasks"]["topic"]["applies_to"] = {"char_count": {"gt": 100}}
    project.write_policy(yaml.safe_dump(raw))
    write_texts(tmp_path / "texts", 700)
    (tmp_path / "texts" / "short.txt").write_text("train\n")
    (batch,) = project.take_in(tmp_path / "texts")
    times: list[int] = []
    whole = EmbeddedBatch.process

    def counted(self: EmbeddedBatch, plans, work):
        times.append(len(plans))
        return whole(self, plans, work)

    monkeypatch.setattr(EmbeddedBatch, "process", counted)
    project.succeeds("process_batch", batch)
    assert times == [1]
    rows = project.tables.read("sequential_interpretations", batch).to_pylist()
    assert sum(row["task"] == "theme" for row in rows) == 701
    assert sum(row["reason"] == AUDIT for row in rows) > 50
