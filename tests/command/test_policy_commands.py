"""`orchestrate policy`: where values come from, what is checked, watching, bringing up to date."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.command import policy_check
from orchestration_assets.policy.kept_policies import is_kept_policy
from tests.policy.test_composition import BASE, POLICY, write

OLD = BASE.replace("version: 2", "version: 1 # old").replace(
    "max_bytes", "settle_seconds: 3, max_bytes"
)


def test_explain_says_of_every_value_where_it_comes_from(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("REGION", "eu")
    path = write(
        tmp_path,
        base=BASE,
        policy=POLICY
        + "variables: [REGION]\n"
        + "content: {max_bytes: 5, sources: [a, !template 's3://{{ env.REGION }}/b']}\n",
        policy__production="version: 2\nvariables: [REGION]\n"
        "tasks: {language: {question: !template 'In {{ env.REGION }}?'}}\n",
    )
    assert main(["policy", "show", str(path), "--explain", "--env", "production"]) == 0
    lines = dict(
        line.split(":", 1) for line in capsys.readouterr().out.splitlines() if line[0] != "#"
    )
    origins = {key: value.rpartition("# ")[2] for key, value in lines.items()}
    assert origins["content.max_bytes"] == f"{path} line 4, over base.yaml line 3"
    assert origins["content.sources"] == f"{path} line 4, from REGION"
    assert origins["tasks.language.question"] == (
        "policy.production.yaml line 3, from REGION, over base.yaml line 9"
    )
    assert origins["tasks.language.default.stop_at"] == "base.yaml line 10"
    assert origins["content.exclude"] == "base.yaml line 3"
    assert origins["content.settle_s"] == "default"
    assert '"In eu?"' in lines["tasks.language.question"]
    # one line a value, none left out
    assert "execution.tiers.chunk_items" in origins and "report.content" in origins


def test_explain_finds_what_stands_in_another_form(tmp_path, capsys) -> None:
    record = (
        "version: 2\nservices: {{s: {{implementation: labelled_values}}}}\ntasks:\n  bill:\n"
        "    question: What?\n    kind: record\n{}"
        "    default: {{model: sequential, services: [s]}}\n"
    )
    short = "    fields: {total: number, number: text}\n"
    schema = "    json_schema: {type: object, properties: {number: {type: string}}}\n"
    for form in (short, schema):
        path = tmp_path / "policy.yaml"
        path.write_text(record.format(form))
        assert main(["policy", "show", str(path), "--explain"]) == 0
        said = capsys.readouterr().out
        shown = [one for one in said.splitlines() if ".fields[" in one and '"text"' in one]
        assert [one.endswith(f"{path} line 7") for one in shown] == [True]


def test_show_names_its_environment_and_is_a_policy_again(tmp_path, capsys) -> None:
    path = write(
        tmp_path, base=BASE + "environments: {dev: {content: {max_bytes: 5}}}\n", policy=POLICY
    )
    assert main(["policy", "show", str(path), "--env", "dev"]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].endswith(main_hash(path, "dev", capsys))
    assert ", environment dev, hash " in shown.splitlines()[0]
    (tmp_path / "again.yaml").write_text(shown)
    assert main(["policy", "check", str(tmp_path / "again.yaml")]) == 0
    assert "ORCHESTRATION_ENV" not in os.environ


def main_hash(path: Path, environment: str, capsys) -> str:
    assert main(["policy", "check", str(path), "--env", environment]) == 0
    return capsys.readouterr().out.split()[-1]


def test_check_tries_every_environment(tmp_path, capsys) -> None:
    path = write(
        tmp_path,
        policy=BASE + "environments: {dev: {content: {max_bytes: 5}}, prod: {wishes: 1}}\n",
        policy__lab="version: 2\n",
    )
    assert main(["policy", "check", str(path)]) == 2
    said = capsys.readouterr()
    assert f"{path}, environment prod: wishes, line 11: unknown key" in said.err
    assert "environment dev: valid" in said.out and "environment lab: valid" in said.out
    assert main(["policy", "check", str(path), "--env", "dev"]) == 0


def test_migrate_prints_or_rewrites_the_file(tmp_path, capsys) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(OLD)
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    assert main(["policy", "migrate", str(path)]) == 0
    said = capsys.readouterr()
    assert path.read_text() == OLD
    assert said.out == OLD.replace("version: 1", "version: 2").replace("settle_seconds", "settle_s")
    assert "line 3: settle_seconds is now settle_s" in said.err
    assert main(["policy", "migrate", str(link), "--write"]) == 0
    assert path.read_text() == said.out
    assert link.is_symlink() and path.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.yaml", "policy.yaml"]
    assert main(["policy", "migrate", str(path)]) == 0
    assert "is in version 2 already" in capsys.readouterr().err


def test_migrate_writes_nothing_where_one_file_cannot_be_rewritten(tmp_path, capsys) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(OLD)
    bad.write_text("version: 9\n")
    assert main(["policy", "migrate", str(good), str(bad), str(tmp_path / "none"), "--write"]) == 2
    said = capsys.readouterr().err
    assert f"{bad}: version, line 1: is newer than this program" in said
    assert "none: cannot be read" in said
    assert good.read_text() == OLD


def test_an_old_file_is_checked_with_a_note(tmp_path, capsys) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(OLD)
    assert main(["policy", "check", str(path)]) == 0
    assert f"orchestrate policy migrate {path} --write" in capsys.readouterr().err


def test_the_schema_is_printed_as_json(capsys) -> None:
    assert main(["policy", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"].endswith("2020-12/schema")


def test_watching_checks_again_after_every_change(tmp_path, capsys) -> None:
    """Of the file, of what it extends, of its environments; also where one appears or goes."""
    path = write(tmp_path, base=BASE, policy=POLICY)
    changes = [
        lambda: None,
        lambda: (tmp_path / "base.yaml").write_text(BASE + "wishes: 1\n"),
        lambda: (tmp_path / "policy.dev.yaml").write_text("version: 2\n"),
        (tmp_path / "base.yaml").unlink,
        lambda: (tmp_path / "base.yaml").write_text(BASE),
        lambda: path.write_text(POLICY + "content: {max_bytes: 0}\n"),
    ]
    said = []

    def wait(seconds: float) -> None:
        said.append(capsys.readouterr())
        if not changes:
            raise KeyboardInterrupt
        changes.pop(0)()

    assert policy_check.watch(path, wait) == 2
    texts = [one.out + one.err for one in said]
    assert "valid" in texts[0] and texts[1] == ""
    assert "changed: base.yaml" in texts[2] and "wishes, file base.yaml line 11" in texts[2]
    assert "changed: policy.dev.yaml" in texts[3]
    assert "cannot be read" in texts[4]
    assert "environment dev: valid" in texts[5]
    assert "content.max_bytes, line 3" in texts[6]


@pytest.mark.parametrize("valid", [True, False])
def test_ctrl_c_ends_watching_with_the_code_of_the_last_check(tmp_path, valid) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(BASE if valid else BASE + "wishes: 1\n")
    command = [
        sys.executable,
        "-m",
        "orchestration_assets",
        "policy",
        "check",
        str(path),
        "--watch",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as watching:
        assert watching.stdout is not None
        assert ("valid, 1 tasks" if valid else "wishes") in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        rest = watching.communicate(timeout=120.0)[0]
    assert watching.returncode == (0 if valid else 2)
    assert "Traceback" not in rest


def test_the_packaged_policy_cannot_be_watched(capsys) -> None:
    assert main(["policy", "check", "--watch"]) == 2
    assert "name a file" in capsys.readouterr().err


def test_a_run_follows_its_environment_from_end_to_end(tmp_path, capsys) -> None:
    """In every process: the summary names it, and what is pinned is what results."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("A few words of English prose, so that there is something.")
    path = write(
        tmp_path,
        base=OLD,
        policy=POLICY
        + "environments: {prod: {tasks: {language: {question: Which one in production?}}}}\n",
    )
    home = tmp_path / "home"
    given = ["run", str(source), "--home", str(home), "--policy", str(path)]
    assert main([*given, "--env", "prod", "--json"]) == 0
    said = capsys.readouterr()
    summary = json.loads(said.out)
    assert summary["environment"] == "prod"
    assert "base.yaml is written in version 1" in summary["policy_notes"][0]
    assert "orchestrate: base.yaml is written in version 1" in said.err
    assert "ORCHESTRATION_ENV=prod" in summary["ui_command"]
    pinned = [one for one in (home / "policies").iterdir() if is_kept_policy(one)]
    assert [json.loads(one.read_text())["tasks"]["language"]["question"] for one in pinned] == [
        "Which one in production?"
    ]
    sources = json.loads((home / "policies" / f"{pinned[0].stem}.sources.json").read_text())
    assert sources["environment"] == "prod"
    assert [one["name"] for one in sources["files"]] == ["base.yaml", "policy.yaml"]
    assert main([*given, "--env", "nosuch"]) == 2
    assert "known here: prod" in capsys.readouterr().err
