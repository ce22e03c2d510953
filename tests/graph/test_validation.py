"""Answers that are validated, in real runs: looked at again, escalated, left to people, refused."""

import json
import re
from collections import Counter

import pytest

from orchestration_assets.__main__ import main
from tests.chat_servers import chat_server
from tests.graph.conftest import project_in

ITEMS = 14
POLICY = """
version: 2
services:
  clerk:
    type: openai_chat
    base_url: {url}
    model: clerk
    retries: {{attempts: 1}}
    breaker: {{open_s: 0.05, wait_s: 0.2, min_attempts: 1000, window: 1000}}
    prompt: {{user: "{{{{ task.name }}}}? {{{{ content }}}}"}}
    prompts:
      note:
        user: |-
          note? {{{{ answers.bill.total }}}} {{{{ answers.bill.number }}}}: {{{{ content }}}}
    price: {{input_usd: 1.0, output_usd: 1.0}}
  senior:
    type: openai_chat
    base_url: {url}
    model: senior
    retries: {{attempts: 1}}
    breaker: {{open_s: 0.05, wait_s: 0.2, min_attempts: 1000, window: 1000}}
    prompt: {{user: "senior {{{{ task.name }}}}? {{{{ content }}}}"}}
  checker:
    type: openai_chat
    base_url: {url}
    model: checker
    retries: {{attempts: 1}}
    breaker: {{open_s: 0.05, wait_s: 0.2, min_attempts: 1000, window: 1000}}
    price: {{input_usd: 1.0, output_usd: 1.0}}
    prompt: {{user: "check: {{{{ task.question }}}} {{{{ content }}}}"}}
tasks:
  order:
    question: What was ordered?
    kind: record
    fields: {{total: number}}
    default: {{model: parallel, services: [clerk]}}
  bill:
    question: What is to be paid?
    kind: record
    fields: {{total: number, number: text}}
    after: [order]
    validate:
      - {{rule: total == answers.order.total, because: what was ordered is billed, attempts: 2}}
      - service: checker
        question: Does each value stand there?
        otherwise: escalate
        escalate_to: senior
    default: {{model: parallel, services: [clerk]}}
  code:
    question: Which code has the sender?
    kind: text
    validate:
      - {{rule: "matches(answer, '[A-Z]{{3}}')", otherwise: fail}}
    default: {{model: parallel, services: [clerk]}}
  note:
    question: What is to be noted?
    kind: text
    after: [bill, code]
    otherwise: ask
    default: {{model: parallel, services: [clerk]}}
"""
# what becomes of the bill of document n, by n modulo 7
FINE, ONE_LOOK, TWO_LOOKS, SENIOR, UNCHECKED, OPEN, STUBBORN = range(7)


def number_in(prompt: str) -> int:
    return int(re.search(r"document (\d+)", prompt).group(1))


def say(prompt: str):
    if "document" not in prompt:
        # the probes of the services' health
        is_record = prompt.removeprefix("senior ").startswith(("order?", "bill?"))
        return ({"total": 1.0} if is_record else "yes"), 0.9
    n = number_in(prompt)
    case, looks = n % 7, prompt.count("Look again")
    right = {"total": 100.0 + n, "number": f"B{n}"}
    if prompt.startswith("order?"):
        return {"total": 100.0 + n}, 0.9
    if prompt.startswith("senior bill?"):
        return right | ({"number": "B-?"} if case == OPEN else {}), 0.9
    if prompt.startswith("bill?"):
        wrong_looks = {ONE_LOOK: 1, TWO_LOOKS: 2, STUBBORN: 9}.get(case, 0)
        # each look again is a question about the answer before
        told = 0 if not looks else 1 if '"total": 1.0' in prompt else 2
        if told < wrong_looks:
            return right | {"total": 1.0 + told}, 0.9
        return right | ({"number": "B?"} if case in (SENIOR, OPEN) else {}), 0.9
    if prompt.startswith("check:"):
        if case == UNCHECKED:
            return 400
        given = prompt.partition("The answer to check: ")[2]
        if f"number: B{n}" in given:
            return "yes", 0.9, "all of it stands there"
        return "no", 0.9, f"“B{n}” stands there, not what is given"
    if prompt.startswith("code?"):
        return ("ab" if n == 1 else "ABC"), 0.9
    return "noted", 0.9


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("validation")
    source = folder / "papers"
    source.mkdir()
    for n in range(ITEMS):
        (source / f"p{n:02}.txt").write_text(f"This is the document {n} of the archive.\n")
    with chat_server(say) as server, project_in(folder) as project:
        project.write_policy(POLICY.format(url=server.url))
        (batch,) = project.take_in(source)
        project.succeeds("process_batch", batch)
        yield project, batch, server


def rows(run, table: str, task: str | None = None) -> list[dict]:
    project, batch, _ = run
    found = project.tables.read(table, batch).to_pylist()
    return [row for row in found if task is None or row.get("task") == task]


def of_case(run, case: int, task: str = "bill") -> list[dict]:
    return [row for row in rows(run, "resolutions", task) if int(row["path"][1:3]) % 7 == case]


def actions(run, item: str, task: str = "bill") -> list[str]:
    found = [row for row in rows(run, "decision_log", task) if row["item_id"] == item]
    return [row["action"] for row in sorted(found, key=lambda row: row["decision"])]


def total_of(row: dict) -> float:
    return json.loads(row["answer_record"])["fields"]["total"]


