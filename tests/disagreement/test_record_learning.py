"""Verdicts about records: what passes the gate, is kept, and settles the next batch."""

from dataclasses import replace

import numpy as np
import pytest

from orchestration_assets.disagreement.calibration_registry import lessons_in_use, promote_lessons
from orchestration_assets.disagreement.record_learning import RecordBatch, learn_fields
from orchestration_assets.disagreement.record_weights import weigh_records
from orchestration_assets.disagreement.resolution import resolve
from orchestration_assets.evidence.records.lessons import artefact_name
from orchestration_assets.evidence.verdict_weights import VerdictWeights, equal_weights
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.record_answers import RecordAnswer
from resources.home import Home
from resources.model_registry import ArtefactError
from tests.disagreement.batches import PLAN
from tests.evidence.answers import TASKS, ok

TASK = TASKS[AnswerKind.RECORD]
VERSIONS = {"good": "1", "poor": "1"}


def batch(items: int = 300, seed: int = 4):
    """Two services of which the worse one is the surer, and what is right."""
    chance = np.random.default_rng(seed)
    readings, truth = {}, {}
    for number in range(items):
        content = f"{number:032x}"
        truth[content] = RecordAnswer((("total", float(number)),))
        votes = []
        for name, rate, sure in (("good", 0.95, 0.6), ("poor", 0.6, 0.9)):
            value = float(number) if chance.random() < rate else 1000.0 + number
            votes.append((name, ok(RecordAnswer((("total", value),)), sure)))
        readings[content, TASK.name] = tuple(votes)
    contents = {content: content for content in truth}
    return RecordBatch(readings, contents), truth


def learned(truth, weights=None, version=None, **changed):
    known, _ = batch()
    weights = weights or equal_weights(truth)
    return learn_fields(TASK, [known], truth, weights, VERSIONS | changed, version, 200)


def some(count: int):
    _, truth = batch()
    return dict(list(truth.items())[:count])


def test_a_hundred_verdicts_pass_the_gate_and_two_services_are_told_apart(tmp_path) -> None:
    lessons, row = learned(some(100))
    assert lessons is not None and row.promoted
    assert (row.gold, row.held_out, row.items) == (100, 100, 300)
    assert row.brier < row.brier_before and row.best_single == "good"
    assert row.accuracy >= 0.9 and row.coverage_risk[-1].coverage == 1.0
    home = Home(tmp_path)
    version = promote_lessons(home.models, TASK.name, lessons)
    in_use = lessons_in_use(home.models, TASK.name)
    known, _ = batch(seed=5)
    before = weigh_records(TASK, known.readings, 200)
    after = weigh_records(TASK, known.readings, 200, in_use, VERSIONS)
    assert before.basis == "stated confidences, unchecked: 2 services cannot judge each other"
    assert after.version == version
    assert after.basis == (
        "verdicts alone on 1 fields; 100 verdicts judge 1 fields of these, and tell as much as 100 "
        f"of an even sample (lessons {version})"
    )
    against = (
        ("good", ok(RecordAnswer((("total", 1.0),)), 0.6)),
        ("poor", ok(RecordAnswer((("total", 2.0),)), 0.9)),
    )
    told = [resolve(PLAN, against, TASK, records=one).answer for one in (before, after)]
    assert told == ["total: 2", "total: 1"]
    # of a service that has changed since, the verdicts say nothing
    assert not weigh_records(TASK, known.readings, 200, in_use, VERSIONS | {"poor": "2"}).models


def test_few_uneven_or_uncounted_verdicts_promote_nothing_and_say_why() -> None:
    lessons, row = learned(some(5), version="old")
    assert lessons is None and row.version == "old" and not row.promoted
    assert "5 verdicts tell as much as 5 of an even sample, 10 are needed" in row.reason
    one = some(60)
    uneven = dict.fromkeys(one, 1.0) | {next(iter(one)): 500.0}
    lessons, row = learned(one, VerdictWeights(uneven))
    assert (lessons is None and "of all weight" in row.reason) or "of an even sample" in row.reason
    lessons, row = learned(one, VerdictWeights(outside=60))
    assert lessons is None and "60 verdicts were given beside the review queue" in row.reason


def test_verdicts_that_say_nothing_reliable_do_not_pass() -> None:
    """What is right is drawn anew for each content: one half tells nothing of the other."""
    chance = np.random.default_rng(9)
    known, truth = batch()
    odd = {
        content: RecordAnswer((("total", 1000.0 + number if chance.random() < 0.5 else -1.0),))
        for number, content in enumerate(truth)
    }
    good = {
        content: truth[content] if int(content[-8:], 16) % 2 else odd[content] for content in truth
    }
    lessons, row = learn_fields(TASK, [known], good, equal_weights(good), VERSIONS, None, 200)
    assert lessons is None and row.reason.startswith("not promoted: on ")


def test_lessons_of_another_format_name_the_remedy(tmp_path) -> None:
    home = Home(tmp_path)
    name = artefact_name(TASK.name)
    version = home.models.store(name, {"counts": np.zeros(1)}, {"format": 99}).version
    home.models.promote(name, version)
    with pytest.raises(ArtefactError, match="materialize calibration again"):
        lessons_in_use(home.models, TASK.name)


def test_the_same_verdicts_teach_the_same_in_any_order() -> None:
    truth = some(80)
    first, _ = learned(truth)
    known, _ = batch()
    turned = replace(known, readings=dict(reversed(known.readings.items())))
    again, _ = learn_fields(
        TASK,
        [turned],
        dict(reversed(truth.items())),
        equal_weights(truth),
        dict(reversed(VERSIONS.items())),
        None,
        200,
    )
    assert first is not None and again is not None
    assert first.counts["total"].tobytes() == again.counts["total"].tobytes()
    assert first.scales == again.scales
