"""The command as a person uses it."""

import json
import os
import shlex
import socket
import time
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from resources.feature_cache.lmdb_store import LmdbStore
from tests.forked import command


@pytest.fixture
def run(corpus, home, capsys):
    def call(*arguments: str, source: Path = corpus):
        code = main(["run", str(source), "--home", str(home), "--json", *arguments])
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if captured.out else None, captured.err

    return call


def test_a_first_run_accounts_for_every_entry_and_a_second_finds_nothing_new(run, copied) -> None:
    summary = copied.summary
    assert sum(summary["outcomes"].values()) == summary["entries"] == 10
    assert summary["reasons"] == {"binary": 1, "empty": 1}
    assert summary["failed"] == 0
    assert Path(summary["reports"][0]).exists()
    assert Path(summary["index"]).exists()
    assert set(summary["models"]) == {"sequential", "parallel", "hybrid"}
    code, again, _ = run(source=copied.source)
    assert (code, again["batches"]) == (0, [])


def test_reprocessing_makes_no_call(run, copied) -> None:
    code, again, _ = run("--reprocess", source=copied.source)
    assert (code, again["batches"], again["calls"]) == (0, [copied.batch], {})
    assert again["from_cache"] == sum(copied.summary["calls"].values())


def test_what_it_prints_for_people(corpus, home, capsys) -> None:
    (corpus / ".git").mkdir()
    (corpus / ".git" / "config").write_text("x")
    assert main(["run", str(corpus), "--home", str(home)]) == 0
    captured = capsys.readouterr()
    for words in ("accepted 7", "excluded      1", ".git 1", "dagster dev"):
        assert words in captured.out
    assert "profiling: 7 items" in captured.err
    command = captured.out.strip().splitlines()[-1]
    assert f"ORCHESTRATION_HOME={home}" in shlex.split(command)
    assert (home / "dagster" / "dagster.yaml").exists()


