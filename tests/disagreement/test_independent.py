from orchestration_assets.disagreement.readings import group_roles, independent
from orchestration_assets.evidence.standing import Roles
from orchestration_assets.schemas.enums import AnswerKind
from tests.disagreement.batches import found, interpretation, interpretations, task
from tests.evidence.answers import FAILED, ok

LABEL = task(AnswerKind.LABEL)


def test_what_was_shown_another_answer_is_no_independent_reading() -> None:
    heard = (("x", ok("a")), ("y", ok("b")), ("judge", ok("b")))
    readings = {("i", "t"): heard, ("j", "t"): heard}
    roles = {("i", "t"): Roles(frozenset({"judge"}), {"judge": ("x", "y")})}
    independents = independent(readings, roles)
    assert [name for name, _ in independents["i", "t"]] == ["x", "y"]
    assert independents["j", "t"] == heard


def test_an_answer_contradicts_none_that_it_was_shown() -> None:
    heard = (("x", ok("a")), ("y", ok("b")), ("judge", ok("c")), ("z", ok("d")))
    roles = Roles(frozenset({"z"}), {"judge": ("x", "y")})
    pairs = {(row.service_a, row.service_b) for row in found(LABEL, heard, roles=roles)}
    assert pairs == {("x", "y"), ("x", "z"), ("y", "z"), ("judge", "z")}


def test_where_the_deciding_answer_could_not_be_stored_the_others_decide() -> None:
    table = interpretations(
        interpretation("x", ok("a"), decides=False),
        interpretation("judge", FAILED, step=1, decides=False, saw=("x",)),
    )
    assert group_roles([table])["i", "t"].decides == {"x"}


def test_of_a_panel_the_first_answers_are_the_independent_ones() -> None:
    votes = (("x", ok("a")), ("y", ok("a")), ("z", ok("a")))
    saw = {"x": ("y", "z"), "y": ("x", "z"), "z": ("x", "y")}
    roles = Roles(frozenset({"x"}), saw, {"x": ok("a"), "y": ok("b"), "z": None})
    found = independent({("i", "t"): votes}, {("i", "t"): roles})
    assert found == {("i", "t"): (("x", ok("a")), ("y", ok("b")))}
