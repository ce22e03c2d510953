"""A credential that services repeat is in no file of the home, and they go on agreeing."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from orchestration_assets.__main__ import main
from resources.ai_services.drill.faults import FaultScript, ScriptedCall, ScriptedCalls
from resources.ai_services.drill.server import DrillServer, serving
from resources.home import Home
from tests.chat_servers import chat_server
from tests.command.test_forget import holding
from tests.text.test_stored_answers import KEYS, MAIL

POLICY = """
version: 2
services:
  one: &model
    type: openai_chat
    base_url: {url}
    model: a
    prompt: {{user: "one {{{{ task.question }}}} {{{{ content }}}}"}}
  two: {{<<: *model, model: b}}
  three:
    <<: *model
    prompt: {{user: "three {{{{ task.question }}}} {{{{ content }}}}"}}
  first: {{implementation: declared_title}}
tasks:
  gist:
    question: What is to be done?
    kind: text
    default: {{model: parallel, services: [one, two, three]}}
  who:
    question: Who is named?
    kind: set
    default: {{model: parallel, services: [one, two]}}
  letter:
    question: Of what sort is it?
    labels: [order, other]
    default: {{model: parallel, services: [one]}}
  title:
    question: What is its title?
    kind: text
    default: {{model: parallel, services: [first]}}
"""
WITH_TOOLS = """
version: 2
services:
  model:
    type: openai_chat
    base_url: {url}
    model: a
    prompt: {{user: "{{{{ task.question }}}} {{{{ content }}}}"}}
tasks:
  cost:
    question: What does it cost?
    kind: text
    tools: {{allow: [calculate]}}
    default: {{model: sequential, services: [model]}}
"""


def test_no_file_has_it_and_who_says_the_same_agrees(tmp_path: Path) -> None:
    def say(prompt: str) -> tuple[object, float, str]:
        said = KEYS[1] if "three " in prompt else KEYS[0]
        why = f"It holds {said}."
        if "Who is named" in prompt:
            return [MAIL, KEYS[0]], 0.9, why
        if "Of what sort" in prompt:
            return said, 0.9, why
        return f"Log in with {said} at once.", 0.9, why

    with chat_server(say) as server:
        policy, source, home = tmp_path / "p.yaml", tmp_path / "source", tmp_path / "home"
        policy.write_text(POLICY.format(url=server.url))
        source.mkdir()
        (source / "a.txt").write_text(f"# Use {KEYS[0]}\n\nPlease log in, says {MAIL}.\n")
        place = ["--home", str(home), "--policy", str(policy)]
        with redirect_stdout(StringIO()):
            assert main(["run", str(source), *place, "--json"]) in (0, 1)
        assert holding(home, *KEYS) == []
        tables = Home(home).tables
        (batch,) = tables.batches("resolutions")
        rows = tables.read("parallel_interpretations", batch).to_pylist()
        said = {(row["task"], row["service"]): row["answer"] for row in rows}
        assert said["gist", "one"] == said["gist", "two"] != said["gist", "three"]
        assert MAIL in said["who", "one"]
        assert "SECRET-" in said["title", "first"]
        pairs = {
            (row["service_a"], row["service_b"])
            for row in tables.read("disagreements", batch).to_pylist()
        }
        assert ("one", "two") not in pairs
        with redirect_stdout(StringIO()) as told:
            assert main(["explain", "a.txt", *place]) == 0
        assert "taken out before it was kept: 1 secret" in told.getvalue()
        assert not any(key in told.getvalue() for key in KEYS)


def test_arguments_of_tools_are_logged_without_it(tmp_path: Path) -> None:
    called = ScriptedCall(name="calculate", arguments=f'{{"expression": "1 + {KEYS[1]}"}}')
    calls = ScriptedCalls(contains=("offer",), replies=((called,),))
    with serving(DrillServer(FaultScript(calls=(calls,), answers={"offer": "3 EUR"}))) as url:
        policy, source, home = tmp_path / "p.yaml", tmp_path / "source", tmp_path / "home"
        policy.write_text(WITH_TOOLS.format(url=url))
        source.mkdir()
        (source / "a.txt").write_text("An offer of a lamp.\n")
        with redirect_stdout(StringIO()):
            place = ["--home", str(home), "--policy", str(policy)]
            assert main(["run", str(source), *place, "--json"]) == 0
    tables = Home(home).tables
    (batch,) = tables.batches("tool_log")
    (row,) = tables.read("tool_log", batch).to_pylist()
    assert KEYS[1] not in str(row)
    assert "1 + [SECRET-" in row["arguments"]
