"""Parts cover a text exactly and in order, are short enough, and stay what they are when a text
changes elsewhere."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.parts import JoinBy, PartsBy, TaskParts
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import ENTRY
from orchestration_assets.text.parts.splitting import parts_of
from orchestration_assets.text.token_estimates import token_estimate
from tests.fuzzing import fuzz

COVERING = [PartsBy.SECTIONS, PartsBy.PAGES, PartsBy.CHUNKS, PartsBy.FUNCTIONS]
PIECES = st.sampled_from(
    [
        *("# A title\n", "Title\n=====\n", "\n\n", "\f", "<h2>x</h2>", "<!--", "-->", "```\n"),
        *("Page 3\n", "== Doc\n", "----\n", "def f(x):\n    return x\n", "function g() { }\n"),
        *("// note\n", "}\n", "Some words stand here. And more of them! ", "\u4e00\u4e8c\u3002"),
        *("\U0001f600", "\r\n", "a" * 70, "---\n", "\ud800", "\x00", "1. Scope\n", "   "),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=20), max_size=40).map("".join)


def declared(by: PartsBy, tokens: int | None = None, overlap: int = 0) -> TaskParts:
    return TaskParts(by, JoinBy.FIRST, tokens, overlap)


def headings(text: str, by: PartsBy = PartsBy.SECTIONS, language: str = "") -> list[str]:
    return [part.heading for part in parts_of(text, declared(by), language)]


@fuzz
@given(TEXTS, st.sampled_from(COVERING), st.sampled_from(["", "python", "javascript", "c"]))
def test_parts_cover_the_text_exactly_and_in_order(text, by, language) -> None:
    for tokens in (None, 64) if by is not PartsBy.CHUNKS else (64, 200):
        overlap = 30 if by is PartsBy.CHUNKS else 0
        parts = parts_of(text, declared(by, tokens, overlap), language)
        assert "".join(one.text[one.own_start - one.start :] for one in parts) == text
        assert [one.number for one in parts] == list(range(1, len(parts) + 1))
        for one in parts:
            assert one.of == len(parts)
            assert one.text == text[one.start : one.end]
            assert one.own_start < one.end
        if tokens is not None:
            assert all(token_estimate(one.text) <= tokens for one in parts)


@fuzz
@given(st.integers(0, 10**6), st.sampled_from([PartsBy.SECTIONS, PartsBy.CHUNKS, PartsBy.PAGES]))
def test_a_change_leaves_parts_elsewhere_as_they_are(seed, by) -> None:
    chance = random.Random(seed)
    between = {PartsBy.SECTIONS: "\n\n## Part {}\n\n", PartsBy.PAGES: "\f{}\n"}.get(by, "\n\n")
    paragraphs = [
        between.format(n) + " ".join(f"word{chance.randint(0, 999)}" for _ in range(60)) + "."
        for n in range(60)
    ]
    before = "".join(paragraphs)
    place = chance.randrange(60)
    paragraphs[place] += " One more sentence stands here."
    tokens = 400 if by is PartsBy.CHUNKS else None
    old, new = (
        Counter(one.text for one in parts_of(text, declared(by, tokens)))
        for text in (before, "".join(paragraphs))
    )
    # a chunk's ends are found again behind the change; other parts do not look beyond themselves
    assert (new - old).total() <= (8 if by is PartsBy.CHUNKS else 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("intro\n\n# A\ntext\n\n## B #\nmore\n", ["", "A", "B"]),
        ("```\n# no heading\n```\n# A\n", ["", "A"]),
        ("---\ntitle: x\n---\n# A\nb\n", ["", "A"]),
        ("A\n===\n\ntext\n\nB\n---\n\ntext\n", ["A", "B"]),
        ("=====\nOver\n=====\n\ntext\n\nUnder\n~~~~~\n", ["Over", "Under"]),
        ("= Doc\n\n== A\n\n----\n== no heading\n----\n\n== B\nx", ["Doc", "A", "B"]),
        ("<html><h1>A <b>x</b></h1>t<!-- <h2>no</h2> --><h2>B</h2></html>", ["", "A x", "B"]),
        (
            "Words.\n\n1. Scope\n\nWords.\n\nARTICLE FIVE\n\nWords.",
            ["", "1. Scope", "ARTICLE FIVE"],
        ),
        ("Just words.\n1. in a list\n2. of two\n", [""]),
        ("some | table\n\n| a | b |\n|---|---|\n", [""]),
    ],
)
def test_sections_stand_under_headings(text, found) -> None:
    assert headings(text) == found


def test_pages_end_at_form_feeds_or_numbered_lines() -> None:
    for text in ("a\fb\fc", "--- Page 1 ---\na\n--- Page 2 ---\nb\n--- Page 3 ---\nc"):
        assert headings(text, PartsBy.PAGES) == ["page 1", "page 2", "page 3"]
    first, second = parts_of("a\nPage 1 of 2\nb\nPage 2 of 2\n", declared(PartsBy.PAGES))
    assert (first.text, second.text) == ("a\nPage 1 of 2\n", "b\nPage 2 of 2\n")
    assert headings("See page 3 for more.\n", PartsBy.PAGES) == [""]


def test_functions_have_their_comments_and_what_lies_between_is_a_part() -> None:
    source = (
        "import os\n\n# opens\n@cached\ndef a(x):\n    def inner():\n        pass\n    return x\n"
        "\n\nLIMIT = 3\n\n\nclass K:\n    def m(self):\n        return 1\n"
    )
    parts = parts_of(source, declared(PartsBy.FUNCTIONS), "python")
    assert [one.heading for one in parts] == ["", "a", "", "K.m"]
    assert parts[1].text.startswith("# opens\n@cached\ndef a") and "inner" in parts[1].text
    script = "// c\nfunction a() { }\nconst b = () => {\n  return 1\n}\n"
    assert headings(script, PartsBy.FUNCTIONS, "javascript") == ["a", "b"]
    assert headings("no program at all", PartsBy.FUNCTIONS) == [""]


def test_entries_of_an_answered_list_are_parts_placed_by_their_quotes() -> None:
    text = "The tenant pays rent. The tenant keeps a dog."
    entries = tuple(RecordAnswer((("who", "tenant"), ("what", what))) for what in ("rent", "dog"))
    answer = RecordAnswer(
        (("duties", entries),), (("duties[0]", "pays rent"), ("duties[1].who", "The tenant"))
    )
    way = TaskParts(PartsBy.ENTRIES, JoinBy.FIRST, of_task="contract", of_field="duties")
    first, second = parts_of(text, way, "", [("contract", answer)])
    assert first.text == "who: tenant\nwhat: rent"
    assert text[first.start : first.end] == "pays rent"
    # the words of the second stand in the text twice
    assert (second.heading, second.start) == ("duties 2", None)
    assert parts_of(text, way, "", [("contract", None)]) == []
    plain = RecordAnswer((("duties", (RecordAnswer(((ENTRY, "rent"),)),)),))
    assert parts_of(text, way, "", [("contract", plain)])[0].text == "rent"
