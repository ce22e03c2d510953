"""The benchmark of content type services, on a handful of files."""

import json
from pathlib import Path

import pytest

from benchmarks.content_type_accuracy import main
from tests.services.samples import CODE

ENDINGS = {"python": "py", "go": "go", "rust": "rs", "java": "java", "ruby": "rb", "c": "c"}


def test_figures_add_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "package").mkdir()
    for place, (label, ending) in enumerate(ENDINGS.items()):
        folder = tmp_path / "package" if place % 2 else tmp_path
        (folder / f"file.{ending}").write_text(CODE[label], "utf-8")
    (tmp_path / "ambiguous.h").write_text(CODE["c"], "utf-8")
    out = tmp_path / "figures.json"
    assert main([str(tmp_path), "--json", str(out)]) == 0
    assert f"{len(ENDINGS)} files without names" in capsys.readouterr().out
    figures = json.loads(out.read_text("utf-8"))
    assert figures["files"] == len(ENDINGS)
    assert figures["grammar_accuracy"] == 1.0
    for row in figures["cascades"]:
        assert row["coverage"] + row["magika_calls"] == pytest.approx(1.0)


def test_nothing_to_read_is_a_usage_error(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 2
    assert main([str(tmp_path / "absent")]) == 2