def test_a_home_inside_the_source_is_no_content(corpus, run, capsys) -> None:
    inside = corpus / "kept"
    for expected in (10, 10):
        assert main(["run", str(corpus), "--home", str(inside), "--json"]) == 0
        summary = json.loads(capsys.readouterr().out)
        assert summary["entries"] == expected
    assert summary["batches"] == []
    assert summary["excluded_by"] == {"(the home)": 1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "/no/such/folder"], "give an existing folder"),
        (["run"], "SOURCE"),
        (["fly"], "invalid choice"),
        (["run", ".", "--policy", "/no/such/policy.yaml"], "cannot be read"),
    ],
)
def test_a_usage_error_is_one_line_and_code_2(arguments, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    error = capsys.readouterr().err
    assert code == 2
    assert words in error
    assert error.count("\n") == 1


def test_a_policy_error_is_one_line_and_code_2(run, tmp_path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 2\nservises: {}\ntasks: {}\n")
    code, summary, error = run("--policy", str(policy))
    assert (code, summary) == (2, None)
    assert "did you mean 'services'" in error
    assert error.count("\n") == 1


def test_policy_check_names_every_problem_on_its_own_line(tmp_path, capsys) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 9\nservises: {}\n")
    assert main(["policy", "check", str(policy)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert all(line.startswith(f"{policy}: ") for line in lines)


def test_policy_show_prints_a_policy_that_is_itself_valid(tmp_path, capsys) -> None:
    assert main(["policy", "show"]) == 0
    shown = tmp_path / "shown.yaml"
    shown.write_text(capsys.readouterr().out)
    first_line = shown.read_text().splitlines()[0]
    assert main(["policy", "check", str(shown)]) == 0
    assert capsys.readouterr().out.split()[-1] == first_line.split()[-1]
    assert main(["policy", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Policy"


def test_items_that_fail_are_said_and_give_code_1(run, tmp_path, home, monkeypatch) -> None:
    import orchestration_assets.services.registry as embedded

    real = embedded.load_embedded

    def broken(name: str, parameters):
        service = real(name, parameters)
        monkeypatch.setattr(type(service), "answer", _raise, raising=False)
        return service

    monkeypatch.setattr("orchestration_assets.services.pool.load_embedded", broken)
    code, summary, _ = run()
    assert code == 1
    assert summary["failed"] > 0
    assert "no luck" in summary["failures"][0]
    assert summary["service_failures"]
    causes = [one for one in summary["shortfalls"] if one["kind"] == "no answer"]
    told = {one["service"]: one["readings"] for one in causes}
    assert told == summary["service_failures"]
    assert all("no luck" in one["reason"] and "--reprocess" in one["remedy"] for one in causes)


def _raise(self, question):
    raise RuntimeError("no luck")


HOSTILE = {
    "empty": b"",
    "binary.bin": bytes(range(256)) * 10,
    "invalid.txt": "naïve café".encode("latin-1"),
    "utf16.txt": "This is a sentence in a wide encoding that the program has to read.".encode(
        "utf-16"
    ),
    "nul.txt": b"text with a \x00 in it",
    "new\nline.txt": b"The name of this file has a line break in it, and that is fine.",
    "quote\"'.md": b"# Quotes\n\nThe name of this file has quotes in it, and that is fine.",
    "\N{GRINNING FACE}.py": b"print('a face')\n",
    "<script>alert(1)</script>.html".replace("/", "_"): b"<script>alert(1)</script>",
    "long_line.js": b"var a=1;" * 20_000,
    "deep.json": b"[" * 50_000 + b"]" * 50_000,
    "marks.txt": ("a" + "\u0301" * 5000).encode(),
}


@pytest.mark.slow
def test_a_hostile_folder_finishes_and_every_entry_has_an_outcome(tmp_path, run, home) -> None:
    root = tmp_path / "hostile"
    root.mkdir()
    for name, data in HOSTILE.items():
        (root / name).write_bytes(data)
    os.mkfifo(root / "pipe")
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nowhere")
    (root / "up").symlink_to(root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
        code, summary, _ = run(source=root)
    assert code == 0
    assert summary["entries"] == len(HOSTILE) + 5 == sum(summary["outcomes"].values())
    assert summary["reasons"] == {
        "binary": 2,
        "empty": 1,
        "link_dangling": 1,
        "link_loop": 2,
        "special_file": 2,
        "undecodable": 1,
    }
    page = Path(summary["reports"][0]).read_text()
    assert "<script>alert" not in page
    assert page.count("<script") == 2, "the page's own data and script"


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(corpus, home, run) -> None:
    """kill -9 while services are asked: the rerun finishes the same batch, asking only the rest."""
    for n in range(300):
        (corpus / f"note{n}.md").write_text(f"# Note {n}\n\nThis is the note with number {n}.\n")
    child = command(home.parent, "run", corpus, "--home", home)
    while "\nasking services" not in child.said:
        assert child.poll() is None
        time.sleep(0.01)
    answers = LmdbStore(home / "cache" / "answers")
    while answers.contents().entries == 0:
        assert child.poll() is None
    child.kill()
    child.wait()
    code, summary, _ = run()
    assert code == 0
    assert len(summary["batches"]) == 1
    assert summary["from_cache"] > 0
    assert summary["failed"] == 0


@pytest.mark.slow
def test_a_batch_that_fails_does_not_stop_the_one_behind_it(
    corpus, home, capsys, tmp_path, monkeypatch
) -> None:
    import orchestration_assets.content.assets as content_assets

    shown = tmp_path / "policy.yaml"
    assert main(["policy", "show"]) == 0
    text = capsys.readouterr().out
    shown.write_text(text.replace("max_items: 10000", "max_items: 6"))
    arguments = ["run", str(corpus), "--home", str(home), "--policy", str(shown), "--json"]
    real, broken = content_assets.make_manifest, []

    def breaks(folder, batch, content, progress):
        broken.append(batch)
        if batch == broken[0]:
            raise OSError("the disk of the first batch is gone")
        return real(folder, batch, content, progress)

    monkeypatch.setattr(content_assets, "make_manifest", breaks)
    code = main(arguments)
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert code == 1
    first, second = broken
    assert summary["batches"] == [second]
    assert list(summary["failed_batches"]) == [first]
    assert "the disk of the first batch is gone" in summary["failed_batches"][first]
    assert "the disk of the first batch is gone" in captured.err
    assert Path(summary["index"]).exists()
    monkeypatch.setattr(content_assets, "make_manifest", real)
    code = main(arguments)
    summary = json.loads(capsys.readouterr().out)
    assert (code, summary["batches"], summary["failed_batches"]) == (0, [first], {})
