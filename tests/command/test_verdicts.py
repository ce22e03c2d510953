from pathlib import Path

from orchestration_assets.__main__ import main
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_MANIFEST
from resources.home import Home
from tests.content.test_verdicts import as_csv
from tests.reporting.batches import BATCH, manifest_row

ROW = {
    "item": "notes.txt",
    "task": "tone",
    "verdict": "0.5",
    "who": "kim",
    "when": "2026-01-02",
}


def test_a_file_can_be_checked_before_it_is_dropped(tmp_path: Path, capsys) -> None:
    listed = manifest_row("00000000000000a1", "notes.txt", EntryOutcome.ACCEPTED)
    manifest = rows_to_arrow(CONTENT_MANIFEST, [listed])
    Home(tmp_path / "home").tables.write(CONTENT_MANIFEST, manifest, BATCH)
    home = ["--home", str(tmp_path / "home")]
    path = tmp_path / "v.csv"
    path.write_bytes(as_csv(ROW, ROW | {"verdict": ""}))
    assert main(["verdicts", "check", str(path), *home]) == 0
    said = capsys.readouterr().out
    assert "valid, 1 verdicts on 1 items, 1 lines without a verdict" in said
    path.write_bytes(as_csv(ROW | {"verdict": "7"}, ROW | {"item": "other.txt"}))
    assert main(["verdicts", "check", str(path), *home]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{path}: line 2, verdict: must be a number from -1 to 1")
    assert second.startswith(f"{path}: line 3, item: no item of this home")
    assert path.exists() and not (tmp_path / "home" / "verdicts").exists()


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path, capsys) -> None:
    arguments = ["verdicts", "check", str(tmp_path / "v.csv"), "--home", str(tmp_path)]
    assert main(arguments) == 2
    assert "No such file" in capsys.readouterr().err
