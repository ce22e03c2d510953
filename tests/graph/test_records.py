"""Records from services over HTTP: asked, repaired, compared value by value, judged by people."""

import json
import re

import pytest
import yaml

from orchestration_assets.__main__ import main
from orchestration_assets.command.explain import explanation, render
from orchestration_assets.policy.load import load_policy
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.home import Home
from tests.graph.conftest import project_in

COUNT = 24
RULES = [
    {"rule": "total > sum(lines.amount)", "because": "there is a tax"},
    {"rule": "total < 13 or total > 13.5", "otherwise": "review"},
]
FIELDS = {
    "number": "text",
    "date": "date",
    "total": {"type": "number", "unit": "EUR", "required": True},
    "lines": {"type": "list", "fields": {"item": "text", "amount": "number"}},
}


def invoice(number: int) -> str:
    return (
        f"Invoice {1000 + number}\nDate: {number + 1} May 2026\nDue: {number + 1} July 2026\n"
        f"- pen: {number + 2}.00\n- ink: {number + 3}.50\n"
        f"Subtotal: {2 * number + 5}.50\nTotal: {3 * number + 7}.25 EUR\n"
    )


class Extractors(DrillServer):
    """Reads invoices: one as they are, one takes the subtotal for the total of every third and
    shuffles the lines, one leaves out a line of every fourth; each forgets the total once."""

    def __init__(self) -> None:
        super().__init__(FaultScript())
        self.repairs: list[str] = []
        self.objections: list[str] = []

    def _answer_body(self, body, served, faults):
        answer = super()._answer_body(body, served, faults)
        prompt = body["messages"][0]["content"]
        if "Invoice" in prompt:
            said = self.read(body["model"], prompt, body["messages"])
            answer["choices"][0]["message"]["content"] = json.dumps(said)
        return answer

    def read(self, model: str, prompt: str, messages) -> dict:
        number = int(re.search(r"Invoice (\d+)", prompt)[1]) - 1000
        found = dict(re.findall(r"(Date|Due|Subtotal|Total): (.+)", prompt))
        lines = [
            {"item": item, "amount": amount}
            for item, amount in re.findall(r"- (\w+): ([\d.]+)", prompt)
        ]
        record = {
            "number": str(1000 + number),
            "date": found["Date"],
            "total": found["Total"],
            "lines": lines,
        }
        quote = f"Total: {found['Total']}"
        if model == "hasty" and number % 3 == 0:
            record |= {"total": found["Subtotal"], "lines": lines[::-1]}
            quote = f"The grand total is {found['Subtotal']}"
        if model == "sparse" and number % 4 == 0:
            record["lines"] = lines[:1]
        if number == 7 and len(messages) == 1:
            del record["total"]
        elif number == 7:
            self.repairs.append(messages[-1]["content"])
        elif len(messages) > 1:
            self.objections.append(messages[-1]["content"])
        return {
            "answer": record,
            "confidence": 0.8,
            "quotes": [{"path": "total", "quote": quote}],
        }


def policy(url: str, **task) -> str:
    services = {
        name: {
            "type": "openai_chat",
            "base_url": url,
            "model": name,
            "prompt": {"user": "{{ task.question }}\n{{ content }}"},
        }
        for name in ("careful", "hasty", "sparse")
    }
    asked = {
        "question": "What does the invoice say?",
        "kind": "record",
        "quotes": True,
        "fields": FIELDS,
        "validate": RULES,
        "default": {"model": "parallel", "services": list(services)},
    }
    return yaml.safe_dump(
        {
            "version": 2,
            "disagreement": {"learn_from_items": 20},
            "feedback": {"settle_s": 0},
            "services": services,
            "tasks": {"invoice": asked | task},
        },
        sort_keys=False,
    )


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """A project whose one batch was read, its batch, and the server."""
    folder = tmp_path_factory.mktemp("records")
    source = folder / "source"
    source.mkdir()
    for number in range(COUNT):
        (source / f"{number:02}.txt").write_text(invoice(number))
    server = Extractors()
    with serving(server) as url, project_in(folder) as project:
        project.write_policy(policy(url))
        (batch,) = project.take_in(source)
        project.succeeds("process_batch", batch)
        yield project, batch, server


