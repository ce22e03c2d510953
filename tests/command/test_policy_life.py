"""A policy's life from the command line: tried, activated, rolled back, and who is told of whom."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.registry import PolicyRegistry
from orchestration_assets.schemas.policies import ACTIVE_POLICY_TABLE
from resources.home import Home
from tests.forked import command

TEXT = (files("orchestration_assets.policy") / "default.yaml").read_text("utf-8")
GRAPH = "after: {title_judge: [declared_title, central_sentence]}"
JUDGED = TEXT.replace("central_sentence, title_judge]\n", "central_sentence]\n").replace(
    GRAPH, "judge: {service: title_judge}"
)
SECOND = TEXT.replace("kind: score", "kind: score\n    version: '2'")


@pytest.fixture
def policies(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ORCHESTRATION_USER", "eva")
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "default.yaml").write_text(TEXT)
    (folder / "judged.yaml").write_text(JUDGED)
    (folder / "second.yaml").write_text(SECOND)
    return folder


def called(capsys, *arguments: str | Path, code: int = 0) -> str:
    capsys.readouterr()
    assert main([str(one) for one in arguments]) == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


def test_a_policy_is_compared_priced_activated_and_rolled_back(copied, policies, capsys) -> None:
    home = copied.home

    told = called(capsys, "policy", "diff", "active", policies / "judged.yaml", "--home", home)
    assert "title: asks declared_title, then central_sentence, then title_judge only when" in told
    assert "asked again" not in told
    # services disagree about no title of the corpus: the judge is never asked
    assert "title: 33 % fewer calls, none of 5 answers changes" in told

    told = called(capsys, "policy", "diff", "packaged", policies / "second.yaml", "--home", home)
    assert "tone: version 1 -> 2, so its answers are asked again" in told
    assert "tone would be asked again in 1 batch (" in told
    assert "tone: cannot be told from what is recorded: vader_tone as it is now was not" in told

    def kept(*policy: str | Path) -> tuple[int, int]:
        shown = json.loads(called(capsys, "preview", *policy, "--home", home, "--json"))
        assert (shown["source"], shown["batches"]) == (None, 1)
        assert shown["sampled"] == shown["profiles_kept"] > 0
        return shown["answers_kept"], shown["answers_asked"]

    before, asked = kept()
    tones = kept("--policy", policies / "second.yaml")
    assert tones[1] == asked
    assert tones[0] < before

    call = ("policy", "activate", policies / "second.yaml", "--home", home)
    told = called(capsys, *call, "--because", "a better lexicon")
    assert f"version 1 is active: {load_policy(policies / 'second.yaml').hash}" in told
    assert "would be asked again in 1 batch" in told
    # what is active is in force for commands that name no policy
    assert kept() == tones
    assert "version: '2'" in called(capsys, "policy", "show", "--home", home)

    summary = json.loads(
        called(capsys, "run", copied.source, "--home", home, "--reprocess", "--json")
    )
    (batch,) = summary["batches"]
    plans = Home(home).tables.read("processing_plans", batch, ["policy_hash"])["policy_hash"]
    assert plans.unique().to_pylist() == [load_policy(policies / "second.yaml").hash]

    called(capsys, "policy", "activate", policies / "judged.yaml", "--home", home, "--by", "ann")
    told = called(capsys, "policy", "rollback", "1", "--home", home)
    assert "version 3 is active, in place of version 2" in told
    # the batch was made under that policy: it holds what is asked for
    assert "would be asked again" not in told

    shown = json.loads(called(capsys, "policy", "history", "--home", home, "--json"))
    assert [one["note"]["who"] for one in shown["activations"]] == ["eva", "ann", "eva"]
    assert [one["restores"] for one in shown["activations"]] == [None, None, 1]
    assert [one["policy_hash"] for one in shown["ran_without"]] == [load_policy(None).hash]
    words = called(capsys, "policy", "history", "--home", home)
    assert "a better lexicon" in words and "back to version 1  <- active" in words
    rows = Home(home).tables.read(ACTIVE_POLICY_TABLE.name)
    assert [row.version for row in ACTIVE_POLICY_TABLE.rows(rows)] == [1, 2, 3]


def test_a_policy_is_activated_in_place_of_what_was_seen_only(home, policies, capsys) -> None:
    call = ("policy", "activate", policies / "second.yaml", "--home", home)
    called(capsys, *call, "--expect", "0")
    assert "nothing to do: active is version 1" in called(capsys, *call)
    shown = json.loads(called(capsys, *call, "--json"))
    assert (shown["version"], shown["in_place_of"]) == (1, 1)
    other = ("policy", "activate", policies / "judged.yaml", "--home", home, "--expect", "0")
    told = called(capsys, *other, code=2)
    assert "another policy is active by now: version 1," in told
    assert "activated by eva at" in told
    assert told.count("\n") == 1
    called(capsys, "policy", "rollback", "9", "--home", home, code=2)
    called(capsys, "policy", "rollback", "no", "--home", home, code=2)
    assert len(list(PolicyRegistry(Home(home)).history())) == 1


def test_what_is_not_valid_is_not_activated(home, policies, capsys) -> None:
    broken = policies / "broken.yaml"
    broken.write_text(TEXT.replace("model: hybrid", "model: hybird"))
    told = called(capsys, "policy", "activate", broken, "--home", home, code=2)
    assert "tasks.title.default.model, line" in told
    assert PolicyRegistry(Home(home)).active() is None
    assert "No policy was activated here" in called(capsys, "policy", "history", "--home", home)


def test_a_file_named_for_one_command_changes_nothing_for_others(copied, policies, capsys) -> None:
    home = copied.home
    called(capsys, "policy", "activate", policies / "judged.yaml", "--home", home)
    second = policies / "second.yaml"
    shown = called(capsys, "preview", "--policy", second, "--home", home, "--json")
    assert json.loads(shown)["source"] is None
    assert "judge:" in called(capsys, "policy", "show", "--home", home)
    active = PolicyRegistry(Home(home)).active()
    assert active is not None and active.policy_hash == load_policy(policies / "judged.yaml").hash


@pytest.mark.slow
def test_of_commands_that_activate_at_once_each_is_active_or_told(home, policies) -> None:
    commands = [
        command(policies, "policy", "activate", policies / name, "--home", home, "--expect", "0")
        for name in ("second.yaml", "judged.yaml", "default.yaml")
    ]
    ended = [(*one.communicate(), one.returncode) for one in commands]
    assert sorted(code for *_, code in ended) == [0, 2, 2]
    for _, problems, code in ended:
        assert code == 0 or "another policy is active by now: version 1" in problems
    assert len(list(PolicyRegistry(Home(home)).history())) == 1


SMALL = """
version: 2
services: {names: {implementation: extension_map}, look: {implementation: magika}}
tasks:
  content_type:
    question: What kind of file is this?
    labels: [python, markdown, text]
    default: {model: parallel, services: [names, look]}
