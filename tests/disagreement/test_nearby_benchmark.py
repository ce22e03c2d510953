import numpy as np

from benchmarks import nearby
from benchmarks.nearby import figures, main


def worlds(informative: bool):
    """400 disputed answers whose risk tells nothing; what the neighbours did may tell all."""
    rng = np.random.default_rng(2)
    wrong = rng.random(400) < 0.4
    told = np.where(wrong, 0.8, 0.2) if informative else rng.random(400)
    return wrong, np.column_stack([rng.uniform(0.2, 0.8, 400), told, rng.random((400, 2))])


def test_what_neighbours_add_is_found_with_an_interval(monkeypatch) -> None:
    monkeypatch.setattr(nearby, "_SAMPLES", 200)
    found = figures(*worlds(True))
    assert found["neighbours"] > 0.95
    assert found["interval"][0] > 0.3
    nothing = figures(*worlds(False))
    assert nothing["interval"][0] < 0.02
    assert figures(*worlds(False)) == nothing


def test_a_home_without_gold_says_so(tmp_path, capsys) -> None:
    assert main([str(tmp_path)]) == 2
    assert "has no gold" in capsys.readouterr().err
