"""How often text in legacy encodings is read right, read wrong or refused, beside other detectors.

``python -m benchmarks encodings [--catalogues FOLDER] [--json FILE]``: prose in 30 languages, each
in the code pages that it was written in, in passages of two lengths and of a single sentence part;
near UTF-8 and noise; and what the recognition costs. Text counts as right when it is the same text,
whatever the code page is called. With ``--catalogues``, a folder of installed programs' message
catalogues (``<language>/LC_MESSAGES/<program>.mo``), passages of the programs that no statistics
were fitted on are read as well, in more languages.
"""

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import _catalogues
from benchmarks._output import table, write_json
from benchmarks.fit_letter_pairs import windows_vietnamese
from orchestration_assets.text.encodings.detection import Encoding, decode_text, detect_encoding

_LENGTHS: Final = {"short": 60, "long": 600}
_PASSAGES: Final = 4
_NOISE: Final = 400
# share of a passage's characters that a code page may lack: they are left out
_LEFT_OUT: Final = 0.03
_COMMAS: Final = str.maketrans("şţŞŢ", "șțȘȚ")
_CEDILLAS: Final = str.maketrans("șțȘȚ", "şţŞŢ")
_WESTERN: Final = "cp1252 iso8859-1 iso8859-15 cp850 mac-roman"
PAGES: Final = {
    language: pages.split()
    for languages, pages in (
        ("en fr es it pt", _WESTERN + " cp437"),
        ("de", _WESTERN + " cp437"),
        ("nl ca gl sq ga", "cp1252 iso8859-1"),
        ("sv fi", _WESTERN),
        ("da nb", _WESTERN + " cp865"),
        ("is", "cp1252 iso8859-1 cp861"),
        ("pl cs", "cp1250 iso8859-2 cp852 mac-latin2"),
        ("sk hu hr", "cp1250 iso8859-2 cp852"),
        ("sl", "cp1250 iso8859-2"),
        ("ro", "cp1250 iso8859-2 iso8859-16"),
        ("ru", "cp1251 koi8-r cp866 iso8859-5 mac-cyrillic cp855"),
        ("uk", "cp1251 koi8-u iso8859-5 cp1125"),
        ("bg", "cp1251 iso8859-5 cp866 mac-cyrillic"),
        ("be mk", "cp1251 iso8859-5"),
        ("sr", "cp1251 iso8859-5 cp855"),
        ("el", "cp1253 iso8859-7 cp737 mac-greek"),
        ("tr", "cp1254 iso8859-9 cp857 mac-turkish"),
        ("lt lv", "cp1257 iso8859-13 iso8859-4 cp775"),
        ("et", "cp1257 cp1252 iso8859-15 iso8859-13"),
        ("he", "cp1255 iso8859-8 cp862"),
        ("ar", "cp1256 iso8859-6"),
        ("th", "cp874 iso8859-11"),
        ("vi", "cp1258"),
        ("kk", "kz1048"),
        ("eo", "iso8859-3"),
        ("ja", "cp932 shift_jis euc_jp iso2022_jp"),
        ("zh_CN", "gb2312 gbk gb18030 hz"),
        ("zh_TW", "big5 cp950 gb18030"),
        ("ko", "euc_kr cp949 johab"),
    )
    for language in languages.split()
}


@dataclass(frozen=True, slots=True)
class Case:
    """A text as bytes of an encoding."""

    language: str
    encoding: str
    length: str
    text: str
    data: bytes


def cases_of(language: str, length: str, passage: str) -> Iterator[Case]:
    """A passage in every code page of its language that can hold it and shows in it."""
    for encoding in PAGES[language]:
        data = _spelt(language, encoding, passage).encode(encoding, "ignore")
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            # a shifting encoding that does not end as it begins
            continue
        if not text.isascii() and len(text) >= (1 - _LEFT_OUT) * len(passage):
            yield Case(language, encoding, length, text, data)


def _spelt(language: str, encoding: str, passage: str) -> str:
    """A passage in the spelling of a code page: tones behind letters, cedillas for commas."""
    if language == "vi":
        return windows_vietnamese(passage)
    if language == "ro":
        return passage.translate(_COMMAS if encoding == "iso8859-16" else _CEDILLAS)
    return passage


def prose_cases() -> Iterator[Case]:
    """Each language's paragraph as a whole and in pieces of about 60 characters."""
    path = Path(__file__).with_name("encoding_texts.json")
    for language, text in json.loads(path.read_text("utf-8")).items():
        yield from cases_of(language, "long", text)
        size = _LENGTHS["short"] if " " in text[:60] else 24
        start = 0
        while start < len(text) - size // 2:
            stop = text.find(" ", start + size) if size == _LENGTHS["short"] else start + size
            piece = text[start : stop if stop > 0 else len(text)].strip()
            yield from cases_of(language, "short", piece)
            start = stop if stop > 0 else len(text)


