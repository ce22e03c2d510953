"""Parts in real runs: the command, its tables and pages, the cluster, and what is forgotten."""

import json
import re

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.schemas.part_readings import PART_READINGS
from orchestration_assets.schemas.policy import SizeTiers
from resources.dask_cluster import DaskCluster
from resources.home import Home
from tests.chat_servers import chat_server
from tests.conftest import Finished
from tests.graph.test_embedded_chunks import EVERY_ITEM_THERE, Batch, stable
from tests.workers import no_workers

POLICY = """
version: 2
services:
  one: {{type: openai_chat, base_url: {url}, model: m1, prompt: {{user: "one {{{{ content }}}}"}}}}
  two: {{type: openai_chat, base_url: {url}, model: m2, prompt: {{user: "two {{{{ content }}}}"}}}}
tasks:
  tone:
    question: Strict or mild?
    labels: [strict, mild]
    parts: {{by: sections, max_tokens: 1000}}
    default: {{model: parallel, services: [one, two]}}
"""
EMBEDDED = """
version: 2
services:
  graph: {implementation: graph_keywords}
  counts: {implementation: tfidf_keywords}
tasks:
  words:
    question: What is it about?
    kind: set
    parts: {by: chunks, max_tokens: 100, overlap_tokens: 20}
    default: {model: parallel, services: [graph, counts]}
  facts:
    question: Who is it from?
    kind: set
    parts: {by: sections}
    default: {model: sequential, services: [graph, counts], stop_at: 0.99}
"""
SECTIONS = 30


def contract(edited: int | None = None) -> str:
    clauses = (
        f"## Clause <{n}> of a@example.org\n\nThe party must pay {n} EUR, and the other waits."
        f"{' Edited.' if n == edited else ''}\n\n"
        for n in range(1, SECTIONS + 1)
    )
    return "".join(clauses)


def say(prompt: str):
    strict = prompt.startswith("one") or re.search("Clause <[1-6]>", prompt)
    return ("strict" if strict else "mild"), 0.9


def test_an_edit_asks_about_one_part_and_people_see_where_services_differ(tmp_path, capsys) -> None:
    source, home = tmp_path / "in", tmp_path / "home"
    source.mkdir()
    (source / "contract.md").write_text(contract())
    with chat_server(say) as server:
        policy = tmp_path / "policy.yaml"
        policy.write_text(POLICY.format(url=server.url))
        options = ["--home", str(home), "--policy", str(policy)]
        assert main(["run", str(source), *options]) == 0
        (source / "contract.md").write_text(contract(edited=3))
        server.asked.clear()
        capsys.readouterr()
        assert main(["preview", str(source), *options]) == 0
        assert (
            "60, each to one service; the answers to 58 of them are kept" in capsys.readouterr().out
        )
        assert main(["run", str(source), *options]) == 0
        asked = [prompt for prompt in server.asked if "Clause" in prompt]
    assert len(asked) == 2
    assert all("Clause <3>" in prompt for prompt in asked)
    tables = Home(home).tables
    batch = tables.batches("part_readings")[-1]
    rows = list(PART_READINGS.rows(tables.read("part_readings", batch)))
    assert len(rows) == 2 * SECTIONS
    assert all(contract(edited=3)[row.start : row.end].startswith("## Clause") for row in rows)
    plan = tables.read("processing_plans", batch).to_pylist()[0]
    assert (plan["parts"], plan["calls_max"]) == (SECTIONS + 1, 2)
    capsys.readouterr()
    assert main(["explain", "contract.md", *options]) == 0
    said = capsys.readouterr().out
    assert "of 30 parts 29 cache, 1 called" in said
    assert re.search(r"part +7 of 30 \(Clause <7> of \[EMAIL\]\) at \d+-\d+", said)
    assert "reused, the answers about all parts are kept" in said
    page = (home / "reports" / f"{batch}.html").read_text()
    assert "Services differ on 24 of 30 parts" in page
    assert "Clause &lt;7&gt; of [EMAIL]" in page
    assert "a@example.org" not in page
    forgotten = main(["forget", "contract.md", "--yes", *options])
    assert forgotten == 0
    left = [row for one in tables.batches("part_readings") for row in
            PART_READINGS.rows(tables.read("part_readings", one))]  # fmt: skip
    assert left == []
    assert Home(home).answers.get_many(row.answer_key for row in rows) == {}


