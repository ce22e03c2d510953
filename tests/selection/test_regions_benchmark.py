"""The benchmark of regions, on planted content."""

import numpy as np
import pytest

from benchmarks import selection_regions
from orchestration_assets.evidence.item_inputs import ItemInputs
from tests.selection.planted_content import planted_answers, planted_profiles


def test_regions_of_planted_content_hold_on_items_that_nothing_was_learned_from() -> None:
    profiles, kinds, _ = planted_profiles(("code", "en"), 600, 4)
    recorded = planted_answers(np.where(kinds, 0.9, 0.4), 7)
    inputs = ItemInputs(profiles, np.zeros((600, 512), np.float32))
    figures = selection_regions.measure(recorded, inputs, 1, 250)
    assert (figures["labels"], figures["regions"], figures["best_there"]) == (250, 2, 2)
    assert figures["region"] > figures["single"] + 0.1
    assert figures["by_chance"] <= 0.2
    assert len(figures["sentences"]) == 2
    assert selection_regions.measure(recorded, inputs, 1, 30) == {}


def test_a_folder_without_outcomes_is_said_to_be_one(tmp_path, capsys) -> None:
    with pytest.raises(SystemExit):
        selection_regions.main([str(tmp_path)])
    assert "no file data.parquet" in capsys.readouterr().err
