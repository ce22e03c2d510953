"""Services may be shown what is near in earlier batches, with the answers that stand there."""

import shutil
from pathlib import Path

import pytest

from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from tests.graph.conftest import project_in

POLICY = """
version: 2
features: {{neighbours: 3, neighbour_s: {seconds}}}
services:
  names: {{implementation: extension_map}}
  model:
    type: openai_chat
    base_url: {url}
    model: small-1
    prompt:
      system: "One of: {{{{ labels | join(', ') }}}}."
      user: |
        {{% for one in neighbours %}}
        [{{{{ one.path }}}} is {{{{ one.answer }}}}: {{{{ one.content }}}}]
        {{% endfor %}}
        {{{{ content }}}}
tasks:
  content_type:
    question: What kind of file is this?
    labels: [python, markdown, json, text]
    default: {{model: sequential, services: [{asked}]}}
"""
REACTOR = "The reactor pressure valve failed, and the pressure of the reactor fell at once. "
BREAD = "Knead the dough for ten minutes, let it rest, and bake the bread until it is brown. "


def policy(folder: Path, url: str, asked: str, seconds: float = 30.0) -> Path:
    path = folder / f"{asked}{seconds}.yaml"
    path.write_text(POLICY.format(url=url, asked=asked, seconds=seconds))
    return path


@pytest.fixture(scope="module")
def drill():
    # it answers json only where it is shown the earlier note, and what stood for it
    server = DrillServer(FaultScript(answers={"[reactor.md is markdown: The reactor": "json"}))
    with serving(server) as url:
        server.url = url
        yield server


def first_batch(project, drill, folder: Path) -> str:
    """A batch that names alone have answered."""
    folder.mkdir()
    (folder / "reactor.md").write_text(REACTOR * 4)
    (folder / "bread.md").write_text(BREAD * 4)
    project.policy = policy(folder.parent, drill.url, "names")
    (batch,) = project.take_in(folder)
    project.succeeds("process_batch", batch)
    return batch


@pytest.fixture
def earlier(project, drill, tmp_path):
    return tmp_path / "content", first_batch(project, drill, tmp_path / "content")


@pytest.fixture(scope="module")
def both_once(drill, tmp_path_factory):
    """The earlier batch and the later one, to be copied."""
    folder = tmp_path_factory.mktemp("near")
    with project_in(folder) as project:
        first = first_batch(project, drill, folder / "content")
        yield project, first, take_in_later(project, drill, folder / "content", folder)


@pytest.fixture
def both(both_once, project):
    made, *batches = both_once
    return made.copied_to(project), *batches


def take_in_later(project, drill, folder: Path, tmp_path: Path, seconds: float = 30.0) -> str:
    """A batch with a note on the same matter as an earlier one, which the model is asked about."""
    (folder / "later.md").write_text(REACTOR * 3 + "Nobody was hurt.")
    project.policy = policy(tmp_path, drill.url, "model", seconds)
    (batch,) = project.take_in(folder)
    project.succeeds("process_batch", batch)
    return batch


def asked(project, batch) -> list[dict]:
    rows = project.tables.read("sequential_interpretations", batch).to_pylist()
    return [row for row in rows if row["service"] == "model"]


def calls(drill: DrillServer) -> int:
    return sum(not one.key.startswith("health-") for one in drill.log)


def test_a_service_is_shown_what_stood_for_the_nearest_earlier_item(both, drill) -> None:
    project, _, batch = both
    assert [row["answer"] for row in asked(project, batch)] == ["json"]
    # the same context is the same question
    before = calls(drill)
    project.succeeds("reprocess", batch)
    assert calls(drill) == before
    log = project.tables.read("call_log", batch).to_pylist()
    assert [row["origin"] for row in log if row["service"] == "model"] == ["cache"]


def test_an_answer_is_another_question_once_what_stood_nearby_has_changed(both, drill) -> None:
    project, first, batch = both
    before = calls(drill)
    # the earlier batch is lost: there is nothing to show any more
    project.tables.path("resolutions", first).unlink()
    project.succeeds("reprocess", batch)
    assert calls(drill) == before + 1


def test_what_could_not_be_read_in_time_is_left_out_and_said_so(
    project, drill, earlier, tmp_path
) -> None:
    folder, _ = earlier
    batch = take_in_later(project, drill, folder, tmp_path, seconds=0.0)
    log = project.tables.read("call_log", batch).to_pylist()
    (row,) = [row for row in log if row["service"] == "model"]
    assert row["left_out"].endswith("neighbours")


def test_content_that_changed_since_is_not_shown(
    project, drill, earlier, tmp_path, monkeypatch
) -> None:
    folder, _ = earlier
    (folder / "reactor.md").write_text("Something else altogether.")
    script = FaultScript(answers={"[reactor.md is": "json", "Nobody was hurt": "text"})
    monkeypatch.setattr(drill, "script", script)
    monkeypatch.setattr(drill, "_answers_by_key", {})
    batch = take_in_later(project, drill, folder, tmp_path)
    assert "text" in [row["answer"] for row in asked(project, batch)]
    assert "json" not in [row["answer"] for row in asked(project, batch)]


def test_a_source_that_is_gone_leaves_its_items_out_and_the_batch_whole(
    project, drill, earlier, tmp_path
) -> None:
    folder, _ = earlier
    other = tmp_path / "elsewhere"
    other.mkdir()
    shutil.rmtree(folder)
    batch = take_in_later(project, drill, other, tmp_path)
    log = project.tables.read("call_log", batch).to_pylist()
    (row,) = [row for row in log if row["service"] == "model"]
    assert (row["status"], row["left_out"]) == ("ok", "2 neighbours")


def test_a_kept_answer_holds_though_nothing_can_be_read_in_time(both, drill, tmp_path) -> None:
    project, _, batch = both
    before = calls(drill)
    project.policy = policy(tmp_path, drill.url, "model", seconds=0.0)
    project.succeeds("reprocess", batch)
    assert calls(drill) == before
    assert [row["answer"] for row in asked(project, batch)] == ["json"]