environments:
  production: {execution: {budget_usd: 50}}
"""


def test_an_environment_is_activated_compared_and_remembered(tmp_path, capsys, monkeypatch) -> None:
    home, policy = tmp_path / "home", tmp_path / "policy.yaml"
    policy.write_text(SMALL)
    activate = "policy", "activate", policy, "--home", home
    assert main([*map(str, activate), "--env", "production"]) == 0
    said = capsys.readouterr()
    # what was in force before, the packaged policy, has no such environment, and needs none
    assert said.err == "" and "execution: budget_usd none -> 50" in said.out
    store = Home(home)
    active = PolicyRegistry(store).active()
    assert active is not None
    kept = store.policies / f"{active.policy_hash}.sources.json"
    assert json.loads(kept.read_text())["environment"] == "production"
    monkeypatch.setenv("ORCHESTRATION_ENV", "production")
    assert called(capsys, "job", "policy_history", "--home", home)
    assert store.tables.read(ACTIVE_POLICY_TABLE.name).num_rows == 1
    told = called(capsys, "policy", "diff", "active", policy, "--env", "", "--home", home)
    assert "execution: budget_usd 50 -> none" in told
    # a kept policy is what resulted: none of its values is called a default
    lines = called(capsys, "policy", "show", "--explain", "--home", home).splitlines()
    (budget,) = [line for line in lines if line.startswith("execution.budget_usd")]
    assert budget.endswith(f"# {active.policy_hash}.json")
    assert not any(line.endswith("# default") for line in lines)


def test_what_is_activated_in_place_of_one_that_cannot_be_used_is_not_called_the_same(
    tmp_path, capsys
) -> None:
    home, policy = tmp_path / "home", tmp_path / "policy.yaml"
    policy.write_text(SMALL)
    called(capsys, "policy", "activate", policy, "--home", home)
    active = PolicyRegistry(Home(home)).active()
    assert active is not None
    (Home(home).policies / f"{active.policy_hash}.json").write_text("{}")
    policy.write_text(SMALL.replace("[names, look]", "[names]"))
    assert main(["policy", "activate", str(policy), "--home", str(home)]) == 0
    said = capsys.readouterr()
    assert "the active policy cannot be compared with" in said.err
    assert "version 2 is active" in said.out and "the same" not in said.out
