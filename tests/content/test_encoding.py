"""Which encoding content has, and what that rests on: a wrong guess is worse than none."""

import random

import pytest

from orchestration_assets.content.encoding import Encoding, detect_encoding
from orchestration_assets.schemas.enums import RejectReason


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("grüße".encode(), Encoding("utf-8", "utf-8")),
        ("grüße".encode("utf-8-sig"), Encoding("utf-8-sig", "bom")),
        ("grüße".encode("utf-16"), Encoding("utf-16", "bom")),
        ("grüße".encode("utf-32"), Encoding("utf-32", "bom")),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", Encoding("iso8859-1", "declared")),
        (b"<?xml version='1.0' encoding='koi8-r'?><a>\xd0</a>", Encoding("koi8-r", "declared")),
        (b"<html><meta charset=windows-1252>\xe9</html>", Encoding("cp1252", "declared")),
        ("for all who read".encode("utf-16-le"), Encoding("utf-16-le", "nul pattern")),
        ("for all who read".encode("utf-16-be"), Encoding("utf-16-be", "nul pattern")),
        (b"caf\xe9 au lait", Encoding("cp1252", "detected")),
        (b"# coding: rot13\n\x81\x8d\x81", RejectReason.UNDECODABLE),
        (b"# coding: nonsense\n\x81\x8d\x81", RejectReason.UNDECODABLE),
        (b"\xff\xfe\x00", RejectReason.UNDECODABLE),
        (b"\x80\x01\x02\x03\x04\xff", RejectReason.BINARY),
        (b"a\x00b\x00\x00\x00 some words and a NUL", RejectReason.BINARY),
    ],
)
def test_the_encoding_and_what_it_rests_on(data, expected) -> None:
    assert detect_encoding(data) == expected


LEGACY = [
    ("Der Bär läuft über die Straße und grüßt die Nachbarn.", "latin-1"),
    ("Un café au lait à la française, s’il vous plaît – déjà vu", "cp1252"),
    ("Привет как дела сегодня хорошая погода", "cp1251"),
    ("Привет как дела сегодня хорошая погода", "koi8-r"),
    ("日本語のテキストです。よろしくお願いします", "shift_jis"),
    ("こんにちは世界", "euc-jp"),
    ("今天天气很好，我们去公园玩吧", "gb18030"),
    ("Zażółć gęślą jaźń, proszę bardzo", "cp1250"),
    ("# author: José García\nimport os\nprint('x')\n", "latin-1"),
]


@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize(("text", "encoding"), LEGACY)
def test_what_was_written_before_utf_8_is_read_right_or_refused(text, encoding, times) -> None:
    data = (text + "\n").encode(encoding) * times
    found = detect_encoding(data)
    if found is not RejectReason.UNDECODABLE:
        assert isinstance(found, Encoding)
        assert data.decode(found.name) == (text + "\n") * times


def test_plain_western_and_cyrillic_text_is_not_refused() -> None:
    for text, encoding in (LEGACY[0], LEGACY[1], LEGACY[2], LEGACY[3]):
        assert isinstance(detect_encoding(text.encode(encoding)), Encoding)


def test_noise_is_no_text() -> None:
    chance = random.Random(7)
    for _ in range(20):
        noise = bytes(chance.choice(range(128, 256)) for _ in range(300))
        assert isinstance(detect_encoding(noise), RejectReason)
