"""The texts that profiling is measured on: the files of a folder, and content made to hurt."""

import random
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

_LEFT_OUT: Final = frozenset({"site-packages", "dist-packages", "__pycache__", ".git"})
_ORDER_SEED: Final = 11


class CorpusText(NamedTuple):
    """A decoded file."""

    path: str
    text: str
    size_bytes: int


def standard_library() -> Path:
    """Where the running Python keeps its standard library."""
    return Path(sysconfig.get_path("stdlib"))


def texts_of(folder: Path, suffix: str = "", limit: int | None = None) -> list[CorpusText]:
    """The UTF-8 text files below ``folder``, shuffled by a fixed seed; at most ``limit``."""
    paths = [
        path
        for path in sorted(folder.rglob(f"*{suffix}"))
        if path.is_file() and not _LEFT_OUT & set(path.relative_to(folder).parts)
    ]
    random.Random(_ORDER_SEED).shuffle(paths)
    found: list[CorpusText] = []
    for path in paths:
        data = path.read_bytes()
        if data and b"\0" not in data:
            try:
                found.append(CorpusText(str(path.relative_to(folder)), data.decode(), len(data)))
            except UnicodeDecodeError:
                continue
        if len(found) == limit:
            break
    return found


def _sixty_megabytes() -> str:
    line = "2026-11-24T10:00:00Z INFO worker {0} took {1} ms for item {2}, and went on.\n"
    return "".join(line.format(n % 7, n % 997, n) for n in range(900_000))


def _words(count: int, seed: int) -> str:
    rng = random.Random(seed)
    letters = "etaoinshrdlu"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(3000)]
    return " ".join(rng.choices(words, k=count))


def _garbage(count: int, seed: int) -> str:
    marks = [*"(){}[]<>\"'`#/*-+=;:,. \n\t$\\@!&|~^%?", "if ", "def ", "case ", "<<E\n", "a"]
    return "".join(random.Random(seed).choices(marks, k=count))


# suffix of the name -> what hurts there
_HOSTILE: Final[dict[str, Callable[[], str]]] = {
    "60_megabytes.log": _sixty_megabytes,
    "60_megabytes_wide.txt": lambda: "\u6f22\u5b57 \U0001f600 " * 5_000_000,
    "minified.js": lambda: "!function(e){if(a&&b){return a?b:0}e(1,'x')}();" * 110_000,
    "deep.json": lambda: "[" * 100_000 + "]" * 100_000,
    "deep_objects.json": lambda: '{"a":' * 100_000 + "1" + "}" * 100_000,
    "deep_unnamed": lambda: "[" * 100_000,
    "million_headings.md": lambda: "# h\n" * 1_000_000,
    "combining_marks.txt": lambda: "e" + "\u0301" * 500_000,
    "combining_words.txt": lambda: ("e\u0301" * 40 + " ") * 20_000,
    "one_word.txt": lambda: "a" * 10_000_000,
    "one_long_line.txt": lambda: _words(1_500_000, 1),
    "crlf.txt": lambda: "a line\r\n\r\r\n\n\rof text\r" * 200_000,
    "lone_returns.md": lambda: "# title\r- item\r" * 200_000,
    "byte_order_marks.txt": lambda: "\ufeff" * 400_000,
    "byte_order_marks.py": lambda: "\ufeffx = 1\n" * 100_000,
    "deep.html": lambda: "<!doctype html>" + "<div>" * 300_000,
    "deep_inline.html": lambda: "<b><i><u><s>" * 100_000,
    "wide_table.md": lambda: ("|a" * 2_000 + "|\n") * 500,
    "long_table.md": lambda: "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 500_000,
    "wide_table.html": lambda: "<table><tr>" + "<td>1</td>" * 500_000,
    "open_fences.md": lambda: "```py\n~~~\n" * 200_000,
    "open_links.md": lambda: "[" * 300_000 + "](" * 300_000,
    "emphasis.md": lambda: "*a _b **" * 200_000,
    "quotes.md": lambda: ">" * 500_000,
    "comment_openers.c": lambda: "/*" * 500_000,
    "quote_openers.py": lambda: "'''\"\"\"'" * 200_000,
    "parentheses.py": lambda: "(" * 500_000,
    "brackets_and_lines.py": lambda: "(\n" * 300_000,
    "not.py": lambda: "not " * 300_000,
    "generics.java": lambda: "a<" * 300_000,
    "arrows.ts": lambda: "a=>" * 300_000,
    "templates.ts": lambda: "`${" * 300_000,
    "macros.h": lambda: "A(B) C D(E F) G;\n" * 60_000,
    "angles.sh": lambda: "</`" * 300_000,
    "here_documents.sh": lambda: "<<E\n" * 300_000,
    "here_document.rb": lambda: f"x = <<~{'A' * 300}\n  a\n" * 3_000,
    "nuls.sh": lambda: "\0" * 300_000,
    "indented.yaml": lambda: "".join(" " * (n % 900) + "a:\n" for n in range(20_000)),
    "dashes.yaml": lambda: "- " * 300_000,
    "flow.yaml": lambda: "[{a: " * 200_000,
    "selectors.css": lambda: ":,{}" * 200_000,
    "rust_lifetimes.rs": lambda: "'a" * 300_000,
    "garbage.go": lambda: _garbage(200_000, 2),
    "garbage.rs": lambda: _garbage(200_000, 3),
    "garbage.rb": lambda: _garbage(200_000, 4),
    "garbage.sh": lambda: _garbage(200_000, 5),
    "garbage.cpp": lambda: _garbage(200_000, 6),
    "garbage.js": lambda: _garbage(200_000, 7),
    "garbage.unknown": lambda: _garbage(200_000, 8),
    "assignments.env": lambda: "password = '" * 200_000,
    "token.txt": lambda: "token" * 400_000,
    "near_keys.txt": lambda: "AKIA" * 300_000 + " eyJ" * 100_000 + "sk-" * 100_000,
    "digits.txt": lambda: "1234 " * 500_000,
    "mail.txt": lambda: "a@a." * 500_000,
    "at_signs.txt": lambda: "@" * 1_000_000,
    "addresses.txt": lambda: "http://" * 300_000,
    "placeholders.md": lambda: "{{" * 300_000 + "{%" * 300_000,
    "tags.md": lambda: "<a" * 500_000,
    "spaces.txt": lambda: " " * 2_000_000,
    "spaces_in_lines.txt": lambda: (" " * 5_000 + "\n") * 400,
    "line_ends.txt": lambda: "\n" * 2_000_000,
    "dots.txt": lambda: ". " * 1_000_000,
    "surrogates.html": lambda: "<p>\ud800" * 100_000,
    "right_to_left.txt": lambda: "\u202e\u05d0\u05d1\u200f " * 200_000,
    "notebook_open.ipynb": lambda: '{"cells":[{"cell_type":"code","source":["' * 50_000,
    "notebook_large.ipynb": lambda: (
        '{"cells":['
        + ",".join(
            '{"cell_type":"code","outputs":[{"data":"'
            + "iVBORw0KGgo" * 20_000
            + '"}],"source":["x = 1\\n","y = x\\n"]}'
            for _ in range(40)
        )
        + '],"nbformat":4}'
    ),
    "rows.csv": lambda: "1,2,3,4\n" * 500_000,
    "one_row.csv": lambda: "1," * 2_000_000,
}