def rows(read, table: str) -> list[dict]:
    project, batch, _ = read
    return project.tables.read(table, batch).to_pylist()


def by_number(read) -> dict[int, dict]:
    return {int(row["path"][:2]): row for row in rows(read, "resolutions")}


def test_the_record_that_stands_is_right_where_two_of_three_services_are(read) -> None:
    for number, row in by_number(read).items():
        assert json.loads(row["answer_record"])["fields"] == {
            "number": str(1000 + number),
            "date": f"2026-05-{number + 1:02}",
            "total": 3 * number + 7.25,
            "lines": [
                {"item": "pen", "amount": number + 2.0},
                {"item": "ink", "amount": number + 3.5},
            ],
        }
        assert row["kind"] == "record" and row["risk_basis"].startswith("how 3 services agree")
        assert 0.0 <= row["error_risk"] <= 1.0


def test_the_wrong_value_is_named_with_who_gave_it_and_what_it_rests_on(read) -> None:
    fields = {one["path"]: one for one in by_number(read)[3]["fields"]}
    assert list(fields)[:3] == ["number", "date", "total"]
    total = fields["total"]
    assert total["value"] == "16.25" and total["supporters"] == ["careful", "sparse"]
    assert total["dissenters"] == [{"service": "hasty", "value": "11.5"}]
    assert total["ungrounded"] == ["hasty"]
    riskiest = max(fields.values(), key=lambda one: one["risk"])
    assert riskiest["path"] == "total"


def test_what_is_left_out_is_kept_apart_from_what_is_contradicted(read) -> None:
    fields = {one["path"]: one for one in by_number(read)[4]["fields"]}
    assert fields["lines[1]"]["missing"] == ["sparse"] and not fields["lines[1]"]["dissenters"]
    of_four = [row for row in rows(read, "disagreements") if row["path"] == "04.txt"]
    assert {(row["kind"], row["consequence"]) for row in of_four} == {
        ("field_missing", "missing_value")
    }
    assert [one["path"] for one in of_four[0]["fields"]] == ["lines[1]"]
    of_three = [row for row in rows(read, "disagreements") if row["path"] == "03.txt"]
    assert {row["kind"] for row in of_three} == {"field_conflict"}
    assert {one["path"] for row in of_three for one in row["fields"]} == {"total"}
    assert of_three[0]["sentence"] == "total: careful says “16.25”, hasty “11.5”"


def test_a_missing_required_field_is_asked_for_again_by_its_name(read) -> None:
    _, _, server = read
    assert len(server.repairs) == 3
    assert all('"total" is required: give a number in EUR' in words for words in server.repairs)
    assert by_number(read)[7]["status"] == "resolved"


def test_an_answer_that_violates_a_rule_is_asked_about_again_and_kept_as_it_is_then(read) -> None:
    _, _, server = read
    assert len(server.objections) == COUNT // 3
    assert all(
        "this should hold: total > sum(lines.amount) (" in words and "there is a tax" in words
        for words in server.objections
    )
    given = [row for row in rows(read, "parallel_interpretations") if row["service"] == "hasty"]
    assert {row["status"] for row in given} == {"ok"}


def test_what_stands_and_violates_a_rule_goes_to_people_and_is_a_dispute(read) -> None:
    violating = {number: row for number, row in by_number(read).items() if row["violations"]}
    assert {number: row["violations"] for number, row in violating.items()} == {
        2: ["total < 13 or total > 13.5"]
    }
    assert violating[2]["triage"] == "review"
    (dispute,) = [row for row in rows(read, "dispute_kinds") if row["kind"] == "violation"]
    assert (dispute["path"], dispute["evidence"]) == ("02.txt", "total < 13 or total > 13.5")


