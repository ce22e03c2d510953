"""From readings to models of services: weights in a batch, calibration, the gate, scorecards."""

import re
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from orchestration_assets.disagreement.calibration import calibrate, coverage_risk
from orchestration_assets.disagreement.calibration_registry import (
    promote,
    promoted_for,
)
from orchestration_assets.disagreement.label_history import LabelReadings
from orchestration_assets.disagreement.label_weights import PromotedCalibration, mismatch, weigh
from orchestration_assets.disagreement.scorecards import Tally, scorecards
from orchestration_assets.evidence.label_model import artefact_name, pack, unpack
from orchestration_assets.evidence.weighted_estimates import difference_estimate
from orchestration_assets.schemas.enums import AnswerKind
from resources.home import Home
from tests.disagreement.batches import task
from tests.evidence.answers import ok
from tests.evidence.recorded_worlds import world

LABEL = task(AnswerKind.LABEL)
NAMES = ("alpha", "beta", "gamma", "delta")


def readings(accuracies=(0.9, 0.75, 0.6, 0.7), n_items=600, **options):
    """Items by content hash, as four services read them, and the truth."""
    answers, confidences, gold = world(accuracies, n_items, **options)
    said = {
        f"{(i * 2654435761) % 2**32:08x}": {
            NAMES[k]: (f"l{answers[i, k]}", float(confidences[i, k]))
            for k in range(len(accuracies))
        }
        for i in range(n_items)
    }
    truth = dict(zip(said, (f"l{label}" for label in gold), strict=True))
    return LabelReadings(said, dict.fromkeys(NAMES[: len(accuracies)], "1")), truth


def heard_of(known: LabelReadings):
    return {
        (content, "t"): tuple((name, ok(label, sure)) for name, (label, sure) in said.items())
        for content, said in known.votes.items()
    }


def test_a_large_batch_weighs_its_services_by_how_they_agree() -> None:
    known, truth = readings()
    weighed, _ = weigh(LABEL, heard_of(known), known.versions, None, 200)
    assert len(weighed) == 600
    right = np.mean([one.answer == truth[key[0]] for key, one in weighed.items()])
    assert right > 0.9
    assert {one.basis for one in weighed.values()} == {
        "how 4 services agree over 600 items of this batch, no verdicts"
    }


@pytest.mark.parametrize(
    ("accuracies", "enough", "why"),
    [
        ((0.9, 0.8), 200, "2 services cannot judge each other"),
        ((0.9, 0.8, 0.7), 601, "600 items with three answers, 601 would teach"),
    ],
)
def test_where_a_batch_teaches_nothing_stated_confidence_stands_and_says_why(
    accuracies, enough, why
) -> None:
    known, _ = readings(accuracies)
    weighed, basis = weigh(LABEL, heard_of(known), known.versions, None, enough)
    assert weighed == {}
    assert basis == f"stated confidences, unchecked: no calibration; {why}"


def test_verdicts_are_learnt_from_and_pass_the_gate_on_verdicts_held_back() -> None:
    known, truth = readings()
    found = calibrate("t", known, truth, None, None)
    assert found.model is not None and found.row.promoted
    assert found.row.gold == 600
    assert 100 < found.row.held_out < 260
    assert found.row.brier < found.row.brier_before
    assert found.row.accuracy > found.row.best_single_accuracy
    assert found.row.best_single == "alpha"
    assert found.row.coverage_risk[-1].coverage == 1.0


def some(truth, count, seed=0):
    """So many verdicts, drawn evenly."""
    drawn = np.random.default_rng(seed).permutation(len(truth))[:count]
    contents = list(truth)
    return {contents[n]: truth[contents[n]] for n in sorted(drawn)}


def test_what_no_model_can_be_made_from_promotes_nothing_and_says_how_many_more_would_do() -> None:
    known, truth = readings()
    for count in (0, 1, 10, 25):
        found = calibrate("t", known, some(truth, count), None, "old")
        assert found.model is None
        assert found.row.version == "old"
        assert f"of {count} verdicts" in found.row.reason
        more = int(re.search(r"about (\d+) more would do", found.row.reason)[1])
        assert 30 <= count + more <= 60
        enough = calibrate("t", known, some(truth, count + more + 25), None, "old")
        assert "would do" not in enough.row.reason and enough.row.brier is not None


