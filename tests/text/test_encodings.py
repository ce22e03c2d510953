"""Which encoding content has, and what that rests on: a wrong guess is worse than none."""

import codecs
import encodings.aliases
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.encodings import PAGES, cases_of
from orchestration_assets.schemas.enums import RejectReason
from orchestration_assets.text.encodings.code_page_scores import SAMPLE_BYTES, sample_of
from orchestration_assets.text.encodings.code_pages import text_encodings
from orchestration_assets.text.encodings.detection import (
    Encoding,
    NotText,
    decode_text,
    detect_encoding,
)
from tests.fuzzing import fuzz


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
    found = detect_encoding(data)
    assert (found.reason if isinstance(found, NotText) else found) == expected


PROSE = json.loads(
    (Path(__file__).parents[2] / "benchmarks" / "encoding_texts.json").read_text("utf-8")
)
# Romanian is written with commas below letters; its older code pages have cedillas for them
COMMAS = str.maketrans("şţŞŢ", "șțȘȚ")
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
    if isinstance(found, Encoding) or found.reason is not RejectReason.UNDECODABLE:
        assert isinstance(found, Encoding)
        assert data.decode(found.name) == (text + "\n") * times


def test_plain_western_and_cyrillic_text_is_not_refused() -> None:
    for text, encoding in (LEGACY[0], LEGACY[1], LEGACY[2], LEGACY[3]):
        assert isinstance(detect_encoding(text.encode(encoding)), Encoding)


def test_noise_is_no_text() -> None:
    chance = random.Random(7)
    for _ in range(20):
        noise = bytes(chance.choice(range(128, 256)) for _ in range(300))
        assert isinstance(detect_encoding(noise), NotText)


def accepted(data: bytes) -> tuple[Encoding, str]:
    found = detect_encoding(data)
    assert isinstance(found, Encoding), found
    return found, decode_text(data, found.name)


@pytest.mark.parametrize("language", sorted(PROSE))
def test_no_paragraph_is_read_as_another_text(language) -> None:
    cases = list(cases_of(language, "long", PROSE[language]))
    assert cases
    right = 0
    for case in cases:
        found = detect_encoding(case.data)
        if isinstance(found, Encoding):
            assert decode_text(case.data, found.name) == case.text, (case.encoding, found)
            right += 1
        else:
            assert found.detail
    # English with words of six languages, and Romanian, which two code pages spell alike
    assert right >= len(cases) / 2 or language in ("en", "ro")


def test_rivals_are_named() -> None:
    found = detect_encoding(PROSE["ro"].translate(COMMAS).encode("iso8859-16"))
    assert isinstance(found, NotText)
    assert found.detail == "cp1250 and iso8859-16 fit about as well and read it differently"


@pytest.mark.parametrize(
    ("stray", "words"),
    [(b"\xf1", "utf-8, 1 byte replaced"), (b"\xf1 and \xe9 \xe9", "utf-8, 3 bytes replaced")],
)
def test_stray_bytes_in_utf_8_are_replaced_and_counted(stray, words) -> None:
    text = "2026-11-01 10:00 usuario nuñez abrió sesión número 7\n" * 40
    data = text.encode() + b"archivo " + stray + b" no\n" + text.encode()
    found, read = accepted(data)
    assert found == Encoding("utf-8", words)
    assert read.replace("\ufffd", "").count("usuario nuñez abrió sesión número") == 80
    assert accepted(codecs.BOM_UTF8 + data)[0] == Encoding("utf-8-sig", words)


def test_a_stray_byte_far_behind_is_found() -> None:
    plain = b"nothing but plain words on every line of this file\n" * 40_000
    assert accepted(plain + "ñandú y más, aquí\n".encode() * 3 + b"\xf1 \n" + plain)[0] == Encoding(
        "utf-8", "utf-8, 1 byte replaced"
    )


def test_long_plain_text_gives_up_a_byte_that_nothing_explains() -> None:
    plain = b"nothing but plain words on every line of this file\n" * 400
    found, read = accepted(plain + b"\x81\n")
    assert found == Encoding("utf-8", "utf-8, 1 byte replaced")
    assert read.endswith("file\n\ufffd\n")


ENGLISH = b"This is an English line of some ninety bytes that somebody wrote into the log today.\n"


@pytest.mark.parametrize("lines", [1, 3, 40, 400])
@pytest.mark.parametrize("stray", [b"bad \xff byte", b"bad \xca byte", b"bad \xfd \xff byte"])
def test_a_byte_that_shows_no_letter_names_no_code_page(lines, stray) -> None:
    found = detect_encoding(ENGLISH * lines + stray)
    if isinstance(found, Encoding):
        assert found.name == "utf-8"
        assert found.source.endswith("replaced")
    else:
        assert lines < 40


@pytest.mark.parametrize(
    ("words", "page"),
    [("a café here", "cp1252"), ("from 3 – 5 o'clock", "cp1252"), ("€ 5 each", "cp1252")],
)
def test_one_letter_or_a_usual_sign_in_short_plain_text_is_read(words, page) -> None:
    assert accepted(ENGLISH + words.encode(page)) == (
        Encoding(page, "detected"),
        ENGLISH.decode() + words,
    )


@pytest.mark.parametrize(
    ("text", "cut", "count"),
    [("naïve café", 1, "1 byte"), ("ça coûte 5 €", 1, "2 bytes"), ("日本語", 1, "2 bytes")],
)
def test_utf_8_that_ends_within_a_character_is_read(text, cut, count) -> None:
    found, read = accepted(text.encode()[:-cut])
    assert found == Encoding("utf-8", f"utf-8, {count} replaced")
    assert read == text[:-1] + "\ufffd"


