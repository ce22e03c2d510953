"""What the offline rules find in a message, and what they leave alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.conversations.statements import statements_of


@pytest.mark.parametrize(
    ("text", "subject", "attribute", "value"),
    [
        ("The deadline of Atlas is 12 May.", "Atlas", "deadline", "12 May"),
        ("Atlas's budget will be 1,200 EUR, I was told.", "Atlas", "budget", "1,200 EUR"),
        ("Hi all, my email address is a.b@c.example", "Ann", "email address", "a.b@c.example"),
        ("Your order number is AB-1234.", "Ben", "order number", "AB-1234"),
        ("We moved the review to Thursday because of rain", "the review", "", "Thursday"),
        (
            "We agreed on the blue one as the colour of the door",
            "the door",
            "colour",
            "the blue one",
        ),
        ("I am allergic to peanuts and I told them", "Ann", "am allergic to", "peanuts"),
        ("News from Oslo. About the gate. The code is 4471.", "the gate", "code", "4471"),
        ("My address has changed, it is 4 Mill Lane now.", "Ann", "address", "4 Mill Lane"),
        ("Adresse: Lindenweg 4", "Ann", "Adresse", "Lindenweg 4"),
    ],
)
def test_what_is_stated_is_found(text, subject, attribute, value) -> None:
    (found,) = statements_of(text, "Ann", "Ben")
    assert (found.subject, found.attribute, found.value) == (subject, attribute, value)


@pytest.mark.parametrize(
    "text",
    [
        "Is the deadline of Atlas 12 May?",
        "What was the deadline of Atlas again",
        "If the deadline of Atlas is 12 May we are lost.",
        "Last year the deadline of Atlas was 12 May.",
        "I wish the budget of Atlas was 900 EUR.",
        "See https://example.org/a: it is nice?",
        "password: hunter22aB",
        "Note: see below",
        "it is what it is",
        "...",
        "The deadline of Atlas is not 12 May.",
        "The deadline of Atlas was discussed for 90 minutes.",
        "I like how it is going.",
    ],
)
def test_what_is_asked_wished_or_secret_is_no_fact(text) -> None:
    assert statements_of(text, "Ann", "Ben") == []


@given(st.text(alphabet="aB2 .,:;='?!\n-\u00e4\u4e2d", max_size=400), st.text(max_size=5))
@settings(max_examples=100)
def test_any_text_is_read_and_values_stand_in_it(text, speaker) -> None:
    for one in statements_of(text, speaker, None):
        assert one.value and one.value in " ".join(text.split())
