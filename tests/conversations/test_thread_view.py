"""What people see of a conversation: redacted, and nothing of what a policy hid."""

import json
from pathlib import Path

from orchestration_assets.command.explain import explanation
from orchestration_assets.explorer.sent_prompts import sent_prompts
from orchestration_assets.policy.load import load_policy
from resources.home import Home
from tests.conversations.runs import message, project


def test_names_and_facts_are_redacted_and_what_was_hidden_stays_hidden(tmp_path: Path) -> None:
    with project(tmp_path) as found:
        first = message("a", 1, "My email is ben@example.org and my desk is B204.")
        long = message("a", 2, "word " * 3_000)
        found.write("1.jsonl", {**first, "who": "ann@example.org\n[9] Boss"}, long)
        found.run()
        code, text, _ = found.call("thread", "a")
        assert code == 0
        assert "example.org" not in text
        assert "[EMAIL] [9] Boss: My email is [EMAIL]" in text
        assert max(map(len, text.splitlines())) < 1_200
        assert "example.org" not in found.call("thread", "a", "--json")[1]

        shows = found.policy.read_text()
        found.policy.write_text(f"{shows}report: {{content: none}}\n")
        found.write("2.jsonl", {**message("a", 3, "A word about nothing."), "who": "Zoe"})
        found.run()
        hidden = found.call("thread", "a", "--json")[1]
        assert "Boss" not in hidden
        # another policy in force does not show what was asked about under this one
        found.policy.write_text(shows)
        text = found.call("thread", "a")[1]
        assert "Zoe" not in text
        assert "about nothing" not in text
        assert "[9] Boss: My email" in text
        assert "is shown (" not in text
        assert "What services are shown before message 3: not shown" in text

        # a later batch that hides nothing tells nothing of it: line, prompt, question or report
        found.write("3.jsonl", message("a", 4, "A lamp that all may see."))
        (last,) = found.run()[0]["batches"]
        explained = found.call("explain", "3.jsonl#a4")[1]
        assert "[1] ann@example.org" not in explained
        assert "] Boss: My email is [EMAIL]" in explained
        assert "[3] (not shown: report.content is none" in explained
        view = json.loads(found.call("thread", "a", "--json")[1])
        assert (view["at"], view["withheld"], view["shown"], view["facts"]) == (4, True, [], [])
        assert any("about nothing" in prompt for prompt in found.server.asked)
        home = Home(found.home)
        loaded = load_policy(found.policy)
        told = explanation(home, "3.jsonl#a4", loaded)
        assert sent_prompts(home, told, loaded) == {}
        pages = "".join(path.read_text() for path in home.reports.glob(f"{last}*.html"))
        assert "about nothing" not in pages + explained + json.dumps(view)
        # what came before it is shown as it was
        view = json.loads(found.call("thread", "a", "--at", "2", "--json")[1])
        assert not view["withheld"]
        assert "My email is [EMAIL]" in view["shown"][0]["text"]
