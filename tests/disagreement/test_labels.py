from orchestration_assets.schemas.enums import AnswerKind, DisagreementKind
from tests.disagreement.batches import found, task
from tests.evidence.answers import ABSTAINED, FAILED, ok

LABEL = task(AnswerKind.LABEL)


def test_every_contradicting_pair_is_a_row_with_both_sides_in_words() -> None:
    rows = found(LABEL, (("z", ok("a")), ("x", ok("b", 0.8, "the extension")), ("y", ok("a"))))
    assert [(row.service_a, row.service_b) for row in rows] == [("x", "y"), ("x", "z")]
    assert rows[0].kind is DisagreementKind.LABEL_CONFLICT
    assert rows[0].evidence == "x: b (the extension); y: a"
    assert (rows[0].only_a, rows[0].only_b) == (("b",), ("a",))
    assert rows[0].distance == 1.0
    # two say the same against one: less than both confidences alone
    assert 0.1 < rows[0].severity < 0.72


def test_abstentions_and_failures_take_no_part() -> None:
    assert found(LABEL, (("x", ok("a")), ("y", ABSTAINED), ("z", FAILED))) == []
