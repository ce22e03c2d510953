"""Excerpts: the beginning and what decides, marked; whole, capped, harmless, for any text."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.content_excerpts import (
    GAP,
    ContentExcerpt,
    ExcerptPiece,
    content_excerpt,
    quotes_in,
)
from orchestration_assets.text.redaction import redact
from orchestration_assets.text.visible_text import visible_text

_FILLER = "\n".join(f"Line {number} says nothing that matters here." for number in range(400))
# each a single grapheme, by the rules of Unicode
_GRAPHEMES = [
    *("a", "Z", " ", "\n", "é", "e\u0301", "a\u0300\u0301\u0302", "\r\n", "漢", "か\u3099", "한"),
    *("\u1112\u1161\u11ab", "👩‍👩‍👧", "👍🏽", "🇩🇪", "🏴\U000e0067\U000e0062\U000e007f", "❤\ufe0f"),
    *("क्षि", "ก็", "ﷺ", "."),
]


def marked(excerpt: ContentExcerpt) -> list[str]:
    return [piece.text for piece in excerpt.pieces if piece.marked]


def sections(excerpt: ContentExcerpt) -> list[str]:
    """The text of each section, pieces joined."""
    is_gap = lambda piece: piece == ExcerptPiece(GAP)  # noqa: E731
    groups = itertools.groupby(excerpt.pieces, key=is_gap)
    return ["".join(piece.text for piece in group) for gap, group in groups if not gap]


def test_what_was_taken_out_of_an_answer_decides_where_the_content_holds_it() -> None:
    text = "Some lamps are old.\nLog in with the key AKIAQ3EGRIVYNT7DW2KX at once.\nNobody came."
    excerpt = content_excerpt(text, ["Use [SECRET-3fa2] today", "no key"], ["key [SECRET-3fa2] at"])
    assert [one for one in marked(excerpt) if "SECRET" in one] == ["key [SECRET] at"]
    unquoted = content_excerpt(text, ["the key [SECRET-3fa2]"])
    assert marked(unquoted) == ["the key [SECRET"]


def test_a_short_text_is_shown_as_a_whole() -> None:
    text = "The bridge opens on 3 May.\nCars may cross it."
    excerpt = content_excerpt(text, ["opens on 3 May", "opens on 4 June"])
    assert sections(excerpt) == [text]
    assert marked(excerpt) == ["opens on 3 May"]
    assert excerpt.note is None


def test_a_long_text_shows_its_beginning_and_what_decides() -> None:
    text = f"Minutes of the council\n\n{_FILLER}\nThe harbour bridge opens on 3 May.\n{_FILLER}"
    excerpt = content_excerpt(text, ["The bridge opens on 3 May", "The ferry closes in June"])
    assert sections(excerpt)[0].startswith("Minutes of the council")
    assert any("The harbour bridge opens on 3 May." in one for one in sections(excerpt))
    assert marked(excerpt) == ["bridge opens on 3 May"]
    assert excerpt.pieces[-1] == ExcerptPiece(GAP)


def test_a_quote_counts_before_words_of_answers_and_rare_words_before_frequent_ones() -> None:
    places = [
        "The people use the system.",
        "A zeppelin landed.",
        "All signed at noon exactly.",
    ]
    text = _FILLER.join(["Head\n", *places, "\nend"])
    room_for_one = content_excerpt(text, ["the system", "zeppelin"], ["signed at noon"], chars=300)
    assert "signed at noon" in marked(room_for_one)
    assert "zeppelin" in marked(room_for_one)


@pytest.mark.parametrize(
    ("text", "answer", "expected"),
    [
        ("def parse_header(raw): pass", "header", ["header"]),
        ("class HTTPServer: pass", "server", ["Server"]),
        ("ports of the town", "port", ["ports"]),
        ("Support of export", "port", []),
        ("**Big\n  News** today", "big news", ["Big\n  News"]),
        ("大阪で花火大会が開かれた。", "花火大会", ["花火大会"]),
        ("İstanbul'da yağmur", "yağmur", ["yağmur"]),
        ("cafe\u0301s and bars", "cafe", ["cafe\u0301"]),
        ("it costs 12.50 euros, not 1250", "12.50", ["12.50"]),
    ],
)
def test_words_are_found_in_code_markup_prose_and_scripts_without_spaces(
    text, answer, expected
) -> None:
    assert marked(content_excerpt(text, [answer])) == expected


def test_without_anything_that_decides_sections_are_spread_over_the_text() -> None:
    shown = sections(content_excerpt(_FILLER, ["python", "perl"]))
    assert shown[0].startswith("Line 0 ")
    numbers = [int(section.split()[1]) for section in shown]
    assert len(numbers) == 4 and numbers[-1] > 250
    assert all(section.startswith("Line ") for section in shown)


def test_what_all_answers_say_decides_less_than_what_one_says() -> None:
    text = f"Head\n{_FILLER}\nA zeppelin.\n{_FILLER}\nAn armadillo.\n{_FILLER}"
    excerpt = content_excerpt(text, ["zeppelin here", "zeppelin armadillo"], chars=200)
    assert "armadillo" in marked(excerpt)


def test_secrets_and_what_hides_text_never_show() -> None:
    text = 'password = "hunter2secret99"\nmail me@example.org \x1b[31m\u202egnorw\u2066 end'
    shown = content_excerpt(text, ["me@example.org", "hunter2secret99"]).as_text()
    assert "hunter2" not in shown and "me@example.org" not in shown
    assert "\x1b" not in shown and "\u202e" not in shown
    assert "[EMAIL]" in shown


def test_what_was_looked_at_of_a_very_long_text_is_said_and_bounded() -> None:
    text = "The beginning.\n" + "Some words of a log.\n" * 1_000_000
    excerpt = content_excerpt(text, ["The beginning", "zeppelin"])
    assert marked(excerpt)[0] == "The beginning"
    assert excerpt.note is not None and "of 21,000,015 characters were looked at" in excerpt.note


def test_plain_text_marks_words_and_keeps_lines() -> None:
    pieces = (ExcerptPiece("one\ntwo "), ExcerptPiece("three", True), ExcerptPiece(GAP))
    assert ContentExcerpt(pieces).as_text() == "one\ntwo »three«\n…"
    assert ContentExcerpt(note="gone").as_text() == "gone"


def test_quotes_of_evidence_are_what_stands_between_marks() -> None:
    words = 'rests on “the bridge”, "3 May", `x = 1`, «le pont», „Brücke“ and 「橋」, isn\'t it'
    assert quotes_in(words) == ("the bridge", "3 May", "x = 1", "le pont", "Brücke", "橋")
    assert quotes_in(None) == ()
    assert quotes_in("“the bridge … opens on ... May”") == ("the bridge", "opens on", "May")


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ("<?php", ["<?php"]),
        ("the", ["the"]),
        ("#!/bin/sh", ["#!/bin/sh"]),
        ("THE  end", ["the\nend"]),
        ("//", ["//", "//"]),
        ("en", []),
    ],
)
def test_a_quote_is_marked_sign_by_sign_or_else_word_by_word(quote, expected) -> None:
    text = "#!/bin/sh\n<?php echo 'hyphen'; // php\n// the\nend"
    assert marked(content_excerpt(text, [], [quote])) == expected


_texts = st.one_of(
    st.text(max_size=3000),
    st.lists(st.sampled_from(_GRAPHEMES), max_size=2500).map("".join),
    st.builds(lambda part, times: part * times, st.text(max_size=60), st.integers(0, 200)),
)
_answers = st.lists(st.one_of(st.text(max_size=40), st.sampled_from(_GRAPHEMES)), max_size=5)


@settings(max_examples=200)
@given(_texts, _answers, _answers, st.integers(0, 1200))
def test_any_excerpt_is_made_of_the_text_in_order_and_capped(text, answers, quotes, chars) -> None:
    excerpt = content_excerpt(text, answers, quotes, chars)
    assert sum(len(piece.text) for piece in excerpt.pieces) <= max(chars, 40)
    shown = visible_text(redact(text, tuple(SensitiveKind)).text)
    at = 0
    for section in sections(excerpt):
        place = shown.find(section, at)
        assert place >= 0
        at = place + len(section)
    assert content_excerpt(text, answers, quotes, chars) == excerpt
    assert bool(excerpt.pieces) or not shown.strip()


@settings(max_examples=200)
@given(st.data())
def test_no_grapheme_is_cut(data) -> None:
    graphemes = data.draw(st.lists(st.sampled_from(_GRAPHEMES), min_size=1, max_size=1500))
    # neighbours that would make one grapheme together prove nothing
    text = "x".join(graphemes)
    answers = data.draw(st.lists(st.sampled_from([*graphemes, "x"]), max_size=4))
    excerpt = content_excerpt(text, answers, answers, data.draw(st.integers(0, 900)))
    lengths = [len(visible_text(part)) for one in graphemes for part in (one, "x")]
    borders = {0, *itertools.accumulate(lengths)}
    shown = visible_text(text)
    for part in (*sections(excerpt), *marked(excerpt)):
        starts = _occurrences(shown, part)
        assert any(start in borders and start + len(part) in borders for start in starts)


def _occurrences(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)
