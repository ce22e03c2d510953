"""What people see of a conversation: redacted, and nothing of what a policy hid."""

from pathlib import Path

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
