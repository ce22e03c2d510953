"""Looks at a roll-out: what they see, what they decide, and what is kept of it over batches."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.evidence.cohort_comparison import ItemOutcome
from orchestration_assets.processing.rollout_evidence import gathered_before, keep_gathered
from orchestration_assets.processing.rollout_journal import Side, forget_outcomes, journal_of
from orchestration_assets.processing.rollout_watch import (
    RolloutWatch,
    added,
    look_at,
    nothing_gathered,
)
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.rollout import Rollout, RolloutAction, RolloutMetric
from resources.home import Home

ERRORS, LATENCY = RolloutMetric.ERRORS, RolloutMetric.LATENCY
SHARED = {
    "batch": "b",
    "rollout": "r",
    "in_force_hash": "old",
    "policy_hash": "new",
    "share": 0.25,
}


def item(name: object, errors: float, latency: float = 20.0) -> ItemOutcome:
    return ItemOutcome(str(name), ("prose", "tone"), {ERRORS: errors, LATENCY: latency})


def watch(config: Rollout, before=None) -> RolloutWatch:
    gathered = nothing_gathered(config) if before is None else before
    return RolloutWatch(config, gathered, lambda: datetime(2026, 1, 1, tzinfo=UTC), SHARED)


def filled(config: Rollout, failing: list[bool], controls: int = 3) -> RolloutWatch:
    seen = watch(config)
    for number, failed in enumerate(failing):
        for other in range(controls):
            seen.add_control(item(f"c{number}/{other}", 0.0))
        if not seen.add_canary(item(number, float(failed))):
            break
    return seen


def test_a_landslide_is_seen_after_a_few_items_and_stays_decided() -> None:
    seen = filled(Rollout(look_every=5), [True] * 100)
    assert seen.items <= 15
    assert [look.metric for look in seen.worse] == [ERRORS]
    assert seen.rows[-1].action is RolloutAction.ROLL_BACK
    assert not seen.add_canary(item("late", 0.0))


def test_a_few_items_tell_nothing_either_way() -> None:
    config = Rollout()
    seen = filled(config, [False] * 40)
    looks = look_at(config, seen.gathered())
    assert looks[ERRORS].verdict == "too_few"
    few = look_at(config, filled(config, [False] * 4).gathered())
    assert few[LATENCY].verdict == "too_few"
    assert {row.action for row in seen.rows} == {RolloutAction.GO_ON}
    assert looks[RolloutMetric.WRONG].verdict == "watched"


def test_what_is_no_worse_is_within_its_limits_in_the_end() -> None:
    config = Rollout(most_errors=0.1, most_latency=1.0)
    looks = look_at(config, filled(config, [False] * 80).gathered())
    assert {looks[ERRORS].verdict, looks[LATENCY].verdict} == {"within"}


@settings(max_examples=20)
@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 60))
def test_batches_together_show_what_one_batch_would(failing, cut) -> None:
    config = Rollout(look_every=1_000)
    whole = filled(config, failing).gathered()
    parts = added(
        filled(config, failing[:cut]).gathered(), filled(config, failing[cut:]).gathered()
    )
    for metric in RolloutMetric:
        assert np.allclose(whole[metric].wealth.above, parts[metric].wealth.above)
        assert whole[metric].pairs == parts[metric].pairs


def test_a_batch_that_is_carried_out_again_counts_once(tmp_path) -> None:
    home, config = Home(tmp_path), Rollout(look_every=1_000)
    first = filled(config, [False, True, False]).gathered()
    second = filled(config, [True, True]).gathered()
    keep_gathered(home, "r", config, "one", first, 3)
    total, items = keep_gathered(home, "r", config, "two", second, 2)
    assert (total[ERRORS].pairs, items) == (5, 5)
    assert gathered_before(home, "r", config, "one")[ERRORS].pairs == 2
    total, items = keep_gathered(home, "r", config, "one", second, 2)
    assert (total[ERRORS].pairs, items) == (4, 4)
    assert total[ERRORS].canary_sum == pytest.approx(4.0)
    assert np.allclose(total[ERRORS].wealth.above, 2 * second[ERRORS].wealth.above, atol=1e-4)
    assert gathered_before(home, "other", config, "one")[ERRORS].pairs == 0


def test_what_was_shown_stays_shown_when_the_plan_has_ended(tmp_path) -> None:
    home, config = Home(tmp_path), Rollout(look_every=10_000, planned_items=400, most_errors=0.1)
    failing = [n % 20 == 0 for n in range(400)]
    total, _ = keep_gathered(home, "r", config, "one", filled(config, failing).gathered(), 400)
    assert look_at(config, total)[ERRORS].verdict == "within"
    few = filled(config, [True, False] * 20).gathered()
    total, _ = keep_gathered(home, "r", config, "two", few, 40)
    assert total[ERRORS].pairs == 440
    assert look_at(config, total)[ERRORS].verdict == "within"


def test_an_item_of_a_batch_that_was_killed_counts_once_as_it_came_out_first(tmp_path) -> None:
    home = Home(tmp_path)
    killed = journal_of(home, "r", "b", pairs_items=False)
    assert killed.add(Side.CONTROL, item("c", 0.0))
    assert killed.add(Side.CANARY, item("k", 1.0))
    path = tmp_path / "rollouts" / "r" / "b.jsonl"
    with path.open("ab") as file:
        file.write(b'{"side":"canary","item":"to')

    again = journal_of(home, "r", "b", pairs_items=False)
    assert [*again.earlier()] == [(Side.CONTROL, item("c", 0.0)), (Side.CANARY, item("k", 1.0))]
    # as it came out first, whichever policy answers it now
    assert not again.add(Side.CANARY, item("k", 0.0))
    assert not again.add(Side.CANARY, item("c", 0.0))
    assert again.add(Side.CANARY, item("new", 0.0))
    assert [one.item_id for _, one in journal_of(home, "r", "b", pairs_items=False).earlier()] == [
        *("c", "k", "new")
    ]
    assert [*journal_of(home, "other", "b", pairs_items=False).earlier()] == []

    assert forget_outcomes(home, "b", ["k"]) == 1
    assert '"k"' not in path.read_text()
    shadow = journal_of(home, "r", "s", pairs_items=True)
    assert shadow.add(Side.CONTROL, item("a", 0.0)) and shadow.add(Side.CANARY, item("a", 1.0))
    path.write_text('{"side":"control","item":"x"}\n')
    with pytest.raises(DamagedFileError, match=r"b\.jsonl.*delete it"):
        [*journal_of(home, "r", "b", pairs_items=False).earlier()]


def test_a_shadow_is_held_against_the_answer_to_the_very_item() -> None:
    config = Rollout(shadow=True, look_every=1_000)
    seen = watch(config)
    for number in range(5):
        seen.add_control(item(number, 0.0))
    for number in (3, 7):
        seen.add_canary(item(number, 1.0))
    found = seen.gathered()[ERRORS]
    assert (found.pairs, found.control) == (1, 1)