def catalogue_cases(folder: Path) -> Iterator[Case]:
    """Passages of the programs that were held out."""
    chance = random.Random(11)
    for language in PAGES:
        texts = _catalogues.messages(folder, language, _catalogues.HELD_OUT)
        for length, size in _LENGTHS.items():
            for passage in _catalogues.passages(texts, size, _PASSAGES, chance):
                yield from cases_of(language, length, passage)


Reading = Callable[[bytes], str | None]


def ours(data: bytes) -> str | None:
    """The text as this project reads it."""
    found = detect_encoding(data)
    return decode_text(data, found.name) if isinstance(found, Encoding) else None


def normalizer(data: bytes) -> str | None:
    """The text as charset-normalizer's best guess reads it."""
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    return None if best is None else data.decode(best.encoding, "replace")


def measured(cases: Sequence[Case], read: Reading) -> tuple[Counter[str], float]:
    """How many are right, wrong and refused, and the mean time in ms."""
    found: Counter[str] = Counter()
    started = time.perf_counter()
    for case in cases:
        text = read(case.data)
        found["refused" if text is None else "right" if text == case.text else "wrong"] += 1
    return found, 1000 * (time.perf_counter() - started) / max(len(cases), 1)


def nearly_utf8() -> list[Case]:
    """UTF-8 with one byte of another code page somewhere."""
    chance = random.Random(5)
    path = Path(__file__).with_name("encoding_texts.json")
    cases = []
    for language, text in json.loads(path.read_text("utf-8")).items():
        data = text.encode()
        for _ in range(_PASSAGES):
            # between characters, so that one byte and no more is none of UTF-8
            place = len(text[: chance.randrange(len(text))].encode())
            broken = data[:place] + b"\xe9" + data[place:]
            if broken[place + 1 : place + 2] < b"\x80":
                cases.append(
                    Case(language, "utf-8", "long", broken.decode("utf-8", "replace"), broken)
                )
    return cases


def noise() -> list[bytes]:
    """Random bytes, at least 40 of them."""
    chance = random.Random(7)
    return [
        bytes(
            chance.randrange(chance.choice((32, 128, 160)), 256)
            for _ in range(chance.choice((40, 300, 3000)))
        )
        for _ in range(_NOISE)
    ]


def main(arguments: Sequence[str]) -> int:
    """Reads every set with every reader and prints what became of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks encodings")
    parser.add_argument("--catalogues", type=Path)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    sets = {"prose": list(prose_cases()), "utf-8, a byte broken": nearly_utf8()}
    if chosen.catalogues is not None:
        sets["messages held out"] = list(catalogue_cases(chosen.catalogues))
    rows, figures = [], {}
    for name, cases in sets.items():
        lengths = sorted({case.length for case in cases}, reverse=True)
        for length in lengths:
            part = [case for case in cases if case.length == length]
            for reader, read in (("this project", ours), ("charset-normalizer", normalizer)):
                found, ms = measured(part, read)
                shares = [found[kind] / len(part) for kind in ("right", "wrong", "refused")]
                rows.append((name, length, reader, len(part), *shares, ms))
                figures[f"{name}, {length}, {reader}"] = dict(
                    zip(("right", "wrong", "refused"), shares, strict=True)
                )
    header = ["texts", "length", "reader", "number", "right", "wrong", "refused", "ms"]
    print(table("legacy encodings", header, rows))
    worst = [
        (case.language, case.encoding, case.length)
        for cases in sets.values()
        for case in cases
        if ours(case.data) not in (None, case.text)
    ]
    if worst:
        print(table("read wrong", ["language", "encoding", "length"], worst))
    random_bytes = noise()
    taken = sum(ours(data) is not None for data in random_bytes)
    print(f"noise taken for text: {taken} of {len(random_bytes)}")
    plain = (
        "Plain words and some ümlauts, 70 bytes a line, as most files are.\n" * 80_000
    ).encode()
    started = time.perf_counter()
    plain.decode("utf-8")
    decoding = time.perf_counter() - started
    started = time.perf_counter()
    detect_encoding(plain)
    recognising = time.perf_counter() - started
    print(f"UTF-8 of {len(plain):,} bytes: {recognising / decoding:.2f} times its decoding")
    figures["noise"] = {"taken": taken, "number": len(random_bytes)}
    write_json(chosen.json, figures)
    return 0
