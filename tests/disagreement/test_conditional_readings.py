"""Services that are asked only where others were not sure: what may be concluded about them."""

import numpy as np
import pytest

from orchestration_assets.disagreement.calibration import calibrate
from orchestration_assets.disagreement.label_history import label_readings
from orchestration_assets.disagreement.scorecards import SPENDING_COLUMNS, scorecards, tally
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    PARALLEL_INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
    SEQUENTIAL_INTERPRETATIONS,
)
from resources.home import Home
from tests.disagreement.batches import interpretation, plan
from tests.evidence.answers import ok

ACCURACIES = {"cheap": 0.85, "dear": 0.93}
_SURE = 0.85


class Corpus:
    """Items of which everything is known; hard ones are hard for both services."""

    def __init__(self, home: Home, seed: int) -> None:
        self.home = home
        self.rng = np.random.default_rng(seed)
        self.truth: dict[str, str] = {}

    def process(self, batch: str, count: int, option: str) -> None:
        """Stores a batch that a cascade, or both services together, have read."""
        cascade = option == "cascade"
        plans, rows = [], []
        for n in range(count):
            content = f"{(hash_of(batch) + n) * 2654435761 % 2**32:08x}{batch}"
            self.truth[content] = f"l{self.rng.integers(4)}"
            item = {"batch": batch, "content_hash": content}
            model = ProcessingModel.SEQUENTIAL if cascade else ProcessingModel.PARALLEL
            way = {"model": model, "option": option, "services": tuple(ACCURACIES)}
            plans.append(plan(content, kind=AnswerKind.LABEL, **item, **way))
            hard = self.rng.random() < 0.15
            for name, accuracy in ACCURACIES.items():
                share = 0.5 if hard else (accuracy - 0.075) / 0.85
                right = self.rng.random() < share
                other = f"l{(int(self.truth[content][1]) + self.rng.integers(1, 4)) % 4}"
                label = self.truth[content] if right else other
                sure = float(np.clip(self.rng.normal(0.92 if right else 0.7, 0.1), 0.05, 0.99))
                rows.append(interpretation(name, ok(label, sure), item_id=content, **item))
                if cascade and sure >= _SURE:
                    break
        tables = self.home.tables
        tables.write(PROCESSING_PLANS, rows_to_arrow(PROCESSING_PLANS, plans), batch)
        table = SEQUENTIAL_INTERPRETATIONS if cascade else PARALLEL_INTERPRETATIONS
        tables.write(table, rows_to_arrow(table, rows), batch)
        tables.write(RESOLUTIONS, RESOLUTIONS.schema.empty_table(), batch)

    def cards(self) -> dict:
        counted = tally(self.home.tables, self.home.spending.rows(SPENDING_COLUMNS))
        readings = label_readings(self.home.tables)
        return {card.service: card for card in scorecards(counted, readings, {"t": self.truth})}


def hash_of(batch: str) -> int:
    return 100_000 * int(batch[1:])


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    return Corpus(Home(tmp_path), seed=3)


def test_a_cascade_tells_the_accuracy_of_its_first_service_and_says_of_what_that_of_others_is(
    corpus,
) -> None:
    corpus.process("b1", 700, "cascade")
    corpus.process("b2", 500, "cascade")
    cards = corpus.cards()
    cheap, dear = cards["cheap"], cards["dear"]
    assert cheap.judged == 1_200
    assert cheap.accuracy_low <= 0.85 <= cheap.accuracy_high
    assert "reached" not in cheap.verdict
    assert 0 < dear.judged < 600
    assert dear.accuracy_high < 0.93
    assert f"right in {dear.accuracy:.1%} of the items that reached it" in dear.verdict
    assert {card.without_accuracy for card in cards.values()} == {None}
    assert {card.without_changed for card in cards.values()} == {None}


def test_items_of_which_all_were_asked_tell_the_truth_of_services_that_are_asked_in_doubt(
    corpus,
) -> None:
    corpus.process("b1", 900, "cascade")
    corpus.process("b2", 300, "explore")
    cards = corpus.cards()
    for name, accuracy in ACCURACIES.items():
        assert cards[name].accuracy_low <= accuracy <= cards[name].accuracy_high
        assert "reached" not in cards[name].verdict
        assert cards[name].without_accuracy is not None
    assert (cards["cheap"].judged, cards["dear"].judged) == (1_200, 300)
    readings = label_readings(corpus.home.tables)["t"]
    assert len(readings.selective) == 900
    assert {name for names in readings.conditional.values() for name in names} == {"dear"}


def test_without_conditional_questions_nothing_is_left_out(corpus) -> None:
    corpus.process("b1", 200, "default")
    readings = label_readings(corpus.home.tables)["t"]
    assert not readings.conditional and not readings.selective
    assert all(card.judged == 200 for card in corpus.cards().values())
    assert all(card.without_accuracy is not None for card in corpus.cards().values())


def test_calibration_is_tested_on_answers_that_one_service_gave_alone_too(corpus) -> None:
    corpus.process("b1", 1_500, "cascade")
    readings = label_readings(corpus.home.tables)["t"]
    found = calibrate("t", readings, corpus.truth, None, None)
    assert found.row.items == found.row.gold == 1_500
    held_out = [c for c in readings.votes if int(c[:8], 16) % 10 < 3]
    assert found.row.held_out == len(held_out)
    assert found.row.risk_gap_low <= 0.0 <= found.row.risk_gap_high