@pytest.fixture
def batch(project, corpus) -> Batch:
    """Embedded services asked of parts; nothing that they answered is kept."""
    project.write_policy(EMBEDDED)
    (name,) = project.take_in(corpus)
    project.succeeds("process_batch", name)
    return Batch(project.home, name)


def test_workers_ask_of_the_same_parts_and_are_told_what_is_kept(batch) -> None:
    here = batch.process(no_workers(), SizeTiers(dask_from_items=10**6))
    assert len(here.parts) > len(batch.rows)
    stored = batch.home.tables.read("part_readings", batch.name)
    assert stable(here)["part_readings"].equals(stored.select(PART_READINGS.stable_columns))
    batch.forget_answers()
    with DaskCluster("processes", workers=2) as cluster:
        there = batch.process(cluster, EVERY_ITEM_THERE)
        assert stable(there) == stable(here)
        again = batch.process(cluster, EVERY_ITEM_THERE)
    assert stable(again) == stable(here)
    assert {call.origin for call in again.calls} == {"cache"}
    assert {row.origin for row in again.parts} == {"cache"}


def test_a_home_of_an_earlier_version_has_its_page_drawn(copied: Finished) -> None:
    home = Home(copied.home)
    for batch in home.tables.batches("part_readings"):
        (home.folder / "tables" / "part_readings" / f"{batch}.parquet").unlink()
    assert main(["explain", "notes.txt", "--home", str(copied.home)]) == 0
    assert main(["run", str(copied.source), "--home", str(copied.home)]) == 0


DUTIES = """
version: 2
feedback: {{settle_s: 0}}
services:
  one:
    type: openai_chat
    base_url: {url}
    model: m1
    prompt: {{user: "{{{{ task.question }}}} {{{{ content }}}}"}}
tasks:
  contract:
    question: Who owes what?
    kind: record
    fields:
      duties: {{type: list, fields: {{who: text, what: text}}}}
    default: {{model: sequential, services: [one]}}
  hard:
    question: Is it hard?
    labels: ["yes", "no"]
    after: [contract]
    parts: {{by: entries, of: answers.contract.duties}}
    default: {{model: sequential, services: [one]}}
"""


def test_a_verdict_about_entries_asks_about_those_that_it_changes(tmp_path) -> None:
    source, home = tmp_path / "in", tmp_path / "home"
    source.mkdir()
    (source / "deal.md").write_text("Ann paints the fence, Bob sweeps the yard, Cy sings.")
    owed = [{"who": "Ann", "what": "paints the fence"}, {"who": "Bob", "what": "sweeps the yard"}]

    def answers(prompt: str):
        return ({"duties": owed} if "Who owes what?" in prompt else "no"), 0.9

    with chat_server(answers) as server:
        policy = tmp_path / "policy.yaml"
        policy.write_text(DUTIES.format(url=server.url))
        options = ["--home", str(home), "--policy", str(policy)]
        assert main(["run", str(source), *options]) == 0
        verdict = {
            "duties[0].what": "paints the wall",
            "duties[1]": None,
            "duties[+]": {"who": "Cy", "what": "sings"},
        }
        said = {"item": "deal.md", "task": "contract", "verdict": verdict}
        file = home / "verdicts" / "said.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(said | {"who": "kim", "when": "2026-01-01"}))
        assert main(["job", "take_feedback", *options]) == 0
        server.asked.clear()
        assert main(["run", str(source), "--reprocess", *options]) == 0
        asked = [prompt for prompt in server.asked if "Is it hard?" in prompt and "who" in prompt]
    (batch,) = Home(home).tables.batches("part_readings")
    rows = Home(home).tables.read("part_readings", batch).to_pylist()
    assert [(row["part"], row["parts"]) for row in rows if row["task"] == "hard"] == [
        (1, 2),
        (2, 2),
    ]
    shown = " ".join(asked)
    assert "paints the wall" in shown and "sings" in shown
    assert "sweeps" not in shown and "fence" not in shown
