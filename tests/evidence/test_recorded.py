"""Recorded services as arrays, and what their files must hold."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration_assets.evidence.recorded_answer_files import (
    RecordedAnswersError,
    find_frugalml_folders,
    load_frugalml,
    load_llm,
)
from orchestration_assets.evidence.recorded_answers import MISSING, one_hot, random_halves


def frugal_folder(folder: Path, **changed: str) -> Path:
    files = {
        "meta.csv": "Index,MLaaS(API),Cost per 10k,label number\n0,One,10,2\n7,Two,0.5,2\n",
        "Model0_TrueLabel.txt": "0\n1\n1\n",
        "Model0_PredictedLabel.txt": "0\n1\n0\n",
        "Model0_Confidence.txt": "9e-1\n.8\n.5\n",
        "Model7_PredictedLabel.txt": "1\n1\n5\n",
        "Model7_Confidence.txt": ".4\n1\n0\n",
    }
    folder.mkdir(parents=True)
    for name, text in (files | changed).items():
        (folder / name).write_text(text)
    return folder


def test_a_frugalml_folder_becomes_arrays(tmp_path: Path) -> None:
    found = load_frugalml(frugal_folder(tmp_path / "TINY"))
    assert found.name == "TINY"
    assert found.services == ("One", "Two")
    assert found.labels == ("0", "1", "5")
    assert found.answers.tolist() == [[0, 1], [1, 1], [0, 2]]
    assert found.gold.tolist() == [0, 1, 1]
    assert found.prices == pytest.approx([10 / 10_000, 0.5 / 10_000])
    assert found.scores.tolist() == [[True, False], [True, True], [False, False]]
    assert find_frugalml_folders(tmp_path) == [tmp_path / "TINY"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("Model7_Confidence.txt", ".4\n1\n", "2 lines, 3 in"),
        ("Model7_Confidence.txt", ".4\n1\nhigh\n", "expected one number a line"),
        ("Model7_Confidence.txt", ".4\n1\nnan\n", "line 3 is not a finite number"),
        ("Model7_Confidence.txt", ".4\n1\n1.5\n", "line 3 is 1.5; confidences lie in 0..1"),
        ("meta.csv", "Index,Name,Cost\n0,One\n", "USD per 10,000 calls"),
        ("meta.csv", "Index,Name,Cost\n", "names no service"),
        ("meta.csv", "Index,Name,Cost\n0,One,-1\n", "not below 0"),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_the_remedy(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    folder = frugal_folder(tmp_path / "BAD", **{name: text})
    with pytest.raises(RecordedAnswersError, match=words) as caught:
        load_frugalml(folder)
    assert name in str(caught.value)


def test_an_absent_folder_says_where_such_data_is(tmp_path: Path) -> None:
    with pytest.raises(RecordedAnswersError, match="lchen001/FrugalML"):
        find_frugalml_folders(tmp_path / "nowhere")


def llm_table(path: Path, rows: list[tuple[int, str, str, str, float, float]]) -> Path:
    names = ["item", "service", "prediction", "gold", "score", "cost_usd"]
    columns = zip(*rows, strict=True)
    pq.write_table(pa.table(dict(zip(names, map(list, columns), strict=True))), path)
    return path


def test_letters_are_labels_and_an_empty_prediction_is_no_vote(tmp_path: Path) -> None:
    rows = [
        (1, "b", "A", "A", 1.0, 0.1),
        (1, "a", "", "A", 0.0, 0.3),
        (2, "a", "B", "A", 0.0, 0.5),
        (2, "b", "A", "A", 1.0, 0.1),
        (3, "a", "B", "B", 1.0, 0.5),
    ]
    found = load_llm(llm_table(tmp_path / "letters.parquet", rows))
    assert found.services == ("a", "b")
    assert found.items == ("1", "2")  # item 3 was not asked of both
    assert found.answers.tolist() == [[MISSING, 0], [1, 0]]
    assert found.gold.tolist() == [0, 0]
    assert found.asked.all()
    assert found.costs.tolist() == [[0.3, 0.1], [0.5, 0.1]]
    assert found.correct is None


def test_free_texts_are_right_or_wrong_and_never_compared(tmp_path: Path) -> None:
    rows = []
    for item in range(50):
        rows += [
            (item, "a", f"It was {item}!", str(item), 1.0, 0.1),
            (item, "b", "no idea", str(item), 0.0, 0.1),
            (item, "c", "", str(item), 0.0, 0.1),
        ]
    found = load_llm(llm_table(tmp_path / "free.parquet", rows))
    assert found.scores[0].tolist() == [True, False, False]
    assert found.answers[0].tolist() == [0, 0, MISSING]
    assert found.only([1, 0]).scores[0].tolist() == [False, True]
    assert found.take(np.array([3])).scores.tolist() == [[True, False, False]]
    assert (found.gold == MISSING).all()


def test_take_and_only_keep_rows_and_columns_together(tmp_path: Path) -> None:
    found = load_frugalml(frugal_folder(tmp_path / "TINY"))
    part = found.take(np.array([2, 0])).only([1])
    assert part.items == ("2", "0")
    assert part.answers.tolist() == [[2], [1]]
    assert part.gold.tolist() == [1, 0]
    assert part.services == ("Two",)


def test_one_hot_of_a_missing_code_is_empty() -> None:
    assert one_hot(np.array([1, MISSING]), 2).tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_halves_are_disjoint_whole_and_repeatable() -> None:
    first, second = random_halves(101, seed=3)
    assert sorted([*first, *second]) == list(range(101))
    assert len(first) == 50
    assert (random_halves(101, seed=3)[0] == first).all()
    assert (random_halves(101, seed=4)[0] != first).any()
