"""What only one side says is marked, whatever the script."""

import pytest

from orchestration_assets.reporting.text_differences import mark_members, mark_words


def marked(text: str, *others: str) -> list[str]:
    return [piece.text for piece in mark_words(text, others) if piece.unique]


@pytest.mark.parametrize(
    ("text", "other", "unique"),
    [
        ("How the Parser scales", "the parser scales", ["How"]),
        ("How the backup moves", "parser moves", ["How the backup"]),
        ("a, b; c", "a c", ["b"]),
        ("same words", "words SAME", []),
        ("会議の議事録", "会議の日程", ["事録"]),
        ("naïve café", "naïve", ["café"]),
        ("anything", "", ["anything"]),
        ("", "anything", []),
    ],
)
def test_words_of_one_side_alone_are_marked(text, other, unique):
    assert marked(text, other) == unique


def test_pieces_are_the_whole_text():
    text = "  one,\ttwo -- three\nfour  "
    assert "".join(piece.text for piece in mark_words(text, ["two four"])) == text


def test_long_texts_are_cut():
    pieces = mark_words("word " * 1000, ["other"])
    assert len("".join(piece.text for piece in pieces)) == 240


def test_members_of_one_side_alone_are_marked():
    pieces = mark_members(["a", "b", "c"], [["b"], ["d"]], 2)
    assert [(piece.text, piece.unique) for piece in pieces] == [("a", True), ("b", False)]
