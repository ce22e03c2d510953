"""The benchmark of independence, on a handful of texts."""

import json
from pathlib import Path

import pytest

from benchmarks.service_independence import (
    error_figures,
    main,
    neighbour_overlap,
    set_overlap,
    tone_figures,
)
from tests.services.samples import CODE, PROSE


def test_independent_errors_have_no_phi() -> None:
    one = [True, True, False, False]
    assert error_figures(one, [True, False, True, False])["phi"] == pytest.approx(0.0)
    same = error_figures(one, one)
    assert same["phi"] == pytest.approx(1.0)
    assert same["ratio"] == pytest.approx(2.0)
    assert error_figures(one, [False] * 4)["phi"] == 0.0


def test_overlaps() -> None:
    assert set_overlap(("a", "b"), ("b", "c")) == pytest.approx(1 / 3)
    assert set_overlap("Old files", "The old files") == pytest.approx(2 / 3)
    assert tone_figures([(0.0, 0.0), (1.0, 0.5)])["mean_gap"] == pytest.approx(0.125)
    axes = [((1.0, 0.0), (1.0, 0.0)), ((0.9, 0.1), (0.9, 0.1)), ((0.0, 1.0), (0.0, 1.0))]
    assert neighbour_overlap(axes)["overlap"] == 1.0


def test_every_task_has_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for language in ("en", "fr", "es", "zh"):
        folder = tmp_path / "tldr" / ("pages" if language == "en" else f"pages.{language}")
        folder.mkdir(parents=True)
        for number in range(3):
            text = f"# tool{number}\n\n> {PROSE[language]}\n\n- A good way to use it\n"
            (folder / f"tool{number}.md").write_text(text, "utf-8")
    code = tmp_path / "code"
    code.mkdir()
    for label, ending in {"python": "py", "go": "go", "rust": "rs", "java": "java"}.items():
        (code / f"file.{ending}").write_text(CODE[label], "utf-8")
    out = tmp_path / "figures.json"
    arguments = ["--pages", str(tmp_path / "tldr"), "--sources", str(code), "--json", str(out)]
    assert main(arguments) == 0
    figures = json.loads(out.read_text("utf-8"))
    for task in ("natural_language", "content_type", "keywords", "title", "tone", "embedding"):
        assert figures[task], task
    assert figures["natural_language"]["stopwords, langid"]["items"] == 12
    assert "services on 16 texts" in capsys.readouterr().out


def test_nothing_to_read_is_a_usage_error(tmp_path: Path) -> None:
    assert main([]) == 2
    assert main(["--pages", str(tmp_path / "absent")]) == 2
