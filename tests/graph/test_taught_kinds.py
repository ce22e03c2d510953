"""Sets and scores of a teacher over HTTP, learned and answered within a whole batch."""

import json

import pytest
import yaml

from orchestration_assets.services.taught.taught_service import AUDIT, LESSON
from resources.ai_services.drill.server import serving
from tests.graph.conftest import project_in
from tests.graph.test_taught import TOPICS, learn, write_texts
from tests.graph.test_taught_again import stable
from tests.graph.test_taught_by_a_server import Teacher, policy, readings

ANSWERS = {
    "set": {"storage": ["keep", "paper"], "travel": ["go"]},
    "score": {"storage": 0.2, "travel": 0.8},
}
TASKS = {
    "set": {"kind": "set"},
    "score": {"kind": "score", "scale": [0.0, 1.0]},
}


class OfKind(Teacher):
    """Answers with the set or the score of a topic."""

    kind = "set"

    def _answer_body(self, body, served, faults):
        answer = super()._answer_body(body, served, faults)
        message = answer["choices"][0]["message"]
        given = json.loads(message["content"])["answer"]
        if given in TOPICS:
            message["content"] = json.dumps({"answer": ANSWERS[self.kind][given]})
        return answer


@pytest.mark.parametrize("kind", list(TASKS))
def test_a_batch_teaches_answers_and_audits_each_kind_and_again_alike(kind, tmp_path) -> None:
    server = OfKind()
    server.kind = kind
    write_texts(tmp_path / "texts", 500)
    with serving(server) as url, project_in(tmp_path) as project:
        raw = yaml.safe_load(policy(url))
        task = raw["tasks"]["topic"]
        del task["labels"]
        task |= TASKS[kind]
        raw["services"]["pupil"] |= {"lessons": 200, "at_most": 0.05}
        project.write_policy(yaml.safe_dump(raw))
        (batch,) = project.take_in(tmp_path / "texts")
        project.succeeds("process_batch", batch)
        pupil = readings(project, batch, "pupil")
        answered = {item: row for item, row in pupil.items() if row["status"] == "ok"}
        assert len(answered) > 100
        assert sum((row["reason"] or "").startswith(LESSON) for row in pupil.values()) >= 200
        assert any(row["reason"] == AUDIT for row in pupil.values())
        texts = {
            row["item_id"]: (tmp_path / "texts" / row["path"]).read_text()
            for row in project.tables.read("content_manifest", batch).to_pylist()
        }
        wrong = 0
        for item, row in answered.items():
            is_storage = any(word in texts[item] for word in TOPICS["storage"])
            expected = ANSWERS[kind]["storage" if is_storage else "travel"]
            if kind == "set":
                wrong += sorted(row["answer_set"]) != sorted(expected)
            else:
                wrong += abs(row["answer_score"] - expected) > 0.05
        assert wrong <= 0.05 * 500
        resolved = project.tables.read("resolutions", batch).to_pylist()
        assert len(resolved) == 500
        before = stable(project, batch)
        project.succeeds("process_batch", batch)
        assert stable(project, batch) == before
        row = learn(project)
        assert row["lessons"] > 200
        assert not row["suspended"]
