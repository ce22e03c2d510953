"""Streams and compressed bodies, cut anywhere, come to the same as in one piece."""

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.text.replies.compression import Decompressor, EncodingError
from orchestration_assets.text.replies.event_stream import EventDecoder, ServerSentEvent
from tests.fuzzing import fuzz

LIMIT = 100_000
encodings = st.lists(st.sampled_from(["gzip", "deflate", "raw"]), max_size=2)


def compressed(data: bytes, how: str) -> bytes:
    if how == "gzip":
        return gzip.compress(data)
    if how == "deflate":
        return zlib.compress(data)
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush()


def cut(data: bytes, borders: list[int]) -> list[bytes]:
    places = sorted({one % (len(data) + 1) for one in borders})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@fuzz
@given(st.binary(max_size=300), encodings, st.lists(st.integers(0, 1000), max_size=6))
def test_a_compressed_body_is_what_it_was(data, names, borders) -> None:
    body = data
    for name in names:
        body = compressed(body, name)
    if not names and data.startswith(b"\x1f\x8b"):
        return
    header = ", ".join("deflate" if name == "raw" else name for name in names)
    undo = Decompressor(header, LIMIT)
    found = b"".join(undo.feed(part) for part in cut(body, borders))
    undo.finish()
    assert found == data


@pytest.mark.parametrize("times", [1, 2])
def test_a_bomb_is_given_up_at_its_limit(times) -> None:
    body = bytes(50_000_000)
    for _ in range(times):
        body = gzip.compress(body)
    undo = Decompressor(", ".join(["gzip"] * times), LIMIT)
    with pytest.raises(EncodingError, match="larger than"):
        for part in cut(body, list(range(0, len(body), 1000))):
            undo.feed(part)


def test_zeros_after_a_gzip_member_are_padding() -> None:
    undo = Decompressor("gzip", LIMIT)
    assert undo.feed(gzip.compress(b"ab") + bytes(10)) + undo.feed(bytes(5)) == b"ab"
    undo.finish()


def decoded(lines: list[str]) -> list[ServerSentEvent]:
    decoder = EventDecoder()
    return [one for line in lines for one in decoder.feed(line)] + decoder.finish()


payloads = st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=5)), min_size=1)


@fuzz
@given(payloads, st.sampled_from(["data: ", "data:"]), st.sampled_from([[""], [], [":", ""]]))
def test_events_come_whatever_stands_between_them(given_payloads, field, between) -> None:
    lines = []
    for one in given_payloads:
        lines += [field + json.dumps(one), *between]
    assert decoded(lines) == [ServerSentEvent("", json.dumps(one)) for one in given_payloads]


@fuzz
@given(st.lists(st.text(st.characters(exclude_characters="\r\n"), max_size=30), max_size=8))
def test_any_lines_are_survived(lines) -> None:
    for one in decoded(lines):
        assert one.data