def test_an_answer_is_looked_at_again_as_often_as_the_rule_allows(run) -> None:
    for case, looks in ((FINE, 0), (ONE_LOOK, 1), (TWO_LOOKS, 2)):
        for row in of_case(run, case):
            assert total_of(row) == 100.0 + int(row["path"][1:3])
            assert row["violations"] == []
            steps = Counter(actions(run, row["item_id"]))
            assert (steps["repair"], steps["confirm"]) == (looks, 1)
    for row in of_case(run, STUBBORN):
        assert Counter(actions(run, row["item_id"]))["repair"] == 2
        (words,) = row["violations"]
        assert words.startswith("total == answers.order.total (3 against 1")
        assert row["triage"] == "review"


def test_what_was_said_before_the_last_look_is_kept_and_decides_nothing(run) -> None:
    (item,) = {row["item_id"] for row in of_case(run, TWO_LOOKS)[:1]}
    given = [
        row
        for row in rows(run, "parallel_interpretations", "bill")
        if row["item_id"] == item and row["service"] == "clerk"
    ]
    assert [row["round"] for row in given] == [0, 1, 2]
    assert [row["final"] for row in given] == [False, False, True]
    assert [total_of(row) for row in given][:2] == [1.0, 2.0]


def test_a_no_escalates_to_the_service_that_the_rule_names(run) -> None:
    for row in of_case(run, SENIOR):
        assert json.loads(row["answer_record"])["fields"]["number"] == f"B{int(row['path'][1:3])}"
        assert row["violations"] == [] and row["supporters"] == ["senior"]
        steps = actions(run, row["item_id"])
        assert steps[-3:] == ["object", "escalate", "confirm"]
    reasons = [row["reason"] for row in rows(run, "decision_log", "bill")]
    told = [one for one in reasons if one.startswith("checker says no to “Does each value")]
    assert told and all("stands there, not what is given" in one for one in told)


def test_what_is_still_violated_goes_to_people_with_the_reason_of_the_service(run) -> None:
    for row in of_case(run, OPEN):
        assert actions(run, row["item_id"])[-4:] == ["object", "escalate", "object", "review"]
        (words,) = row["violations"]
        assert "checker says no" in words and row["triage"] == "review"
    disputes = [row for row in rows(run, "dispute_kinds") if row["kind"] == "violation"]
    by_case = Counter((row["task"], int(row["path"][1:3]) % 7) for row in disputes)
    assert by_case == {("bill", OPEN): 2, ("bill", STUBBORN): 2, ("code", 1): 1}


def test_a_validator_that_fails_is_no_violation_and_is_told(run) -> None:
    for row in of_case(run, UNCHECKED):
        assert row["status"] == "resolved" and row["violations"] == []
        assert "not validated, checker is" in row["reason"]
        assert row["triage"] == "review"
        assert "unchecked" in actions(run, row["item_id"])


def test_a_rule_may_refuse_an_answer_of_any_kind(run) -> None:
    by_number = {int(row["path"][1:3]): row for row in rows(run, "resolutions", "code")}
    assert by_number[1]["status"] == "failed" and by_number[1]["answer"] is None
    assert "it violates matches(answer, '[A-Z]{3}')" in by_number[1]["reason"]
    assert {row["status"] for n, row in by_number.items() if n != 1} == {"resolved"}
    (refused,) = [row for row in rows(run, "decision_log", "code") if row["action"] == "refuse"]
    assert refused["answer"] == "ab"


def test_what_comes_after_sees_only_what_stands_in_the_end(run) -> None:
    _, _, server = run
    notes = [one for one in server.asked if one.startswith("note?")]
    assert len(notes) == ITEMS
    for one in notes:
        n = number_in(one)
        case = n % 7
        total = 3 if case == STUBBORN else 100 + n
        number = "B-?" if case == OPEN else f"B{n}"
        assert one.startswith(f"note? {total} {number}:"), one
    skipped = [row["reason"] for row in rows(run, "decision_log", "note") if row["decision"] == 0]
    assert sum("code has no answer, it failed (it violates" in one for one in skipped) == 1


def test_asking_about_an_answer_is_logged_and_paid_for(run) -> None:
    of_checker = [row for row in rows(run, "call_log", "bill") if row["service"] == "checker"]
    assert len(of_checker) >= ITEMS
    assert all(row["cost_usd"] > 0.0 for row in of_checker if row["status"] == "ok")
    plans = rows(run, "processing_plans", "bill")
    # the clerk; the checker about its answer and that of the senior; the senior
    assert {(row["calls_min"], row["calls_max"]) for row in plans} == {(0, 4)}


def test_asked_again_everything_is_known_but_what_failed(run) -> None:
    project, batch, server = run
    before = {
        name: project.tables.read(name, batch)
        for name in ("resolutions", "decision_log", "parallel_interpretations")
    }
    asked = len(server.asked)
    project.succeeds("reprocess", batch)
    assert [one for one in server.asked[asked:] if "document" in one] == []
    for name, table in before.items():
        assert project.tables.read(name, batch).equals(table), name


def test_a_replay_finds_every_answer_that_validation_asked_for(run, capsys) -> None:
    project, _, _ = run
    capsys.readouterr()
    arguments = ["--policy", str(project.policy), "--home", str(project.home), "--json"]
    assert main(["replay", *arguments]) == 0
    tasks = {one["task"]: one for one in json.loads(capsys.readouterr().out)["tasks"]}
    assert (tasks["bill"]["answerable"], tasks["bill"]["changed"]) == (ITEMS, 0)


def test_explain_tells_each_step(run, capsys) -> None:
    project, _, _ = run
    capsys.readouterr()
    arguments = ["--policy", str(project.policy), "--home", str(project.home)]
    assert main(["explain", "p03.txt", *arguments]) == 0
    told = capsys.readouterr().out
    assert "object: checker says no to “Does each value stand there?”" in told
    assert "escalate: on to senior, since this is violated: checker says no" in told
