"""Every kind of file of a real home, damaged in every way: a word about it, no traceback."""

import json
import shutil
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.command.corpus_reports import reports_are_due
from orchestration_assets.content.intake import unfinished
from orchestration_assets.schemas.tables import DISAGREEMENT_REPORT
from resources.home import Home
from tests.fuzzing import EXHAUSTIVE
from tests.resources.test_damage import KINDS, damaged

POLICY = Path("orchestration_assets/policy/default.yaml")
# the runs of a batch take seconds: the ordinary suite damages many files at once
SOME = ("truncated", "middle", "foreign", "folder")


def files_of(home: Path) -> list[Path]:
    """The files that hold something, relative to the home; logs and locks are made anew."""
    return [
        path.relative_to(home)
        for path in sorted(home.rglob("*"))
        if path.is_file()
        and path.stat().st_size
        and path.name not in {"lock.mdb", ".initialise.lock", ".intake.lock"}
        and "compute_logs" not in path.parts
    ]


def spoil(path: Path, kind: str) -> None:
    if kind == "folder":
        path.unlink()
        path.mkdir()
        (path / "inside").write_text("x")
    else:
        path.write_bytes(damaged(path.read_bytes(), kind, len(path.name)))


def call(capsys, *arguments: str) -> tuple[int, str]:
    """The exit code and what was said, each of which is a line of its own."""
    code = main(list(arguments))
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return code, said


def test_a_real_home_has_at_least_44_files_to_damage(finished) -> None:
    assert len(files_of(finished.home)) >= 44


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, "folder"] if EXHAUSTIVE else SOME)
def test_reading_commands_get_along_with_every_damaged_file(finished, home, capsys, kind) -> None:
    """Explained, previewed and replayed beside each file that is damaged in this way."""
    for number, file in enumerate(files_of(finished.home)):
        if file.parts[0] in {"reports", "review", "dagster"}:
            continue  # these commands do not open them
        if not EXHAUSTIVE and file.parts[0] != "cache" and number % 8:
            continue
        spoiled = home / str(number)  # LMDB keeps what it once opened at a path
        shutil.copytree(finished.home, spoiled)
        spoil(spoiled / file, kind)
        shared = ("--home", str(spoiled))
        for arguments in (
            ("explain", "notes.txt", *shared),
            ("preview", str(finished.source), *shared),
            ("replay", "--policy", str(POLICY), *shared),
        ):
            code, said = call(capsys, *arguments)
            assert code in {0, 2}, (file, kind, arguments)
            if code == 2:
                assert said.startswith("orchestrate: "), (file, kind, said)
        shutil.rmtree(spoiled)


@pytest.mark.slow
def test_all_tables_of_an_earlier_batch_damaged_at_once_stop_no_new_one(
    corpus, tmp_path, capsys
) -> None:
    """New content is processed, corpus reports are made, and reprocessing makes the rest again."""
    source, made, home = corpus, tmp_path / "made", tmp_path / "home"
    assert main(["run", str(source), "--home", str(made)]) == 0
    capsys.readouterr()
    shutil.copytree(made, home)  # a copy: what is mapped must not be cut while it is
    (old,) = Home(home).tables.batches(DISAGREEMENT_REPORT.name)
    kinds = [*KINDS, "folder"]
    spoiled = [
        file
        for file in files_of(home)
        if file.parts[0] in {"tables", "models", "policies", "ledger", "cache", "features"}
    ]
    for number, file in enumerate(spoiled):
        kind = kinds[number % len(kinds)]
        spoil(home / file, "truncated" if kind == "folder" and "cache" in file.parts else kind)
    tables_and_policies = [*(home / "tables").glob("*.parquet"), *(home / "policies").iterdir()]
    for folder in [path for path in tables_and_policies if path.is_dir()]:
        shutil.rmtree(folder)  # as the message asks for
    (source / "new.md").write_text("# New\n\nThis is a note that somebody has written today.\n")
    code = main(["run", str(source), "--home", str(home), "--json"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    (new,) = json.loads(captured.out)["batches"]
    assert new > old
    assert captured.err.count("orchestrate: ") >= 5
    assert not reports_are_due(Home(home))
    for folder in [path for path in (home / "tables").glob("*/*.parquet") if path.is_dir()]:
        shutil.rmtree(folder)
    for path in (home / "models").rglob("*"):
        if path.is_dir() and path.suffix in {".npz", ".json"}:
            shutil.rmtree(path)
    for path in (home / "policies").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    code = main(["run", str(source), "--home", str(home), "--json", "--reprocess"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    tables = Home(home).tables
    for table in {path.parent.name for path in (home / "tables").glob("*/*.parquet")}:
        for batch in tables.batches(table):
            tables.read(table, batch)
    assert unfinished(Home(home)) == []


def test_reports_that_a_dead_run_left_unmade_are_made_by_the_next(copied, capsys) -> None:
    source, home = copied.source, copied.home
    assert not reports_are_due(Home(home))
    (home / "tables" / "content_ledger" / "_parts.json").unlink()
    (home / "tables" / "corpus_report.parquet").write_bytes(b"PAR1")
    (home / "reports" / "index.html").write_bytes(b"")
    (home / "reports" / "services.html").unlink()
    assert reports_are_due(Home(home))
    code, said = call(capsys, "run", str(source), "--home", str(home))
    assert code == 0, said
    assert not reports_are_due(Home(home))
    Home(home).tables.read("content_ledger")


def test_a_damaged_record_of_a_batch_is_set_aside_and_its_files_come_again(copied, capsys) -> None:
    source, home = copied.source, copied.home
    (record,) = (home / "batches").glob("*.parquet")
    record.write_bytes(record.read_bytes()[:100])
    main(["preview", str(source), "--home", str(home)])
    said = capsys.readouterr().err
    assert str(record) in said
    assert record.exists(), "a preview changes nothing"
    code, said = call(capsys, "run", str(source), "--home", str(home))
    assert code == 0, said
    assert f"{record}: " in said
    assert "set aside" in said
    assert len(Home(home).tables.batches(DISAGREEMENT_REPORT.name)) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["truncated", "random", "foreign"] if EXHAUSTIVE else ["random", "foreign"]
)
def test_a_damaged_instance_begins_anew_or_says_what_to_delete(copied, capsys, kind) -> None:
    source, home = copied.source, copied.home
    for file in files_of(home):
        if file.parts[0] == "dagster":
            if file.name == "dagster.yaml" and kind != "foreign":
                continue
            spoil(home / file, kind)
    (home / "tables" / "content_ledger" / "_parts.json").unlink()
    run = ("run", str(source), "--home", str(home))
    for _ in range(6):
        code, said = call(capsys, *run)
        if code == 0:
            break
        assert code == 2
        assert str(home / "dagster") in said
        (home / "dagster" / "dagster.yaml").unlink(missing_ok=True)
    assert code == 0, said
