"""The first screen of a batch's page: what changed, what is disputed, what to do next."""

from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from orchestration_assets.__main__ import main
from resources.ai_services.drill.faults import Fault, FaultScript
from resources.home import Home

NOTES = 30
POLICY = """
version: 2
services:
  names: {{implementation: extension_map}}
  model:
    type: openai_chat
    base_url: {url}
    model: small-1
    api_key_env: DRILL_KEY
    retries: {{backoff_s: 0.01, backoff_max_s: 0.1}}
    breaker: {{open_s: 0.05, wait_s: 0.3}}
    prompt:
      system: "{{{{ task.question }}}} One of: {{{{ labels | join(', ') }}}}."
      user: "{{{{ content }}}}"
tasks:
  content_type:
    question: What kind of file is this?
    labels: [python, markdown, json, shell, cpp, text]
    default: {{model: parallel, services: [names, model]}}
report: {{content: {content}}}
"""
BUSY = FaultScript(faults=(Fault(kind="rate_limit", contains="lighthouse"),))


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for n in range(NOTES):
        (folder / f"note{n:02}.md").write_text(f"# Note {n}\n\nThe lighthouse has {n} steps.\n")
    return folder


@pytest.fixture
def run(tmp_path, home, drill, source, capsys, monkeypatch):
    monkeypatch.setenv("DRILL_KEY", "a-key-for-the-drill")
    policy = tmp_path / "policy.yaml"

    def call(content: str = "excerpt") -> LexborHTMLParser:
        policy.write_text(POLICY.format(url=drill.url, content=content))
        main(["run", str(source), "--home", str(home), "--policy", str(policy)])
        capsys.readouterr()
        batch = Home(home).batches.recorded()[-1]
        return LexborHTMLParser((home / "reports" / f"{batch}.html").read_text())

    return call


def words(page: LexborHTMLParser, place: str) -> str:
    return " ".join(page.css_first(place).text().split())


def shown(page: LexborHTMLParser, name: str) -> int:
    return int(page.css_first(f".first [data-figure={name}]").attributes["value"])


def test_a_service_that_asked_to_wait_is_named_and_later_its_disputes_are_read(run, drill) -> None:
    drill.script = BUSY
    first = words(run(), ".first")
    assert "The first report on this source" in first
    assert f"{NOTES} of 30 readings of model failed" in first
    assert "run the same command again" in first
    drill.script = FaultScript()
    page = run()
    again = words(page, ".first")
    assert "Against the last time that this batch was processed" in again
    assert "run the same command again" not in again
    assert shown(page, "disputed") > 0
    assert shown(page, "before_disputed") == 0
    assert page.css(".card")
    for card in page.css(".card"):
        text = " ".join(card.text().split())
        assert "What kind of file is this?" in text
        assert "one of: python, markdown" in text
        assert "The lighthouse has" in card.css_first("blockquote").text()


def test_what_came_new_and_what_changed_is_said_against_the_batch_before(run, source, home) -> None:
    run()
    (source / "note00.md").rename(source / "note00.py")
    (source / "note01.md").write_text("# Changed\n\nThe lighthouse is dark.\n")
    (source / "new.md").write_text("# New\n\nAnother lighthouse.\n")
    page = run()
    assert "Against the batch before it" in words(page, ".first")
    rows = Home(home).tables
    latest = Home(home).batches.recorded()[-1]
    accepted = [
        row
        for row in rows.read("content_manifest", latest).to_pylist()
        if row["outcome"] == "accepted"
    ]
    assert shown(page, "changed_items") == 1
    assert shown(page, "new_items") + 1 == len(accepted)


def test_content_is_not_shown_where_the_policy_says_so(run) -> None:
    page = run("none")
    assert page.css(".card")
    assert "lighthouse" not in page.html
    assert "not shown" in words(page, "#disputes")
