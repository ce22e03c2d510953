from dataclasses import replace

from orchestration_assets.disagreement.readings import independent
from tests.disagreement.batches import PLAN
from tests.evidence.answers import ok


def test_a_judge_takes_no_part_in_disagreement() -> None:
    heard = (("x", ok("a")), ("y", ok("b")), ("judge", ok("b")))
    readings = {("i", "t"): heard, ("j", "t"): heard}
    plans = [replace(PLAN, judge="judge"), replace(PLAN, item_id="j")]
    found = independent(readings, plans)
    assert [name for name, _ in found["i", "t"]] == ["x", "y"]
    assert found["j", "t"] == heard
