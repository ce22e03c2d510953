"""Pieces of a content are found in every form that it is copied in, and in nothing else."""

import html
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.text.traces import Traces, distinctive_pieces, signs

_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=400)
_WORDS = st.lists(st.text("abcdefghijklmnopqrstuvwxyzäößéžšк", min_size=3, max_size=9), min_size=12)


@given(_TEXTS)
def test_every_piece_stands_in_the_content_itself(text) -> None:
    pieces = distinctive_pieces([text])
    assert Traces(pieces).in_text(text) >= {p for p in pieces if p in signs(text)} == set(pieces)


@given(st.text())
def test_signs_are_the_letters_and_digits_of_any_text_without_case(text) -> None:
    assert signs(text) == re.sub(r"[\W_]+", "", text.casefold())


@given(_WORDS.map(" ".join))
def test_copies_in_any_form_are_recognised(text) -> None:
    traces = Traces(distinctive_pieces([text]))
    assert traces.pieces
    marked = " ".join(f"<mark>{word}</mark>" for word in text.split())
    for copy in (
        text.upper() if text.upper().casefold() == text.casefold() else text,
        text.replace(" ", "\n\t"),
        html.escape(f'<p title="x">{text}</p>'),
        f"<p>{marked}</p>",
        json.dumps({"content": text}),
        json.dumps({"content": text.replace(" ", "\n")}),
    ):
        assert traces.in_text(copy) == set(traces.pieces)
        assert traces.in_bytes(b"\xff\x00" + copy.encode() + b"\xfe") == set(traces.pieces)
    assert traces.in_bytes(text.encode("cp1252", "ignore")) or not text.isascii()


@given(_WORDS.map(" ".join), _WORDS.map(" ".join))
def test_half_a_content_is_recognised_and_another_is_not(text, other) -> None:
    traces = Traces(distinctive_pieces([text]))
    if len(signs(text)) >= 120:
        assert traces.in_text(text[len(text) // 2 :]) and traces.in_text(text[: len(text) // 2])
    alien = {piece for piece in traces.pieces if piece not in signs(other)}
    assert not traces.in_text(other) & alien


def test_vectors_are_found_as_they_are_stored() -> None:
    traces = Traces((), (b"\x00\x01\x02\x03" * 8,))
    assert traces.in_bytes(b"head" + b"\x00\x01\x02\x03" * 8 + b"tail") == {"00010203" * 8}
    assert not traces.in_bytes(b"\x00\x01\x02\x03" * 7)


def test_short_and_common_texts_give_nothing_to_look_for() -> None:
    assert distinctive_pieces(["yes", "42", ""]) == ()
    assert "information" not in distinctive_pieces(["information"])[1:]
