"""The benchmark of training says how long each part takes."""

import json

import numpy as np
import pytest

from benchmarks.selection_training import generated, main


def test_one_command_prints_the_seconds_of_both_parts(tmp_path, capsys) -> None:
    path = tmp_path / "figures.json"
    assert main(["--items", "150", "--services", "3", "--json", str(path)]) == 0
    figures = json.loads(path.read_text())
    assert figures["together_s"] == pytest.approx(figures["predictor_s"] + figures["steps_s"])
    assert "predictor s" in capsys.readouterr().out


def test_what_is_generated_is_the_same_for_the_same_seed() -> None:
    (first, texts), (again, same) = generated(120, 4, 3), generated(120, 4, 3)
    assert texts == same
    np.testing.assert_array_equal(first.answers, again.answers)
    assert 0.2 < first.scores.mean() < 0.9
