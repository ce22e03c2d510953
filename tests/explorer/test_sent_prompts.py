"""The prompt that an item's page shows is the one that the service was sent, redacted."""

from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.command.explain import explanation
from orchestration_assets.explorer.sent_prompts import sent_prompts
from orchestration_assets.policy.load import LoadedPolicy, load_policy
from resources.home import Home
from tests.chat_servers import chat_server
from tests.explorer.serving import serving_site, site_of

POLICY = """
version: 2
services:
  model:
    type: openai_chat
    base_url: {url}
    model: small-1
    api_key_env: PROMPT_KEY
    prompt:
      system: "{{{{ task.question }}}} {words}"
      user: "{{{{ path }}}}: {{{{ content }}}}"
tasks:
  subject:
    question: What is it about?
    labels: [ships, houses]
    default: {{model: sequential, services: [model]}}
report: {{content: {content}}}
"""


def test_the_prompt_is_the_one_that_was_sent(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPT_KEY", "a-key-for-the-test")
    source = tmp_path / "notes"
    source.mkdir()
    (source / "ship.md").write_text("The ship sails. Write to ada.lovelace@example.org about it.\n")
    policy = tmp_path / "policy.yaml"

    def load(words: str = "One of two.", content: str = "excerpt") -> LoadedPolicy:
        text = POLICY.format(url=server.url, words=words, content=content)
        policy.write_text(text)
        return load_policy(policy)

    with chat_server(lambda _: ("ships", 0.9)) as server:
        loaded = load()
        place = ["--home", str(home), "--policy", str(policy)]
        assert main(["run", str(source), *place, "--json"]) == 0
        sent = next(one for one in server.asked if "ship.md" in one)
        found = explanation(Home(home), "ship.md", loaded)
        shown = sent_prompts(Home(home), found, loaded)
        (messages,) = shown.values()
        assert "\n".join(text for _, text in messages) == sent
        assert "ada.lovelace" not in sent
        # a service that asks otherwise now was sent something else then
        other = load(words="Say one of two.")
        assert sent_prompts(Home(home), found, other) == {}
        hidden = load(content="none")
        assert sent_prompts(Home(home), found, hidden) == {}
        load()
        (source / "ship.md").write_text("Something else stands here now.\n")
        assert sent_prompts(Home(home), found, loaded) == {}
        # what was asked under a policy that hides content is not shown under another one
        load(content="none")
        assert main(["run", str(source), *place, "--json"]) == 0
        loaded = load()
        found = explanation(Home(home), "ship.md", loaded)
        assert sent_prompts(Home(home), found, loaded) == {}


def test_pages_hold_passages_and_parts_and_no_prompt_is_made_up(tmp_path: Path, home: Path) -> None:
    source, handbook = tmp_path / "notes", tmp_path / "handbook"
    for folder in (source, handbook):
        folder.mkdir()
    (source / "ship.md").write_text("# Hull\n\nThe ship sails north.\n\n# Crew\n\nIt is small.\n")
    (handbook / "ships.md").write_text("A ship that sails north needs a pilot.\n")
    policy = tmp_path / "policy.yaml"

    def say(prompt: str) -> tuple[str, float]:
        other = "You are careful." in prompt
        return ("From the first day on [1].", 0.6) if other else ("From the third day on [1].", 0.9)

    with chat_server(say) as server:
        policy.write_text(
            f"""
version: 2
knowledge:
  handbook: {{source: {handbook}}}
services:
  model: &model
    type: openai_chat
    base_url: {server.url}
    model: small-1
    prompt:
      system: "{{{{ task.question }}}}"
      user: "{{% for one in passages %}}[{{{{ one.number }}}}] {{{{ one.content }}}} {{% endfor %}}\
        {{{{ content }}}}"
  other:
    <<: *model
    prompt:
      system: "You are careful. {{{{ task.question }}}}"
      user: "{{% for one in passages %}}[{{{{ one.number }}}}] {{{{ one.content }}}} {{% endfor %}}\
        {{{{ content }}}}"
tasks:
  pilot:
    question: Does it need a pilot?
    kind: text
    passages: {{of: [handbook]}}
    default: {{model: parallel, services: [model, other]}}
  section:
    question: What does the section say?
    kind: text
    parts: {{by: sections}}
    join: concatenation
    default: {{model: sequential, services: [model]}}
"""
        )
        assert main(["run", str(source), "--home", str(home), "--policy", str(policy)]) == 0
        sent = sorted(one for one in server.asked if "needs a pilot" in one)
        loaded = load_policy(policy)
        shown = sent_prompts(Home(home), explanation(Home(home), "ship.md", loaded), loaded)
    found = ("\n".join(text for _, text in messages) for messages in shown.values())
    assert sorted(found) == sent
    # nobody can judge a citation without the passage that it names
    site = site_of(home, tmp_path / "index", policy)
    with serving_site(site) as served:
        ada = served.browser().named("Ada")
        asked = site.desk.state(site.index).asked
        (pilot,) = (one for one in asked.open if one.key[1] == "pilot")
        item = ada.get(f"/item/{site.desk.rows([pilot])[pilot.key].item_id}").text
        assert "joined of 2 parts" in item
        assert "<strong><bdi>Hull</bdi></strong>" in item
        for page in (item, ada.get(f"/review/{pilot.name}").text):
            assert "A ship that sails north needs a pilot." in page
