"""A teacher that fails, hangs or is too dear: what its pupil is sure of it answers instead."""

import json
from collections import Counter

import pytest
import yaml

from orchestration_assets.services.taught.taught_service import AUDIT, LESSON
from resources.ai_services.drill.faults import Fault, FaultKind, FaultScript
from resources.ai_services.drill.server import serving
from tests.graph.conftest import project_in
from tests.graph.test_taught import write_texts
from tests.graph.test_taught_by_a_server import Teacher, policy, readings

MARK = "small"
"""A word of about half of the texts: the teacher fails on those."""
FAILURES = {
    FaultKind.REFUSED: "failed",
    FaultKind.WRONG_SCHEMA: "rejected_output",
    FaultKind.HANG: "timeout",
}


class Failing(Teacher):
    """Does not answer, or not as it was asked to, about texts with the mark."""

    def _answer_body(self, body, served, faults):
        answer = super()._answer_body(body, served, faults)
        if FaultKind.WRONG_SCHEMA in faults:
            answer["choices"][0]["message"]["content"] = json.dumps({"verdict": "yes"})
        return answer


def failing(kind: FaultKind) -> Failing:
    return Failing(FaultScript(faults=(Fault(kind=kind, contains=MARK),)))


def policy_with(url: str, *, execution=None, task=None, dear=None, **pupil) -> str:
    raw = yaml.safe_load(policy(url))
    raw["services"]["pupil"] |= {"lessons": 100, "audit_share": 0.2} | pupil
    raw["services"]["dear"] |= dear or {}
    raw["tasks"]["topic"] |= task or {}
    return yaml.safe_dump(raw | ({"execution": execution} if execution else {}))


def rows(project, table: str, batch: str) -> list[dict]:
    return project.tables.read(table, batch).to_pylist()


@pytest.mark.parametrize("kind", list(FAILURES))
def test_what_it_is_sure_of_it_answers_where_its_teacher_fails(kind, tmp_path) -> None:
    # half of the questions fail: a breaker that opens would only make the test wait
    never_opens = {"window": 1000, "min_attempts": 1000}
    limits = {"timeouts": {"total_s": 0.5}, "retries": {"attempts": 1}, "concurrency": 64}
    limits["breaker"] = never_opens
    write_texts(tmp_path / "texts", 500)
    with serving(failing(kind)) as url, project_in(tmp_path) as project:
        project.write_policy(policy_with(url, dear=limits))
        (batch,) = project.take_in(tmp_path / "texts")
        project.succeeds("process_batch", batch)
        pupil, dear = (readings(project, batch, name) for name in ("pupil", "dear"))
        instead = {item: row for item, row in dear.items() if row["status"] == "fallback"}
        reasons = Counter((pupil[item]["reason"] or "").split(":")[0] for item in instead)
        assert reasons[LESSON.split(":", maxsplit=1)[0]] > 10
        assert reasons[AUDIT.split(":", maxsplit=1)[0]] > 10
        texts = {
            row["item_id"]: (tmp_path / "texts" / row["path"]).read_text()
            for row in rows(project, "content_manifest", batch)
        }
        calls = [row for row in rows(project, "call_log", batch) if row["service"] == "dear"]
        for item, row in instead.items():
            assert MARK in texts[item]
            assert row["reason"].startswith("pupil answers instead of dear, which taught it")
            assert row["evidence"].startswith("taught by dear: ")
            assert (row["final"], row["decides"]) == (True, True)
            own = [call for call in calls if call["item_id"] == item]
            assert {call["called"] for call in own[:-1]} == {"dear"}
            assert {call["status"] for call in own[:-1]} == {FAILURES[kind]}
            assert (own[-1]["called"], own[-1]["status"]) == ("pupil", "ok")
        # whatever it is sure of has an answer
        unanswered = [row for row in dear.values() if row["status"] == FAILURES[kind]]
        assert len(unanswered) < len(instead)
        resolved = {row["item_id"]: row for row in rows(project, "resolutions", batch)}
        assert all(resolved[item]["answer"] == row["answer"] for item, row in instead.items())
        decisions = rows(project, "decision_log", batch)
        last = {row["item_id"]: row for row in decisions}
        assert all(last[item]["answer"] == row["answer"] for item, row in instead.items())
        assert len(pupil) == len(last) == 500


def test_audits_that_the_budget_does_not_reach_are_answered(tmp_path) -> None:
    server = Teacher()
    write_texts(tmp_path / "texts", 400)
    with serving(server) as url, project_in(tmp_path) as project:
        project.write_policy(policy_with(url))
        (batch,) = project.take_in(tmp_path / "texts")
        project.succeeds("process_batch", batch)
        spent = sum(row["cost_usd"] for row in rows(project, "call_log", batch))
        asked = len(server.billed)
        # the next batch has money for a few questions, and would ask more for its audits
        project.write_policy(policy_with(url, execution={"budget_usd": 20 * spent / asked}))
        write_texts(tmp_path / "more", 300, seed=2)
        (second,) = project.take_in(tmp_path / "more")
        project.succeeds("process_batch", second)
        assert len(server.billed) - asked <= 20
        pupil, dear = (readings(project, second, name) for name in ("pupil", "dear"))
        audited = {item for item, row in pupil.items() if row["reason"] == AUDIT}
        instead = {item for item, row in dear.items() if row["status"] == "fallback"}
        assert len(instead) > 20
        assert instead <= audited
        assert not {item for item in audited if dear[item]["status"] == "over_budget"}
