"""Evidence of a service as it was before it changed: set aside, counted, and never in force."""

from dataclasses import replace

import pytest

from orchestration_assets.disagreement.calibration import calibrate
from orchestration_assets.disagreement.label_history import label_readings
from orchestration_assets.disagreement.label_weights import PromotedCalibration, weigh
from orchestration_assets.disagreement.scorecards import SPENDING_COLUMNS, scorecards, tally
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    PARALLEL_INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
)
from resources.home import Home
from tests.disagreement.batches import interpretation, interpretations, plan, task
from tests.disagreement.test_learning import heard_of, readings
from tests.evidence.answers import ok

BEFORE = "code:m p 11111111"
CHANGES = {
    "model": "code:other p 11111111",
    "code": "edoc:m p 11111111",
    "prompt or temperature": "code:m q 11111111",
    "labels": "code:m p 22222222",
}


def keep(home: Home, batch: str, identities: dict[str, str], contents: list[str]) -> None:
    """Stores a batch in which every service answers a for every content."""
    plans = [plan(c, batch=batch, content_hash=c, kind=AnswerKind.LABEL) for c in contents]
    home.tables.write(PROCESSING_PLANS, rows_to_arrow(PROCESSING_PLANS, plans), batch)
    rows = [
        interpretation(
            name, ok("a", 0.9), batch=batch, item_id=c, content_hash=c, service_version=identity
        )
        for c in contents
        for name, identity in identities.items()
    ]
    home.tables.write(PARALLEL_INTERPRETATIONS, interpretations(*rows), batch)
    home.tables.write(RESOLUTIONS, RESOLUTIONS.schema.empty_table(), batch)


@pytest.mark.parametrize("now", CHANGES.values(), ids=CHANGES)
def test_answers_of_before_a_change_are_set_aside_and_counted(tmp_path, now) -> None:
    home = Home(tmp_path)
    keep(home, "b1", {"x": BEFORE, "y": BEFORE}, [f"c{n}" for n in range(60)])
    keep(home, "b2", {"x": now, "y": BEFORE}, [f"d{n}" for n in range(20)])
    found = label_readings(home.tables)["t"]
    assert found.versions == {"x": now, "y": BEFORE}
    assert found.set_aside == {"x": 60}
    assert sum("x" in votes for votes in found.votes.values()) == 20
    gold = dict.fromkeys(found.votes, "a")
    row = calibrate("t", found, gold, None, None).row
    assert row.set_aside == 60 and not row.promoted
    assert "set aside: 60 of x" in row.reason
    counted = tally(home.tables, home.spending.rows(SPENDING_COLUMNS))
    cards = {c.service: c for c in scorecards(counted, {"t": found}, {"t": gold})}
    assert (cards["x"].set_aside, cards["y"].set_aside) == (60, 0)
    assert cards["x"].judged == 20
    assert "60 answers of before it changed are set aside" in cards["x"].verdict


@pytest.mark.parametrize("now", CHANGES.values(), ids=CHANGES)
def test_a_calibration_of_before_a_change_is_not_in_force(now) -> None:
    known, truth = readings()
    known = replace(known, versions=dict.fromkeys(known.versions, BEFORE))
    model = calibrate("t", known, truth, None, None).model
    assert model is not None
    label = task(AnswerKind.LABEL)
    kept, _ = weigh(label, heard_of(known), known.versions, PromotedCalibration(model, "v"), 200)
    assert all(one.basis.startswith("calibration v") for one in kept.values())
    changed = known.versions | {"beta": now}
    given, basis = weigh(label, heard_of(known), changed, PromotedCalibration(model, "v"), 10_000)
    assert given == {}
    assert "calibration v is not valid, beta changed " in basis