def overconfident(known: LabelReadings) -> LabelReadings:
    """The second service mostly repeats the first, and both are sure of everything."""
    said = {
        content: {
            "alpha": (votes["alpha"][0], 0.97),
            "beta": (votes["alpha" if number % 10 else "beta"][0], 0.97),
        }
        for number, (content, votes) in enumerate(known.votes.items())
    }
    return LabelReadings(said, known.versions)


def test_a_clear_gain_passes_on_fifty_verdicts_and_a_small_one_says_how_many_would_tell() -> None:
    promoted, told = 0, 0
    for seed in range(6):
        known, truth = readings((0.5, 0.5), 150, seed=seed)
        row = calibrate("t", overconfident(known), some(truth, 50, seed), None, None).row
        promoted += row.promoted
        assert not row.promoted or row.brier_change_high <= 0.05
        known, truth = readings((0.95, 0.6), 150, seed=seed)
        row = calibrate("t", known, some(truth, 50, seed), None, None).row
        told += "more verdicts would tell at the present rate" in row.reason
        assert row.brier_change_high <= 0.05 or not row.promoted
    assert promoted >= 4
    assert told >= 1


def test_the_gate_lets_little_pass_that_is_worse_however_few_verdicts_there_are() -> None:
    """Stated risks that are off by as much as costs .06 of Brier score against the true ones."""
    rng = np.random.default_rng(5)
    for held_out in (10, 15, 30, 60):
        passed = 0
        for _ in range(1_500):
            true = rng.beta(1.5, 3.0, held_out)
            wrong = rng.random(held_out) < true
            off = np.clip(true + 0.06**0.5 * rng.choice([-1.0, 1.0], held_out), 0.0, 1.0)
            change = (off - wrong) ** 2 - (true - wrong) ** 2
            otherwise = (off - ~wrong) ** 2 - (true - ~wrong) ** 2
            unseen = float(np.sqrt(((change - otherwise) ** 2).mean()))
            found = difference_estimate(change, np.ones(held_out), unseen)
            passed += found.mean <= 0.0 and found.high <= 0.05
        assert passed / 1_500 < 0.03


def test_risk_that_is_better_at_the_cost_of_answers_is_not_promoted() -> None:
    """Stated confidences tell which answer is right, but promise too little: a model of few items
    states the truer risk, and picks the worse answers."""
    rng = np.random.default_rng(3)
    refused = 0
    for seed in range(12):
        known, truth = readings((0.45, 0.4, 0.4), 150, seed=seed)
        for content, said in known.votes.items():
            for name, (label, _) in said.items():
                sure = (0.3 if label == truth[content] else 0.15) + 0.03 * rng.random()
                said[name] = (label, sure)
        found = calibrate("t", known, some(truth, 60, seed), None, None)
        row = found.row
        if "fewer of the answers that stand are right" in row.reason:
            refused += 1
            assert not row.promoted and found.model is None
            assert row.reason.startswith("not promoted: on ")
    assert refused >= 3


def test_what_is_worse_on_held_out_verdicts_is_not_promoted() -> None:
    known, truth = readings()
    good = calibrate("t", known, truth, None, None).model
    # verdicts of somebody who guesses, in the items that a new model would learn from
    rng = np.random.default_rng(0)
    spoiled = {
        content: label if _held_out(content) else f"l{rng.integers(4)}"
        for content, label in truth.items()
    }
    found = calibrate("t", known, spoiled, good, "good")
    assert not found.row.promoted
    assert found.row.version == "good"
    assert "not promoted" in found.row.reason


def _held_out(content: str) -> bool:
    return int(content[:8], 16) % 10 < 3


def test_a_service_that_beats_all_together_stands_alone() -> None:
    # three services share their errors and their certainty
    known, truth = readings((0.97, 0.55, 0.55, 0.55), 1200)
    for said in known.votes.values():
        for name in ("gamma", "delta"):
            said[name] = (said["beta"][0], 0.5 + 0.5 * said[name][1])
    found = calibrate("t", known, truth, None, None)
    assert found.model is not None
    held = {key: value for key, value in heard_of(known).items() if _held_out(key[0])}
    weighed, _ = weigh(LABEL, held, known.versions, PromotedCalibration(found.model, "1"), 200)
    right = np.mean([one.answer == truth[key[0]] for key, one in weighed.items()])
    assert right > found.row.best_single_accuracy - 0.02