def test_a_last_letter_of_a_code_page_is_no_cut_character() -> None:
    assert accepted("au café".encode("cp1252")) == (Encoding("cp1252", "detected"), "au café")


def test_a_legacy_name_in_long_source_code_is_read() -> None:
    data = "# author: José García\n".encode("latin-1") + b"import os\nprint('x')\n" * 2000
    assert accepted(data)[1].startswith("# author: José García\n")


def test_a_long_legacy_file_is_read_from_a_sample() -> None:
    lines = [f"{number}: {PROSE['ru']}\n" for number in range(3000)]
    data = "".join(lines).encode("koi8-r", "ignore")
    assert len(sample_of(data)) <= SAMPLE_BYTES
    found, read = accepted(data)
    assert found == Encoding("koi8-r", "detected")
    assert read.encode("koi8-r") == data
    whole = PROSE["ja"].encode("cp932") * 500
    assert accepted(whole) == (Encoding("cp932", "detected"), PROSE["ja"] * 500)


@pytest.mark.parametrize("declared", ["utf-16", "utf-7", "utf-32", "unicode_escape", "cp037"])
def test_a_declaration_that_cannot_be_true_is_ignored(declared) -> None:
    page = f'<html><head><meta charset="{declared}"><title>Café</title></head>The café is open.'
    assert accepted(page.encode("latin-1")) == (Encoding("cp1252", "detected"), page)


def test_a_declaration_that_reads_worse_is_not_believed() -> None:
    page = f'<html><meta charset="koi8-r"><p>{PROSE["he"]}</p></html>'
    assert accepted(page.encode("cp1255")) == (Encoding("cp1255", "detected"), page)
    page = f'<html><meta charset="iso-8859-16"><p>{PROSE["ro"].translate(COMMAS)}</p></html>'
    assert accepted(page.encode("iso8859-16")) == (Encoding("iso8859-16", "declared"), page)


@pytest.mark.parametrize("language", ["ru", "el", "he", "ja", "zh_CN", "ko", "de"])
@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark(language, order) -> None:
    text = PROSE[language].replace(". ", ".\n").replace("。", "。\n")
    assert accepted(text.encode(order)) == (Encoding(order, "nul pattern"), text)


def test_a_mark_before_noise_makes_no_text() -> None:
    chance = random.Random(3)
    noise = bytes(chance.randrange(256) for _ in range(400))
    assert isinstance(detect_encoding(codecs.BOM_UTF16_LE + noise), NotText)


def test_terminal_colours_are_no_japanese() -> None:
    data = b"\x1b[31mred\x1b[0m and \x1b$B plain; a = ~{b} | ~{c}\n"
    assert accepted(data) == (Encoding("utf-8", "utf-8"), data.decode())


CODECS = sorted({*encodings.aliases.aliases.values(), "idna", "punycode", "undefined", "utf_8_sig"})
NO_TEXT_ENCODINGS = {
    "base64_codec", "bz2_codec", "hex_codec", "idna", "mbcs", "oem", "punycode", "quopri_codec",
    "raw_unicode_escape", "rot_13", "undefined", "unicode_escape", "utf_7", "uu_codec",
    "zlib_codec",
}  # fmt: skip


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "body", [b"x = 'caf\xe9'\n", b"x = '\\ud83d \\x41 +AOk-'\n", b"\x81\x8d=41"]
)
def test_whatever_codec_is_declared_the_text_is_sound(codec, body) -> None:
    data = b"# -*- coding: " + codec.encode() + b" -*-\n" + body
    found = detect_encoding(data)
    if isinstance(found, Encoding):
        assert codecs.lookup(found.name).name in text_encodings()
        assert decode_text(data, found.name).encode(found.name) == data
    if codec in NO_TEXT_ENCODINGS:
        assert not isinstance(found, Encoding) or found.source != "declared"


def test_only_text_encodings_are_allowed_and_they_give_their_bytes_back() -> None:
    for name in text_encodings():
        text = "plain text, 1 + 1 = 2\n"
        assert text.encode(name).decode(name) == text
        assert name.replace("-", "_") not in NO_TEXT_ENCODINGS


def sound(data: bytes) -> None:
    found = detect_encoding(data)
    if isinstance(found, NotText):
        assert found.detail
        return
    text = decode_text(data, found.name)
    text.encode("utf-8")
    assert detect_encoding(data) == found
    if "replaced" not in found.source:
        assert data.decode(found.name) == text
        # some encodings spell a character in two ways
        assert text.encode(found.name).decode(found.name) == text
    else:
        assert "\ufffd" in text


@fuzz
@given(st.binary(max_size=400))
def test_any_bytes_are_text_or_a_reason(data: bytes) -> None:
    sound(data)


@fuzz
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=12),
            st.sampled_from(
                [text[:60].encode(PAGES[name][0], "replace") for name, text in PROSE.items()]
            ),
            st.sampled_from([text[:60].encode() for text in PROSE.values()]),
            st.sampled_from(
                [b"\x1b$B", b"\x1b(B", b"~{", b"~}", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf"]
            ),
            st.sampled_from(CODECS).map(lambda name: b"# coding: " + name.encode() + b"\n"),
            st.sampled_from(CODECS).map(lambda name: b"<meta charset=" + name.encode() + b">"),
        ),
        max_size=12,
    )
)
def test_any_mixture_of_texts_is_text_or_a_reason(parts: list[bytes]) -> None:
    sound(b"".join(parts))