def test_the_page_and_explain_show_the_values_that_differ(read) -> None:
    project, batch, _ = read
    page = (project.home / "reports" / f"{batch}.html").read_text()
    assert "contradict each other in total" in page
    assert '<table class="form">' in page and "its quote does not stand in the content" in page
    assert "lines[].amount" in page
    words = render(explanation(Home(project.home), "03.txt", load_policy(project.policy)))
    assert re.search(r"total +16\.25, error risk 0\.\d+; hasty says 11\.5; what hasty", words)
    assert "values on which all agree" in words


def test_verdicts_judge_single_fields_and_add_up(read) -> None:
    project, _, _ = read
    said = [
        {"item": "03.txt", "verdict": "total: 16,25 EUR\nnumber = none", "who": "kim"},
        {"item": "03.txt", "verdict": '{"date": "4 May 2026"}', "who": "lee"},
    ]
    folder = project.home / "verdicts"
    folder.mkdir(exist_ok=True)
    lines = [
        json.dumps(one | {"task": "invoice", "when": f"2026-01-0{day}"})
        for day, one in enumerate(said, 1)
    ]
    (folder / "said.jsonl").write_text("\n".join(lines))
    project.succeeds("take_feedback", None)
    (gold,) = project.tables.read("gold_labels").to_pylist()
    assert json.loads(gold["answer_record"]) == {
        "fields": {"total": 16.25, "date": "2026-05-04"},
        "absent": ["number"],
    }
    (folder / "wrong.jsonl").write_text(
        json.dumps(
            {"item": "04.txt", "task": "invoice", "who": "kim", "when": "2026-01-01"}
            | {"verdict": "totl: 3"}
        )
    )
    project.execute("take_feedback", None)
    (problems,) = folder.rglob("wrong.jsonl.problems.txt")
    assert "'totl' is no field of the task" in problems.read_text()


def test_the_accuracy_of_a_replay_is_of_the_values_that_verdicts_judge(read, capsys) -> None:
    project, _, _ = read
    assert project.tables.read("gold_labels").num_rows == 1
    capsys.readouterr()
    arguments = ["--policy", str(project.policy), "--home", str(project.home), "--json"]
    assert main(["replay", *arguments]) == 0
    (task,) = json.loads(capsys.readouterr().out)["tasks"]
    assert (task["questions"], task["answerable"]) == (COUNT, COUNT)
    # total and date are right, and that there is no number is not what anybody said
    assert task["gold"] == 1 and task["accuracy"]["after"] == pytest.approx(2 / 3)


def test_the_same_answers_give_the_same_tables(read) -> None:
    project, batch, _ = read
    before = {name: project.tables.read(name, batch) for name in ("resolutions", "disagreements")}
    project.succeeds("reprocess", batch)
    for name, table in before.items():
        assert project.tables.read(name, batch).equals(table), name


def test_the_scorecard_tells_field_by_field_who_errs_and_who_quotes_what_is_not_there(read) -> None:
    project, _, _ = read
    project.succeeds("corpus_reports", None)
    cards = {row["service"]: row for row in project.tables.read("service_scorecards").to_pylist()}
    of_hasty = {one["pattern"]: one for one in cards["hasty"]["fields"]}
    assert (of_hasty["total"]["given"], of_hasty["total"]["contradicts"]) == (COUNT, COUNT // 3)
    assert of_hasty["total"]["ungrounded"] == COUNT // 3
    assert {one["pattern"]: one for one in cards["sparse"]["fields"]}["lines[]"]["left_out"] == 6
    # one verdict judged number, total and date of one item
    judged = {name: one["judged"] for name, one in of_hasty.items()}
    assert judged == {"date": 1, "lines[]": 0, "lines[].amount": 0, "lines[].item": 0} | {
        "number": 1,
        "total": 1,
    }
    assert of_hasty["total"]["right"] == 0 and of_hasty["date"]["right"] == 1
    assert of_hasty["number"]["right"] == 0
    assert cards["hasty"]["verdict"] == (
        "right in 1 of 3 judged values (33%); worst at number, 0 of 1"
    )
    page = (project.home / "reports" / "services.html").read_text()
    assert "0 of 1 judged right" in page and "8 ungrounded" in page
