"""Taught by a service over HTTP: what becomes of its pupil when it changes without saying so."""

import json
from collections import Counter

import yaml

from orchestration_assets.services.taught.taught_service import AUDIT, LESSON
from resources.ai_services.drill.faults import Fault, FaultKind, FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from tests.graph.conftest import project_in
from tests.graph.test_taught import TOPICS, learn, write_texts

OTHER = {"storage": "travel", "travel": "storage"}


class Teacher(DrillServer):
    """Answers by the words of a topic; the other topic once it is ``changed``."""

    changed = False

    def _answer_body(self, body, served, faults):
        answer = super()._answer_body(body, served, faults)
        prompt = body["messages"][-1]["content"]
        counts = {
            topic: sum(prompt.count(word) for word in words) for topic, words in TOPICS.items()
        }
        label = max(counts, key=counts.__getitem__)
        label = OTHER[label] if self.changed else label
        answer["choices"][0]["message"]["content"] = json.dumps({"answer": label})
        return answer


def policy(url: str) -> str:
    dear = {
        "type": "openai_chat",
        "base_url": url,
        "model": "dear",
        "price": {"input_usd": 5.0, "output_usd": 5.0},
        "prompt": {"system": "{{ task.question }}", "user": "{{ content }}"},
    }
    pupil = {
        "type": "taught",
        "by": "dear",
        "task": "topic",
        "lessons": 150,
        "at_most": 0.02,
        "audit_share": 0.1,
    }
    task = {
        "question": "What is it about?",
        "labels": list(TOPICS),
        "default": {"model": "sequential", "services": ["pupil", "dear"], "stop_at": 0.8},
    }
    return yaml.safe_dump(
        {"version": 2, "services": {"dear": dear, "pupil": pupil}, "tasks": {"topic": task}}
    )


def readings(project, batch, service) -> dict[str, dict]:
    rows = project.tables.read("sequential_interpretations", batch).to_pylist()
    return {row["item_id"]: row for row in rows if row["service"] == service}


def overloaded() -> FaultScript:
    return FaultScript(faults=(Fault(kind=FaultKind.OVERLOAD),))


def test_audits_are_judged_too_where_only_deferred_questions_are_asked(tmp_path) -> None:
    server = Teacher(overloaded())
    with serving(server) as url, project_in(tmp_path) as project:
        text = yaml.safe_load(policy(url))
        briefly = {"open_s": 0.1, "wait_s": 0.5}
        text["services"]["dear"] |= {"retries": {"attempts": 1}, "breaker": briefly}
        project.write_policy(yaml.safe_dump(text))
        first = process(project, tmp_path / "first", 400, 1)
        assert {row["status"] for row in readings(project, first, "dear").values()} == {"deferred"}
        server.script = FaultScript()
        process(project, tmp_path / "second", 300, 2)
        assert not learn(project)["suspended"]
        server.changed = True
        project.succeeds("take_up_deferred", first)
        pupil = readings(project, first, "pupil")
        assert sum(row["reason"] == AUDIT for row in pupil.values()) > 10
        row = learn(project)
        assert row["suspended"]
        assert "it differs from dear in " in row["words"]


def process(project, folder, count: int, seed: int) -> str:
    write_texts(folder, count, seed)
    (batch,) = project.take_in(folder)
    project.succeeds("process_batch", batch)
    return batch


def test_a_teacher_that_changes_silently_is_found_by_its_audits_and_teaches_anew(tmp_path) -> None:
    server = Teacher()
    with serving(server) as url, project_in(tmp_path) as project:
        project.write_policy(policy(url))
        first = process(project, tmp_path / "first", 500, 1)
        taught = readings(project, first, "pupil")
        assert Counter(row["status"] for row in taught.values())["ok"] > 150
        assert len(readings(project, first, "dear")) == 500 - sum(
            row["status"] == "ok" for row in taught.values()
        )

        server.changed = True
        second = process(project, tmp_path / "second", 700, 2)
        drifted, dear = (readings(project, second, name) for name in ("pupil", "dear"))
        audited = {item for item, row in drifted.items() if row["reason"] == AUDIT}
        assert audited <= dear.keys()
        assert all(
            row["alternatives"][0]["answer"] == OTHER[dear[item]["answer"]]
            for item, row in drifted.items()
            if item in audited
        )
        # the audits of the first part of the batch suspend it: its teacher answers the others
        after = {item for item, row in drifted.items() if (row["reason"] or "").startswith(LESSON)}
        assert len(after) == 200
        assert after <= dear.keys()
        assert all("suspended: it differs from dear" in drifted[item]["reason"] for item in after)
        row = learn(project)
        assert (row["outcome"], row["suspended"]) == ("promoted", False)
        # what was asked before the suspension may be from before the change
        assert row["lessons"] == 200
        project.succeeds("process_batch", second)
        assert readings(project, second, "pupil") == drifted
        assert learn(project)["lessons"] == 200

        third = process(project, tmp_path / "third", 100, 3)
        again = readings(project, third, "pupil")
        given = [row["answer"] for row in again.values() if row["status"] == "ok"]
        assert len(given) > 40
        texts = {
            item["item_id"]: (tmp_path / "third" / item["path"]).read_text()
            for item in project.tables.read("content_manifest", third).to_pylist()
        }
        for item, reading in again.items():
            if reading["status"] == "ok":
                seen = any(word in texts[item] for word in TOPICS["storage"])
                assert reading["answer"] == ("travel" if seen else "storage")
