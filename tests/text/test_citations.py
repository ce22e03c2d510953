"""Citations: what is cited must have been shown, and say what the sentence says."""

import pytest

from orchestration_assets.text.citations import unsupported_citations

PASSAGES = (
    "# Travel\nBook trains of second class. A hotel may cost 140 EUR a night, up to 1,200 in all.",
    "# Illness\nFrom the third day of illness on we need a note from a doctor.",
)


@pytest.mark.parametrize(
    "answer",
    [
        "A hotel may cost 140 EUR a night [1].",
        "A hotel may cost 140 EUR a night. [1]",
        "At most 1200 in all [1].",
        "You need a doctor's note from the third day on [2].",
        "Trains are booked in second class [1], and a note is needed from the third day [2].",
        "Nothing is cited here, 99 times.",
        "See both [1, 2].",
    ],
)
def test_what_the_passages_say_is_no_finding(answer) -> None:
    assert not list(unsupported_citations(answer, PASSAGES))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("A hotel may cost 150 EUR a night [1].", "[1] does not say 150"),
        ("Lunch costs 7 EUR in the canteen [2].", "[2] does not say 7, lunch, costs"),
        ("A hotel may cost 140 EUR a night [2].", "[2] does not say 140"),
        ("As the rules say [3].", "cites [3], and 2 passages were shown"),
        ("Parking is free for visitors with dogs [1].", "[1] does not say parking"),
    ],
)
def test_what_they_do_not_say_is_named(answer, reason) -> None:
    (found,) = unsupported_citations(answer, PASSAGES)
    assert found.reason.startswith(reason)
    assert 0.5 < found.missing <= 1.0


def test_a_citation_without_any_passage_is_told() -> None:
    (found,) = unsupported_citations("So it is [1].", ())
    assert found.reason == "cites [1], and no passage was shown"
