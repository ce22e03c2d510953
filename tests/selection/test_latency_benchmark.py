"""The benchmark of what a price per second buys runs over recorded answers with times."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.selection_latency import load_timed, main
from orchestration_assets.evidence.recorded_answers import MISSING

ANSWERS = {"yes": "[Yes] since it is odd", "no": "I tried three.\n[ no ]"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    random = np.random.default_rng(1)
    rows = []
    for item in range(600):
        gold = ("no", "yes")[item % 2]
        for name in ("a", "b", "c"):
            said = gold if random.random() < 0.8 else ("yes", "no")[item % 2]
            answer = ANSWERS[said]
            rows.append(
                {
                    "model": name,
                    "id": item,
                    "ref_answer": gold,
                    "answer": answer,
                    "latency": 4.0,
                    "cost": 0.001,
                }
            )
    rows[0]["answer"] = "I cannot tell"
    path = tmp_path / "timed.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_several_at_once_take_less_time_where_it_has_a_price(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    assert main([str(file), "--seeds", "1", "--json", str(out)]) == 0
    figures = json.loads(out.read_text())
    in_turn = figures["one by one at 0.003 USD a second"]
    at_once = figures["also at once at 0.003 USD a second"]
    assert min(in_turn["accuracy"], at_once["accuracy"]) > 0.83
    assert at_once["seconds"] < 0.7 * in_turn["seconds"]
    assert at_once["net"] > in_turn["net"]


def test_an_answer_without_brackets_is_none(file: Path) -> None:
    recorded = load_timed(file)
    assert recorded.answers.shape == (600, 3)
    assert recorded.answers[0, 0] == MISSING
    assert (recorded.answers != MISSING).sum() == 600 * 3 - 1


def test_a_file_of_something_else_ends_with_a_message(tmp_path: Path, capsys) -> None:
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"text": ["a"]}), path)
    with pytest.raises(SystemExit) as ended:
        main([str(path)])
    assert ended.value.code == 2
    assert "no recorded answers with times" in capsys.readouterr().err
