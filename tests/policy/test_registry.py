"""The registry of policies: what is kept, what is active, and who is told of whom."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from orchestration_assets.policy.activation_rows import activation_rows
from orchestration_assets.policy.kept_policies import first_use, without_secret_comments
from orchestration_assets.policy.load import LoadedPolicy, load_policy, parse_policy
from orchestration_assets.policy.pinned_policy import pin_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.policy.registry import (
    ActivationConflictError,
    PolicyRegistry,
    UnknownPolicyError,
)
from orchestration_assets.policy.watched_file import is_changed
from resources.active_policy import active_policy_file
from resources.home import Home
from resources.home_store import use_store
from resources.versioned_state import ChangeNote
from tests.policy.hostile import SECRET
from tests.servers import s3_server

ROOT = Path(__file__).parents[2]
TEXT = (files("orchestration_assets.policy") / "default.yaml").read_text("utf-8")
OTHER = TEXT.replace("items_in_flight: 32", "items_in_flight: 64")
NOTE = ChangeNote("eva", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "fewer calls")


def loaded(text: str, source: str = "p.yaml") -> LoadedPolicy:
    return parse_policy(text, source)


@pytest.fixture
def registry(home) -> PolicyRegistry:
    return PolicyRegistry(Home(home))


def test_what_is_activated_is_in_force_and_comes_back_with_its_comments(registry, home) -> None:
    assert registry.active() is None
    assert active_policy_file(Home(home)) is None

    made = registry.activate(loaded(OTHER), 0, NOTE)

    assert (made.version, made.source, made.note) == (1, "p.yaml", NOTE)
    path = active_policy_file(Home(home))
    assert load_policy(path).policy == loaded(OTHER).policy
    assert registry.load("active").hash == made.policy_hash
    assert (home / "policies" / f"{made.policy_hash}.yaml").read_text() == OTHER


def test_the_second_of_two_is_told_who_was_faster_and_what_that_changed(registry) -> None:
    registry.activate(loaded(TEXT), 0, NOTE)
    registry.activate(loaded(OTHER), 1, ChangeNote("ann", NOTE.when, "more at once"))
    with pytest.raises(
        ActivationConflictError,
        match=r"activated by ann at .*\(more at once\), which changed: execution: "
        r"items_in_flight 32 -> 64\. Nothing was changed",
    ):
        registry.activate(loaded(TEXT), 1, NOTE)
    with pytest.raises(ActivationConflictError, match="there is no version 7"):
        registry.activate(loaded(TEXT), 7, NOTE)
    assert [one.version for one in registry.history()] == [1, 2]


def test_rollback_is_a_version_of_its_own(registry) -> None:
    first = registry.activate(loaded(TEXT), 0, NOTE)
    registry.activate(loaded(OTHER), 1, NOTE)
    assert registry.version_named(first.policy_hash[:6]) == 1
    back = registry.rollback(1, 2, NOTE)
    assert (back.version, back.restores, back.policy_hash) == (3, 1, first.policy_hash)
    assert registry.version_named(first.policy_hash) == 3
    with pytest.raises(ActivationConflictError):
        registry.rollback(1, 2, NOTE)


def test_names_of_policies(registry, home, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.yaml").write_text(OTHER)
    pin_policy(home / "policies", loaded(TEXT, "ran.yaml"))
    registry.activate(loaded(OTHER), 0, NOTE)
    other = loaded(OTHER).hash
    assert {
        registry.load(name).hash for name in ("1", other, other[:4], "file.yaml", "active")
    } == {other}
    assert registry.load("packaged").hash == registry.load(loaded(TEXT).hash[:5]).hash
    (ran,) = registry.never_activated()
    assert ran.policy_hash == loaded(TEXT).hash
    assert ran.first is not None and ran.first.source == "ran.yaml"
    for unknown, why in (
        ("2", "no version 2"),
        ("abcdef", "no policy abcdef"),
        ("no.yaml", "give a file"),
        ("", "give a file"),
        ("../x", "give a file"),
    ):
        with pytest.raises(UnknownPolicyError, match=why):
            registry.load(unknown)


def test_what_is_not_valid_any_more_is_said_and_can_be_replaced(registry, home) -> None:
    made = registry.activate(loaded(OTHER), 0, NOTE)
    path = home / "policies" / f"{made.policy_hash}.json"
    sound = path.read_text()
    path.write_text(sound.replace('"items_in_flight": 64', '"items_in_flight": 65'))
    with pytest.raises(PolicyError, match=r"changed after it was pinned; activate a policy with"):
        registry.load("active")
    (row,) = activation_rows(Home(home))
    assert "cannot be used any more" in row.changes[0]
    assert registry.activate(loaded(TEXT), 1, NOTE).version == 2


def test_an_activation_of_what_was_damaged_mends_it(registry, home) -> None:
    made = registry.activate(loaded(OTHER), 0, NOTE)
    (home / "policies" / f"{made.policy_hash}.json").write_text("{")
    registry.activate(loaded(OTHER), 1, NOTE)
    assert registry.load("active").policy == loaded(OTHER).policy


def test_who_used_a_policy_first_stays_and_newer_comments_are_kept(home, monkeypatch) -> None:
    monkeypatch.setenv("ORCHESTRATION_USER", "ann")
    pin_policy(home / "policies", loaded(TEXT, "first.yaml"))
    monkeypatch.setenv("ORCHESTRATION_USER", "ben")
    pin_policy(home / "policies", loaded(f"# said better\n{TEXT}", "second.yaml"))
    name = loaded(TEXT).hash
    first = first_use(home / "policies", name)
    assert first is not None
    assert (first.note.who, first.source) == ("ann", "first.yaml")
    assert (home / "policies" / f"{name}.yaml").read_text().startswith("# said better")


def test_a_secret_in_a_comment_is_not_kept() -> None:
    text = f"version: 1  # the key is {SECRET}\n# password = hunter2hunter2\nname: '#{'x' * 9}'\n"
    kept = without_secret_comments(text)
    assert SECRET not in kept and "hunter2" not in kept
    assert kept.startswith("version: 1  # the key is [SECRET]\n")
    assert without_secret_comments(TEXT) == TEXT


def test_a_watched_file_is_changed_only_when_it_says_something_else(registry) -> None:
    watched, other = loaded(TEXT, "/w.yaml"), loaded(OTHER, "/w.yaml")
    assert is_changed(watched, registry.history())
    registry.activate(watched, 0, NOTE)
    assert not is_changed(watched, registry.history())
    assert not is_changed(loaded(f"# note\n{TEXT}", "/w.yaml"), registry.history())
    registry.activate(other, 1, NOTE)
    registry.rollback(1, 2, NOTE)
    # rolled back: the file still says what was rolled back from
    assert not is_changed(other, registry.history())
    assert is_changed(watched, registry.history())
    registry.activate(loaded(OTHER, "by hand"), 3, NOTE)
    assert not is_changed(other, registry.history())


def test_the_rows_say_what_each_activation_changed(registry, home) -> None:
    registry.activate(loaded(OTHER), 0, NOTE)
    registry.activate(
        loaded(OTHER.replace("kind: score", "kind: score\n    version: '2'")),
        1,
        NOTE,
    )
    registry.rollback(1, 2, NOTE)
    first, second, back = activation_rows(Home(home))
    assert first.changes == ("execution: items_in_flight 32 -> 64",)
    assert second.changes == ("tone: version 1 -> 2, so its answers are asked again",)
    assert second.asked_again == ("tone",)
    assert (back.restores, back.changes) == (
        1,
        ("tone: version 2 -> 1, so its answers are asked again",),
    )


ACTIVATE = """
import sys
from pathlib import Path
from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.registry import ActivationConflictError, PolicyRegistry
from resources.home import Home
from resources.home_store import use_store
from resources.versioned_state import ChangeNote
from datetime import UTC, datetime

