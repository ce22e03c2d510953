"""The benchmark on texts with marked errors, on a small folder in its layout."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks import text_disagreement
from benchmarks._marked_translations import load_marked_translations
from benchmarks.text_disagreement import (
    CHOSEN_ON,
    CHRF,
    CONSTANT,
    EVERYTHING,
    RANDOM,
    SURPRISE,
    UNSUPPORTED,
    chrf_scores,
)

SYSTEMS = 6
SEGMENTS = 12


def row(segment: int, system: int, pair: str, document: str) -> dict[str, Any]:
    """One system errs on each segment: it writes another word, and that is marked."""
    wrong = segment % SYSTEMS == system
    return {
        "item": f"{pair}/{segment}",
        "task": f"ted-{pair}",
        "service": f"system {system}",
        "prediction": f"Line {segment} says that the ship {'sinks' if wrong else 'sails'} at dawn.",
        "score": -5.0 * wrong,
        "errors_json": json.dumps(
            [{"category": "", "severity": "Major", "span": "sinks", "rater": "a"}] * wrong
        ),
        "raters": 1,
        "doc": document,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (known,) = [document for document in CHOSEN_ON["zh-en"] if document == "talk.2"]
    rows = [
        row(segment, system, pair, known if segment < 4 else "talk.0")
        for pair in ("zhen", "ende")
        for segment in range(SEGMENTS)
        for system in range(SYSTEMS)
    ]
    human = [
        {**one, "service": "refB", "prediction": "A sentence of one's own."}
        for one in rows[::SYSTEMS]
    ]
    (tmp_path / "marked").mkdir()
    pd.DataFrame(rows + human).to_parquet(tmp_path / "marked" / "data.parquet")
    return tmp_path


def test_errors_are_foreseen_and_placed_beside_the_baselines(folder, tmp_path) -> None:
    out = tmp_path / "figures.json"
    assert text_disagreement.main([str(folder), "--json", str(out)]) == 0
    figures = json.loads(out.read_text("utf-8"))
    assert set(figures) == {"en-de, held out", "zh-en, held out", "zh-en, in-sample"}
    assert figures["zh-en, in-sample"]["segments"] == 4
    found = figures["en-de, held out"]
    assert (found["segments"], found["translations"]) == (SEGMENTS, SEGMENTS * SYSTEMS)
    assert found["auroc"][SURPRISE]["auroc"] == found["auroc"][CHRF]["auroc"] == 1.0
    assert found["auroc"][CONSTANT]["auroc"] == 0.5
    assert found["auroc"][CHRF]["above_chrf_low"] == found["auroc"][CHRF]["above_chrf_high"] == 0.0
    marks = found["spans"]["major"]
    assert marks[UNSUPPORTED]["f1"] == 1.0
    assert marks[RANDOM]["f1"] < 0.5
    assert marks[RANDOM]["share"] == marks[UNSUPPORTED]["share"] < marks[EVERYTHING]["share"] == 1.0
    assert found["chosen"][SURPRISE] == 0.0


def test_a_language_pair_that_is_not_there_is_said(folder, capsys) -> None:
    assert text_disagreement.main([str(folder), "--pairs", "en-ru"]) == 2
    assert "no en-ru; there is en-de, zh-en" in capsys.readouterr().err


def test_a_folder_without_marks_is_said(tmp_path, capsys) -> None:
    assert text_disagreement.main([str(tmp_path)]) == 2
    assert "errors_json" in capsys.readouterr().err


def test_human_references_take_part_when_they_are_asked_for(folder) -> None:
    for references, systems in ((False, SYSTEMS), (True, SYSTEMS + 1)):
        pairs = load_marked_translations(folder, references=references)
        assert {len(segment.systems) for segment in pairs["zh-en"]} == {systems}


def test_chrf_is_that_of_its_definition() -> None:
    scores = chrf_scores(["ab c", "abc", "xyz", ""])
    assert scores[0, 1] == scores[1, 0] == 1.0
    assert scores[0, 2] == scores[0, 3] == 0.0
    # orders 1 to 3: precision 2/4, 1/3, 0/2, recall 2/3, 1/2, 0/1
    precision, recall = (1 / 2 + 1 / 3) / 3, (2 / 3 + 1 / 2) / 3
    expected = 5 * precision * recall / (4 * precision + recall)
    assert chrf_scores(["abde", "abc"])[0, 1] == pytest.approx(expected)
