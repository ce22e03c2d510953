"""The benchmark of choosing by content runs over any set in the layout."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.selection_content import copy_groups, halves, main
from tests.evidence.success.made_items import code, prose

SERVICES = ("cheap", "dear", "middle")
COSTS = (0.001, 0.01, 0.004)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    rows = []
    for number in range(240):
        kind = number % 2
        text = (prose("en", 40, rng), code(60, rng))[kind]
        for service, cost in zip(range(3), COSTS, strict=True):
            good = service == 1 or (service == 0) == (kind == 0)
            right = rng.random() < (0.9 if good else 0.2)
            rows.append(
                {
                    "item": f"q{number}",
                    "task": f"task{number % 4}",
                    "text": f"{text} {number}",
                    "service": SERVICES[service],
                    "prediction": "yes" if right else "no",
                    "score": float(right),
                    "cost_usd": cost,
                    "gold": "yes",
                }
            )
    target = tmp_path / "sets" / "made"
    target.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), target / "data.parquet")
    return tmp_path / "sets"


@pytest.mark.parametrize("split", ["random", "group"])
def test_every_way_of_choosing_has_its_figures(folder: Path, tmp_path: Path, split: str) -> None:
    out = tmp_path / "figures.json"
    given = [str(folder), "--seeds", "1", "--split", split, "--json", str(out)]
    assert main(given) == 0
    figures = json.loads(out.read_text())["made"]
    policies = figures["policies"]
    assert {"content", "random mix", "task known", "TF-IDF kNN", "TF-IDF ridge", "trees"} < {
        *policies,
        "best single",
    }
    assert policies["content"]["at_price"] >= figures["best_single"] - 0.05
    assert figures["oracle"] >= policies["content"]["best"]
    assert all(0.0 <= share <= 1.0 for share in figures["same_choice"].values())


def test_sets_without_services_are_left_out_and_named(folder: Path, capsys) -> None:
    (folder / "other").mkdir()
    pq.write_table(pa.table({"text": ["a"]}), folder / "other" / "data.parquet")
    assert main([str(folder), "--seeds", "1", "--labels", "60", "--no-peers"]) == 0
    output = capsys.readouterr()
    assert "left out" in output.err and "other" in output.err
    assert "made" in output.out


def test_a_folder_without_sets_ends_with_a_message(tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path)])
    assert ended.value.code == 2
    assert "data.parquet" in capsys.readouterr().err


def test_near_copies_stay_on_one_side() -> None:
    long = "the river runs past the old mill and on to the wide grey sea beyond the hills"
    texts = ["Who?", "who?  ", long, f"{long} today", "another text altogether", "Where?"]
    groups = copy_groups(texts)
    assert groups[0] == groups[1]
    assert groups[2] == groups[3]
    assert len(set(groups)) == 4
    for seed in range(8):
        first, second = halves(groups, seed)
        assert sorted([*first, *second]) == list(range(6))
        assert not {groups[row] for row in first} & {groups[row] for row in second}