home, who, text = Home(Path(sys.argv[1])), sys.argv[2], sys.stdin.readline
template = Path(sys.argv[3]).read_text()
registry = PolicyRegistry(home)
print("ready", flush=True)
sys.stdin.readline()
won = lost = 0
for n in range(12):
    active = registry.active()
    mine = parse_policy(template.replace("items_in_flight: 32", f"items_in_flight: {n + 1}"), who)
    try:
        made = registry.activate(mine, active.version if active else 0,
                                 ChangeNote(who, datetime.now(UTC), str(n)))
        print(made.version, flush=True)
    except ActivationConflictError as error:
        assert error.since, error
"""


def test_of_processes_that_activate_at_once_every_success_stands_and_every_loss_is_told(
    home, tmp_path
) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(TEXT)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ACTIVATE, str(home), f"w{n}", str(template)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    made: dict[int, str] = {}
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for n, process in enumerate(processes):
        said, problems = process.communicate()
        assert process.returncode == 0, problems
        for version in said.split():
            assert int(version) not in made
            made[int(version)] = f"w{n}"
    history = list(PolicyRegistry(Home(home)).history())
    assert {one.version: one.note.who for one in history} == made
    assert [one.version for one in history] == list(range(1, len(made) + 1))
    for one in history:
        stored = json.loads((home / "policies" / f"{one.policy_hash}.json").read_text())
        assert stored["execution"]["items_in_flight"] == int(one.note.why) + 1


def test_machines_that_share_a_store_begin_with_what_was_activated_on_any_of_them(tmp_path) -> None:
    with s3_server():
        url = "s3://bucket/policies"
        for name in ("one", "other"):
            use_store(tmp_path / name, url)
        one, other = (PolicyRegistry(Home(tmp_path / name)) for name in ("one", "other"))
        made = one.activate(loaded(OTHER), 0, NOTE)
        # fetched when it is asked for, before anything else of the store is
        found = active_policy_file(Home(tmp_path / "other"))
        assert load_policy(found).hash == made.policy_hash
        with pytest.raises(ActivationConflictError, match="by eva"):
            other.activate(loaded(TEXT), 0, NOTE)
        other.activate(loaded(TEXT), 1, NOTE)
        assert one.load("active").hash == loaded(TEXT).hash
        assert [each.version for each in one.history()] == [1, 2]