def test_a_model_comes_back_equal_from_its_arrays_and_from_the_store(tmp_path) -> None:
    known, truth = readings()
    found = calibrate("t", known, truth, None, None)
    back = unpack(*pack(found.model))
    heard = heard_of(known)
    weighed = [
        weigh(LABEL, heard, known.versions, PromotedCalibration(model, "v"), 200)[0]
        for model in (found.model, back)
    ]
    assert weighed[0] == weighed[1]
    store = Home(tmp_path).models
    assert promoted_for(store)("t") is None
    row = promote(store, found)
    assert row.version == store.current(artefact_name("t"))
    stored = promoted_for(store)("t")
    assert weigh(LABEL, heard, known.versions, stored, 200)[0].keys() == weighed[0].keys()
    assert promote(store, found).version == row.version


def test_another_version_of_a_service_invalidates_what_was_learnt() -> None:
    known, truth = readings()
    model = calibrate("t", known, truth, None, None).model
    assert mismatch(model, known.versions) is None
    changed = known.versions | {"beta": "2"}
    assert mismatch(model, changed) == "beta was 1 and is 2"
    assert mismatch(model, {"omega": "1"}) == "it does not know omega"
    weighed, basis = weigh(LABEL, heard_of(known), changed, PromotedCalibration(model, "7"), 10_000)
    assert weighed == {}
    assert basis.startswith("stated confidences: calibration 7 is not valid, beta was 1 and is 2")


def test_a_label_that_the_model_never_saw_is_left_to_stated_confidence() -> None:
    known, truth = readings()
    model = calibrate("t", known, truth, None, None).model
    new = {("ffffffff", "t"): (("alpha", ok("unheard of", 0.9)), ("beta", ok("l1", 0.4)))}
    weighed, basis = weigh(LABEL, new, known.versions, PromotedCalibration(model, "7"), 200)
    assert weighed == {}
    assert basis == "stated confidences: a label that is new"


def test_coverage_against_risk_ends_at_all_answers() -> None:
    risk = np.linspace(0.0, 1.0, 200)
    right = np.arange(200) < 150
    curve = coverage_risk(risk, right)
    assert len(curve) == 20
    assert curve[-1].risk == pytest.approx(0.25)
    assert [point.risk for point in curve] == sorted(point.risk for point in curve)


def tally_of(known: LabelReadings, costs: dict[str, float]) -> Tally:
    found = Tally(statuses=defaultdict(Counter))
    for name in known.versions:
        found.statuses["t", name]["ok"] = len(known.votes)
        found.cost_usd["t", name] = costs[name]
    return found


def test_scorecards_name_clones_and_broken_services_and_price_the_others() -> None:
    known, truth = readings((0.9, 0.8, 0.7, 0.25), 800)
    known = replace(known, versions=known.versions | {"mirror": "1"})
    for said in known.votes.values():
        said["mirror"] = said["gamma"]
    costs = {"alpha": 6.0, "beta": 2.0, "gamma": 1.0, "delta": 1.0, "mirror": 0.0}
    cards = {
        row.service: row for row in scorecards(tally_of(known, costs), {"t": known}, {"t": truth})
    }
    assert cards["mirror"].clone_of == "gamma"
    assert "repeats gamma" in cards["mirror"].verdict
    assert cards["delta"].broken and not cards["alpha"].broken
    assert cards["alpha"].without_cost == pytest.approx(-0.6)
    assert cards["alpha"].without_accuracy < cards["delta"].without_accuracy
    assert cards["mirror"].without_changed == 0.0
    assert cards["alpha"].accuracy == pytest.approx(0.9, abs=0.03)
    assert "without it: cost -60 %, accuracy -" in cards["alpha"].verdict


def test_scorecards_say_how_often_a_service_is_right_about_each_family() -> None:
    known, truth = readings((0.9, 0.8, 0.7), 800)
    families = {content: "code" if n % 4 else "prose" for n, content in enumerate(truth)}
    families.pop(next(iter(truth)))
    costs = dict.fromkeys(known.versions, 1.0)
    cards = scorecards(tally_of(known, costs), {"t": known}, {"t": truth}, families=families)
    for card in cards:
        assert [one.family for one in card.families] == ["code", "prose"]
        for one in card.families:
            own = [
                known.votes[content][card.service][0] == truth[content]
                for content, family in families.items()
                if family == one.family and card.service in known.votes.get(content, ())
            ]
            assert one.judged == len(own) == pytest.approx(one.effective)
            assert one.accuracy == pytest.approx(np.mean(own))
            assert one.low is not None and one.high is not None
            assert one.low < one.accuracy < one.high
    unknown = scorecards(tally_of(known, costs), {"t": known}, {"t": truth})
    assert all(card.families == () for card in unknown)
