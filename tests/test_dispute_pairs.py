"""The benchmark on cases by another hand, on a small folder in its layout."""

import json
from pathlib import Path

import pytest

from benchmarks import dispute_pairs, fit_contradiction
from orchestration_assets.evidence.contradiction import relation as relation_module
from orchestration_assets.evidence.contradiction.relation import packaged_weights

PAIRS = Path(__file__).parent / "evidence" / "contradiction" / "pairs.jsonl"
README = (
    "# Tide clock\n\nShows the next high water at a harbour as a dial. " + "It needs no key. " * 8
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [json.loads(line) for line in PAIRS.read_text("utf-8").splitlines()]
    named = [row | {"domain": str(number % 16)} for number, row in enumerate(rows)]
    figurative = [
        {"text": "Great, the server is lost.", "label": "figurative"},
        {"text": "The server was moved.", "label": "literal"},
    ]
    titles = [
        {"id": "t", "document": README, "sub": "readme", "good_titles": ["Tide clock"],
         "bad_titles": ["It needs no key."]},
    ]  # fmt: skip
    for name, written in (("pairs", named), ("figurative", figurative), ("titles", titles)):
        text = "\n".join(json.dumps(row) for row in written)
        (tmp_path / f"{name}.jsonl").write_text(text, "utf-8")
    return tmp_path


def test_every_part_is_measured_and_beside_it_the_trivial_baseline(folder, tmp_path) -> None:
    out = tmp_path / "figures.json"
    assert dispute_pairs.main([str(folder), "--json", str(out)]) == 0
    figures = json.loads(out.read_text("utf-8"))
    pairs = figures["pairs"]
    assert set(pairs["by_weights"]) == {"cross-validated", "packaged weights"}
    measured = pairs["by_weights"]["cross-validated"]["auroc"]
    assert measured >= 0.85
    assert measured > pairs["baseline_word_overlap"]["auroc"]
    assert figures["figurative"]["precision"] == figures["figurative"]["recall"] == 1.0
    (title,) = figures["titles"]["titles"]
    assert title["id"] == "t"
    assert isinstance(title["title"], str)
    assert figures["titles"]["by_kind"] == {"readme": float(title["accepted"])}


def test_weights_are_not_measured_on_the_pairs_that_they_were_fitted_on(
    folder, monkeypatch, capsys
) -> None:
    out = folder / "weights.json"
    assert fit_contradiction.main([str(folder), "--out", str(out)]) == 0
    first = out.read_bytes()
    fit_contradiction.main([str(folder), "--out", str(out)])
    assert out.read_bytes() == first
    monkeypatch.setattr(relation_module, "files", lambda _: folder)
    packaged_weights.cache_clear()
    try:
        figures = dispute_pairs.pair_figures(folder)
    finally:
        packaged_weights.cache_clear()
    assert set(figures["by_weights"]) == {"cross-validated"}
    assert figures["entity_conflict"] is None


def test_a_folder_without_cases_is_refused(tmp_path, capsys) -> None:
    assert dispute_pairs.main([str(tmp_path)]) == 2
    assert "pairs.jsonl" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("title", "accepted"),
    [
        ("Opening hours of the pool", True),
        ("Opening hours", True),
        ("Hours when to swim in the pool: opening", True),
        ("Accept all cookies", False),
        (
            "The opening hours of the pool and much else that nobody asked for at all here now",
            False,
        ),
        ("Opening hours of the\u2026", False),
        (None, False),
    ],
)
def test_a_title_is_accepted_when_it_is_nearest_to_a_good_one(title, accepted) -> None:
    row = {"good_titles": ["Opening hours of the pool", "When one can swim"]}
    row |= {"bad_titles": ["Accept all"]}
    assert dispute_pairs.accepts(row, title) is accepted