def hostile_texts() -> Iterator[CorpusText]:
    """Content that a careless profiler takes seconds for, one text at a time."""
    for name, build in _HOSTILE.items():
        text = build()
        yield CorpusText(name, text, len(text.encode("utf-8", "surrogatepass")))


_MARKS: Final = (
    *"<>{}[]()'\"`#/*-+=;:,.|@$\\!&~^%?_",
    *("\n", "\n\n", " ", "\t", "\r", "\0", "a", "a b", "1,", "=>", "if ", "def f():\n", "class A{"),
    *("</", "<!--", "-->", "<div>", "</div>", "<b>", "<a href=x>", "<p>", "<ul><li>", "<td>"),
    *("<table>", "<script>", "<svg>", "&amp;", "<![CDATA[", "<?", "```\n", "~~~\n", "**", "]("),
    *(
        "'''",
        '"""',
        "//",
        "/*",
        "*/",
        "- ",
        "> ",
        "# a\n",
        "1. ",
        "{{",
        "{%",
        "::",
        "<<E\n",
        "case ",
    ),
    *("a@b.c", "http://", "${", "password=", "AKIA", "sk-", "+1 ", "4111 1111", "-----BEGIN"),
    *("\u0301", "\u6f22", "\ud800", "\u00e9", "\u202e", "\ufeff"),
)
_ENDINGS: Final = (
    "html md txt py js ts c cpp h go rs java rb sh json yaml css ipynb csv xml rst".split()
)
_HEADS: Final = ("", "", "<!doctype html>", "# t\n", '{"cells": [{"cell_type":')


def chance_texts(count: int, seed: int = 5) -> Iterator[CorpusText]:
    """Texts made of a few marks that come again and again, or of many in no order."""
    random_ = random.Random(seed)
    for number in range(count):
        motif = "".join(random_.choices(_MARKS, k=random_.choice((1, 2, 3, 4, 6, 10))))
        size = random_.choice((20_000, 300_000, 1_500_000))
        mixed = random_.random() < 0.3
        body = (
            "".join(random_.choices(_MARKS, k=size // 4)) if mixed else motif * (size // len(motif))
        )
        text = random_.choice(_HEADS) + body
        name = f"{number}.{_ENDINGS[number % len(_ENDINGS)]}"
        yield CorpusText(name, text, len(text.encode("utf-8", "surrogatepass")))
