"""Questions are answered from documents: found, pinned, shown, cited, and asked again on change."""

from pathlib import Path

import dagster as dg
import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.knowledge import assets
from orchestration_assets.schemas.knowledge import KNOWLEDGE
from orchestration_assets.schemas.tables import CALL_LOG, PROCESSING_PLANS
from resources.ai_services.drill.faults import FaultScript, ScriptedReply
from resources.ai_services.drill.server import DrillServer, serving
from resources.claims import is_claimed
from resources.run_claims import ASSETS_JOB, CORPUS
from tests.graph.conftest import project_in

POLICY = """
version: 2
knowledge:
  handbook: {{source: "{handbook}"}}
services:
  model:
    type: openai_chat
    base_url: {url}
    model: small-1
    prompt:
      user: |
        {{% for one in passages %}}
        [{{{{ one.number }}}}] {{{{ one.document }}}}: {{{{ one.content }}}}
        {{% endfor %}}
        {{{{ task.question }}}} {{{{ content }}}}
tasks:
  answer:
    question: What does the handbook say
    kind: text
    passages: {{of: [handbook], at_most: 1}}
    default: {{model: sequential, services: [model]}}
"""
HOTEL = "# Travel\n\nA hotel may cost 140 EUR a night. Receipts are due within 30 days.\n"


@pytest.fixture
def place(tmp_path):
    handbook, questions = tmp_path / "handbook", tmp_path / "questions"
    handbook.mkdir()
    questions.mkdir()
    (handbook / "travel.md").write_text(HOTEL)
    (handbook / "illness.md").write_text("# Illness\n\nA doctor's note from the third day on.\n")
    (handbook / "rooms.md").write_text("# Rooms\n\nRooms are booked in the calendar.\n")
    (questions / "hotel.txt").write_text("What may a hotel cost a night?\n")
    (questions / "note.txt").write_text("From which day on do I need a note of a doctor?\n")
    # it answers by what it is shown
    replies = (
        ScriptedReply(contains=("may a hotel cost", "140 EUR"), answer="140 EUR a night [1]."),
        ScriptedReply(contains=("may a hotel cost", "165 EUR"), answer="165 EUR a night [1]."),
        ScriptedReply(contains=("need a note",), answer="A note is needed from day 4 on [1]."),
    )
    server = DrillServer(FaultScript(replies=replies))
    with serving(server) as url, project_in(tmp_path) as project:
        project.policy = tmp_path / "policy.yaml"
        project.policy.write_text(POLICY.format(handbook=handbook, url=url))
        yield project, handbook, questions


def rows(project, table: str, batch: str | None = None) -> list[dict]:
    return project.tables.read(table, batch).to_pylist()


def answers_in(project, batch: str) -> dict[str, str]:
    return {row["path"]: row["answer"] for row in rows(project, "resolutions", batch)}


def origins_in(project, batch: str) -> dict[str, str]:
    """Path -> whether the service was called for it in the latest pass."""
    paths = {row["item_id"]: row["path"] for row in rows(project, "resolutions", batch)}
    return {paths[row["item_id"]]: row["origin"] for row in rows(project, CALL_LOG.name, batch)}


def test_an_asset_of_the_whole_corpus_that_somebody_chooses_takes_turns_with_jobs(
    project, monkeypatch
) -> None:
    refresh, claims = assets.refresh_knowledge, []

    def refreshed(home, policy):
        claims.append(is_claimed(home.folder, CORPUS))
        return refresh(home, policy)

    monkeypatch.setattr(assets, "refresh_knowledge", refreshed)
    chosen = [dg.AssetKey("knowledge")]
    for job, given in ((ASSETS_JOB, {"asset_selection": chosen}), ("refresh_knowledge", {})):
        project.succeeds(job, None, **given)
    assert claims == [True, True]
    assert not is_claimed(project.home, CORPUS)


def test_passages_are_found_shown_and_asked_about_again_when_they_change(place) -> None:
    project, handbook, questions = place
    (batch,) = project.take_in(questions)
    project.succeeds("refresh_knowledge", None)
    project.succeeds("process_batch", batch)
    assert answers_in(project, batch) == {
        "hotel.txt": "140 EUR a night [1].",
        "note.txt": "A note is needed from day 4 on [1].",
    }
    plans = {row["path"]: row["passages"] for row in rows(project, PROCESSING_PLANS.name, batch)}
    assert plans["hotel.txt"][0]["document"] == "travel.md"
    assert plans["note.txt"][0]["document"] == "illness.md"
    (told,) = rows(project, "dispute_kinds", batch)
    assert (told["kind"], told["path"]) == ("unsupported_citation", "note.txt")
    assert "does not say" in told["evidence"]

    (handbook / "travel.md").write_text(HOTEL.replace("140", "165"))
    project.succeeds("refresh_knowledge", None)
    changed = {row["document"]: row["outcome"] for row in rows(project, KNOWLEDGE.name)}
    assert changed == {
        "illness.md": "unchanged",
        "rooms.md": "unchanged",
        "travel.md": "indexed",
    }
    project.succeeds("reprocess", batch)
    assert answers_in(project, batch)["hotel.txt"] == "165 EUR a night [1]."
    assert origins_in(project, batch) == {"hotel.txt": "called", "note.txt": "cache"}


def test_a_plan_without_an_index_says_what_to_run(place) -> None:
    project, _, questions = place
    (batch,) = project.take_in(questions)
    result = project.execute("process_batch", batch)
    assert not result.success
    words = str(result.failure_data_for_node("processing_plans"))
    assert "the corpus handbook is not indexed: run `orchestrate job refresh_knowledge`" in words


def test_a_source_that_is_gone_keeps_what_was_indexed(place) -> None:
    project, handbook, questions = place
    project.succeeds("refresh_knowledge", None)
    handbook.rename(Path(f"{handbook}-moved"))
    project.succeeds("refresh_knowledge", None)
    assert len(rows(project, KNOWLEDGE.name)) == 3
    (batch,) = project.take_in(questions)
    project.succeeds("process_batch", batch)


@pytest.mark.parametrize("content", ["excerpt", "none"])
def test_explain_shows_passages_as_it_shows_content(place, capsys, content) -> None:
    project, handbook, questions = place
    (handbook / "travel.md").write_text(f"{HOTEL}Write to ada@example.org.\n")
    project.policy.write_text(f"{project.policy.read_text()}report: {{content: {content}}}\n")
    (batch,) = project.take_in(questions)
    project.succeeds("refresh_knowledge", None)
    project.succeeds("process_batch", batch)
    options = ["--home", str(project.home), "--policy", str(project.policy)]
    assert main(["explain", "hotel.txt", *options]) == 0
    told = capsys.readouterr().out
    assert main(["explain", "hotel.txt", "--json", *options]) == 0
    held = capsys.readouterr().out
    assert "handbook: travel.md" in told
    assert "ada@example.org" not in told + held
    assert ("[EMAIL]" in held, "A hotel may cost" in told) == (content == "excerpt",) * 2
