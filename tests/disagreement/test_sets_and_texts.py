from orchestration_assets.schemas.enums import AnswerKind, Consequence, DisagreementKind
from tests.disagreement.batches import found, task
from tests.evidence.answers import ok

SET = task(AnswerKind.SET, 0.6)
TEXT = task(AnswerKind.TEXT, 0.3)


def test_sets_that_hardly_overlap_disagree_and_show_what_only_one_has() -> None:
    heard = (("x", ok(("tax", "fuel", "school"), 0.5, "counts")), ("y", ok(("cat", "fuels"), None)))
    (row,) = found(SET, heard)
    assert row.kind is DisagreementKind.SET_MISMATCH
    assert (row.only_a, row.only_b) == (("tax", "school"), ("cat",))
    assert row.evidence == "x: alone says tax, school (counts); y: alone says cat"
    assert row.answer_a == "tax; fuel; school"
    # of y's words half as much as what both have: the rarer one stands first
    assert row.consequence is Consequence.MISSING_MEMBERS
    assert row.sentence == "x puts \u201ctax\u201d, \u201cschool\u201d first, y has none of it"
    assert 0.5 * 0.25 <= row.severity <= 0.25


def test_sets_that_share_their_first_members_agree() -> None:
    heard = (("x", ok(("tax", "fuel", "school"))), ("y", ok(("fuel", "tax"))))
    assert found(SET, heard) == []


def test_many_members_are_counted_in_words_and_kept_whole() -> None:
    many = tuple("abcdefghij")
    (row,) = found(SET, (("x", ok(many)), ("y", ok(("z",)))))
    assert row.only_a == many
    assert "a, b, c, d, e, f and 4 more" in row.evidence


def test_texts_that_diverge_show_their_claims_first() -> None:
    heard = (
        ("x", ok("The board approved 5 plans for Paris")),
        ("y", ok("The board has not approved 6 plans")),
    )
    (row,) = found(TEXT, heard)
    assert row.kind is DisagreementKind.TEXT_DIVERGENCE
    assert row.only_a == ("5", "Paris")
    assert row.only_b == ("not approved", "6")


def test_a_text_that_only_says_less_adds_nothing() -> None:
    (row,) = found(TEXT, (("x", ok("rain")), ("y", ok("rain, snow and much wind tonight"))))
    assert row.evidence.startswith("x: adds nothing; y: alone says snow, much, wind")


def test_texts_worded_alike_agree() -> None:
    assert found(TEXT, (("x", ok("The tax rises.")), ("y", ok("the taxes rise")))) == []
