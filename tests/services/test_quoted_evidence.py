"""What embedded services say of the words that decided is marked where people see the content."""

import pytest

from orchestration_assets.services.readings import quoted
from orchestration_assets.services.registry import load_embedded
from orchestration_assets.text.content_excerpts import content_excerpt, quotes_in
from tests.services.questions import TASK_OF, question

PYTHON = "import sys\n\nfor line in sys.stdin:\n    if line.startswith('x'):\n        print(line)\n"
GERMAN = "Der Brief ist da, und die Antwort ist nicht bei der Post. Er liegt auf dem Tisch.\n"
GLAD = "This is a wonderful library. The documentation is excellent, and the people were great.\n"


@pytest.mark.parametrize(
    ("service", "text", "words"),
    [
        ("grammar", PYTHON, {"sys", "import", "startswith", "for", "print", "line", "stdin"}),
        ("grammar", "#!/bin/bash\necho 1\necho 2\n", {"#!/bin/bash"}),
        ("grammar", "<?php\n$x = 1; // the sum\n", {"<?php"}),
        ("stopwords", GERMAN * 3, {"ist", "der", "die", "und", "auf", "dem", "nicht", "er", "bei"}),
        ("vader_tone", GLAD, {"wonderful", "excellent", "great"}),
        ("adjective_tone", GLAD, {"wonderful", "excellent", "great"}),
    ],
)
def test_the_words_that_decided_are_quoted_and_stand_in_the_content(service, text, words) -> None:
    asked = question(TASK_OF[service], text, family="code" if service == "grammar" else "prose")
    reading = load_embedded(service).answer(asked)
    quotes = quotes_in(reading.evidence)
    assert quotes and set(quotes) <= words
    assert len(reading.evidence or "") < 200
    pieces = content_excerpt(text, [], quotes).pieces
    marked = {piece.text.lower() for piece in pieces if piece.marked}
    assert any(quote in mark for quote in quotes for mark in marked)


def test_a_phrase_of_several_words_is_marked_as_a_whole() -> None:
    text = "Where is my parcel? I want a full refund of the whole amount that was paid, today."
    labels = {"travel": ["full refund of the whole amount that was paid"], "storage": ["letter"]}
    service = load_embedded("word_labels", {"labels": labels})
    reading = service.answer(question("topic", text))
    pieces = content_excerpt(text, ["travel"], quotes_in(reading.evidence)).pieces
    assert [piece.text for piece in pieces if piece.marked] == [*labels["travel"]]


def test_quotes_are_few_short_and_harmless() -> None:
    told = quoted(["one", "one", "two\n  lines", "\x1b[31m" + "x" * 90, "more"])
    assert told == f"“one”, “two lines”, “\ufffd[31m{'x' * 27}”"
    assert quoted([]) == quoted(["", " "]) == ""
