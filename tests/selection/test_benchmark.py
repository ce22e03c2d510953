"""The benchmark runs over any folder in the layout, and says what is wrong with others."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import selection_content, selection_regions
from benchmarks._selection_arguments import seeds_of
from benchmarks.selection import main
from tests.evidence.made import made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    recorded = made(900, accuracies=(0.7, 0.9), prices=(0.0001, 0.001))
    target = tmp_path / "sets" / "MADE"
    target.mkdir(parents=True)
    lines = ["Index,Name,Cost per 10k,labels", "3,cheap,1,3", "8,dear,10,3"]
    (target / "meta.csv").write_text("\n".join(lines) + "\n")
    np.savetxt(target / "Model0_TrueLabel.txt", recorded.gold, fmt="%d")
    for k, name in enumerate((3, 8)):
        np.savetxt(target / f"Model{name}_PredictedLabel.txt", recorded.answers[:, k], fmt="%d")
        np.savetxt(target / f"Model{name}_Confidence.txt", recorded.confidences[:, k])
    return tmp_path / "sets"


def test_every_policy_has_its_figures(folder: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "figures.json"
    assert main([str(folder), "--seeds", "1", "--json", str(out)]) == 0
    figures = json.loads(out.read_text())["MADE"]
    assert figures["oracle"] > figures["best_single"] > 0.85
    for policy in ("cascade", "frugalml", "ours"):
        assert 0.0 < figures[policy]["at_price"] <= figures[policy]["best"] <= 1.0
    assert figures["ours"]["at_price"] >= figures["best_single"] - 0.015
    assert "MADE" in capsys.readouterr().out


def test_few_labels_are_as_good_as_the_service_that_they_pick(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    main([str(folder), "--labels", "60", "--seeds", "2", "--json", str(out)])
    for run in json.loads(out.read_text())["MADE"]["seeds"]:
        assert run["labels"] == 60
        assert run["ours"]["at_price"] == run["single_at_price"]
        assert "called alone" in run["words"]


def test_a_folder_without_sets_ends_with_a_message(tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path)])
    assert ended.value.code == 2
    assert "lchen001/FrugalML" in capsys.readouterr().err


def test_seeds_are_listed_or_counted() -> None:
    assert seeds_of("3") == [1, 5, 10]
    assert seeds_of("1") == [1]
    assert seeds_of("4,7") == [4, 7]


@pytest.mark.parametrize("run", [main, selection_content.main, selection_regions.main])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--labels", "0"], "--labels must be at least 1"),
        (["--seeds", "0"], "'0': give seeds such as 1,5,10, or how many"),
        (["--seeds", "one"], "'one': give seeds such as 1,5,10, or how many"),
    ],
)
def test_every_benchmark_of_selection_refuses_the_same_arguments(
    run, arguments, words, tmp_path, capsys
) -> None:
    with pytest.raises(SystemExit) as ended:
        run([str(tmp_path), *arguments])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_without_a_folder_the_remedy_is_said(monkeypatch, capsys) -> None:
    monkeypatch.delenv("ORCHESTRATION_EVAL_DATA", raising=False)
    with pytest.raises(SystemExit):
        selection_regions.main([])
    assert "set ORCHESTRATION_EVAL_DATA" in capsys.readouterr().err
